/* mintctl backup: the record and the CA's files of a bench, whole, beside a running one. What it writes is read again before it has
 * its name: a directory of that name is a good backup or is not there. */
#include "tools/mintctl/backup.h"
#include "backup_sql.h"
#include "hostd/base/config.h"
#include "hostd/base/keep.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct backup {
	struct run *run;
	const struct config *config;
	char        path[PATH_MAX], unfinished[PATH_MAX + 8];
	int         directory, ca_from, ca_to;
	json_t     *facts;
	int64_t     log_bytes;      /* of the CA's issue log before the record was copied */
	char        detail[BACKUP_DETAIL_BYTES];
};

/* On a terminal alone. */
static void
tell_progress(int done, int all)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%3d%%%s", all ? (int)(100LL * done / all) : 100, done == all ? "\n" : "");
}

static int
failed(struct backup *backup, const char *name)
{
	snprintf(backup->detail, sizeof backup->detail, "%s/%s: %s", backup->unfinished, name, system_text(errno));
	return MINT_STORAGE;
}

/* --- the record */

static int
copy_record(struct backup *backup)
{
	char path[PATH_MAX + 32];
	sqlite3 *db = NULL;
	int r = record_open(backup->config->database, &db, backup->detail);

	snprintf(path, sizeof path, "%s/" BACKUP_RECORD, backup->unfinished);
	/* One moment for the copy and for what is counted to compare with it, however long it takes and whatever is written meanwhile. */
	if (r == 0 && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		r = MINT_STORAGE;
	if (r == 0)
		r = record_describe(db, &backup->facts, backup->detail);
	if (r == 0)
		r = record_copy(db, path, backup->run->json ? NULL : tell_progress, backup->detail);
	sqlite3_close(db);
	return r;
}

/* --- the CA */

/* What is signed later is behind this byte of its log. */
static int
begin_ca(struct backup *backup)
{
	struct stat status;

	backup->ca_from = directory_open(AT_FDCWD, backup->config->ca_directory, 0);
	if (backup->ca_from < 0 || fstatat(backup->ca_from, "issued.log", &status, 0) != 0) {
		snprintf(backup->detail, sizeof backup->detail, "%s: %s", backup->config->ca_directory, system_text(errno));
		return MINT_NOT_FOUND;
	}
	backup->log_bytes = status.st_size;
	return 0;
}

static int
copy_ca(struct backup *backup)
{
	json_t *names = file_names(backup->ca_from), *name;
	int r = names ? 0 : failed(backup, BACKUP_CA);
	size_t i;

	backup->ca_to = directory_open(backup->directory, BACKUP_CA, 0700);
	if (backup->ca_to < 0)
		r = failed(backup, BACKUP_CA);
	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		/* The passphrase of a demonstration lies beside its key: not in a backup. */
		if (r == 0 && strcmp(text, "passphrase") != 0 && file_copy(backup->ca_from, text, backup->ca_to, text, strcmp(text, "issued.log") == 0) != 0)
			r = failed(backup, text);
	}
	json_decref(names);
	return r == 0 && fsync(backup->ca_to) != 0 ? failed(backup, BACKUP_CA) : r;
}

/* --- the list */

static int
add_digests(struct backup *backup, int directory, const char *prefix, json_t *files)
{
	json_t *names = file_names(directory), *name;
	char digest[BACKUP_DIGEST_BYTES], whole[PATH_MAX];
	int r = names ? 0 : failed(backup, prefix);
	size_t i;

	json_array_foreach(names, i, name) {
		if (r == 0 && file_digest(directory, json_string_value(name), digest) != 0)
			r = failed(backup, json_string_value(name));
		snprintf(whole, sizeof whole, "%s%s", prefix, json_string_value(name));
		if (r == 0)
			json_object_set_new(files, whole, json_string(digest));
	}
	json_decref(names);
	return r;
}

static int
write_list(struct backup *backup)
{
	json_t *files = json_object(), *list;
	int r = add_digests(backup, backup->directory, "", files);
	char *text;

	if (r == 0)
		r = add_digests(backup, backup->ca_to, BACKUP_CA "/", files);
	list = json_pack("{s:i,s:s,s:s,s:o,s:O,s:I}", "format", BACKUP_FORMAT, "release", MINT_RELEASE, "bench", backup->config->bench,
	    "files", files, "record", backup->facts, "ca_log_bytes", (json_int_t)backup->log_bytes);
	text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;
	if (r == 0 && (!text || keep_instead(backup->directory, BACKUP_LIST, text, strlen(text)) != 0))
		r = failed(backup, BACKUP_LIST);
	free(text);
	json_decref(list);
	return r == 0 && keep_sync(backup->directory) != 0 ? failed(backup, "") : r;
}

/* --- reading it again */

static int
digests_are_right(const char *path, const json_t *list, char *detail)
{
	int directory = directory_open(AT_FDCWD, path, 0), r = directory < 0 ? MINT_STORAGE : 0;
	char digest[BACKUP_DIGEST_BYTES];
	const char *name;
	json_t *wanted;

	json_object_foreach(json_object_get(list, "files"), name, wanted) {
		if (r != 0)
			break;
		if (file_digest(directory, name, digest) != 0) {
			snprintf(detail, BACKUP_DETAIL_BYTES, "%s/%s: %s", path, name, system_text(errno));
			r = MINT_STORAGE;
		} else if (!json_is_string(wanted) || strcmp(digest, json_string_value(wanted)) != 0) {
			snprintf(detail, BACKUP_DETAIL_BYTES, "%s/%s: %s", path, name, say("is not what was written", "与写入内容不符"));
			r = MINT_STORAGE;
		}
	}
	if (directory >= 0)
		close(directory);
	return r;
}

static int
record_is_right(const char *path, const json_t *list, char *detail)
{
	char file[PATH_MAX + 32];
	json_t *facts = NULL;
	sqlite3 *db = NULL;
	int r;

	snprintf(file, sizeof file, "%s/" BACKUP_RECORD, path);
	r = record_open(file, &db, detail);
	if (r == 0)
		r = record_describe(db, &facts, detail);
	if (r == 0)
		r = record_check(db, detail);
	if (r == 0 && !json_equal(facts, json_object_get(list, "record"))) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", file, say("has not as many rows as were counted", "行数与备份时不符"));
		r = MINT_STORAGE;
	}
	json_decref(facts);
	sqlite3_close(db);
	return r;
}

int
backup_verify(const char *path, json_t **list, char *detail)
{
	char file[PATH_MAX + 32];
	json_t *log = NULL;
	int r;

	snprintf(file, sizeof file, "%s/" BACKUP_LIST, path);
	*list = json_load_file(file, 0, NULL);
	if (json_integer_value(json_object_get(*list, "format")) != BACKUP_FORMAT || !json_object_get(json_object_get(*list, "files"), BACKUP_RECORD)) {
		snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", file, say("is no list of a backup that this release knows", "不是本版本可识别的备份清单"));
		return MINT_NOT_FOUND;
	}
	r = digests_are_right(path, *list, detail);
	if (r == 0)
		r = record_is_right(path, *list, detail);
	snprintf(file, sizeof file, "%s/" BACKUP_CA, path);
	if (r == 0)
		r = ca_list(file, number_of(*list, "ca_log_bytes"), &log, detail);
	json_decref(log);
	return r;
}

/* --- the order of things */

/* What an interrupted backup left under the unfinished name is its own, and goes. */
static int
clear_unfinished(struct backup *backup, int directory)
{
	json_t *names = file_names(directory), *name;
	size_t i;
	int r = names ? 0 : MINT_STORAGE;

	json_array_foreach(names, i, name)
		if (unlinkat(directory, json_string_value(name), 0) != 0)
			r = MINT_STORAGE;
	json_decref(names);
	return r == 0 ? 0 : failed(backup, "");
}

static void
remove_unfinished(struct backup *backup)
{
	if (backup->ca_to >= 0) {
		(void)clear_unfinished(backup, backup->ca_to);
		(void)unlinkat(backup->directory, BACKUP_CA, AT_REMOVEDIR);
	}
	if (backup->directory >= 0) {
		(void)clear_unfinished(backup, backup->directory);
		(void)rmdir(backup->unfinished);
	}
}

static int
begin(struct backup *backup)
{
	struct stat status;
	int r;

	if (lstat(backup->path, &status) == 0) {
		snprintf(backup->detail, sizeof backup->detail, "%s", backup->path);
		return MINT_EXISTS;
	}
	backup->directory = directory_open(AT_FDCWD, backup->unfinished, 0700);
	if (backup->directory < 0)
		return failed(backup, "");
	r = clear_unfinished(backup, backup->directory);
	backup->ca_to = r == 0 ? directory_open(backup->directory, BACKUP_CA, 0700) : -1;
	if (backup->ca_to >= 0)
		r = clear_unfinished(backup, backup->ca_to);
	if (backup->ca_to >= 0)
		close(backup->ca_to);
	backup->ca_to = -1;
	return r;
}

static int
name_it(struct backup *backup)
{
	if (renameat2(AT_FDCWD, backup->unfinished, AT_FDCWD, backup->path, RENAME_NOREPLACE) != 0) {
		snprintf(backup->detail, sizeof backup->detail, "%s: %s", backup->path, system_text(errno));
		return errno == EEXIST ? MINT_EXISTS : MINT_STORAGE;
	}
	return parent_sync(backup->path) == 0 ? 0 : failed(backup, "");
}

static int
make(struct backup *backup)
{
	json_t *list = NULL;
	int r = begin(backup);

	if (r == 0)
		r = begin_ca(backup);
	if (r == 0)
		r = copy_record(backup);
	if (r == 0)
		r = copy_ca(backup);
	if (r == 0)
		r = write_list(backup);
	if (r == 0)
		r = backup_verify(backup->unfinished, &list, backup->detail);
	json_decref(list);
	return r == 0 ? name_it(backup) : r;
}

static int
tell(struct backup *backup)
{
	json_t *answer = json_pack("{s:s,s:O}", "backup", backup->path, "record", backup->facts);
	const json_t *rows = json_object_get(backup->facts, "rows");

	if (!command_print_json(backup->run, answer))
		printf(say("%s: %lld applications, %lld certificates, up to event %lld; read again and found whole\n",
		    "%s：%lld 份申请，%lld 张证书，截至事件 %lld；已重新读取并核验\n"), backup->path, number_of(rows, "application"),
		    number_of(rows, "certificate"), number_of(backup->facts, "event"));
	json_decref(answer);
	return 0;
}

int
run_backup(struct run *run)
{
	struct backup *backup = calloc(1, sizeof *backup);
	const char *config_path = run->config_path ? run->config_path : "/etc/mintbench/mint.conf";
	struct config *config = NULL;
	size_t length = strlen(run->arguments[0]);
	int r;

	if (!backup)
		return command_fail_with(run, MINT_MEMORY, run->command->name);
	r = config_read(config_path, &config);
	backup->run = run;
	backup->config = config;
	backup->directory = backup->ca_from = backup->ca_to = -1;
	while (length > 1 && run->arguments[0][length - 1] == '/')
		length--;
	snprintf(backup->detail, sizeof backup->detail, "%s", config_path);
	if (r == 0 && (size_t)snprintf(backup->path, sizeof backup->path, "%.*s", (int)length, run->arguments[0]) >= sizeof backup->path)
		r = MINT_ARGUMENT;
	snprintf(backup->unfinished, sizeof backup->unfinished, "%s.new", backup->path);
	umask(077);
	if (r == 0) {
		r = make(backup);
		if (r != 0 && r != MINT_EXISTS)
			remove_unfinished(backup);
	}
	r = r == 0 ? tell(backup) : command_fail_with(run, r, backup->detail);
	if (backup->directory >= 0)
		close(backup->directory);
	if (backup->ca_from >= 0)
		close(backup->ca_from);
	if (backup->ca_to >= 0)
		close(backup->ca_to);
	json_decref(backup->facts);
	config_free(&config);
	free(backup);
	return r;
}
