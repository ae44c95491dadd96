/* Bays and tokens. */
#include "hostd/api/api.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"

#include <string.h>

enum { PAGE_ROWS = 100 };

/* Readers of several instances of pcscd have one name; null: that of `pcscd_socket`, or no reader. */
static void
add_pcscd(const struct config *config, json_t *row)
{
	const struct config_bay *bay = config_bay(config, (int)json_integer_value(json_object_get(row, "bay")));

	json_object_set_new(row, "pcscd", bay && bay->pcscd ? json_string(config->pcscds[bay->pcscd].name) : json_null());
}

/* The configuration's port comes before the one that was learned; which of them it is stands in `port_by`. */
static void
add_port(const struct config *config, json_t *row)
{
	const struct config_bay *bay = config_bay(config, (int)json_integer_value(json_object_get(row, "bay")));
	const char *learned = json_string_value(json_object_get(row, "port"));
	const char *configured = bay && bay->port[0] ? bay->port : NULL;

	json_object_set_new(row, "port_by", configured ? json_string("configuration") : learned && *learned ? json_string("learned") : json_null());
	if (configured)
		json_object_set_new(row, "port", json_string(configured));
	else if (!learned || !*learned)
		json_object_set_new(row, "port", json_null());
	if (configured)
		json_object_set_new(row, "port_learned_at", json_null());
}

/* Not tagged: what a bay shows grows older by itself. */
void
route_bays(struct call *call)
{
	struct binds binds = { .count = 0 };
	json_t *rows, *bay;
	size_t i;

	bind_integer(&binds, "now", clock_utc_us());
	rows = record_rows(call->api->record, API_bays, &binds);
	json_array_foreach(rows, i, bay) {
		add_pcscd(call->api->context->config, bay);
		add_port(call->api->context->config, bay);
		api_explain(bay, "trouble", json_string_value(json_object_get(bay, "error")));
	}
	call_reply(call, 200, rows ? json_pack("{s:I,s:o}", "seq", (json_int_t)record_seq(call->api->record), "bays", rows) : NULL);
}

/* What a person may order about a token now: the orders of schemas/commands.def that schemas/states.def allows in its state. One
 * that was never ours is not to be cleared, only erased. */
static json_t *
orders_open(const json_t *token)
{
	static const struct {
		const char *verb, *object;
	} orders_known[] = {
#define COMMAND(verb, object, en, zh) { #verb, #object },
#define ARGUMENT(...)
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
	};
	static const struct {
		const char *machine, *from, *event;
	} changes[] = {
#define STATE(...)
#define CHANGE(machine, from, event, to, actor) { #machine, #from, #event },
#include "schemas/states.def"
#undef CHANGE
#undef STATE
	};
	const char *state = json_string_value(json_object_get(token, "state"));
	json_t *orders = json_array();

	for (size_t v = 0; state && v < sizeof orders_known / sizeof orders_known[0]; v++) {
		const char *verb = orders_known[v].verb;

		if (strcmp(orders_known[v].object, "token") != 0)
			continue;
		for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
			if (strcmp(changes[i].machine, "token") == 0 && strcmp(changes[i].from, state) == 0 &&
			    strcmp(changes[i].event, verb) == 0 &&
			    (strcmp(verb, "clear") != 0 || json_is_null(json_object_get(token, "found"))))
				json_array_append_new(orders, json_string(verb));
	}
	return orders;
}

static void
tell_more(json_t *token)
{
	json_object_set_new(token, "orders", orders_open(token));
	api_explain(token, "failed", json_string_value(json_object_get(token, "failed_error")));
}

void
route_tokens(struct call *call)
{
	int64_t limit = query_number(&call->query, "limit", PAGE_ROWS);
	struct binds binds = { .count = 0 };
	json_t *rows, *token;
	size_t i;

	if (call_unchanged(call))
		return;
	bind_integer(&binds, "after", query_number(&call->query, "cursor", 0));
	bind_text(&binds, "state", query_text(&call->query, "state"));
	bind_integer(&binds, "limit", limit + 1);
	rows = record_rows(call->api->record, API_tokens, &binds);
	json_array_foreach(rows, i, token)
		tell_more(token);
	call_reply_tagged(call, api_page(rows, "tokens", limit));
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
		tell_more(token);
	}
	call_reply_tagged(call, tokens ? json_pack("{s:o}", "tokens", tokens) : NULL);
}
