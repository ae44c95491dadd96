#include "hostd/queue/store_internal.h"
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "schemas/errors.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int         writes;
	const char *sql;
} list[] = {
#define ROW(name, caller, writes, sql) { #name, writes, sql },
	QUEUE_STATEMENTS(ROW)
#undef ROW
};

/* --- errors */

static int
trouble_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return MINT_DISK_FULL;
	case SQLITE_IOERR: /* no room for the -shm */
		return code == SQLITE_IOERR_SHMSIZE ? MINT_DISK_FULL : MINT_STORAGE;
	case SQLITE_BUSY: /* another process holds it */
	case SQLITE_LOCKED:
		return MINT_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return MINT_DAMAGED;
	default:
		return MINT_STORAGE;
	}
}

int
store_error(struct store *store, const char *what)
{
	int code = sqlite3_extended_errcode(store->db);

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return MINT_EXISTS;
	store->trouble = trouble_of(code);
	log_error("%s: %s: %s: %s", sqlite3_db_filename(store->db, "main"), what, sqlite3_errmsg(store->db),
	    error_info(store->trouble)->next[MINT_EN]);
	/* A constraint spoils one message's part; anything else (disk full, read error, damage) the whole transaction. */
	if ((code & 0xff) != SQLITE_CONSTRAINT)
		store->broken = 1;
	return MINT_STORAGE;
}

int
store_sql(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_error(store, sql);
}

/* --- the connection */

int
store_prepare(struct store *store)
{
	for (int i = 0; i < QUEUE_STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL)
		    != SQLITE_OK)
			return store_error(store, list[i].name);
	return 0;
}

void
store_close(struct store **place)
{
	struct store *store = *place;

	*place = NULL;
	if (!store)
		return;
	for (int i = 0; i < QUEUE_STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	if (store->trouble == MINT_DAMAGED) /* nothing of the write-ahead log goes into a damaged file */
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(store->db);
	free(store);
}

/* --- statements */

static int
bind_one(sqlite3_stmt *s, int n, char type, va_list *arguments)
{
	const struct blob *blob;
	const char *text;

	switch (type) {
	case 'd':
		return sqlite3_bind_int(s, n, va_arg(*arguments, int));
	case 'i':
		return sqlite3_bind_int64(s, n, va_arg(*arguments, int64_t));
	case 's':
		text = va_arg(*arguments, const char *);
		return text ? sqlite3_bind_text(s, n, text, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(s, n);
	case 'b':
		blob = va_arg(*arguments, const struct blob *);
		if (!blob)
			return sqlite3_bind_null(s, n);
		/* The database takes a blob of no bytes at address NULL for NULL. */
		return sqlite3_bind_blob(s, n, blob->length ? (const void *)blob->data : "", (int)blob->length, SQLITE_TRANSIENT);
	default:
		return SQLITE_MISUSE;
	}
}

static int
bind_all(struct store *store, enum queue_statement statement, const char *types, va_list *arguments)
{
	sqlite3_stmt *s = store->statements[statement];

	sqlite3_reset(s);
	/* A parameter forgotten or one too many is a bug of the caller's, found by the first test that comes here. */
	assert((size_t)sqlite3_bind_parameter_count(s) == strlen(types));
	for (int n = 1; types[n - 1]; n++)
		if (bind_one(s, n, types[n - 1], arguments) != SQLITE_OK)
			return store_error(store, list[statement].name);
	return 0;
}

static int
open_transaction(struct store *store)
{
	if (store->open)
		return 0;
	if (store_sql(store, "BEGIN IMMEDIATE") != 0)
		return MINT_STORAGE;
	store->open = 1;
	return 0;
}

static int
step(struct store *store, enum queue_statement statement)
{
	sqlite3_stmt *s = store->statements[statement];
	int r = sqlite3_step(s);

	if (r == SQLITE_ROW)
		return 0;
	if (r == SQLITE_DONE) {
		sqlite3_reset(s);
		return MINT_NOT_FOUND;
	}
	r = store_error(store, list[statement].name);
	sqlite3_reset(s);
	return r;
}

int
store_run(struct store *store, enum queue_statement statement, const char *types, ...)
{
	va_list arguments;
	int r;

	if (store->broken || (list[statement].writes && open_transaction(store) != 0))
		return MINT_STORAGE;
	va_start(arguments, types);
	r = bind_all(store, statement, types, &arguments);
	va_end(arguments);
	while (r == 0)
		r = step(store, statement);
	return r == MINT_NOT_FOUND ? 0 : r;
}

int64_t
store_last_id(const struct store *store)
{
	return sqlite3_last_insert_rowid(store->db);
}

int
store_changes(const struct store *store)
{
	return sqlite3_changes(store->db);
}

static int
get(struct store *store, enum queue_statement statement, const char *types, va_list *arguments)
{
	int r;

	if (store->broken || (list[statement].writes && open_transaction(store) != 0))
		return MINT_STORAGE;
	r = bind_all(store, statement, types, arguments);
	return r == 0 ? step(store, statement) : r;
}

int
store_get(struct store *store, enum queue_statement statement, const char *types, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, types);
	r = get(store, statement, types, &arguments);
	va_end(arguments);
	return r;
}

int
store_next(struct store *store, enum queue_statement statement)
{
	return step(store, statement);
}

void
store_done(struct store *store, enum queue_statement statement)
{
	sqlite3_reset(store->statements[statement]);
}

int64_t
store_i64(struct store *store, enum queue_statement statement, int column)
{
	return sqlite3_column_int64(store->statements[statement], column);
}

const char *
store_text(struct store *store, enum queue_statement statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(store->statements[statement], column);

	return text ? text : "";
}

struct blob
store_blob(struct store *store, enum queue_statement statement, int column)
{
	sqlite3_stmt *s = store->statements[statement];
	const uint8_t *data = sqlite3_column_blob(s, column);

	return (struct blob){ .data = data, .length = (uint32_t)sqlite3_column_bytes(s, column) };
}

int
store_is_null(struct store *store, enum queue_statement statement, int column)
{
	return sqlite3_column_type(store->statements[statement], column) == SQLITE_NULL;
}

int64_t
store_value(struct store *store, enum queue_statement statement, int64_t none, const char *types, ...)
{
	int64_t value = none;
	va_list arguments;

	va_start(arguments, types);
	if (get(store, statement, types, &arguments) == 0) {
		if (!store_is_null(store, statement, 0))
			value = store_i64(store, statement, 0);
		store_done(store, statement);
	}
	va_end(arguments);
	return value;
}

void
store_copy(struct store *store, enum queue_statement statement, int column, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "%s", store_text(store, statement, column));
}

/* --- the transaction of a turn */

int
store_mark(struct store *store)
{
	assert(!store->marked);
	store->marked = 1;
	store->savepoint = store->open;
	return store->savepoint ? store_run(store, QUEUE_mark, "") : 0;
}

int
store_keep(struct store *store)
{
	int savepoint = store->savepoint;

	store->marked = store->savepoint = 0;
	return savepoint ? store_run(store, QUEUE_keep, "") : 0;
}

void
store_take_back(struct store *store)
{
	int savepoint = store->savepoint, broken = store->broken;

	store->marked = store->savepoint = 0;
	if (savepoint && !broken)
		store_sql(store, "ROLLBACK TO message; RELEASE message");
	else if (!savepoint)
		store_rollback(store);
	store->broken |= broken; /* whoever commits must hear of it: the message of this part was not handled */
}

int
store_is_dirty(const struct store *store)
{
	return store->open;
}

int
store_trouble(const struct store *store)
{
	return store->trouble ? store->trouble : MINT_STORAGE;
}

int
store_commit(struct store *store)
{
	if (!store->open)
		return store->broken ? MINT_STORAGE : 0;
	/* A full disk may have ended the transaction under us: then there is nothing left that could be committed. */
	if (!store->broken && !sqlite3_get_autocommit(store->db) && store_sql(store, "COMMIT") == 0) {
		store->open = 0;
		seam(SEAM_COMMITTED);
		return 0;
	}
	store_rollback(store);
	return MINT_STORAGE;
}

void
store_rollback(struct store *store)
{
	for (int i = 0; i < QUEUE_STATEMENT_COUNT; i++)
		sqlite3_reset(store->statements[i]);
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	store->open = store->broken = store->marked = store->savepoint = 0;
}
