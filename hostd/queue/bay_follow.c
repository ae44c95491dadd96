/* What follows in a bay: when its worker has ended, and when something else is in it than before. */
#include "hostd/queue/absence.h"
#include "hostd/queue/bay_internal.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/power.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/stock.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

enum {
	WATCH_AGAIN_MS = 5000, /* after a module that cannot even be looked at */
	LOSSES_MAX = 2         /* in a row at one step */
};

/* --- when a worker has ended */

/* A worker on the token, as soon as the one that looks after the slot has left. */
static int
begin(struct bay *bay)
{
	if (!bay->lease)
		return bay_start(bay, ROLE_MINT);
	return bay->after == AFTER_LOST ? bay_finish(bay, AFTER_PROBE, NULL) : 0;
}

static int
look(struct bay *bay)
{
	const char *hindrance = power_hindrance(bay);

	if (absence_is_open(bay))
		return absence_begin(bay, 0);
	if (hindrance && bay_is_free(bay)) {
		bay->settled = 1;
		return bay_hindered(bay, hindrance);
	}
	if (power_is_out(bay) && bay_is_free(bay) && !power_shows_token(bay))
		return absence_hold(bay);
	switch (bay->presence) {
	case PRESENCE_TOKEN:
		return begin(bay);
	case PRESENCE_MUTE:
		if (power_may_help(bay, "mute"))
			return power_cycle(bay, "mute");
		bay->settled = 1;
		return bay_set(bay, STATE_bay_trouble, "TOKEN_MUTE");
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

	return r == 0 && bay->is_slot && !bay->lease ? bay_start_watch(bay) : r;
}

int
bay_wake(struct bay *bay)
{
	return bay_is_free(bay) && bay->presence == PRESENCE_TOKEN && bay->power == POWER_GIVEN ? look(bay) : 0;
}

int
bay_token_left(struct bay *bay)
{
	int64_t credential = bay->credential;
	int r = credential ? finish_left(bay->queue, credential) : stock_left(bay);

	bay->token = bay->credential = 0;
	bay->recalled = bay->vanished = 0;
	bay->losses = bay->gone = bay->cycled = 0;
	if (credential && fault_is_missed(bay->queue, credential))
		bay->pulled = credential;
	return r;
}

/* Its token does not answer: a fresh worker would wait as long as the last one, unless the power is cut before. */
static int
look_at_hung(struct bay *bay, const struct step *step)
{
	const char *because = step ? step->name : "probe";

	if ((!step || step->hung == HUNG_cycle) && power_may_help(bay, because))
		return power_cycle(bay, because);
	return bay_start(bay, ROLE_MINT);
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
		return bay->hung ? look_at_hung(bay, step) : bay_start(bay, ROLE_MINT);
	bay->settled = 1;
	return fault_lost(bay, step);
}

static int
begins_anew(enum after after)
{
	return after == AFTER_PROVE || after == AFTER_PROBE || after == AFTER_LOST || after == AFTER_CYCLE;
}

/* What shows by now in a bay that may have been cut is probed: it may be the one that was there. */
static int
follow_left(struct bay *bay)
{
	int dark = bay->left_dark, r;

	bay->left = bay->left_dark = 0;
	if (absence_may_be_power(bay))
		return power_shows_token(bay) ? look(bay) : absence_begin(bay, !dark);
	r = bay_token_left(bay);
	return r == 0 ? look(bay) : r;
}

static int
follow(struct bay *bay)
{
	if (bay->left)
		return follow_left(bay);
	if (bay->after == AFTER_CYCLE && power_can_cycle(bay))
		return power_cycle(bay, "order");
	if (bay->presence != PRESENCE_TOKEN || power_stands_still(bay->queue) || (begins_anew(bay->after) && power_hindrance(bay)))
		return look(bay);
	switch (bay->after) {
	case AFTER_PROVE:
		return bay_start(bay, ROLE_PROVE);
	case AFTER_PROBE:
	case AFTER_CYCLE:
		return look(bay);
	case AFTER_WATCH: {
		int gone = bay->gone;
		int r = bay_token_left(bay);

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
	case AFTER_STOCK:
		bay->settled = 1;
		return bay_set(bay, STATE_bay_stock, NULL);
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
		r = bay_token_left(bay);
	bay->presence = PRESENCE_NO_READER;
	bay->reported = bay->settled = 1;
	bay_arm(bay, WATCH_AGAIN_MS);
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
	bay_disarm(bay);
	bay->lease = 0;
	bay->pid = 0;
	bay->journal = bay->step_at = 0;
	if (r == 0)
		r = watch_was_lost ? watch_lost(bay) : follow(bay);
	if (r == 0 && bay->is_slot && !bay->lease && !watch_was_lost)
		r = bay_start_watch(bay);
	if (!bay->lease && bay->power == POWER_GIVEN)
		bay->step = NULL;
	if (r == 0 && bay->settled)
		r = recover_settled(queue);
	return r;
}

/* --- what is in it */

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
	snprintf(bay->port, sizeof bay->port, "%s", report->port);
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
	int r = 0;

	remember(bay, report);
	if (!had_token && power_shows_token(bay) && !bay->queue->stalled)
		r = power_contradict(bay);
	if (r != 0)
		return r;
	if (absence_explains(bay, had_token) && !bay->queue->stalled) {
		r = absence_report(bay, had_token, !news);
		return r == 0 && bay->settled ? recover_settled(bay->queue) : r;
	}
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
		bay->left = bay->queue->unshown = 1;
		bay->left_dark = absence_is_explained(bay, 1);
		return bay_kill(bay, AFTER_PROBE, NULL);
	}
	r = had_token ? bay_token_left(bay) : 0;
	if (r == 0)
		r = bay_look(bay);
	if (r == 0 && bay->settled)
		r = recover_settled(bay->queue);
	return r;
}
