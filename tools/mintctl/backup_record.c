#include "backup_sql.h"
#include "migrations.h"
#include "schemas/errors.h"
#include "tools/mintctl/backup.h"
#include "tools/mintctl/screen.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x4d494e54 /* "MINT" */, BUSY_MS = 5000, STEP_PAGES = 4096 };

static const struct {
	const char *sql;
} statements[] = {
#define ROW(name, caller, writes, sql) { sql },
	BACKUP_STATEMENTS(ROW)
#undef ROW
};

static int
wrong(sqlite3 *db, char *detail)
{
	const char *path = db ? sqlite3_db_filename(db, "main") : "";

	snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", path ? path : "", db ? sqlite3_errmsg(db) : "no memory");
	return MINT_STORAGE;
}

int
record_open(const char *path, sqlite3 **db, char *detail)
{
	*db = NULL;
	if (access(path, F_OK) != 0) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s", path);
		return MINT_NOT_FOUND;
	}
	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		wrong(*db, detail);
		sqlite3_close(*db);
		*db = NULL;
		return MINT_STORAGE;
	}
	sqlite3_busy_timeout(*db, BUSY_MS);
	return 0;
}

sqlite3_stmt *
record_ask(sqlite3 *db, int statement, char *detail)
{
	sqlite3_stmt *asked = NULL;

	if (sqlite3_prepare_v2(db, statements[statement].sql, -1, &asked, NULL) != SQLITE_OK)
		wrong(db, detail);
	return asked;
}

int
record_number(sqlite3 *db, int statement, int64_t *number, char *detail)
{
	sqlite3_stmt *asked = record_ask(db, statement, detail);
	int r = 0;

	if (asked && sqlite3_step(asked) == SQLITE_ROW)
		*number = sqlite3_column_int64(asked, 0);
	else
		r = wrong(db, detail);
	sqlite3_finalize(asked);
	return r;
}

/* Of which program and of which release. */
static int
describe_owner(sqlite3 *db, json_t *facts, char *detail)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_owner, detail);
	int r = 0, owner, version;

	if (!asked || sqlite3_step(asked) != SQLITE_ROW) {
		sqlite3_finalize(asked);
		return wrong(db, detail);
	}
	owner = sqlite3_column_int(asked, 0);
	version = sqlite3_column_int(asked, 1);
	if (owner != APPLICATION_ID || version < 1) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", sqlite3_db_filename(db, "main"),
		    say("is not the record of a bench", "不是制证台的数据库"));
		r = MINT_REFUSED;
	} else if (version > MIGRATION_COUNT) {
		snprintf(detail, BACKUP_DETAIL_BYTES, say("%s: was made by a newer release (migration %d, this one knows %d): install that release",
		    "%s：由更新的版本创建（迁移 %d，本版本为 %d），请安装该版本"), sqlite3_db_filename(db, "main"), version, MIGRATION_COUNT);
		r = MINT_REFUSED;
	}
	json_object_set_new(facts, "migration", json_integer(version));
	sqlite3_finalize(asked);
	return r;
}

static int
count_rows(sqlite3 *db, const char *sql, int64_t *count)
{
	sqlite3_stmt *asked = NULL;
	int counted = sqlite3_prepare_v2(db, sql, -1, &asked, NULL) == SQLITE_OK && sqlite3_step(asked) == SQLITE_ROW;

	*count = counted ? sqlite3_column_int64(asked, 0) : 0;
	return sqlite3_finalize(asked) == SQLITE_OK && counted;
}

static int
describe_rows(sqlite3 *db, json_t *facts, char *detail)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_tables, detail);
	json_t *rows = json_object();
	int64_t count;
	int r = asked ? SQLITE_ROW : SQLITE_ERROR;

	while (r == SQLITE_ROW && (r = sqlite3_step(asked)) == SQLITE_ROW) {
		if (!count_rows(db, (const char *)sqlite3_column_text(asked, 1), &count))
			r = SQLITE_ERROR;
		json_object_set_new(rows, (const char *)sqlite3_column_text(asked, 0), json_integer(count));
	}
	json_object_set_new(facts, "rows", rows);
	r = r == SQLITE_DONE ? 0 : wrong(db, detail);
	sqlite3_finalize(asked);
	return r;
}

static int
describe_events(sqlite3 *db, json_t *facts, char *detail)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_newest_event, detail);
	int r = MINT_STORAGE;

	if (asked && sqlite3_step(asked) == SQLITE_ROW) {
		json_object_set_new(facts, "event", json_integer(sqlite3_column_int64(asked, 0)));
		json_object_set_new(facts, "event_at", json_integer(sqlite3_column_int64(asked, 1)));
		r = 0;
	} else {
		wrong(db, detail);
	}
	sqlite3_finalize(asked);
	return r;
}

int
record_describe(sqlite3 *db, json_t **facts, char *detail)
{
	int r;

	*facts = json_object();
	r = describe_owner(db, *facts, detail);
	if (r == 0)
		r = describe_rows(db, *facts, detail);
	return r == 0 ? describe_events(db, *facts, detail) : r;
}

int
record_check(sqlite3 *db, char *detail)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_integrity, detail);
	int64_t references = 0;
	int r = MINT_STORAGE;

	if (!asked || sqlite3_step(asked) != SQLITE_ROW) {
		wrong(db, detail);
	} else if (strcmp((const char *)sqlite3_column_text(asked, 0), "ok") != 0) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", sqlite3_db_filename(db, "main"), (const char *)sqlite3_column_text(asked, 0));
	} else {
		r = record_number(db, BACKUP_references, &references, detail);
	}
	sqlite3_finalize(asked);
	if (r == 0 && references != 0) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s: %lld", sqlite3_db_filename(db, "main"),
		    say("rows that refer to nothing", "引用不存在对象的行数"), (long long)references);
		r = MINT_STORAGE;
	}
	return r;
}

static int
copy_pages(sqlite3 *from, sqlite3 *to, void (*tell)(int done, int all))
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int r = SQLITE_OK;

	while (backup && r == SQLITE_OK) {
		r = sqlite3_backup_step(backup, STEP_PAGES);
		if (tell)
			tell(sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup), sqlite3_backup_pagecount(backup));
	}
	return backup ? sqlite3_backup_finish(backup) : sqlite3_errcode(to);
}

/* The copy's header says WAL, as the original's does: as one file it needs no other beside it. SQLite syncs what it writes. */
int
record_copy(sqlite3 *from, const char *path, void (*tell)(int done, int all), char *detail)
{
	sqlite3 *to = NULL;
	int r = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_exec(to, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = copy_pages(from, to, tell);
	if (r == SQLITE_OK)
		r = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (r != SQLITE_OK)
		wrong(to, detail);
	sqlite3_close(to);
	return r == SQLITE_OK ? 0 : MINT_STORAGE;
}
