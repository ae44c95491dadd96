/* The record that a restore puts into place: the backup's, which goes on behind all that was given out since, and what it does not know
 * of the time between, as the old record and the CA's log tell. */
#include "backup_sql.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a bench gives out between two backups; a marker has room for 99 such steps. */
enum { NUMBERS_APART = 1000000, SERIAL_BYTES = 20 };

static void
old_record(const struct restore *restore, char path[NAME_ROOM + 64])
{
	if (restore->resumed)
		restore_aside(restore, "", path);
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

int
restore_record(struct restore *restore, const char *to)
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
		r = restore_failed(restore, to);
	if (r == 0 && (from < 0 || file_copy(from, BACKUP_RECORD, AT_FDCWD, to, 0) != 0))
		r = restore_failed(restore, to);
	if (from >= 0)
		close(from);
	snprintf(directory, sizeof directory, "%s", to);
	slash = strrchr(directory, '/');
	if (slash)
		*slash = '\0';
	if (r == 0 && restore_owner(to, stat(restore->config->database, &status) == 0 ? restore->config->database : directory, 0640) != 0)
		r = restore_failed(restore, to);
	return r == 0 ? go_on_behind(restore, to) : r;
}
