/* The PIN office's envelopes. Only the Unix socket hands them out: each is ciphertext, but all of them together are the codes of every
 * token under one key, and whoever has collected them needs that key only once. Nobody on the network has a use for them. */
#include "hostd/api/api.h"

enum { PAGE_ROWS = 100 };

/* Bits of pin_envelope.codes in schemas/sql/0001_record.sql. */
static const struct {
	json_int_t  bit;
	const char *name;
} codes[] = {
	{ 1, "user" },
	{ 2, "so" },
};

/* The bits under `member` become a list of names. */
static void
name_codes(json_t *envelope, const char *member)
{
	json_int_t bits = json_integer_value(json_object_get(envelope, member));
	json_t *names = json_array();

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (bits & codes[i].bit)
			json_array_append_new(names, json_string(codes[i].name));
	json_object_set_new(envelope, member, names);
}

static int64_t
settled(struct record *record)
{
	json_t *row = NULL;
	int64_t id = 0;

	if (record_row(record, API_pin_envelopes_settled, NULL, &row) == 0)
		id = json_integer_value(json_object_get(row, "settled"));
	json_decref(row);
	return id;
}

void
route_pin_envelopes(struct call *call)
{
	int64_t limit = query_number(&call->query, "limit", PAGE_ROWS);
	int64_t after = query_number(&call->query, "after", 0), cursor = query_number(&call->query, "cursor", 0);
	struct binds binds = { .count = 0 };
	json_t *rows, *envelope, *page;
	size_t i;

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "after", after > cursor ? after : cursor);
	bind_integer(&binds, "set", query_number(&call->query, "set", 1));
	bind_text(&binds, "reference", query_text(&call->query, "reference"));
	bind_integer(&binds, "limit", limit + 1);
	rows = record_rows(call->api->record, API_pin_envelopes, &binds);
	json_array_foreach(rows, i, envelope) {
		name_codes(envelope, "codes");
		name_codes(envelope, "superseded");
	}
	page = api_page(rows, "pin_envelopes", limit);
	json_object_set_new(page, "settled", json_integer(settled(call->api->record)));
	call_reply_tagged(call, page);
}
