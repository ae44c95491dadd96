/* The record, read only: rows as JSON. One connection, every statement of schemas/sql/api.sql prepared at start.
 *
 * A column becomes a member of its name: integers, text; NULL is null; a blob is lower-case hex; `at` and …_at are RFC 3339 in
 * UTC; …_flag is a boolean, …_json a JSON value, …_base64 a blob in base64 (RFC 4648), these three without their suffix.
 */
#ifndef MINT_API_RECORD_H
#define MINT_API_RECORD_H

#include "api_sql.h"

#include <jansson.h>
#include <stdint.h>

struct record;
struct sqlite3_stmt;

/* A parameter by name. Lists end with a row without name. */
struct bind {
	const char *name;
	enum { BIND_NULL, BIND_INTEGER, BIND_TEXT } type;
	int64_t     integer;
	const char *text;
};

enum { BIND_MAX = 9 };

struct binds {
	struct bind rows[BIND_MAX];
	size_t      count;
};

void bind_integer(struct binds *binds, const char *name, int64_t value);
void bind_text(struct binds *binds, const char *name, const char *value); /* NULL binds NULL; not copied */
void bind_null(struct binds *binds, const char *name);

/* Opens the database file. MINT_STORAGE after a log line when it cannot be read or its schema is not the one expected. */
int record_open(const char *path, struct record **record);
void record_close(struct record **record);

/* Between the two, everything read is of one moment. Not nested. */
int record_begin(struct record *record);
void record_end(struct record *record);

/* 1 when a reading failed since record_begin or the last question: an answer made of several readings would be wrong then, even
 * where each of them looks well-formed. */
int record_failed(struct record *record);

/* All rows as an array of objects. A new reference, NULL after a log line on failure. */
json_t *record_rows(struct record *record, enum api_statement statement, const struct binds *binds);
/* The first row: 0 with a new reference in *row, MINT_NOT_FOUND without a row, MINT_STORAGE. */
int record_row(struct record *record, enum api_statement statement, const struct binds *binds, json_t **row);
/* Calls `each` with every row as the statement stands (sqlite3_column_…); a non-zero return stops. 0, that return, MINT_STORAGE. */
int record_each(struct record *record, enum api_statement statement, const struct binds *binds,
    int (*each)(struct sqlite3_stmt *row, void *argument), void *argument);

/* The newest event, and a number that changes with each commit seen by this connection. */
int64_t record_seq(struct record *record);
int64_t record_version(struct record *record);

/* Lower-case hex; a new reference. */
json_t *record_hex(const uint8_t *bytes, size_t length);

/* "2026-11-23T08:15:00.123456Z" of UTC microseconds into 32 bytes. */
void record_time(int64_t at_us, char *out);
enum { RECORD_TIME_BYTES = 32 };

#endif
