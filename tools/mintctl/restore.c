/* mintctl restore: puts a backup's record in the place of a lost or damaged one while no mintd runs. What is there is moved aside,
 * never deleted, and what was done since the backup is told, as far as the old record and the CA's log know it.
 *
 * The CA's own files are put back only where they are missing or damaged, or know less than the backup's: a CA must not forget what it
 * signed. Numbers that were given out after the backup stand on tokens and in the CA's log, so the restored record goes on far behind
 * them. If power fails here, DATABASE.restoring keeps mint-queue from starting on half of it: the same command goes on, and knows
 * by what is in that file where the old record went.
 *
 * Certificates that the restored record does not know may be live while their credentials wait: the fact restored_unsettled keeps
 * mint-queue from minting until a person has settled them (queue/restored.c).
 */
#include "backup_sql.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"
#include "tools/mintctl/backup.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* More than a bench gives out between two backups; a marker has room for 99 such steps. */
enum { NUMBERS_APART = 1000000, TOLD_MAX = 20, NAME_ROOM = PATH_MAX + 64, SERIAL_BYTES = 20 };

struct restore {
	struct run *run;
	struct config *config;
	const char *from;
	char        aside[32];          /* what the names of old files get behind them */
	json_t     *list;               /* of the backup */
	json_t     *log;                /* of the CA as it will be used, from the backup's moment on */
	int         put_ca;
	int         ca_was_put;         /* by this command or by one that was cut short */
	int         resumed;            /* one was cut short after its first move, or before it */
	int         had_record;         /* there was an old record when it began */
	int64_t     old_highest;        /* numbers in the record that is replaced, where it can still be read */
	json_t     *lost_applications;  /* references; NULL: the old record cannot tell */
	json_t     *later_certificates; /* signed, and not in the restored record */
	json_t     *unsettled;          /* what a person has to settle before the bench mints; NULL: nothing */
	json_t     *moved;              /* names of old files */
	char        detail[BACKUP_DETAIL_BYTES];
};

static int
failed(struct restore *restore, const char *path)
{
	snprintf(restore->detail, sizeof restore->detail, "%s: %s", path, system_text(errno));
	return MINT_STORAGE;
}

static void
beside(const struct restore *restore, const char *suffix, char path[NAME_ROOM])
{
	snprintf(path, NAME_ROOM, "%s%s", restore->config->database, suffix);
}

/* The lock that mintd and all its descendants hold. Kept until this program ends. */
static int
take_family_lock(struct restore *restore)
{
	char path[NAME_ROOM];
	int fd;

	beside(restore, ".lock", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(restore, path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close(fd);
	snprintf(restore->detail, sizeof restore->detail, "%s: %s", restore->config->database, say("a mintd works with it: stop it first", "mintd 正在使用，请先停止 mintd"));
	return MINT_BUSY;
}

/* --- the CA */

/* Whether the shorter of two logs is the beginning of the longer. *longer: 1 when the first is. */
static int
logs_agree(const char *one, const char *other, int *longer)
{
	FILE *a = fopen(one, "re"), *b = fopen(other, "re");
	int x = EOF, y = EOF, agree = a && b;

	while (agree && (x = getc(a)) == (y = getc(b)) && x != EOF)
		continue;
	*longer = y == EOF;
	if (a)
		fclose(a);
	if (b)
		fclose(b);
	return agree && (x == EOF || y == EOF);
}

static int
plan_ca(struct restore *restore)
{
	char theirs[NAME_ROOM], log[NAME_ROOM], own[NAME_ROOM];
	int64_t from = number_of(restore->list, "ca_log_bytes");
	int r = ca_list(restore->config->ca_directory, from, &restore->log, restore->detail), knows_more = 0;

	snprintf(theirs, sizeof theirs, "%s/" BACKUP_CA, restore->from);
	snprintf(log, sizeof log, "%s/" BACKUP_CA "/issued.log", restore->from);
	snprintf(own, sizeof own, "%s/issued.log", restore->config->ca_directory);
	if (r == 0 && !logs_agree(own, log, &knows_more)) {
		snprintf(restore->detail, sizeof restore->detail, "%s: %s", restore->config->ca_directory,
		    say("is not the CA of this backup, or its log has gone another way: move it away first if it is really to be replaced",
		        "不是该备份的 CA，或签发日志已分叉；确需替换的，请先将其移走"));
		return MINT_DIFFERENT;
	}
	if (r == 0 && knows_more)
		return 0;
	if (r != 0 && r != MINT_NOT_FOUND && r != MINT_SYNTAX && r != MINT_DIFFERENT)
		return r;
	restore->put_ca = restore->ca_was_put = 1;
	json_decref(restore->log);
	return ca_list(theirs, from, &restore->log, restore->detail);
}

/* --- the mark: what a second run has to know of the first */

static int
is_aside_name(const char *name)
{
	return strncmp(name, "before-", 7) == 0 && !strchr(name, '/') && strlen(name) < sizeof ((struct restore *)NULL)->aside;
}

/* One that is empty was cut while it was written: nothing had been moved then. */
static void
read_mark(struct restore *restore)
{
	char path[NAME_ROOM];
	json_t *mark;

	beside(restore, ".restoring", path);
	mark = json_load_file(path, 0, NULL);
	restore->had_record = access(restore->config->database, F_OK) == 0;
	if (is_aside_name(text_of(mark, "aside"))) {
		restore->resumed = 1;
		snprintf(restore->aside, sizeof restore->aside, "%s", text_of(mark, "aside"));
		restore->had_record = json_is_true(json_object_get(mark, "had_record"));
		restore->ca_was_put = json_is_true(json_object_get(mark, "ca_restored"));
	}
	json_decref(mark);
}

static int
write_mark(struct restore *restore)
{
	json_t *mark = json_pack("{s:s,s:b,s:b}", "aside", restore->aside, "had_record", restore->had_record, "ca_restored", restore->ca_was_put);
	char *text = json_dumps(mark, JSON_COMPACT), path[NAME_ROOM];
	size_t length = text ? strlen(text) : 0;
	int fd, good;

	json_decref(mark);
	beside(restore, ".restoring", path);
	fd = text ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	good = fd >= 0 && write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
	free(text);
	if (fd >= 0 && close(fd) != 0)
		good = 0;
	return good && parent_sync(path) == 0 ? 0 : failed(restore, path);
}

static void
aside_of(const struct restore *restore, const char *suffix, char path[NAME_ROOM + 64])
{
	snprintf(path, NAME_ROOM + 64, "%s.%s%s", restore->config->database, restore->aside, suffix);
}

/* Then what bears the record's name is not the old one. */
static int
old_is_aside(const struct restore *restore)
{
	char path[NAME_ROOM + 64];

	aside_of(restore, "", path);
	return !restore->had_record || access(path, F_OK) == 0;
}

static int
move_aside(struct restore *restore, const char *suffix)
{
	char path[NAME_ROOM], to[NAME_ROOM + 64];

	beside(restore, suffix, path);
	aside_of(restore, suffix, to);
	if (renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) != 0 && errno != ENOENT)
		return failed(restore, path);
	return 0;
}

/* The log goes first: beside a new record it would be taken for its own. */
static int
move_record(struct restore *restore)
{
	int r;

	if (restore->had_record && old_is_aside(restore))
		return 0;
	r = move_aside(restore, "-wal");
	if (r == 0)
		r = move_aside(restore, "-shm");
	return r == 0 && restore->had_record ? move_aside(restore, "") : r;
}

/* --- what the old record still tells */

static void
old_record(const struct restore *restore, char path[NAME_ROOM + 64])
{
	if (restore->resumed)
		aside_of(restore, "", path);
	else
		snprintf(path, NAME_ROOM + 64, "%s", restore->config->database);
}

static void
ask_old_record(struct restore *restore, int64_t last)
{
	char ignored[BACKUP_DETAIL_BYTES], path[NAME_ROOM + 64];
	sqlite3_stmt *asked = NULL;
	sqlite3 *db = NULL;
	int step = SQLITE_ERROR;

	old_record(restore, path);
	if (record_open(path, &db, ignored) != 0)
		return;
	(void)record_number(db, BACKUP_highest, &restore->old_highest, ignored);
	asked = record_ask(db, BACKUP_later_applications, ignored);
	restore->lost_applications = json_array();
	if (asked && sqlite3_bind_int64(asked, 1, last) == SQLITE_OK)
		while ((step = sqlite3_step(asked)) == SQLITE_ROW)
			json_array_append_new(restore->lost_applications, json_string((const char *)sqlite3_column_text(asked, 0)));
	if (step != SQLITE_DONE) {
		json_decref(restore->lost_applications);
		restore->lost_applications = NULL;
	}
	sqlite3_finalize(asked);
	sqlite3_close(db);
}

/* 1 with the row standing. Rows have serial numbers with zeros in front or without. */
static int
find_serial(sqlite3_stmt *asked, const char *hex)
{
	uint8_t serial[SERIAL_BYTES] = { 0 };
	unsigned byte, lead = 0;

	for (size_t n = 0; n < SERIAL_BYTES && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		serial[n] = (uint8_t)byte;
	while (lead < SERIAL_BYTES - 1 && serial[lead] == 0)
		lead++;
	sqlite3_reset(asked);
	sqlite3_bind_blob(asked, 1, serial, SERIAL_BYTES, SQLITE_TRANSIENT);
	if (sqlite3_step(asked) == SQLITE_ROW)
		return 1;
	sqlite3_reset(asked);
	sqlite3_bind_blob(asked, 1, serial + lead, SERIAL_BYTES - (int)lead, SQLITE_TRANSIENT);
	return sqlite3_step(asked) == SQLITE_ROW;
}

/* Signed since the backup and not in it: nobody's, as far as the restored record knows. */
static int
compare_certificates(struct restore *restore, sqlite3 *db)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_has_serial, restore->detail);
	json_t *certificate;
	size_t i;

	if (!asked)
		return MINT_STORAGE;
	json_array_foreach(json_object_get(restore->log, "certificates"), i, certificate)
		if (!find_serial(asked, text_of(certificate, "serial")))
			json_array_append(restore->later_certificates, certificate);
	sqlite3_finalize(asked);
	return 0;
}

/* Whose they are, where the old record still tells. */
static void
name_credentials(struct restore *restore)
{
	char ignored[BACKUP_DETAIL_BYTES], path[NAME_ROOM + 64];
	sqlite3_stmt *asked = NULL;
	sqlite3 *db = NULL;
	json_t *certificate;
	size_t i;

	old_record(restore, path);
	if (record_open(path, &db, ignored) == 0)
		asked = record_ask(db, BACKUP_credential_of_serial, ignored);
	json_array_foreach(restore->later_certificates, i, certificate)
		json_object_set_new(certificate, "credential", asked && find_serial(asked, text_of(certificate, "serial"))
		    ? json_string((const char *)sqlite3_column_text(asked, 0)) : json_null());
	sqlite3_finalize(asked);
	sqlite3_close(db);
}

/* --- the new record */

static int
write_text(struct restore *restore, sqlite3 *db, int statement, const char *text)
{
	sqlite3_stmt *asked = record_ask(db, statement, restore->detail);
	int r = MINT_STORAGE;

	if (asked && sqlite3_bind_text(asked, 1, text, -1, SQLITE_TRANSIENT) == SQLITE_OK && sqlite3_step(asked) == SQLITE_DONE)
		r = 0;
	else
		snprintf(restore->detail, sizeof restore->detail, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(asked);
	return r;
}

static int
write_number(struct restore *restore, sqlite3 *db, int statement, int64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)number);
	return write_text(restore, db, statement, text);
}

/* What stood to be settled when the backup was made still does. */
static json_t *
unsettled_before(struct restore *restore, sqlite3 *db)
{
	sqlite3_stmt *asked = record_ask(db, BACKUP_unsettled, restore->detail);
	json_t *before = NULL;

	if (asked && sqlite3_step(asked) == SQLITE_ROW)
		before = json_loads((const char *)sqlite3_column_text(asked, 0), 0, NULL);
	sqlite3_finalize(asked);
	return before;
}

/* Names and subjects of people stay out of it. */
static void
add_unsettled(const struct restore *restore, json_t *list)
{
	const json_t *certificate;
	size_t i;

	json_array_foreach(restore->later_certificates, i, certificate)
		if (json_is_null(json_object_get(certificate, "revoked_at")))
			json_array_append_new(list, json_pack("{s:s,s:I,s:s,s:O}", "serial", text_of(certificate, "serial"), "request",
			    (json_int_t)number_of(certificate, "request"), "signed_at", text_of(certificate, "signed_at"), "credential",
			    json_object_get(certificate, "credential")));
}

static int
write_unsettled(struct restore *restore, sqlite3 *db)
{
	json_t *before = unsettled_before(restore, db);
	json_t *list = json_is_array(json_object_get(before, "certificates")) ? json_incref(json_object_get(before, "certificates")) : json_array();
	char *text = NULL;
	int r = 0;

	add_unsettled(restore, list);
	if (before || restore->ca_was_put || json_array_size(list) > 0) {
		restore->unsettled = json_pack("{s:b,s:O}", "ca_restored",
		    restore->ca_was_put || json_is_true(json_object_get(before, "ca_restored")), "certificates", list);
		text = json_dumps(restore->unsettled, JSON_COMPACT);
		r = text ? write_text(restore, db, BACKUP_unsettled_set, text) : MINT_MEMORY;
	}
	free(text);
	json_decref(list);
	json_decref(before);
	return r;
}

static int
go_on_behind(struct restore *restore, const char *path)
{
	int64_t highest = 0, asked = number_of(restore->log, "highest_request");
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ? 0 : MINT_STORAGE;

	if (r == 0)
		r = record_number(db, BACKUP_highest, &highest, restore->detail);
	highest = asked > highest ? asked : highest;
	highest = restore->old_highest > highest ? restore->old_highest : highest;
	if (r == 0 && sqlite3_exec(db, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		r = MINT_STORAGE;
	if (r == 0)
		r = write_number(restore, db, BACKUP_numbers_from, highest + NUMBERS_APART);
	if (r == 0)
		r = write_number(restore, db, BACKUP_sequences_from, highest + NUMBERS_APART);
	if (r == 0)
		r = compare_certificates(restore, db);
	if (r == 0) {
		name_credentials(restore);
		r = write_unsettled(restore, db);
	}
	if (r == 0 && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		r = MINT_STORAGE;
	sqlite3_close(db);
	return r;
}

/* Whoever had the old one has the new one; else whoever has the directory. */
static int
give_owner(const char *path, const char *like, mode_t mode)
{
	struct stat status;

	if (stat(like, &status) != 0)
		return 0;
	if (geteuid() == 0 && chown(path, status.st_uid, status.st_gid) != 0)
		return MINT_STORAGE;
	return chmod(path, S_ISREG(status.st_mode) ? status.st_mode & 0777 : mode) == 0 ? 0 : MINT_STORAGE;
}

static int
copy_record(struct restore *restore, const char *to)
{
	char source[NAME_ROOM], directory[NAME_ROOM], *slash;
	struct stat status;
	int64_t last = 0;
	sqlite3 *db = NULL;
	int from, r;

	snprintf(source, sizeof source, "%s/" BACKUP_RECORD, restore->from);
	r = record_open(source, &db, restore->detail);
	if (r == 0)
		r = record_number(db, BACKUP_last_application, &last, restore->detail);
	sqlite3_close(db);
	if (r != 0)
		return r;
	ask_old_record(restore, last);
	from = directory_open(AT_FDCWD, restore->from, 0);
	if (unlink(to) != 0 && errno != ENOENT) /* of an interrupted restore */
		r = failed(restore, to);
	if (r == 0 && (from < 0 || file_copy(from, BACKUP_RECORD, AT_FDCWD, to, 0) != 0))
		r = failed(restore, to);
	if (from >= 0)
		close(from);
	snprintf(directory, sizeof directory, "%s", to);
	slash = strrchr(directory, '/');
	if (slash)
		*slash = '\0';
	if (r == 0 && give_owner(to, stat(restore->config->database, &status) == 0 ? restore->config->database : directory, 0640) != 0)
		r = failed(restore, to);
	return r == 0 ? go_on_behind(restore, to) : r;
}

/* --- putting into place */

static int
put_record(struct restore *restore, const char *new)
{
	int r = move_record(restore);

	if (r == 0 && rename(new, restore->config->database) != 0)
		r = failed(restore, restore->config->database);
	return r == 0 && parent_sync(restore->config->database) != 0 ? failed(restore, restore->config->database) : r;
}

/* By this run or by one that was cut short. */
static void
list_moved(struct restore *restore)
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	char path[NAME_ROOM + 64];

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		aside_of(restore, suffixes[i], path);
		if (access(path, F_OK) == 0)
			json_array_append_new(restore->moved, json_string(path));
	}
	snprintf(path, sizeof path, "%s.%s", restore->config->ca_directory, restore->aside);
	if (access(path, F_OK) == 0)
		json_array_append_new(restore->moved, json_string(path));
}

static int
copy_ca(struct restore *restore, const char *to)
{
	char from_path[NAME_ROOM];
	int from, directory, r = 0;
	json_t *names, *name;
	size_t i;

	snprintf(from_path, sizeof from_path, "%s/" BACKUP_CA, restore->from);
	from = directory_open(AT_FDCWD, from_path, 0);
	directory = directory_open(AT_FDCWD, to, 0700);
	names = from >= 0 && directory >= 0 ? file_names(from) : NULL;
	if (!names)
		r = failed(restore, to);
	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		if (r == 0 && unlinkat(directory, text, 0) != 0 && errno != ENOENT)
			r = failed(restore, text);
		if (r == 0 && file_copy(from, text, directory, text, 0) != 0)
			r = failed(restore, text);
	}
	if (r == 0 && fsync(directory) != 0)
		r = failed(restore, to);
	json_decref(names);
	if (from >= 0)
		close(from);
	if (directory >= 0)
		close(directory);
	return r;
}

static int
put_ca(struct restore *restore)
{
	const char *place = restore->config->ca_directory;
	char new[NAME_ROOM], old[NAME_ROOM + 64];
	int r;

	snprintf(new, sizeof new, "%s.new", place);
	snprintf(old, sizeof old, "%s.%s", place, restore->aside);
	r = copy_ca(restore, new);
	if (r == 0 && give_owner(new, place, 0700) != 0)
		r = failed(restore, new);
	if (r == 0 && renameat2(AT_FDCWD, place, AT_FDCWD, old, RENAME_NOREPLACE) != 0 && errno != ENOENT)
		r = failed(restore, place);
	if (r == 0 && rename(new, place) != 0)
		r = failed(restore, place);
	return r == 0 && parent_sync(place) != 0 ? failed(restore, place) : r;
}

/* From the mark on until it is gone nothing starts here. */
static int
put_all(struct restore *restore)
{
	char mark[NAME_ROOM], new[NAME_ROOM];
	int r = 0;

	beside(restore, ".restoring", mark);
	beside(restore, ".restored", new);
	if (!restore->resumed && restore->had_record && old_is_aside(restore)) {
		errno = EEXIST; /* the second restore in one second */
		r = failed(restore, restore->aside);
	}
	if (r == 0 && restore->resumed)
		r = move_record(restore); /* so that the old one is found whole under one name */
	if (r == 0)
		r = copy_record(restore, new);
	if (r == 0)
		r = write_mark(restore);
	if (r == 0 && restore->put_ca)
		r = put_ca(restore);
	if (r == 0)
		r = put_record(restore, new);
	if (r == 0 && (unlink(mark) != 0 || parent_sync(mark) != 0))
		r = failed(restore, mark);
	list_moved(restore);
	return r;
}

/* --- telling */

static void
tell_some(const char *title, const json_t *list, const char *member)
{
	const json_t *one;
	size_t i;

	printf("%s: %zu\n", title, json_array_size(list));
	json_array_foreach(list, i, one) {
		if (i == TOLD_MAX) {
			printf("  … %s\n", say("all of them with --json", "完整列表请用 --json"));
			break;
		}
		if (member)
			printf("  %s  %s  %s\n", text_of(one, member), text_of(one, "signed_at"), text_of(one, "subject"));
		else
			printf("  %s\n", json_string_value(one));
	}
}

/* The exact lines, for somebody who does this once in years. */
static void
tell_how_to_go_on(const struct restore *restore)
{
	const char *config_path = restore->run->config_path ? restore->run->config_path : "/etc/mintbench/mint.conf";
	const char *user = restore->config->separate_users ? "runuser -u mint-ca -- " : "";
	const json_t *one;
	size_t i;

	if (!restore->unsettled)
		return;
	puts(say("Until these are settled the bench begins no credential and asks for no certificate. To revoke one that was not handed over, before the bench is started:",
	         "处理完毕之前，制证台不再开始制证、不再申请签发。未发出的证书，请在启动制证台之前吊销："));
	json_array_foreach(json_object_get(restore->unsettled, "certificates"), i, one) {
		if (i == TOLD_MAX) {
			printf("  … %s\n", say("all of them with --json", "完整列表请用 --json"));
			break;
		}
		printf("  %smintctl ca revoke --config %s --serial %s --reason superseded   # %s\n", user, config_path, text_of(one, "serial"), text_of(one, "credential"));
	}
	printf(say("Of what was handed over, cancel the application once the bench runs (mintctl cancel REFERENCE --why …). Then:\n  mintctl settle %s --why '…'\n",
	           "已发出的证书，启动后请取消其申请（mintctl cancel 申请号 --why …）。最后执行：\n  mintctl settle %s --why '…'\n"), restore->config->bench);
}

static void
tell(struct restore *restore)
{
	json_t *answer = json_pack("{s:s,s:O,s:b,s:O,s:o,s:O,s:o}", "restored", restore->config->database, "record",
	    json_object_get(restore->list, "record"), "ca_restored", restore->ca_was_put, "moved", restore->moved, "applications_not_in_backup",
	    restore->lost_applications ? json_incref(restore->lost_applications) : json_null(), "certificates_not_in_backup", restore->later_certificates,
	    "unsettled", restore->unsettled ? json_incref(restore->unsettled) : json_null());

	if (!command_print_json(restore->run, answer)) {
		printf(say("%s is restored up to event %lld.\n", "%s 已恢复至事件 %lld。\n"), restore->config->database,
		    number_of(json_object_get(restore->list, "record"), "event"));
		tell_some(say("Old files, kept", "保留的旧文件"), restore->moved, NULL);
		puts(restore->ca_was_put
		    ? say("The CA's files came from the backup: what it signed since then it does not know any more and cannot revoke. Find such certificates by their tokens: destroy what was not handed over.",
		          "CA 文件取自备份：此后签发的证书 CA 已无记录，也无法吊销；请按介质查找，未发出的介质应销毁。")
		    : say("The CA's own files are newer and were kept.", "CA 自有文件较新，已保留。"));
		if (restore->lost_applications)
			tell_some(say("Applications of the old record that the backup does not have: import them again", "备份中没有的申请，请重新导入"),
			    restore->lost_applications, NULL);
		else
			puts(say("The old record cannot tell which applications came after the backup: import them again from the platform; what is known already is not taken twice.",
			         "旧数据库无法说明备份后有哪些申请：请从平台重新导入，已有的不会重复受理。"));
		tell_some(say("Certificates signed since the backup that the record does not know: lay their tokens aside; a certificate that was not handed over is to be revoked, its application is minted anew",
		              "备份后签发、数据库中没有的证书：请将相应介质另放；未发出的证书应吊销，申请将重新制证"), restore->later_certificates, "serial");
		tell_how_to_go_on(restore);
	}
	json_decref(answer);
}

static int
restore_it(struct restore *restore)
{
	int r = take_family_lock(restore);

	if (r == 0)
		read_mark(restore);
	if (r == 0)
		r = backup_verify(restore->from, &restore->list, restore->detail);
	if (r == 0)
		r = plan_ca(restore);
	return r == 0 ? put_all(restore) : r;
}

int
run_restore(struct run *run)
{
	const char *config_path = run->config_path ? run->config_path : "/etc/mintbench/mint.conf";
	struct restore *restore = calloc(1, sizeof *restore);
	time_t now = time(NULL);
	struct tm parts;
	int r;

	if (!restore)
		return command_fail_with(run, MINT_MEMORY, run->command->name);
	restore->run = run;
	restore->from = run->arguments[0];
	restore->later_certificates = json_array();
	restore->moved = json_array();
	strftime(restore->aside, sizeof restore->aside, "before-%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
	snprintf(restore->detail, sizeof restore->detail, "%s", config_path);
	umask(027);
	r = config_read(config_path, &restore->config);
	if (r == 0)
		r = restore_it(restore);
	if (r == 0)
		tell(restore);
	else
		command_fail_with(run, r, restore->detail);
	json_decref(restore->list);
	json_decref(restore->log);
	json_decref(restore->lost_applications);
	json_decref(restore->later_certificates);
	json_decref(restore->unsettled);
	json_decref(restore->moved);
	config_free(&restore->config);
	free(restore);
	return r;
}
