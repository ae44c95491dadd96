/* What each order of schemas/commands.def does. */
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/commands.h"
#include "hostd/queue/erase.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/label.h"
#include "hostd/queue/order.h"
#include "hostd/queue/pack.h"
#include "hostd/queue/power.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/restored.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/wiring.h"
#include "schemas/errors.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STOCK_COUNT_MAX = 100000 };


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

int
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

int
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

int
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
int
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

int
verb_pack(struct queue *queue, struct order *order)
{
	if (order->state == STATE_application_held || order->state == STATE_application_cancelled) {
		order->detail = json_pack("{s:s, s:s}", "state", states_name(order->state), "held_why", order->held_why);
		return refuse(order, REASON_pack_held);
	}
	return pack_tokens(queue, order->subject, order->command->object, json_object_get(order->arguments, "tokens"),
	    &order->detail);
}

int
verb_reprint(struct queue *queue, struct order *order)
{
	const char *as = json_string_value(json_object_get(order->arguments, "as"));

	return as && strcmp(as, "printed") == 0 ? label_settle(queue, order->subject) : label_reprint(queue, order->subject);
}

/* --- credentials */

int
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

int
verb_clear(struct queue *queue, struct order *order)
{
	int r = order->token.is_foreign ? refuse(order, REASON_clear_not_ours)
	                                : states_apply(queue, MACHINE_token, order->subject, "clear", NULL);

	if (r == 0)
		r = store_run(queue->store, QUEUE_token_failed, "iss", order->subject, NULL, NULL);
	return r == 0 ? look_again(queue, order->subject) : r;
}

int
verb_erase(struct queue *queue, struct order *order)
{
	int r = erase_allow(queue, &order->token, json_object_get(order->arguments, "so_pin"), &order->detail);

	return r == 0 ? look_again(queue, order->subject) : r;
}

int
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

int
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

int
verb_stop(struct queue *queue, struct order *order)
{
	int r = strcmp(order->command->object, "any") == 0 ? 0 : check_key_type(order);

	return r == 0 ? stock_stop(queue, order->command->object) : r;
}

/* --- the bench */

int
verb_settle(struct queue *queue, struct order *order)
{
	(void)order;
	return restored_settle(queue);
}

/* --- bays */

static enum reason
cycle_hindrance(const struct bay *bay)
{
	if (power_is_stopped(bay->queue))
		return REASON_bay_stopped;
	if (bay->queue->learning)
		return REASON_bay_learning;
	if (!bay->switched || bay->is_slot)
		return bay->queue->peers[PROGRAM_BENCH].ipc ? REASON_cycle_no_switch : REASON_bay_no_station;
	if (!power_can_cycle(bay))
		return REASON_cycle_under_way;
	/* One that was killed at its deadline has hung: its token may be asked again. */
	return bay->lease && !bay->killed && steps_writes(bay->step) ? REASON_cycle_writing : REASON_NONE;
}

int
verb_cycle(struct queue *queue, struct order *order)
{
	struct bay *bay = queue_bay(queue, (uint32_t)order->subject);
	enum reason reason = cycle_hindrance(bay);

	queue->actor_bay = bay->number;
	return reason == REASON_NONE ? bay_cycle(bay) : refuse(order, reason);
}

int
verb_learn(struct queue *queue, struct order *order)
{
	return wiring_learn(queue, order->command->actor, &order->detail);
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

int
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
