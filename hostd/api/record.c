/* Reading the record. The connection is opened read-only and told so twice: a bug here must not be able to change a row. */
#include "hostd/api/record.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUSY_MS = 2000 };

struct record {
	sqlite3      *db;
	sqlite3_stmt *statements[API_STATEMENT_COUNT];
	int           failed;
};

static const struct {
	const char *name, *sql;
} list[] = {
#define ROW(name, caller, writes, sql) { #name, sql },
	API_STATEMENTS(ROW)
#undef ROW
};

void
bind_integer(struct binds *binds, const char *name, int64_t value)
{
	assert(binds->count < BIND_MAX);
	binds->rows[binds->count++] = (struct bind){ .name = name, .type = BIND_INTEGER, .integer = value };
}

void
bind_text(struct binds *binds, const char *name, const char *value)
{
	assert(binds->count < BIND_MAX);
	binds->rows[binds->count++] = (struct bind){ .name = name, .type = value ? BIND_TEXT : BIND_NULL, .text = value };
}

void
bind_null(struct binds *binds, const char *name)
{
	bind_text(binds, name, NULL);
}

static int
prepare_all(struct record *record)
{
	for (size_t i = 0; i < API_STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(record->db, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &record->statements[i], NULL) != SQLITE_OK) {
			log_error("database: %s: %s: database and program are of different releases", list[i].name,
			    sqlite3_errmsg(record->db));
			return MINT_STORAGE;
		}
	return 0;
}

int
record_open(const char *path, struct record **out)
{
	struct record *record = calloc(1, sizeof *record);
	int r = MINT_MEMORY;

	*out = NULL;
	if (!record)
		return MINT_MEMORY;
	if (sqlite3_open_v2(path, &record->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(record->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(record->db, "PRAGMA query_only = 1", NULL, NULL, NULL) != SQLITE_OK) {
		log_error("database: %s: %s: is mint-queue running, and may this user read the file?", path,
		    record->db ? sqlite3_errmsg(record->db) : "no memory");
		r = MINT_STORAGE;
		goto out;
	}
	r = prepare_all(record);
out:
	if (r == 0)
		*out = record;
	else
		record_close(&record);
	return r;
}

void
record_close(struct record **place)
{
	struct record *record = *place;

	*place = NULL;
	if (!record)
		return;
	for (size_t i = 0; i < API_STATEMENT_COUNT; i++)
		sqlite3_finalize(record->statements[i]);
	sqlite3_close(record->db);
	free(record);
}

/* --- statements */

static int
bind_one(sqlite3_stmt *statement, const struct bind *bind)
{
	char name[32];
	int place;

	snprintf(name, sizeof name, ":%s", bind->name);
	place = sqlite3_bind_parameter_index(statement, name);
	assert(place > 0);
	if (bind->type == BIND_INTEGER)
		return sqlite3_bind_int64(statement, place, bind->integer);
	if (bind->type == BIND_TEXT)
		return sqlite3_bind_text(statement, place, bind->text, -1, SQLITE_STATIC);
	return sqlite3_bind_null(statement, place);
}

static sqlite3_stmt *
start(struct record *record, enum api_statement which, const struct binds *binds)
{
	sqlite3_stmt *statement = record->statements[which];
	size_t count = binds ? binds->count : 0;

	assert(count == (size_t)sqlite3_bind_parameter_count(statement));
	for (size_t i = 0; i < count; i++)
		if (bind_one(statement, &binds->rows[i]) != SQLITE_OK)
			return NULL;
	return statement;
}

int
record_each(struct record *record, enum api_statement which, const struct binds *binds,
    int (*each)(sqlite3_stmt *, void *), void *argument)
{
	sqlite3_stmt *statement = start(record, which, binds);
	int r = 0, step = SQLITE_NOMEM;

	while (statement && r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW)
		r = each(statement, argument);
	if (r == 0 && step != SQLITE_DONE) {
		log_error("database: %s: %s: check the disk", list[which].name, sqlite3_errmsg(record->db));
		record->failed = 1;
		r = MINT_STORAGE;
	}
	if (statement) {
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
	}
	return r;
}

static int
ignore_row(sqlite3_stmt *row, void *argument)
{
	(void)row, (void)argument;
	return 0;
}

int
record_failed(struct record *record)
{
	int failed = record->failed;

	record->failed = 0;
	return failed;
}

int
record_begin(struct record *record)
{
	record->failed = 0;
	return record_each(record, API_begin, NULL, ignore_row, NULL);
}

void
record_end(struct record *record)
{
	record_each(record, API_end, NULL, ignore_row, NULL);
}

static int
take_integer(sqlite3_stmt *row, void *argument)
{
	*(int64_t *)argument = sqlite3_column_int64(row, 0);
	return 0;
}

int64_t
record_seq(struct record *record)
{
	int64_t seq = 0;

	record_each(record, API_seq, NULL, take_integer, &seq);
	return seq;
}

int64_t
record_version(struct record *record)
{
	int64_t version = 0;

	record_each(record, API_data_version, NULL, take_integer, &version);
	return version;
}

/* --- rows as JSON */

void
record_time(int64_t at_us, char *out)
{
	int64_t seconds = at_us / 1000000, rest = at_us % 1000000;
	time_t whole;
	struct tm utc;
	size_t used;

	if (rest < 0) {
		rest += 1000000;
		seconds--;
	}
	whole = (time_t)seconds;
	if (!gmtime_r(&whole, &utc) || utc.tm_year + 1900 > 9999 || utc.tm_year + 1900 < 0) {
		snprintf(out, RECORD_TIME_BYTES, "9999-12-31T23:59:59.999999Z");
		return;
	}
	used = strftime(out, RECORD_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + used, RECORD_TIME_BYTES - used, ".%06dZ", (int)rest);
}

json_t *
record_hex(const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * length + 1);
	json_t *json;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	json = json_stringn_nocheck(text, 2 * length);
	free(text);
	return json;
}

static json_t *
time_json(int64_t at_us)
{
	char text[RECORD_TIME_BYTES];

	record_time(at_us, text);
	return json_string(text);
}

/* Cuts the suffix off `name` when it is there. */
static int
has_suffix(char *name, const char *suffix, int cut)
{
	size_t length = strlen(name), tail = strlen(suffix);

	if (length < tail || strcmp(name + length - tail, suffix) != 0)
		return 0;
	if (cut)
		name[length - tail] = '\0';
	return 1;
}

static json_t *
integer_json(char *name, int64_t value)
{
	if (strcmp(name, "at") == 0 || has_suffix(name, "_at", 0))
		return time_json(value);
	return has_suffix(name, "_flag", 1) ? json_boolean(value) : json_integer(value);
}

static json_t *
text_json(char *name, const char *text)
{
	json_t *value;

	if (!has_suffix(name, "_json", 1))
		return json_string(text);
	value = json_loads(text, JSON_DECODE_ANY, NULL);
	return value ? value : json_string(text);
}

static json_t *
base64_json(const uint8_t *bytes, size_t length)
{
	unsigned char *text = malloc((length + 2) / 3 * 4 + 1);
	json_t *json;

	if (!text)
		return NULL;
	json = json_stringn_nocheck((const char *)text, (size_t)EVP_EncodeBlock(text, bytes, (int)length));
	free(text);
	return json;
}

static json_t *
blob_json(char *name, const uint8_t *bytes, size_t length)
{
	return has_suffix(name, "_base64", 1) ? base64_json(bytes, length) : record_hex(bytes, length);
}

static json_t *
column_json(sqlite3_stmt *row, int column, char *name)
{
	switch (sqlite3_column_type(row, column)) {
	case SQLITE_INTEGER:
		return integer_json(name, sqlite3_column_int64(row, column));
	case SQLITE_FLOAT:
		return json_real(sqlite3_column_double(row, column));
	case SQLITE_TEXT:
		return text_json(name, (const char *)sqlite3_column_text(row, column));
	case SQLITE_BLOB:
		return blob_json(name, sqlite3_column_blob(row, column), (size_t)sqlite3_column_bytes(row, column));
	default:
		(void)(has_suffix(name, "_flag", 1) || has_suffix(name, "_json", 1) || has_suffix(name, "_base64", 1));
		return json_null();
	}
}

static json_t *
row_json(sqlite3_stmt *row)
{
	json_t *object = json_object();

	for (int i = 0; object && i < sqlite3_column_count(row); i++) {
		char name[64];
		json_t *value;

		snprintf(name, sizeof name, "%s", sqlite3_column_name(row, i));
		value = column_json(row, i, name);
		if (!value || json_object_set_new(object, name, value) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static int
append_row(sqlite3_stmt *row, void *argument)
{
	return json_array_append_new(argument, row_json(row)) == 0 ? 0 : MINT_MEMORY;
}

json_t *
record_rows(struct record *record, enum api_statement which, const struct binds *binds)
{
	json_t *rows = json_array();

	if (rows && record_each(record, which, binds, append_row, rows) != 0) {
		json_decref(rows);
		rows = NULL;
	}
	return rows;
}

static int
take_row(sqlite3_stmt *row, void *argument)
{
	json_t **place = argument;

	*place = row_json(row);
	return *place ? 1 : MINT_MEMORY;
}

int
record_row(struct record *record, enum api_statement which, const struct binds *binds, json_t **row)
{
	int r;

	*row = NULL;
	r = record_each(record, which, binds, take_row, row);
	return r == 1 ? 0 : r == 0 ? MINT_NOT_FOUND : r;
}
