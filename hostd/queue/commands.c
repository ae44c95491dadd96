#include "hostd/queue/commands.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/queue/answer.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/erase.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/label.h"
#include "hostd/queue/naming.h"
#include "hostd/queue/pack.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/restored.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STOCK_COUNT_MAX = 100000 };

/* One order while it is carried out. `subject` is the row it is about. */
struct order {
	const struct message_command *command;
	json_t    *arguments;
	const char *why;          /* "" when none is given */
	json_t    *detail;        /* for the answer */
	struct named_token token; /* of an order about one */
	int64_t    subject;
	enum state state;
	enum state from;          /* held or parked from */
	char       held_why[4097];
	char       name[129];
};

typedef int verb_run(struct queue *queue, struct order *order);

#define COMMAND(verb, object, en, zh) static verb_run verb_##verb;
#define ARGUMENT(verb, name, required, en, zh)
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT

enum object { /* those with states first */
	OBJECT_application, OBJECT_credential, OBJECT_token, OBJECT_bay, OBJECT_bench, OBJECT_date, OBJECT_stock
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
	[OBJECT_date] = find_date,
	[OBJECT_stock] = find_stock,
};

static int
refuse(struct order *order, enum reason reason)
{
	order->detail = reason_give(order->detail, reason);
	return MINT_REFUSED;
}

/* --- applications */

static int
claimable(struct queue *queue, const struct order *order, int yes)
{
	queue->wake = 1;
	return store_run(queue->store, QUEUE_credentials_claimable, "id", order->subject, yes);
}

static int
verb_hold(struct queue *queue, struct order *order)
{
	int r = store_run(queue->store, QUEUE_application_hold, "is", order->subject, order->why);

	if (r == 0)
		r = states_apply(queue, MACHINE_application, order->subject, "hold", NULL);
	return r == 0 ? claimable(queue, order, 0) : r;
}

/* Findings of the import are an array of objects and ask for `override`; an operator's reason is a text, whatever it begins
 * with, and the only one once minting has begun. */
static int
is_held_by_findings(const struct order *order)
{
	return order->state == STATE_application_held && order->from != STATE_application_minting &&
	       strncmp(order->held_why, "[{", 2) == 0;
}

/* An application that this bench cannot mint stays held, whoever says otherwise. */
static int
is_beyond_us(const struct order *order)
{
	return strstr(order->held_why, "\"NOT_YET\"") != NULL;
}

static int
let_go(struct queue *queue, const struct order *order, const char *event)
{
	int r = states_apply(queue, MACHINE_application, order->subject, event, NULL);

	if (r == 0)
		r = store_run(queue->store, QUEUE_application_free, "i", order->subject);
	if (r == 0)
		r = claimable(queue, order, 1);
	return r == 0 ? finish_check(queue, order->subject) : r;
}

/* Whatever of the application is parked goes on: a failed label, credentials whose cause may be mended. Those whose token was
 * taken out wait for the token itself. */
static int
release_parked(struct queue *queue, const struct order *order)
{
	enum queue_statement g = QUEUE_credentials_parked;
	int64_t ids[32];
	int count = 0, r;

	for (r = store_get(queue->store, g, "i", order->subject); r == 0 && count < 32; r = store_next(queue->store, g))
		ids[count++] = store_i64(queue->store, g, 0);
	store_done(queue->store, g);
	r = label_retry(queue, order->subject);
	for (int i = 0; r == 0 && i < count; i++)
		r = fault_retry(queue, ids[i]);
	return r;
}

static int
is_over(enum state state)
{
	return state == STATE_application_cancelled || state == STATE_application_rejected || state == STATE_application_issued ||
	       state == STATE_application_invoice_requested || state == STATE_application_invoiced;
}

static int
verb_release(struct queue *queue, struct order *order)
{
	if (is_over(order->state))
		return refuse(order, REASON_release_over);
	if (order->state != STATE_application_held)
		return release_parked(queue, order);
	if (is_held_by_findings(order))
		return refuse(order, REASON_release_findings);
	return let_go(queue, order, order->from == STATE_application_minting ? "resume" : "release");
}

int
command_is_other_person(const char *actor, const char *earlier)
{
	size_t a = strcspn(actor, "("), b = strcspn(earlier, "(");

	return a != b || strncmp(actor, earlier, a) != 0;
}

static int
may_override(struct queue *queue, const struct order *order)
{
	enum queue_statement g = QUEUE_event_importer;
	int other = 0;

	if (queue->config->single_operator)
		return 1;
	if (store_get(queue->store, g, "i", order->subject) == 0) {
		other = command_is_other_person(order->command->actor, store_text(queue->store, g, 0));
		store_done(queue->store, g);
	}
	return other;
}

static int
verb_override(struct queue *queue, struct order *order)
{
	enum reason reason = !is_held_by_findings(order) ? REASON_override_not_held
	    : is_beyond_us(order) ? REASON_override_beyond_us
	    : !may_override(queue, order) ? REASON_override_same_person : REASON_NONE;

	if (reason != REASON_NONE)
		return refuse(order, reason);
	return let_go(queue, order, "override");
}

/* Held in mid-work it may have certificates alive and tokens made: each is given up by name first. */
static int
verb_cancel(struct queue *queue, struct order *order)
{
	int64_t in_work = store_value(queue->store, QUEUE_credentials_in_work, 1, "i", order->subject);
	int r;

	if (in_work) {
		order->detail = json_pack("{s:I}", "in_work", (json_int_t)in_work);
		return refuse(order, REASON_cancel_in_work);
	}
	r = states_apply(queue, MACHINE_application, order->subject, "cancel", NULL);
	return r == 0 ? claimable(queue, order, 0) : r;
}

static int
verb_pack(struct queue *queue, struct order *order)
{
	if (order->state == STATE_application_held || order->state == STATE_application_cancelled) {
		order->detail = json_pack("{s:s, s:s}", "state", states_name(order->state), "held_why", order->held_why);
		return refuse(order, REASON_pack_held);
	}
	return pack_tokens(queue, order->subject, order->command->object, json_object_get(order->arguments, "tokens"),
	    &order->detail);
}

static int
verb_reprint(struct queue *queue, struct order *order)
{
	const char *as = json_string_value(json_object_get(order->arguments, "as"));

	return as && strcmp(as, "printed") == 0 ? label_settle(queue, order->subject) : label_reprint(queue, order->subject);
}

/* --- credentials */

static int
verb_resolve(struct queue *queue, struct order *order)
{
	const char *as = json_string_value(json_object_get(order->arguments, "as"));

	int r;

	if (as && strcmp(as, "retry") == 0) {
		r = fault_retry(queue, order->subject);
		return r == MINT_REFUSED ? refuse(order, REASON_resolve_not_parked) : r;
	}
	if (!as || (strcmp(as, "redo") != 0 && strcmp(as, "abandon") != 0)) {
		order->detail = reason_give(order->detail, REASON_resolve_as);
		return MINT_ARGUMENT;
	}
	r = fault_give_up(queue, order->subject, as, order->why);
	return r == MINT_REFUSED ? refuse(order, REASON_resolve_over) : r;
}

/* --- tokens */

/* One that lies in a bay is looked at anew: it need not be taken out for that. */
static int
look_again(struct queue *queue, int64_t token)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (queue->bays[i].token == token)
			return bay_wake(&queue->bays[i]);
	return 0;
}

static int
verb_clear(struct queue *queue, struct order *order)
{
	int r = order->token.is_foreign ? refuse(order, REASON_clear_not_ours)
	                                : states_apply(queue, MACHINE_token, order->subject, "clear", NULL);

	if (r == 0)
		r = store_run(queue->store, QUEUE_token_failed, "iss", order->subject, NULL, NULL);
	return r == 0 ? look_again(queue, order->subject) : r;
}

static int
verb_erase(struct queue *queue, struct order *order)
{
	int r = erase_allow(queue, &order->token, json_object_get(order->arguments, "so_pin"), &order->detail);

	return r == 0 ? look_again(queue, order->subject) : r;
}

static int
verb_scrap(struct queue *queue, struct order *order)
{
	return stock_scrap(queue, order->subject);
}

/* --- stock */

static int
is_key_type(const char *name)
{
	static const char *const names[] = {
#define KEY(name, text, ...) text,
#include "schemas/application.def"
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return 1;
	return 0;
}

static int
check_key_type(struct order *order)
{
	if (is_key_type(order->command->object))
		return 0;
	order->detail = reason_give(order->detail, REASON_stock_key_type);
	return MINT_ARGUMENT;
}

static int
verb_prekey(struct queue *queue, struct order *order)
{
	const json_t *count = json_object_get(order->arguments, "count");
	const char *text = json_string_value(count), *lot = json_string_value(json_object_get(order->arguments, "lot"));
	char *end = NULL;
	long number = text ? strtol(text, &end, 10) : (long)json_integer_value(count);
	int r;

	if (number < 1 || number > STOCK_COUNT_MAX || (end && *end)) {
		order->detail = reason_give(order->detail, REASON_stock_count);
		return MINT_ARGUMENT;
	}
	r = check_key_type(order);
	return r != 0 ? r : stock_order(queue, order->command->object, number, lot, order->command->actor);
}

static int
verb_stop(struct queue *queue, struct order *order)
{
	int r = strcmp(order->command->object, "any") == 0 ? 0 : check_key_type(order);

	return r == 0 ? stock_stop(queue, order->command->object) : r;
}

/* --- the bench */

static int
verb_settle(struct queue *queue, struct order *order)
{
	(void)order;
	return restored_settle(queue);
}

/* --- the clock */

/* Whether the day holds `utc_us` somewhere on earth: whoever reads a calendar may be in any time zone. */
static int
is_today(const char *date, int64_t utc_us)
{
	enum { ZONE_S = 14 * 3600, DAY_S = 86400 };
	struct tm day = { .tm_isdst = 0 };
	const char *end = strptime(date, "%Y-%m-%d", &day);
	int64_t begins_s = end && !*end ? (int64_t)timegm(&day) : INT64_MIN / 2, now_s = utc_us / 1000000;

	return now_s >= begins_s - ZONE_S && now_s < begins_s + DAY_S + ZONE_S;
}

static int
verb_confirm(struct queue *queue, struct order *order)
{
	queue_now(queue);
	if (!queue->clock.back)
		return refuse(order, REASON_confirm_not_back);
	if (!is_today(order->command->object, clock_utc_us()))
		return refuse(order, REASON_confirm_date);
	order->detail = json_pack("{s:I}", "was_ahead_s", (json_int_t)((queue->clock.seen - clock_utc_us()) / 1000000));
	return turn_confirm_clock(queue);
}

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
