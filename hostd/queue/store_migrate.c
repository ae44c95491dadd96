/* Bringing the record to this release: numbered steps, each in its transaction, after a whole copy. */
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "hostd/queue/store_internal.h"
#include "schemas/errors.h"

#include "migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x4d494e54 /* "MINT", pragma application_id */ };

static const struct {
	const char *name;
	const char *sql;
} migrations[] = {
#define ROW(name, sql) { name, sql },
	MIGRATIONS(ROW)
#undef ROW
};

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
int
store_name_file(const char *written, const char *name)
{
	int fd = open(written, O_RDONLY | O_CLOEXEC), r = fd >= 0 && fsync(fd) == 0 && rename(written, name) == 0 ? 0 : MINT_STORAGE;
	char *parent = strdup(name);
	int directory = parent ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (r == 0 && (directory < 0 || fsync(directory) != 0))
		r = MINT_STORAGE;
	if (r != 0)
		log_error("%s: %s: %s", name, strerror(errno), error_info(r)->next[MINT_EN]);
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
	r = store_sql(store, sql);
	if (r == 0)
		r = store_name_file(written, copy);
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
	r = store_sql(store, "BEGIN IMMEDIATE");
	if (r == 0)
		r = store_sql(store, migrations[number - 1].sql);
	if (r == 0)
		r = check_references(store, migrations[number - 1].name);
	if (r == 0)
		r = store_sql(store, set);
	if (r == 0)
		r = store_sql(store, "COMMIT");
	if (r != 0) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	} else {
		seam(SEAM_COMMITTED);
		log_info("database: migration %s", migrations[number - 1].name);
	}
	return r;
}

int
store_migrate(struct store *store, const char *path)
{
	int version = pragma_number(store, "PRAGMA user_version");
	int owner = pragma_number(store, "PRAGMA application_id");
	int tables = pragma_number(store, "SELECT count(*) FROM sqlite_schema");
	int r = 0;
	char mark[64];

	if (version < 0 || tables < 0)
		return store_error(store, path);
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
		r = store_sql(store, mark);
	else if (version < MIGRATION_COUNT)
		r = back_up(store, path, version);
	if (r == 0)
		r = store_sql(store, "PRAGMA foreign_keys = OFF");
	while (r == 0 && version < MIGRATION_COUNT)
		r = migrate_one(store, ++version);
	return r == 0 ? store_sql(store, "PRAGMA foreign_keys = ON") : r;
}
