#include "hostd/queue/power.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/absence.h"
#include "hostd/queue/bay_internal.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/wiring.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <string.h>

enum {
	CYCLE_MS = 90000 /* mint-bench's own: cut, off as long as the configuration says, and the turn of the bay to get power again */
};

static const struct {
	const char *name, *event; /* NULL: nobody has to know */
} supplies[] = {
	[SUPPLY_OFF] = { "off", NULL },
	[SUPPLY_RISING] = { "rising", NULL },
	[SUPPLY_ON] = { "on", NULL },
	[SUPPLY_OVER_CURRENT] = { "over_current", "bay.over_current" },
	[SUPPLY_WEAK] = { "weak", "bay.weak" },
	[SUPPLY_UNKNOWN] = { "unknown", NULL },
};

/* --- how it stands */

int
power_is_stopped(const struct queue *queue)
{
	int stopped = 0;

	for (size_t i = 0; i < queue->config->station_count && i < STATIONS_MAX; i++)
		stopped |= queue->stations[i].stopped;
	return stopped;
}

int
power_stands_still(const struct queue *queue)
{
	return queue->learning || power_is_stopped(queue);
}

static int
is_faulty(const struct bay *bay)
{
	return bay->switched && (bay->supply == SUPPLY_OVER_CURRENT || bay->supply == SUPPLY_WEAK);
}

int
power_shows_token(const struct bay *bay)
{
	return bay->presence == PRESENCE_TOKEN || bay->presence == PRESENCE_MUTE;
}

const char *
power_hindrance(const struct bay *bay)
{
	if (power_is_stopped(bay->queue))
		return "STATION_STOPPED";
	if (bay->queue->learning)
		return "BAY_LEARNING";
	if (is_faulty(bay))
		return "SUPPLY";
	return power_shows_token(bay) && wiring_differs(bay) ? "BAY_PORT" : NULL;
}

const char *
power_supply_name(const struct bay *bay)
{
	return bay->switched ? supplies[bay->supply].name : NULL;
}

/* Anything but a sound VBUS: an open lid and a board that starts anew make it rise again, a supply that fails makes it weak. */
int
power_is_out(const struct bay *bay)
{
	return power_is_stopped(bay->queue) || (bay->switched && bay->supply != SUPPLY_ON && bay->supply != SUPPLY_UNKNOWN);
}

/* --- the cycle */

/* A slot's module tells of tokens, not of readers: it is opened anew instead. */
int
power_can_cycle(const struct bay *bay)
{
	return bay->switched && !bay->is_slot && (bay->power == POWER_GIVEN || bay->power == POWER_OUT) && !power_stands_still(bay->queue) &&
	       bay->queue->peers[PROGRAM_BENCH].ipc != NULL;
}

/* Once for each token and step, whatever came in between: a token that hangs there again is to blame. */
int
power_may_help(const struct bay *bay, const char *because)
{
	struct work work;
	int may = power_can_cycle(bay);

	if (may && work_of_bay(bay, &work) == 0)
		may = journal_cycled(bay->queue, &work, because) == 0;
	else if (may)
		may = !bay->cycled;
	work_wipe(&work);
	return may;
}

static int
write_intent(struct bay *bay, const char *because)
{
	struct work work;
	int known = work_of_bay(bay, &work) == 0;

	bay->cycle_journal = journal_cycle(bay->queue, known ? &work : NULL, bay, because);
	work_wipe(&work);
	return bay->cycle_journal < 0 ? (int)bay->cycle_journal : 0;
}

int
power_cycle(struct bay *bay, const char *because)
{
	struct message message = { .type = MESSAGE_cycle, .cycle = { .bay = (uint32_t)bay->number } };
	int r = write_intent(bay, because);

	if (r != 0)
		return r;
	log_warning("bay %d: its power is cut and given again: %s", bay->number, because);
	bay->cycled = power_shows_token(bay) || bay->token || bay->vanished;
	bay->power = POWER_CYCLING;
	bay->vanished = !power_shows_token(bay);
	bay->step = &steps[STEP_cycle];
	bay->step_at = queue_now(bay->queue);
	bay_arm(bay, CYCLE_MS);
	r = bay_set(bay, STATE_bay_working, NULL);
	return r == 0 ? turn_send(bay->queue, bay->queue->peers[PROGRAM_BENCH].ipc, &message) : r;
}

static int
write_result(struct bay *bay, const char *outcome, const char *error, const char *detail)
{
	int64_t journal = bay->cycle_journal;

	bay->cycle_journal = 0;
	return journal ? journal_end(bay->queue, journal, outcome, error, detail) : 0;
}

void
power_believe(struct bay *bay)
{
	bay->power = POWER_GIVEN;
	bay->given_up = 0;
	bay->step = NULL;
	bay->step_at = 0;
	bay_disarm(bay);
}

int
power_cycled(struct bay *bay, const struct message_cycled *cycled)
{
	const char *error = cycled->error ? error_info(-(int)cycled->error)->name : NULL;
	int r;

	if (bay->power != POWER_CYCLING)
		return 0;
	r = write_result(bay, error ? "failed" : "done", error, NULL);
	if (r != 0)
		return r;
	if (!bay->cycled || (error && power_shows_token(bay)))
		return absence_settle(bay); /* where nothing was, nothing is waited for */
	return error ? absence_begin(bay, 0) : absence_wait(bay);
}

/* mint-bench did not answer. */
static int
cycle_overdue(struct bay *bay)
{
	int r = write_result(bay, "lost", "TIMEOUT", "mint-bench did not answer");

	if (r != 0)
		return r;
	return bay->cycled && !power_shows_token(bay) ? absence_begin(bay, 0) : absence_settle(bay);
}

int
power_overdue(struct queue *queue, void *argument)
{
	struct bay *bay = argument;

	(void)queue;
	return bay->power == POWER_CYCLING ? cycle_overdue(bay) : absence_overdue(bay);
}

/* The next mint-bench tells what each bay shows: that counts against the token that is thought to be in it. */
int
power_lost(struct bay *bay)
{
	int r = write_result(bay, "lost", NULL, "mint-bench ended");

	bay->switched = 0;
	if (bay->power == POWER_GIVEN)
		return r;
	power_believe(bay);
	return r == 0 ? bay_show(bay) : r;
}

/* --- when it changes */

static int
is_stopped_state(const struct bay *bay)
{
	return bay->state == STATE_bay_stopped ||
	       (bay->state == STATE_bay_trouble && bay->trouble && (strcmp(bay->trouble, "SUPPLY") == 0 || strcmp(bay->trouble, "BAY_PORT") == 0));
}

static int
give_back(struct bay *bay)
{
	if (bay->power == POWER_OUT)
		return absence_is_explained(bay, 0) ? absence_hold(bay) : absence_wait(bay);
	return bay->power == POWER_GIVEN && bay_is_free(bay) && is_stopped_state(bay) && !power_hindrance(bay) ? bay_look(bay) : 0;
}

static int
take_away(struct bay *bay)
{
	int r;

	if (bay->power == POWER_BACK || (bay->power == POWER_CYCLING && power_is_stopped(bay->queue))) {
		r = write_result(bay, "failed", "STATION_STOPPED", NULL);
		power_believe(bay);
		return r == 0 ? absence_hold(bay) : r;
	}
	if (bay->power == POWER_OUT)
		return absence_hold(bay);
	if (bay->power == POWER_CYCLING || !bay_is_free(bay))
		return 0;
	return power_hindrance(bay) || !power_shows_token(bay) ? bay_look(bay) : 0;
}

/* A bay that has shown its hindrance already says so once more, which changes nothing. */
static int
stand(struct bay *bay)
{
	int r;

	if (!bay->reported)
		return 0;
	if (bay->left && power_is_out(bay))
		bay->left_dark = 1;
	if (bay->power == POWER_DOUBT && absence_is_explained(bay, 1))
		return absence_hold(bay);
	r = power_is_out(bay) || power_hindrance(bay) ? take_away(bay) : give_back(bay);
	return r == 0 && bay->settled ? recover_settled(bay->queue) : r;
}

int
power_changed(struct queue *queue)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		r = stand(&queue->bays[i]);
	return r;
}

static int
tell(struct bay *bay, uint8_t before)
{
	struct happening happening = { .kind = supplies[bay->supply].event, .token = bay->token, .credential = bay->credential, .error = "SUPPLY" };

	if (!happening.kind && (before == SUPPLY_OVER_CURRENT || before == SUPPLY_WEAK) && bay->supply == SUPPLY_ON)
		happening = (struct happening){ .kind = "bay.powered" };
	if (!happening.kind)
		return 0;
	log_warning("bay %d: its supply is %s", bay->number, supplies[bay->supply].name);
	return feed_add(bay->queue, &happening);
}

int
power_contradict(struct bay *bay)
{
	if (!bay->switched || bay->supply != SUPPLY_OFF || bay->power == POWER_CYCLING || power_stands_still(bay->queue))
		return 0;
	bay->supply = SUPPLY_UNKNOWN;
	return store_run(bay->queue->store, QUEUE_bay_supply, "ds", bay->number, power_supply_name(bay));
}

int
power_supply(struct bay *bay, const struct message_supply *supply)
{
	uint8_t before = bay->supply;
	int news = !bay->switched || before != supply->supply, r;

	if (supply->supply > SUPPLY_UNKNOWN)
		return MINT_PROTOCOL;
	bay->switched = 1;
	bay->supply = supply->supply;
	if (!news)
		return 0;
	r = store_run(bay->queue->store, QUEUE_bay_supply, "ds", bay->number, power_supply_name(bay));
	if (r == 0)
		r = tell(bay, before);
	return r == 0 ? stand(bay) : r;
}
