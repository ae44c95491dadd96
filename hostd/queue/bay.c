#include "hostd/queue/bay.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FINISH_MS = 15000, /* to log out and exit; a card's reset takes its time */
	WATCH_AGAIN_MS = 5000, /* after a module that cannot even be looked at */
	LOSSES_MAX = 2     /* in a row at one step */
};

/* --- what is shown */

/* A step only of a bay at work: one whose token was pulled asks for a token, not for patience. */
static int
show(struct bay *bay)
{
	struct queue *queue = bay->queue;
	const struct step *step = bay->state == STATE_bay_working ? bay->step : NULL;

	return store_run(queue->store, QUEUE_bay_show, "dsssiiiisisi", bay->number, queue->config->bench, bay->reader,
	    states_name(bay->state), bay->token, bay->credential, (int64_t)bay->lease, (int64_t)bay->pid,
	    step ? step->name : NULL, step ? bay->step_at : 0, bay->trouble, queue_now(queue));
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
	r = show(bay);
	if (r != 0 || !changed)
		return r;
	snprintf(kind, sizeof kind, "bay.%s", states_name(state));
	happening.kind = kind;
	bay->queue->actor_bay = bay->number;
	return feed_add(bay->queue, &happening);
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

/* A token that has come to this bay is no more in one whose worker is being stopped because it was taken out. */
static void
take_from_left(struct bay *bay, int64_t token)
{
	struct queue *queue = bay->queue;

	for (size_t i = 0; i < queue->config->bay_count; i++) {
		struct bay *other = &queue->bays[i];

		if (other != bay && other->left && other->token == token)
			other->token = other->credential = 0;
	}
}

int
bay_holds(struct bay *bay, int64_t token, int64_t credential)
{
	int r = bay_found(bay->queue, credential);

	if (token)
		take_from_left(bay, token);
	bay->token = token;
	bay->credential = credential;
	return r == 0 ? show(bay) : r;
}

static void
arm(struct bay *bay, int ms)
{
	struct timeval delay = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(bay->deadline, &delay);
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
		arm(bay, step_limit_ms(bay, step));
	else
		evtimer_del(bay->deadline);
	return show(bay);
}

/* --- the worker's process */

/* A fresh process on the reader or slot; nothing is shown of it yet. */
static int
lease(struct bay *bay, enum worker_role role, const char *name)
{
	struct queue *queue = bay->queue;
	struct message message = { .type = MESSAGE_worker_start };
	int r = store_run(queue->store, QUEUE_lease_add, "sdsi", queue->config->bench, bay->number, name, queue_now(queue));

	if (r != 0)
		return r;
	bay->lease = (uint64_t)store_last_id(queue->store);
	bay->role = (uint8_t)role;
	bay->pid = 0;
	bay->step_limit_ms = 0;
	bay->release[0] = '\0';
	bay->greeted = bay->reaped = bay->killed = bay->left = bay->codes_known = 0;
	bay->step = NULL;
	bay->journal = bay->step_at = 0;
	bay->after = AFTER_LOST;
	message.worker_start = (struct message_worker_start){
		.lease = bay->lease, .bay = (uint32_t)bay->number, .role = (uint8_t)role,
	};
	return turn_send(queue, queue->mintd, &message);
}

static int
start_worker(struct bay *bay, enum worker_role role)
{
	int r = lease(bay, role, role == ROLE_MINT ? "mint" : "prove");

	if (r != 0)
		return r;
	bay->pulled = 0;
	arm(bay, bay->queue->config->step_timeout_ms);
	return bay_set(bay, STATE_bay_working, NULL);
}

/* The slot goes on showing what it shows. */
static int
start_watch(struct bay *bay)
{
	int r = lease(bay, ROLE_WATCH, "watch");

	evtimer_del(bay->deadline); /* it stays as long as nothing changes */
	return r;
}

int
bay_is_free(const struct bay *bay)
{
	return !bay->lease || bay->role == ROLE_WATCH;
}

int
bay_started(struct bay *bay, uint32_t pid)
{
	bay->pid = pid;
	return show(bay);
}

int
bay_finish(struct bay *bay, enum after after, const char *trouble)
{
	struct message message = { .type = MESSAGE_finish };

	bay->after = after;
	bay->trouble = trouble;
	bay->step = NULL;
	bay->journal = bay->step_at = 0;
	arm(bay, FINISH_MS);
	message.finish.lease = bay->lease;
	return turn_send(bay->queue, bay->worker, &message);
}

int
bay_kill(struct bay *bay, enum after after, const char *trouble)
{
	struct message message = { .type = MESSAGE_worker_kill };

	bay->after = after;
	bay->trouble = trouble;
	bay->killed = 1;
	evtimer_del(bay->deadline); /* SIGKILL needs none: `exited` follows */
	message.worker_kill.lease = bay->lease;
	return turn_send(bay->queue, bay->queue->mintd, &message);
}

/* --- what follows */

/* A worker on the token, as soon as the one that looks after the slot has left. */
static int
begin(struct bay *bay)
{
	if (!bay->lease)
		return start_worker(bay, ROLE_MINT);
	return bay->after == AFTER_LOST ? bay_finish(bay, AFTER_PROBE, NULL) : 0;
}

static int
look(struct bay *bay)
{
	switch (bay->presence) {
	case PRESENCE_TOKEN:
		return begin(bay);
	case PRESENCE_MUTE:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_trouble, "TOKEN_UNKNOWN");
	case PRESENCE_EMPTY:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_empty, bay->pulled ? "TOKEN_GONE" : NULL);
	default:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_no_reader, NULL);
	}
}

int
bay_look(struct bay *bay)
{
	int r = look(bay);

	return r == 0 && bay->is_slot && !bay->lease ? start_watch(bay) : r;
}

int
bay_wake(struct bay *bay)
{
	return bay_is_free(bay) && bay->presence == PRESENCE_TOKEN ? begin(bay) : 0;
}

/* The token is out of the bay and no worker holds it. */
static int
token_left(struct bay *bay)
{
	int64_t credential = bay->credential;
	int was_parked = credential && states_of(bay->queue, MACHINE_credential, credential) == STATE_credential_parked;
	int r = credential ? finish_left(bay->queue, credential) : 0;

	bay->token = bay->credential = 0;
	bay->losses = bay->gone = 0;
	if (credential && !was_parked && states_of(bay->queue, MACHINE_credential, credential) == STATE_credential_parked)
		bay->pulled = credential;
	return r;
}

/* Nobody asked the worker to leave: once more, then the token is to blame as far as anyone can tell. */
static int
lost_again(struct bay *bay)
{
	const struct step *step = bay->step;

	if (bay->lost_at != step)
		bay->losses = 0;
	bay->lost_at = step;
	if (++bay->losses < LOSSES_MAX)
		return start_worker(bay, ROLE_MINT);
	bay->settled = 1;
	return fault_lost(bay, step);
}

static int
follow(struct bay *bay)
{
	if (bay->left) {
		int r = token_left(bay);

		return r == 0 ? look(bay) : r;
	}
	if (bay->presence != PRESENCE_TOKEN)
		return look(bay);
	switch (bay->after) {
	case AFTER_PROVE:
		return start_worker(bay, ROLE_PROVE);
	case AFTER_PROBE:
		return start_worker(bay, ROLE_MINT);
	case AFTER_WATCH: {
		int gone = bay->gone;
		int r = token_left(bay);

		bay->gone = gone; /* a slot that shows a token which its module cannot use is for a person in the end */
		bay->presence = PRESENCE_NO_READER; /* until the watch has told what is there now */
		return r;
	}
	case AFTER_LOST:
		return lost_again(bay);
	case AFTER_IDLE:
		bay->settled = 1;
		bay->queue->wake = 1; /* work may have come while the worker left */
		return bay_set(bay, STATE_bay_idle, bay->trouble);
	case AFTER_TAKE:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_take, NULL);
	case AFTER_TROUBLE:
	default:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_trouble, bay->trouble);
	}
}

/* The module of a slot cannot even be looked at, or its process was killed: again in a while. */
static int
watch_lost(struct bay *bay)
{
	int r = bay_set(bay, STATE_bay_no_reader, "MODULE");

	if (r == 0 && (bay->presence == PRESENCE_TOKEN || bay->presence == PRESENCE_MUTE))
		r = token_left(bay);
	bay->presence = PRESENCE_NO_READER;
	bay->reported = bay->settled = 1;
	arm(bay, WATCH_AGAIN_MS);
	return r;
}

int
bay_ended(struct bay *bay)
{
	struct queue *queue = bay->queue;
	int watch_was_lost = bay->role == ROLE_WATCH && bay->after == AFTER_LOST;
	int r = store_run(queue->store, QUEUE_lease_end, "ii", (int64_t)bay->lease, queue_now(queue));

	if (r == 0 && bay->journal && bay->step && bay->step->performer != PERFORMER_ca)
		r = journal_end(queue, bay->journal, "lost", NULL, "the worker ended without an answer");
	evtimer_del(bay->deadline);
	bay->lease = 0;
	bay->pid = 0;
	bay->journal = bay->step_at = 0;
	if (r == 0)
		r = watch_was_lost ? watch_lost(bay) : follow(bay);
	if (r == 0 && bay->is_slot && !bay->lease && !watch_was_lost)
		r = start_watch(bay);
	if (!bay->lease)
		bay->step = NULL;
	if (r == 0 && bay->settled)
		r = recover_settled(queue);
	return r;
}

/* A slot knows a token by its label alone: as it was told last, or as we have called it since. */
static int
same_label(struct bay *bay, const char *label)
{
	enum queue_statement g = QUEUE_token_marker;
	int same = strcmp(bay->label, label) == 0;

	if (same || !bay->token || store_get(bay->queue->store, g, "i", bay->token) != 0)
		return same;
	same = strcmp(store_text(bay->queue->store, g, 0), label) == 0;
	store_done(bay->queue->store, g);
	return same;
}

static int
same_token(struct bay *bay, const struct message_bay *report)
{
	if (bay->presence != report->presence)
		return 0;
	if (bay->is_slot)
		return same_label(bay, report->label);
	return bay->atr_bytes == report->atr.length &&
	       memcmp(bay->atr, report->atr.data ? report->atr.data : (const uint8_t *)"", bay->atr_bytes) == 0;
}

/* It may have been swapped for its like while nobody watched. A slot whose watch came back has been looked at by then. */
static int
look_again(struct bay *bay)
{
	return bay_is_free(bay) && !(bay->is_slot && bay->settled) ? bay_look(bay) : 0;
}

static void
remember(struct bay *bay, const struct message_bay *report)
{
	snprintf(bay->reader, sizeof bay->reader, "%s", report->reader);
	snprintf(bay->label, sizeof bay->label, "%s", report->label);
	bay->reported = 1;
	bay->presence = report->presence;
	bay->atr_bytes = report->atr.length;
	if (bay->atr_bytes)
		memcpy(bay->atr, report->atr.data, bay->atr_bytes);
}

int
bay_report(struct bay *bay, const struct message_bay *report)
{
	int had_token = bay->presence == PRESENCE_TOKEN || bay->presence == PRESENCE_MUTE;
	int same = same_token(bay, report), news = !bay->reported;
	int r;

	remember(bay, report);
	if (same && !news)
		return bay->is_slot && had_token ? look_again(bay) : 0;
	if (same && had_token)
		return look_again(bay);
	bay->settled = 0;
	if (bay->queue->stalled)
		return 0; /* looked at when the storage works again */
	if (!bay_is_free(bay)) {
		if (!had_token || bay->left)
			return 0;
		bay->left = 1;
		return bay_kill(bay, AFTER_PROBE, NULL);
	}
	r = had_token ? token_left(bay) : 0;
	if (r == 0)
		r = bay_look(bay);
	if (r == 0 && bay->settled)
		r = recover_settled(bay->queue);
	return r;
}

/* --- deadlines */

static int
overdue(struct queue *queue, void *argument)
{
	struct bay *bay = argument;

	(void)queue;
	log_warning("bay %d: %s: no answer in time: the worker is killed and the token looked at", bay->number,
	    bay->step ? bay->step->name : bay->after == AFTER_LOST ? "probe" : "finish");
	return bay_kill(bay, bay->after, bay->trouble);
}

static int
watch_again(struct queue *queue, void *argument)
{
	(void)queue;
	return start_watch(argument);
}

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct bay *bay = argument;

	(void)fd, (void)what;
	if (bay->lease)
		turn_part(bay->queue, "queue", bay, overdue, bay);
	else if (bay->is_slot)
		turn_part(bay->queue, "queue", bay, watch_again, bay);
}

int
bays_watch(struct queue *queue, void *unused)
{
	int r = 0;

	(void)unused;
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		if (queue->bays[i].is_slot && !queue->bays[i].lease)
			r = start_watch(&queue->bays[i]);
	return r;
}

void
bay_forget(struct bay *bay)
{
	struct message message = { .type = MESSAGE_worker_kill };

	evtimer_del(bay->deadline);
	bay->settled = 0;
	bay->token = bay->credential = 0;
	bay->losses = 0;
	bay->step = NULL;
	bay->journal = 0;
	bay->after = AFTER_PROBE;
	if (!bay->lease)
		return;
	message.worker_kill.lease = bay->lease;
	ipc_send(bay->queue->mintd, &message, -1);
}

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
		snprintf(bay->reader, sizeof bay->reader, "%s", queue->config->bays[i].reader);
		bay->deadline = evtimer_new(queue->base, on_deadline, bay);
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
