#include "hostd/queue/absence.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay_internal.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/power.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

enum {
	DOUBT_MS = 1000,    /* pcscd tells of a reader within half a second, the board of its inputs at once, of a hang within two looks */
	OUT_MS = 30000,     /* sixteen bays get their power one after the other within 5 s; a board that was unplugged may be plugged in again */
	BACK_MS = 15000,    /* the slowest token known takes 4 s until pcscd shows it */
	LINK_LOST_MS = 2000 /* readers that vanish so soon after their board may have lost their power with it */
};

/* --- how it stands */

static const struct config_bay *
config_of(const struct bay *bay)
{
	return config_bay(bay->queue->config, bay->number);
}

int
absence_may_be_power(const struct bay *bay)
{
	return !bay->is_slot && (bay->queue->config->station_count > 0 || config_bay_is_switched(config_of(bay)));
}

/* Its board, when it has one that switches it. */
static const struct station *
board_of(const struct bay *bay)
{
	const struct config_bay *config = config_of(bay);

	return config->power == CONFIG_POWER_STATION && config->station < STATIONS_MAX ? &bay->queue->stations[config->station] : NULL;
}

/* Nobody tells of its power now. It may have it: a board without a link leaves it as it was. */
static int
is_unsure(const struct bay *bay)
{
	const struct station *board = board_of(bay);

	return (bay->switched && bay->supply == SUPPLY_UNKNOWN) || (board && board->link != STATION_LINK_UP);
}

/* Where the board's own supply has failed no token shows any more. */
static int
others_have_power(const struct bay *bay)
{
	const struct queue *queue = bay->queue;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (board_of(&queue->bays[i]) == board_of(bay) && power_shows_token(&queue->bays[i]))
			return 1;
	return 0;
}

static int
board_is_just_lost(const struct bay *bay)
{
	const struct station *board = board_of(bay);

	return board && board->link != STATION_LINK_UP && board->lost_us &&
	       clock_monotonic_us() - board->lost_us < (int64_t)LINK_LOST_MS * 1000 && !others_have_power(bay);
}

int
absence_is_explained(const struct bay *bay, int watched)
{
	return power_is_out(bay) || (watched ? board_is_just_lost(bay) : is_unsure(bay));
}

/* Somebody is missed when it is gone for good. */
static int
is_on_record(const struct bay *bay)
{
	return bay->credential || bay->in_stock;
}

static int
is_thought_full(const struct bay *bay)
{
	return bay->token || bay->credential || bay->vanished;
}

int
absence_is_open(const struct bay *bay)
{
	return bay->power == POWER_GIVEN && bay->token && !power_shows_token(bay) && bay_is_free(bay) && absence_may_be_power(bay);
}

/* In the midst of its making: not one that waits to be taken. */
static int
is_in_work(const struct bay *bay)
{
	enum state state = bay->credential ? states_of(bay->queue, MACHINE_credential, bay->credential) : STATE_NONE;

	return state != STATE_NONE && state != STATE_credential_sealed && steps_from(state) != NULL;
}

/* --- it is not there */

/* The operator sees at once what is asked for; what goes on record waits for the board. */
static int
doubt(struct bay *bay)
{
	int asked_back = is_in_work(bay) || (bay->credential && fault_is_missed(bay->queue, bay->credential));

	bay->power = POWER_DOUBT;
	bay_arm(bay, DOUBT_MS);
	return bay_set(bay, STATE_bay_empty, asked_back ? "TOKEN_GONE" : NULL);
}

/* One that nothing on record depends on is simply gone. */
static int
leave(struct bay *bay)
{
	int r = bay_token_left(bay);

	return r == 0 ? bay_look(bay) : r;
}

int
absence_begin(struct bay *bay, int watched)
{
	if (!absence_is_explained(bay, watched) && watched && !is_on_record(bay))
		return leave(bay);
	bay->vanished = bay->settled = 1;
	if (absence_is_explained(bay, watched))
		return absence_hold(bay);
	return watched ? doubt(bay) : absence_wait(bay);
}

/* A person gives power back then: it may take as long as it takes. */
static int
waits_for_a_person(const struct bay *bay)
{
	return power_stands_still(bay->queue) || (bay->switched && bay->supply == SUPPLY_OVER_CURRENT);
}

static enum state
state_without_power(const struct bay *bay)
{
	if (bay->given_up)
		return STATE_bay_trouble;
	if (is_thought_full(bay))
		return STATE_bay_working;
	return bay->presence == PRESENCE_EMPTY ? STATE_bay_empty : STATE_bay_no_reader;
}

int
absence_hold(struct bay *bay)
{
	const char *hindrance = power_hindrance(bay);

	bay->power = POWER_OUT;
	bay->settled = 1;
	if (waits_for_a_person(bay) || bay->given_up)
		bay_disarm(bay);
	else
		bay_arm(bay, OUT_MS);
	if (hindrance)
		return bay_hindered(bay, hindrance);
	return bay_set(bay, state_without_power(bay), bay->given_up ? "SUPPLY" : NULL);
}

/* What was in work is missed, so that it is seen; it goes on by itself when its token shows again. A finished one stays what it is: nobody
 * has taken it out. */
static int
miss(struct bay *bay)
{
	struct work work;
	int r = is_in_work(bay) ? work_of_credential(bay->queue, bay->credential, &work) : MINT_NOT_FOUND;

	if (r == 0) {
		r = fault_gone(bay->queue, &work);
		work_wipe(&work);
	}
	return r == MINT_NOT_FOUND ? 0 : r;
}

static int
give_up(struct bay *bay)
{
	int r = miss(bay);

	log_warning("bay %d: its power does not come back: look at its cable, its hub, its board", bay->number);
	bay->given_up = 1;
	return r == 0 ? absence_hold(bay) : r;
}

int
absence_overdue(struct bay *bay)
{
	if (bay->power == POWER_OUT)
		return waits_for_a_person(bay) ? absence_hold(bay) : give_up(bay);
	if (bay->power == POWER_DOUBT && absence_is_explained(bay, 1))
		return absence_hold(bay);
	return absence_settle(bay);
}

/* --- it shows something */

int
absence_explains(const struct bay *bay, int had_token)
{
	if (bay->power != POWER_GIVEN)
		return 1;
	if (!had_token || power_shows_token(bay) || !bay_is_free(bay))
		return 0;
	return absence_is_explained(bay, 1) || (is_on_record(bay) && absence_may_be_power(bay));
}

/* A token that shows has power, whatever was told of the supply. */
int
absence_report(struct bay *bay, int had_token, int watched)
{
	int shows = power_shows_token(bay);

	bay->vanished |= had_token && !shows;
	if (bay->power == POWER_GIVEN)
		return absence_begin(bay, watched);
	if (bay->power == POWER_CYCLING || !shows || power_is_stopped(bay->queue))
		return 0;
	return bay->power == POWER_OUT || bay->vanished ? absence_settle(bay) : 0;
}

/* A token that never went, for all that anybody saw, is given the same time: it may be on its way out. */
int
absence_wait(struct bay *bay)
{
	if (!is_thought_full(bay) || (bay->vanished && power_shows_token(bay)))
		return absence_settle(bay);
	bay->power = POWER_BACK;
	bay->given_up = 0;
	bay_arm(bay, BACK_MS);
	return bay_set(bay, STATE_bay_working, NULL);
}

/* One that does not come back after its power was cut by our order has been tried: it may come later than it is waited for. */
int
absence_settle(struct bay *bay)
{
	int gone = !power_shows_token(bay), tried = bay->cycled;
	int r;

	if (gone && power_is_out(bay)) {
		power_believe(bay);
		return absence_hold(bay);
	}
	power_believe(bay);
	bay->settled = 0;
	r = gone ? bay_token_left(bay) : 0;
	bay->cycled = tried;
	if (r == 0)
		r = bay_look(bay);
	return r == 0 && bay->settled ? recover_settled(bay->queue) : r;
}

/* --- what the record says */

static void
take_row(struct queue *queue, struct bay *bay)
{
	bay->token = store_i64(queue->store, QUEUE_bay_recall, 1);
	bay->credential = store_i64(queue->store, QUEUE_bay_recall, 2);
	bay->recalled = bay->token != 0;
}

int
absence_recall(struct queue *queue)
{
	enum queue_statement g = QUEUE_bay_recall;
	int r;

	for (r = store_get(queue->store, g, ""); r == 0; r = store_next(queue->store, g)) {
		struct bay *bay = queue_bay(queue, (uint32_t)store_i64(queue->store, g, 0));

		if (bay && absence_may_be_power(bay))
			take_row(queue, bay);
	}
	return r == MINT_NOT_FOUND ? 0 : r;
}
