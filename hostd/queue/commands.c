#include "hostd/queue/commands.h"
#include "hostd/base/config.h"
#include "hostd/queue/answer.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/naming.h"
#include "hostd/queue/order.h"
#include "hostd/queue/pack.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum object { /* those with states first */
	OBJECT_application, OBJECT_credential, OBJECT_token, OBJECT_bay, OBJECT_bench, OBJECT_wiring, OBJECT_date, OBJECT_stock
};

static const struct {
	const char *name;
	enum object object;
	verb_run   *run;
} verbs[] = {
#define COMMAND(verb, object, en, zh) { #verb, OBJECT_##object, verb_##verb },
#define ARGUMENT(verb, name, required, en, zh)
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT
};

static const struct {
	const char *verb, *name;
	int         required;
} arguments[] = {
#define COMMAND(verb, object, en, zh)
#define ARGUMENT(verb, name, required, en, zh) { #verb, #name, required },
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT
};

/* --- finding what it is about */

static int
find_application(struct queue *queue, struct order *order)
{
	enum queue_statement g = QUEUE_application_by_reference;
	int r = store_get(queue->store, g, "s", order->command->object);

	if (r != 0)
		return r;
	order->subject = store_i64(queue->store, g, 0);
	order->state = states_by_name(MACHINE_application, store_text(queue->store, g, 1));
	order->from = states_by_name(MACHINE_application, store_text(queue->store, g, 4));
	store_copy(queue->store, g, 5, order->held_why, sizeof order->held_why);
	store_done(queue->store, g);
	return 0;
}

static int
find_credential(struct queue *queue, struct order *order)
{
	enum queue_statement g = QUEUE_credential_by_name;
	int r = store_get(queue->store, g, "s", order->command->object);

	if (r != 0)
		return r;
	order->subject = store_i64(queue->store, g, 0);
	order->from = states_by_name(MACHINE_credential, store_text(queue->store, g, 3));
	store_done(queue->store, g);
	order->state = states_of(queue, MACHINE_credential, order->subject);
	return 0;
}

static int
find_token(struct queue *queue, struct order *order)
{
	int r = naming_find(queue, order->command->object, &order->token, &order->detail);

	order->subject = order->token.id;
	order->state = order->token.state;
	return r;
}

static int
find_bay(struct queue *queue, struct order *order)
{
	const struct bay *bay = queue_bay(queue, (uint32_t)strtoul(order->command->object, NULL, 10));

	order->subject = bay ? bay->number : 0;
	return bay ? 0 : MINT_NOT_FOUND;
}

/* There is one; its name is asked for so that nobody settles another's. */
static int
find_bench(struct queue *queue, struct order *order)
{
	return strcmp(queue->config->bench, order->command->object) == 0 ? 0 : MINT_NOT_FOUND;
}

/* The row is the whole bench's. That the date fits is the order's own affair. */
static int
find_date(struct queue *queue, struct order *order)
{
	(void)queue;
	order->subject = 0;
	return 0;
}

/* A key type needs no row: verbs look at the name. */
static int
find_stock(struct queue *queue, struct order *order)
{
	(void)queue, (void)order;
	return 0;
}

static int (*const find[])(struct queue *, struct order *) = {
	[OBJECT_application] = find_application,
	[OBJECT_credential] = find_credential,
	[OBJECT_token] = find_token,
	[OBJECT_bay] = find_bay,
	[OBJECT_bench] = find_bench,
	[OBJECT_wiring] = find_bench,
	[OBJECT_date] = find_date,
	[OBJECT_stock] = find_stock,
};
/* --- one order */

/* What an error of an order means where nothing more particular was said. */
static const struct {
	const char *verb;
	int         error;
	enum reason reason;
} general[] = {
	{ "hold", MINT_REFUSED, REASON_hold_not_now },
	{ "cancel", MINT_REFUSED, REASON_cancel_not_now },
	{ "pack", MINT_ARGUMENT, REASON_pack_no_list },
	{ "resolve", MINT_BUSY, REASON_resolve_revoking },
	{ "release", MINT_BUSY, REASON_resolve_revoking },
	{ "reprint", MINT_BUSY, REASON_reprint_on_its_way },
	{ "reprint", MINT_NOT_FOUND, REASON_reprint_none_yet },
	{ "reprint", MINT_REFUSED, REASON_reprint_not_in_doubt },
	{ "clear", MINT_REFUSED, REASON_clear_not_quarantined },
	{ "settle", MINT_REFUSED, REASON_settle_nothing },
	{ "scrap", MINT_REFUSED, REASON_scrap_not_now },
	{ "stop", MINT_NOT_FOUND, REASON_stock_none_ordered },
};

static void
give_general(struct order *order, int error)
{
	if (json_object_get(order->detail, "reason"))
		return;
	for (size_t i = 0; i < sizeof general / sizeof general[0]; i++)
		if (general[i].error == error && strcmp(general[i].verb, order->command->verb) == 0)
			order->detail = reason_give(order->detail, general[i].reason);
}

static const char *
argument_missing(const struct order *order)
{
	for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
		if (strcmp(arguments[i].verb, order->command->verb) == 0 && arguments[i].required &&
		    !json_object_get(order->arguments, arguments[i].name))
			return arguments[i].name;
	return NULL;
}

/* Who ordered what and why: the states that change have events of their own. */
static int
note(struct queue *queue, const struct order *order, enum object object)
{
	struct happening happening = { .detail = NULL };
	json_t *detail = json_pack("{s:s, s:s}", "object", order->command->object, "why", order->why);
	char *text = json_dumps(detail, JSON_COMPACT);
	char kind[64];
	int r;

	snprintf(kind, sizeof kind, "command.%s", order->command->verb);
	happening.kind = kind;
	happening.detail = text;
	if (object < OBJECT_bay)
		*(object == OBJECT_application ? &happening.application : object == OBJECT_credential ? &happening.credential
		    : &happening.token) = order->subject;
	r = feed_add(queue, &happening);
	if (r == 0)
		r = store_run(queue->store, QUEUE_operator_seen, "si", order->command->actor, queue_now(queue));
	json_decref(detail);
	free(text);
	return r;
}

static int
carry_out(struct queue *queue, struct order *order)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		int r;

		if (strcmp(verbs[i].name, order->command->verb) != 0)
			continue;
		r = find[verbs[i].object](queue, order);
		if (r == 0 && argument_missing(order)) {
			order->detail = reason_give(json_pack("{s:s}", "argument", argument_missing(order)), REASON_argument_missing);
			r = MINT_ARGUMENT;
		}
		if (r == 0) {
			r = verbs[i].run(queue, order);
			give_general(order, r);
		}
		return r == 0 ? note(queue, order, verbs[i].object) : r;
	}
	return MINT_NOT_FOUND;
}

/* The state the object is in now: what an order led to, or why it was refused. NULL when there is no such object. */
static const char *
present_state(struct queue *queue, const struct message_command *command)
{
	static const enum machine machines[] = {
		[OBJECT_application] = MACHINE_application, [OBJECT_credential] = MACHINE_credential, [OBJECT_token] = MACHINE_token,
	};
	struct order order = { .command = command };

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, command->verb) == 0 && verbs[i].object < OBJECT_bay &&
		    find[verbs[i].object](queue, &order) == 0)
			return states_name(states_of(queue, machines[verbs[i].object], order.subject));
	json_decref(order.detail);
	return NULL;
}

static json_t *
with_names(struct queue *queue, const struct order *order, json_t *detail, int error)
{
	const char *state = present_state(queue, order->command);

	if (!detail)
		detail = json_object();
	if (state)
		json_object_set_new(detail, "state", json_string(state));
	json_object_set_new(detail, "verb", json_string(order->command->verb));
	json_object_set_new(detail, "object", json_string(order->command->object));
	if (error != 0)
		json_object_set_new(detail, "error", json_string(error_info(error)->name));
	return detail;
}

/* jansson frees its texts as they are. */
static void
wipe_secrets(json_t *body)
{
	const json_t *so_pin = json_object_get(body, "so_pin");

	if (json_is_string(so_pin))
		OPENSSL_cleanse((char *)(uintptr_t)json_string_value(so_pin), json_string_length(so_pin));
}

int
command_message(struct queue *queue, const struct message_command *command)
{
	struct order order = { .command = command };
	const char *why;
	int r;

	order.arguments = json_loads(command->arguments[0] ? command->arguments : "{}", JSON_REJECT_DUPLICATES, NULL);
	why = json_string_value(json_object_get(order.arguments, "why"));
	order.why = why ? why : "";
	r = json_is_object(order.arguments) ? carry_out(queue, &order) : MINT_SYNTAX;
	if (r == 0) {
		r = answer_command(queue, command->call, 0, with_names(queue, &order, order.detail, 0));
		order.detail = NULL;
	} else if (order.detail) {
		json_decref(queue->refusal);
		queue->refusal = order.detail; /* what was written is taken back before the answer */
	}
	wipe_secrets(order.arguments);
	json_decref(order.arguments);
	return r;
}

int
command_refused(struct queue *queue, const struct message_command *command, int error)
{
	struct order order = { .command = command };
	json_t *detail = with_names(queue, &order, queue->refusal, error);

	queue->refusal = NULL;
	return answer_command(queue, command->call, error, detail);
}
