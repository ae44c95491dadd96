#include "hostd/queue/bay_internal.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/power.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* --- what is shown */

/* A step only of a bay at work: one whose token was pulled asks for a token, not for patience. */
int
bay_show(struct bay *bay)
{
	struct queue *queue = bay->queue;
	const struct step *step = bay->state == STATE_bay_working ? bay->step : NULL;

	return store_run(queue->store, QUEUE_bay_show, "dsssiiiisisiss", bay->number, queue->config->bench, bay->reader,
	    states_name(bay->state), bay->token, bay->credential, (int64_t)bay->lease, (int64_t)bay->pid,
	    step ? step->name : NULL, step ? bay->step_at : 0, bay->trouble, queue_now(queue), bay->port,
	    power_supply_name(bay));
}

int
bay_set(struct bay *bay, enum state state, const char *trouble)
{
	struct happening happening = { .token = bay->token, .credential = bay->credential, .error = trouble };
	int changed = state != bay->state;
	char kind[32];
	int r;

	bay->state = state;
	bay->trouble = trouble;
	r = bay_show(bay);
	if (r != 0 || !changed)
		return r;
	snprintf(kind, sizeof kind, "bay.%s", states_name(state));
	happening.kind = kind;
	bay->queue->actor_bay = bay->number;
	return feed_add(bay->queue, &happening);
}

int
bay_hindered(struct bay *bay, const char *hindrance)
{
	return bay_set(bay, power_stands_still(bay->queue) ? STATE_bay_stopped : STATE_bay_trouble, hindrance);
}

int
bay_found(struct queue *queue, int64_t credential)
{
	int r = 0;

	for (size_t i = 0; r == 0 && credential && i < queue->config->bay_count; i++) {
		struct bay *bay = &queue->bays[i];

		if (bay->pulled != credential)
			continue;
		bay->pulled = 0;
		if (bay->state == STATE_bay_empty)
			r = bay_set(bay, STATE_bay_empty, NULL);
	}
	return r;
}

int
bay_has_lost_sight(const struct bay *bay)
{
	return bay->left || !bay->reported || bay->recalled || (bay->power != POWER_GIVEN && bay->vanished);
}

/* A token that has come to this bay is no more in the one where it was last seen. */
static int
take_from_others(struct bay *bay, int64_t token)
{
	struct queue *queue = bay->queue;
	int r = 0;

	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++) {
		struct bay *other = &queue->bays[i];

		if (other == bay || other->token != token || !bay_has_lost_sight(other))
			continue;
		other->token = other->credential = 0;
		other->recalled = 0;
		r = bay_show(other);
	}
	return r;
}

int
bay_holds(struct bay *bay, int64_t token, int64_t credential)
{
	int r = bay_found(bay->queue, credential);

	if (r == 0 && token)
		r = take_from_others(bay, token);
	bay->token = token;
	bay->credential = credential;
	bay->recalled = 0;
	return r == 0 ? bay_show(bay) : r;
}

void
bay_arm(struct bay *bay, int ms)
{
	bay->deadline_us = clock_monotonic_us() + (int64_t)ms * 1000;
	bay_rearm(bay);
}

void
bay_disarm(struct bay *bay)
{
	bay->deadline_us = 0;
	bay_rearm(bay);
}

void
bay_rearm(struct bay *bay)
{
	int64_t left_us = bay->deadline_us - clock_monotonic_us();
	struct timeval delay = { left_us > 0 ? left_us / 1000000 : 0, left_us > 0 ? left_us % 1000000 : 0 };

	if (bay->deadline_us)
		evtimer_add(bay->deadline, &delay);
	else
		evtimer_del(bay->deadline);
}

/* mint-worker keeps the model's own time-outs and says what went wrong: it is not cut off before it could. */
static int
step_limit_ms(const struct bay *bay, const struct step *step)
{
	int ms = step->timeout_ms ? step->timeout_ms : bay->queue->config->step_timeout_ms;

	return bay->step_limit_ms > (uint32_t)ms && bay->step_limit_ms <= INT_MAX ? (int)bay->step_limit_ms : ms;
}

int
bay_at_step(struct bay *bay, const struct step *step, int64_t journal)
{
	bay->step = step;
	bay->journal = journal;
	bay->step_at = step ? queue_now(bay->queue) : 0;
	if (step && (step->performer == PERFORMER_mint || step->performer == PERFORMER_prove))
		bay_arm(bay, step_limit_ms(bay, step));
	else
		bay_disarm(bay);
	return bay_show(bay);
}

/* --- from the cradle to the grave */

int
bays_new(struct queue *queue)
{
	queue->bays = calloc(queue->config->bay_count + 1, sizeof *queue->bays);
	queue->bays_before = calloc(queue->config->bay_count + 1, sizeof *queue->bays);
	if (!queue->bays || !queue->bays_before)
		return MINT_MEMORY;
	for (size_t i = 0; i < queue->config->bay_count; i++) {
		struct bay *bay = &queue->bays[i];

		bay->queue = queue;
		bay->number = queue->config->bays[i].number;
		bay->is_slot = config_bay_is_slot(&queue->config->bays[i]);
		bay->state = STATE_bay_no_reader;
		bay->light = bay->burning = -1;
		snprintf(bay->reader, sizeof bay->reader, "%s", queue->config->bays[i].reader);
		bay->deadline = evtimer_new(queue->base, bay_on_deadline, bay);
		if (!bay->deadline)
			return MINT_MEMORY;
	}
	return 0;
}

void
bays_free(struct queue *queue)
{
	for (size_t i = 0; queue->bays && i < queue->config->bay_count; i++) {
		ipc_free(&queue->bays[i].worker);
		if (queue->bays[i].deadline)
			event_free(queue->bays[i].deadline);
	}
	free(queue->bays);
	free(queue->bays_before);
	queue->bays = queue->bays_before = NULL;
}
