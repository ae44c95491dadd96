#include "hostd/queue/store.h"
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "hostd/queue/damage.h"
#include "schemas/errors.h"

#include "migrations.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x4d494e54 /* "MINT", pragma application_id */, BUSY_MS = 5000 };
enum { DETAIL_BYTES = 5000, WHOLE_CHECK_BYTES = 256 << 20 };

static const struct {
	const char *name;
	int         writes;
	const char *sql;
} list[] = {
#define ROW(name, caller, writes, sql) { #name, writes, sql },
	QUEUE_STATEMENTS(ROW)
#undef ROW
};

static const struct {
	const char *name;
	const char *sql;
} migrations[] = {
#define ROW(name, sql) { name, sql },
	MIGRATIONS(ROW)
#undef ROW
};

struct store {
	sqlite3      *db;
	sqlite3_stmt *statements[QUEUE_STATEMENT_COUNT];
	int           open;       /* a transaction is open: something was written */
	int           marked;     /* inside one message's part */
	int           savepoint;  /* the mark was set inside an open transaction */
	int           trouble;    /* what MINT_STORAGE meant last */
	int           broken;     /* a write or sync failed: the transaction must not be committed */
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
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return MINT_DAMAGED;
	default:
		return MINT_STORAGE;
	}
}

static int
storage_error(struct store *store, const char *what)
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

static int
run_sql(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : storage_error(store, sql);
}

/* --- open, migrate */

static int
pragma_number(struct store *store, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int number = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* The file and its name are on the disk. SQLite does not sync what VACUUM INTO writes. */
static int
sync_copy(const char *written, const char *copy)
{
	int fd = open(written, O_RDONLY | O_CLOEXEC), r = fd >= 0 && fsync(fd) == 0 && rename(written, copy) == 0 ? 0 : MINT_STORAGE;
	char *parent = strdup(copy);
	int directory = parent ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (r == 0 && (directory < 0 || fsync(directory) != 0))
		r = MINT_STORAGE;
	if (r != 0)
		log_error("%s: %s: %s", copy, strerror(errno), error_info(r)->next[MINT_EN]);
	if (fd >= 0)
		close(fd);
	if (directory >= 0)
		close(directory);
	free(parent);
	return r;
}

/* A whole copy beside the database before a migration touches it. One that has its name is whole and of an earlier try at the same
 * migration, made before anything was changed: it is kept. */
static int
back_up(struct store *store, const char *path, int version)
{
	char *copy = sqlite3_mprintf("%s.before-%d", path, version + 1), *written = sqlite3_mprintf("%s.new", copy);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", written);
	int r = MINT_MEMORY;

	if (!copy || !written || !sql)
		goto out;
	if (access(copy, F_OK) == 0) {
		r = 0;
		goto out;
	}
	if (unlink(written) != 0 && errno != ENOENT)
		log_warning("%s: %s", written, strerror(errno)); /* VACUUM says the rest */
	r = run_sql(store, sql);
	if (r == 0)
		r = sync_copy(written, copy);
out:
	sqlite3_free(sql);
	sqlite3_free(written);
	sqlite3_free(copy);
	return r;
}

/* 0 when every reference of the database leads somewhere. */
static int
check_references(struct store *store, const char *migration)
{
	int wrong = pragma_number(store, "SELECT count(*) FROM pragma_foreign_key_check");

	if (wrong == 0)
		return 0;
	log_error("database: migration %s: %d rows would refer to nothing: it is taken back; report this", migration, wrong);
	return MINT_STORAGE;
}

/* Foreign keys are off meanwhile, because dropping a table that is built anew would count as losing all its rows; they are
 * checked, all of them, before the commit. */
static int
migrate_one(struct store *store, int number)
{
	char set[64];
	int r;

	snprintf(set, sizeof set, "PRAGMA user_version = %d", number);
	r = run_sql(store, "BEGIN IMMEDIATE");
	if (r == 0)
		r = run_sql(store, migrations[number - 1].sql);
	if (r == 0)
		r = check_references(store, migrations[number - 1].name);
	if (r == 0)
		r = run_sql(store, set);
	if (r == 0)
		r = run_sql(store, "COMMIT");
	if (r != 0) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	} else {
		seam(SEAM_COMMITTED);
		log_info("database: migration %s", migrations[number - 1].name);
	}
	return r;
}

static int
migrate(struct store *store, const char *path)
{
	int version = pragma_number(store, "PRAGMA user_version");
	int owner = pragma_number(store, "PRAGMA application_id");
	int tables = pragma_number(store, "SELECT count(*) FROM sqlite_schema");
	int r = 0;
	char mark[64];

	if (version < 0 || tables < 0)
		return storage_error(store, path);
	if (tables > 0 && owner != APPLICATION_ID) {
		log_error("%s: is a database of another program: name another file in the configuration", path);
		return MINT_REFUSED;
	}
	if (version > MIGRATION_COUNT) {
		log_error("%s: was made by a newer release (migration %d, this one knows %d): install that release", path,
		    version, MIGRATION_COUNT);
		return MINT_REFUSED;
	}
	snprintf(mark, sizeof mark, "PRAGMA application_id = %d", APPLICATION_ID);
	if (tables == 0)
		r = run_sql(store, mark);
	else if (version < MIGRATION_COUNT)
		r = back_up(store, path, version);
	if (r == 0)
		r = run_sql(store, "PRAGMA foreign_keys = OFF");
	while (r == 0 && version < MIGRATION_COUNT)
		r = migrate_one(store, ++version);
	return r == 0 ? run_sql(store, "PRAGMA foreign_keys = ON") : r;
}

static int
prepare_all(struct store *store)
{
	for (int i = 0; i < QUEUE_STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL)
		    != SQLITE_OK)
			return storage_error(store, list[i].name);
	return 0;
}

/* `mintctl restore` was cut short: what stands here may be half of the old and half of the new. */
static int
check_not_restoring(const char *path)
{
	char *mark = sqlite3_mprintf("%s.restoring", path);
	int r = !mark ? MINT_MEMORY : access(mark, F_OK) == 0 ? MINT_REFUSED : 0;

	if (r == MINT_REFUSED)
		log_error("%s: a restore was interrupted: run `mintctl restore` again; nothing starts before it is done", path);
	sqlite3_free(mark);
	return r;
}

/* Every page of a record of up to 256 MB, which takes about a second; of a larger one the pages that every start needs. There a
 * damaged page elsewhere is found when it is read: SQLite checks each page it comes to, and damage at any time stops the work. The
 * backup of each night reads them all. */
static int
check_pages(struct store *store, const char *path)
{
	static const char *const small[] = { "PRAGMA quick_check(bay)", "PRAGMA quick_check(fact)", "PRAGMA quick_check(operator)", NULL };
	static const char *const all[] = { "PRAGMA quick_check(1)", NULL };
	struct stat status;
	int is_small = stat(path, &status) == 0 && status.st_size <= WHOLE_CHECK_BYTES, r = 0;

	for (const char *const *sql = is_small ? all : small; *sql && r == 0; sql++) {
		sqlite3_stmt *statement = NULL;

		if (sqlite3_prepare_v2(store->db, *sql, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) {
			r = storage_error(store, *sql);
		} else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0) {
			log_error("%s: %s: %s", path, (const char *)sqlite3_column_text(statement, 0), error_info(MINT_DAMAGED)->next[MINT_EN]);
			store->trouble = r = MINT_DAMAGED;
		}
		sqlite3_finalize(statement);
	}
	return r;
}

static int
open_file(struct store *store, const char *path)
{
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		log_error("%s: %s: are directory and rights as they should be?", path,
		    store->db ? sqlite3_errmsg(store->db) : "out of memory");
		return MINT_STORAGE;
	}
	sqlite3_busy_timeout(store->db, BUSY_MS);
	sqlite3_extended_result_codes(store->db, 1);
	return run_sql(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF");
}

/* A new record is made under another name: whoever finds an empty file under the record's knows that something is lost. */
static int
make_new(const char *path)
{
	struct store *store = calloc(1, sizeof *store);
	char *unfinished = sqlite3_mprintf("%s.new", path), *wal = sqlite3_mprintf("%s.new-wal", path);
	int r = store && unfinished && wal ? 0 : MINT_MEMORY;

	if (r == 0 && ((unlink(unfinished) != 0 && errno != ENOENT) || (unlink(wal) != 0 && errno != ENOENT)))
		log_warning("%s: %s", unfinished, strerror(errno));
	if (r == 0)
		r = open_file(store, unfinished);
	if (r == 0)
		r = migrate(store, unfinished);
	store_close(&store); /* the last to close folds the write-ahead log in */
	if (r == 0)
		r = sync_copy(unfinished, path);
	sqlite3_free(wal);
	sqlite3_free(unfinished);
	return r;
}

static int
open_sound(struct store *store, const char *path)
{
	char why[DETAIL_BYTES];
	int r = check_not_restoring(path);

	if (r != 0)
		return r;
	r = damage_look(path, why, sizeof why);
	if (r != 0) {
		log_error("%s: %s", why, error_info(r)->next[MINT_EN]);
		return r;
	}
	if (access(path, F_OK) != 0)
		r = make_new(path);
	if (r == 0)
		r = open_file(store, path);
	if (r == 0)
		r = migrate(store, path);
	return r == 0 ? check_pages(store, path) : r;
}

int
store_open(const char *path, struct store **place)
{
	struct store *store = calloc(1, sizeof *store);
	int r;

	*place = NULL;
	if (!store)
		return MINT_MEMORY;
	r = open_sound(store, path);
	if (r == 0)
		r = prepare_all(store);
	/* What a power cut left of a write-ahead log is in the record now; a later look at it finds none of it (damage.c). A reader that
	 * keeps it from being emptied does no harm. */
	if (r == 0) {
		sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		*place = store;
	} else {
		r = store->trouble && r == MINT_STORAGE ? store->trouble : r;
		store_close(&store);
	}
	return r;
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
			return storage_error(store, list[statement].name);
	return 0;
}

static int
open_transaction(struct store *store)
{
	if (store->open)
		return 0;
	if (run_sql(store, "BEGIN IMMEDIATE") != 0)
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
	r = storage_error(store, list[statement].name);
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
	return store->savepoint ? run_sql(store, "SAVEPOINT message") : 0;
}

int
store_keep(struct store *store)
{
	int savepoint = store->savepoint;

	store->marked = store->savepoint = 0;
	return savepoint ? run_sql(store, "RELEASE message") : 0;
}

void
store_take_back(struct store *store)
{
	int savepoint = store->savepoint, broken = store->broken;

	store->marked = store->savepoint = 0;
	if (savepoint && !broken)
		run_sql(store, "ROLLBACK TO message; RELEASE message");
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
	if (!store->broken && !sqlite3_get_autocommit(store->db) && run_sql(store, "COMMIT") == 0) {
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
