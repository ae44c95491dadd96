/* Bays and tokens. */
#include "hostd/api/api.h"
#include "hostd/base/clock.h"

enum { PAGE_ROWS = 100 };

/* Not tagged: what a bay shows grows older by itself. */
void
route_bays(struct call *call)
{
	struct binds binds = { .count = 0 };
	json_t *rows, *bay;
	size_t i;

	bind_integer(&binds, "now", clock_utc_us());
	rows = record_rows(call->api->record, API_bays, &binds);
	json_array_foreach(rows, i, bay)
		api_explain(bay, "trouble", json_string_value(json_object_get(bay, "error")));
	call_reply(call, 200, rows ? json_pack("{s:I,s:o}", "seq", (json_int_t)record_seq(call->api->record), "bays", rows) : NULL);
}

void
route_tokens(struct call *call)
{
	int64_t limit = query_number(&call->query, "limit", PAGE_ROWS);
	struct binds binds = { .count = 0 };

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "after", query_number(&call->query, "cursor", 0));
	bind_text(&binds, "state", query_text(&call->query, "state"));
	bind_integer(&binds, "limit", limit + 1);
	call_reply_tagged(call, api_page(record_rows(call->api->record, API_tokens, &binds), "tokens", limit));
}

void
route_token(struct call *call)
{
	struct binds binds = { .count = 0 };
	json_t *tokens, *token;
	size_t i;

	if (call_unchanged(call))
		return;
	bind_text(&binds, "serial", call->object);
	tokens = record_rows(call->api->record, API_token, &binds);
	if (tokens && json_array_size(tokens) == 0) {
		json_decref(tokens);
		call_not_found(call);
		return;
	}
	json_array_foreach(tokens, i, token) {
		struct binds of = { .count = 0 };

		bind_integer(&of, "token", json_integer_value(json_object_get(token, "id")));
		json_object_del(token, "id");
		json_object_set_new(token, "uses", record_rows(call->api->record, API_token_uses, &of));
		api_explain(token, "failed", json_string_value(json_object_get(token, "failed_error")));
	}
	call_reply_tagged(call, tokens ? json_pack("{s:o}", "tokens", tokens) : NULL);
}
