/* Applications: lists without personal data, one with everything. */
#include "hostd/api/api.h"
#include "hostd/base/clock.h"
#include "schemas/errors.h"

enum { PAGE_ROWS = 100 };

static void
bind_flag(struct binds *binds, const struct query *query, const char *name)
{
	if (query_has(query, name))
		bind_integer(binds, name, query_number(query, name, 0));
	else
		bind_null(binds, name);
}

void
route_applications(struct call *call)
{
	int64_t limit = query_number(&call->query, "limit", PAGE_ROWS);
	struct binds binds = { .count = 0 };

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "now", clock_utc_us());
	bind_integer(&binds, "after", query_number(&call->query, "cursor", 0));
	bind_text(&binds, "state", query_text(&call->query, "state"));
	bind_flag(&binds, &call->query, "urgent");
	bind_flag(&binds, &call->query, "late");
	bind_text(&binds, "reference", query_text(&call->query, "reference"));
	bind_integer(&binds, "limit", limit + 1);
	call_reply_tagged(call, api_page(record_rows(call->api->record, API_applications, &binds), "applications", limit));
}

/* `rows` of a statement with one parameter. */
static json_t *
rows_of(struct call *call, enum api_statement statement, const char *name, int64_t id)
{
	struct binds binds = { .count = 0 };

	bind_integer(&binds, name, id);
	return record_rows(call->api->record, statement, &binds);
}

/* The parcel with what was put into it, null before there is one; and its labels. */
static void
add_parcel(struct call *call, json_t *object, int64_t application)
{
	struct binds binds = { .count = 0 };
	json_t *parcel;
	int64_t id;

	bind_integer(&binds, "application", application);
	if (record_row(call->api->record, API_parcel, &binds, &parcel) != 0) {
		json_object_set_new(object, "parcel", json_null());
		json_object_set_new(object, "labels", json_array());
		return;
	}
	id = json_integer_value(json_object_get(parcel, "id"));
	json_object_set_new(parcel, "items", rows_of(call, API_parcel_items, "parcel", id));
	json_object_set_new(object, "parcel", parcel);
	json_object_set_new(object, "labels", rows_of(call, API_labels, "parcel", id));
}

/* Personal data leaves over the Unix socket only, where the caller's uid is known and goes with file permissions. */
static void
add_person(struct call *call, json_t *object, int64_t application)
{
	struct binds binds = { .count = 0 };
	json_t *person = NULL;

	if (call->door != ROUTE_local)
		return;
	bind_integer(&binds, "application", application);
	if (record_row(call->api->record, API_person, &binds, &person) == 0)
		json_object_update(object, person);
	json_decref(person);
}

/* Findings of the import are JSON, an operator's reason is plain text. */
static void
parse_held_why(json_t *application)
{
	const char *text = json_string_value(json_object_get(application, "held_why"));
	json_t *findings = text ? json_loads(text, 0, NULL) : NULL;

	if (findings)
		json_object_set_new(application, "held_why", findings);
}

void
route_application(struct call *call)
{
	struct binds binds = { .count = 0 };
	json_t *application, *credentials;
	int64_t id;

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "now", clock_utc_us());
	bind_text(&binds, "reference", call->object);
	if (record_row(call->api->record, API_application, &binds, &application) != 0) {
		call_not_found(call);
		return;
	}
	id = json_integer_value(json_object_get(application, "id"));
	json_object_del(application, "id");
	parse_held_why(application);
	add_person(call, application, id);
	credentials = rows_of(call, API_credentials_of, "application", id);
	api_explain_parked(credentials);
	json_object_set_new(application, "credentials", credentials);
	add_parcel(call, application, id);
	json_object_set_new(application, "events", rows_of(call, API_application_events, "application", id));
	call_reply_tagged(call, application);
}
