/* Opening the record: what is there is looked at before it is trusted, what is not there is made. */
#include "hostd/base/log.h"
#include "hostd/queue/damage.h"
#include "hostd/queue/store_internal.h"
#include "schemas/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000, DETAIL_BYTES = 5000, WHOLE_CHECK_BYTES = 256 << 20 };

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
			r = store_error(store, *sql);
		} else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0) {
			log_error("%s: %s: %s", path, (const char *)sqlite3_column_text(statement, 0), error_info(MINT_DAMAGED)->next[MINT_EN]);
			store->trouble = r = MINT_DAMAGED;
		}
		sqlite3_finalize(statement);
	}
	return r;
}

/* One thread, one connection: SQLite's locks and its accounts of memory serve nobody. Too late, and without effect, where the library is
 * in use already. */
static void
go_without_locks(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int
open_file(struct store *store, const char *path)
{
	go_without_locks();
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		log_error("%s: %s: are directory and rights as they should be?", path,
		    store->db ? sqlite3_errmsg(store->db) : "out of memory");
		return MINT_STORAGE;
	}
	sqlite3_busy_timeout(store->db, BUSY_MS);
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 1200, 300); /* a busy turn's small pieces, without malloc */
	return store_sql(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -8000; PRAGMA trusted_schema = OFF");
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
		r = store_migrate(store, unfinished);
	store_close(&store); /* the last to close folds the write-ahead log in */
	if (r == 0)
		r = store_name_file(unfinished, path);
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
		r = store_migrate(store, path);
	return r == 0 ? check_pages(store, path) : r;
}

/* What a message's part overwrites is kept until the commit, to take it back; beyond 64 kB SQLite would do that in a file, which took a
 * tenth of a busy turn. A turn is bounded (queue.c), and so is this. Only now: a migration may sort more than fits. */
static int
keep_parts_in_memory(struct store *store)
{
	return store_sql(store, "PRAGMA temp_store = MEMORY");
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
		r = keep_parts_in_memory(store);
	if (r == 0)
		r = store_prepare(store);
	/* What a power cut left of a write-ahead log is in the record now; a later look at it finds none of it (damage.c). A reader that
	 * keeps it from being emptied does no harm. */
	if (r == 0) {
		damage_expect(path);
		sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		*place = store;
	} else {
		r = store->trouble && r == MINT_STORAGE ? store->trouble : r;
		store_close(&store);
	}
	return r;
}
