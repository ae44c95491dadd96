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
 *
 * restore_record.c makes the new record, restore_tell.c says what came of it.
 */
#include "hostd/base/config.h"
#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/restore.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int
restore_failed(struct restore *restore, const char *path)
{
	snprintf(restore->detail, sizeof restore->detail, "%s: %s", path, system_text(errno));
	return MINT_STORAGE;
}

void
restore_beside(const struct restore *restore, const char *suffix, char path[NAME_ROOM])
{
	snprintf(path, NAME_ROOM, "%s%s", restore->config->database, suffix);
}

void
restore_aside(const struct restore *restore, const char *suffix, char path[NAME_ROOM + 64])
{
	snprintf(path, NAME_ROOM + 64, "%s.%s%s", restore->config->database, restore->aside, suffix);
}

/* Whoever had the old one has the new one; else whoever has the directory. */
int
restore_owner(const char *path, const char *like, mode_t mode)
{
	struct stat status;

	if (stat(like, &status) != 0)
		return 0;
	if (geteuid() == 0 && chown(path, status.st_uid, status.st_gid) != 0)
		return MINT_STORAGE;
	return chmod(path, S_ISREG(status.st_mode) ? status.st_mode & 0777 : mode) == 0 ? 0 : MINT_STORAGE;
}

/* The lock that mintd and all its descendants hold. Kept until this program ends. */
static int
take_family_lock(struct restore *restore)
{
	char path[NAME_ROOM];
	int fd;

	restore_beside(restore, ".lock", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return restore_failed(restore, path);
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

/* Without a name in it nothing had been moved. */
static void
read_mark(struct restore *restore)
{
	char path[NAME_ROOM];
	json_t *mark;

	restore_beside(restore, ".restoring", path);
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
	char *text = json_dumps(mark, JSON_COMPACT), path[NAME_ROOM], parent[NAME_ROOM], name[NAME_ROOM];
	int directory, r;

	json_decref(mark);
	restore_beside(restore, ".restoring", path);
	snprintf(parent, sizeof parent, "%s", path);
	snprintf(name, sizeof name, "%s", path);
	directory = directory_open(AT_FDCWD, dirname(parent), 0);
	r = text && directory >= 0 ? keep_instead(directory, basename(name), text, strlen(text)) : MINT_STORAGE;
	if (r == 0)
		r = keep_sync(directory);
	if (r != 0)
		restore_failed(restore, path);
	if (directory >= 0)
		close(directory);
	free(text);
	return r;
}

/* Then what bears the record's name is not the old one. */
static int
old_is_aside(const struct restore *restore)
{
	char path[NAME_ROOM + 64];

	restore_aside(restore, "", path);
	return !restore->had_record || access(path, F_OK) == 0;
}

static int
move_aside(struct restore *restore, const char *suffix)
{
	char path[NAME_ROOM], to[NAME_ROOM + 64];

	restore_beside(restore, suffix, path);
	restore_aside(restore, suffix, to);
	if (renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) != 0 && errno != ENOENT)
		return restore_failed(restore, path);
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

/* --- putting into place */

static int
put_record(struct restore *restore, const char *new)
{
	int r = move_record(restore);

	if (r == 0 && rename(new, restore->config->database) != 0)
		r = restore_failed(restore, restore->config->database);
	return r == 0 && parent_sync(restore->config->database) != 0 ? restore_failed(restore, restore->config->database) : r;
}

/* By this run or by one that was cut short. */
static void
list_moved(struct restore *restore)
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	char path[NAME_ROOM + 64];

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		restore_aside(restore, suffixes[i], path);
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
		r = restore_failed(restore, to);
	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		if (r == 0 && unlinkat(directory, text, 0) != 0 && errno != ENOENT)
			r = restore_failed(restore, text);
		if (r == 0 && file_copy(from, text, directory, text, 0) != 0)
			r = restore_failed(restore, text);
	}
	if (r == 0 && fsync(directory) != 0)
		r = restore_failed(restore, to);
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
	if (r == 0 && restore_owner(new, place, 0700) != 0)
		r = restore_failed(restore, new);
	if (r == 0 && renameat2(AT_FDCWD, place, AT_FDCWD, old, RENAME_NOREPLACE) != 0 && errno != ENOENT)
		r = restore_failed(restore, place);
	if (r == 0 && rename(new, place) != 0)
		r = restore_failed(restore, place);
	return r == 0 && parent_sync(place) != 0 ? restore_failed(restore, place) : r;
}

/* From the mark on until it is gone nothing starts here. */
static int
put_all(struct restore *restore)
{
	char mark[NAME_ROOM], new[NAME_ROOM];
	int r = 0;

	restore_beside(restore, ".restoring", mark);
	restore_beside(restore, ".restored", new);
	if (!restore->resumed && restore->had_record && old_is_aside(restore)) {
		errno = EEXIST; /* the second restore in one second */
		r = restore_failed(restore, restore->aside);
	}
	if (r == 0 && restore->resumed)
		r = move_record(restore); /* so that the old one is found whole under one name */
	if (r == 0)
		r = restore_record(restore, new);
	if (r == 0)
		r = write_mark(restore);
	if (r == 0 && restore->put_ca)
		r = put_ca(restore);
	if (r == 0)
		r = put_record(restore, new);
	if (r == 0 && (unlink(mark) != 0 || parent_sync(mark) != 0))
		r = restore_failed(restore, mark);
	list_moved(restore);
	return r;
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
		restore_tell(restore);
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
