/* Credentials, with the evidence that makes one of them "issued" (law 4): anyone may check it with tools that are not ours. */
#include "hostd/api/api.h"
#include "hostd/api/certificate.h"
#include "schemas/errors.h"

#include <sqlite3.h>

enum { PAGE_ROWS = 100 };

void
route_credentials(struct call *call)
{
	int64_t limit = query_number(&call->query, "limit", PAGE_ROWS);
	struct binds binds = { .count = 0 };
	json_t *rows;

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "after", query_number(&call->query, "cursor", 0));
	bind_text(&binds, "state", query_text(&call->query, "state"));
	bind_text(&binds, "application", query_text(&call->query, "application"));
	bind_integer(&binds, "limit", limit + 1);
	rows = record_rows(call->api->record, API_credentials, &binds);
	api_explain_parked(rows);
	call_reply_tagged(call, api_page(rows, "credentials", limit));
}

/* --- certificates as rows */

struct certificates {
	json_t *list;
	int     whole; /* with what names people */
};

static json_t *
time_or_null(sqlite3_stmt *row, int column)
{
	char text[RECORD_TIME_BYTES];

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return json_null();
	record_time(sqlite3_column_int64(row, column), text);
	return json_string(text);
}

static json_t *
text_or_null(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? json_null() : json_string((const char *)sqlite3_column_text(row, column));
}

/* Columns as in :certificates_of. */
static int
append_certificate(sqlite3_stmt *row, void *argument)
{
	struct certificates *certificates = argument;
	json_t *object = certificate_json(sqlite3_column_blob(row, 5), (size_t)sqlite3_column_bytes(row, 5), certificates->whole);

	if (!object)
		return MINT_MEMORY;
	json_object_set_new(object, "request_id", json_integer(sqlite3_column_int64(row, 0)));
	json_object_set_new(object, "use", json_integer(sqlite3_column_int64(row, 1)));
	json_object_set_new(object, "purpose", json_string((const char *)sqlite3_column_text(row, 2)));
	json_object_set_new(object, "serial", record_hex(sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3)));
	json_object_set_new(object, "state", json_string((const char *)sqlite3_column_text(row, 4)));
	json_object_set_new(object, "asked_at", time_or_null(row, 6));
	json_object_set_new(object, "signed_at", time_or_null(row, 7));
	json_object_set_new(object, "revoked_at", time_or_null(row, 8));
	json_object_set_new(object, "error", text_or_null(row, 9));
	json_object_set_new(object, "detail", text_or_null(row, 10));
	return json_array_append_new(certificates->list, object) == 0 ? 0 : MINT_MEMORY;
}

static json_t *
certificates_of(struct call *call, const struct binds *binds)
{
	struct certificates certificates = { .list = json_array(), .whole = call->door == ROUTE_local };

	if (record_each(call->api->record, API_certificates_of, binds, append_certificate, &certificates) != 0) {
		json_decref(certificates.list);
		return NULL;
	}
	return certificates.list;
}

/* Everything on record about it, each list oldest first and tied together by `use`. */
static json_t *
evidence_of(struct call *call, int64_t id)
{
	struct record *record = call->api->record;
	struct binds binds = { .count = 0 };

	bind_integer(&binds, "credential", id);
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "uses", record_rows(record, API_uses, &binds),
	    "keys", record_rows(record, API_keys, &binds), "certificates", certificates_of(call, &binds),
	    "proofs", record_rows(record, API_proofs, &binds), "envelopes", record_rows(record, API_envelopes, &binds));
}

void
route_credential(struct call *call)
{
	struct binds binds = { .count = 0 }, of = { .count = 0 };
	json_t *credential;
	int64_t id;

	if (call_unchanged(call))
		return;
	bind_text(&binds, "name", call->object);
	if (record_row(call->api->record, API_credential, &binds, &credential) != 0) {
		call_not_found(call);
		return;
	}
	id = json_integer_value(json_object_get(credential, "id"));
	json_object_del(credential, "id");
	bind_integer(&of, "credential", id);
	api_explain(credential, "parked", json_string_value(json_object_get(credential, "parked_error")));
	api_add_choices(credential);
	json_object_set_new(credential, "evidence", evidence_of(call, id));
	json_object_set_new(credential, "journal", record_rows(call->api->record, API_journal, &of));
	json_object_set_new(credential, "events", record_rows(call->api->record, API_credential_events, &of));
	call_reply_tagged(call, credential);
}
