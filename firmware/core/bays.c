#include "firmware/core/bays.h"

enum bay_event {
	EVENT_WANTED,
	EVENT_UNWANTED,
	EVENT_TURN,
	EVENT_GOOD,      /* VBUS measured in range */
	EVENT_BAD,       /* out of range */
	EVENT_LATE,      /* still not in range when it should be */
	EVENT_FLAGGED,   /* over-current */
	EVENT_HELD,      /* the lid is open and the bay not burning */
	EVENTS
};

/* What is not in the table changes nothing. BAY_OFF, being 0, needs marking: TO(x) is x + 1. */
#define TO(state) ((state) + 1)

static const uint8_t next[BAY_STATES][EVENTS] = {
	[BAY_OFF] = {
		[EVENT_WANTED] = TO(BAY_WAITING),
	},
	[BAY_WAITING] = {
		[EVENT_UNWANTED] = TO(BAY_OFF), [EVENT_TURN] = TO(BAY_RISING),
	},
	[BAY_RISING] = {
		[EVENT_UNWANTED] = TO(BAY_OFF), [EVENT_HELD] = TO(BAY_WAITING), [EVENT_FLAGGED] = TO(BAY_CUT),
		[EVENT_GOOD] = TO(BAY_ON), [EVENT_LATE] = TO(BAY_WEAK),
	},
	[BAY_ON] = {
		[EVENT_UNWANTED] = TO(BAY_OFF), [EVENT_HELD] = TO(BAY_WAITING), [EVENT_FLAGGED] = TO(BAY_CUT),
		[EVENT_BAD] = TO(BAY_WEAK),
	},
	[BAY_WEAK] = {
		[EVENT_UNWANTED] = TO(BAY_OFF), [EVENT_HELD] = TO(BAY_WAITING), [EVENT_FLAGGED] = TO(BAY_CUT),
		[EVENT_GOOD] = TO(BAY_ON),
	},
	[BAY_CUT] = {
		[EVENT_UNWANTED] = TO(BAY_OFF),
	},
};

/* Of each state: is VBUS switched on in it. */
static const uint8_t is_on[BAY_STATES] = { [BAY_RISING] = 1, [BAY_ON] = 1, [BAY_WEAK] = 1 };

/* The loops over all bays run once a millisecond and shift their bit along: this chip shifts by one place at a time.
 *
 * Returns 1 when the event changed the bay's state. */
static int
happen(struct bay *bay, enum bay_event event)
{
	const uint8_t to = next[bay->state][event];

	if (!to)
		return 0;
	if (is_on[bay->state] && !is_on[to - 1])
		bay->left_ms = BAYS_REST_MS;
	bay->state = (uint8_t)(to - 1);
	if (bay->state == BAY_RISING)
		bay->left_ms = BAYS_RISE_MAX_MS;
	return 1;
}

void
bays_want(struct bays *bays, uint16_t powered, uint16_t burning, int stopped)
{
	uint16_t bit = 1;

	bays->wanted = stopped ? 0 : powered;
	bays->burning = burning;
	for (uint8_t i = 0; i < STATION_BAYS; i++, bit <<= 1)
		happen(&bays->bay[i], bays->wanted & bit ? EVENT_WANTED : EVENT_UNWANTED);
}

static void
tick_bay(struct bay *bay, int flagged, int held, struct counters *counters)
{
	if (bay->left_ms)
		bay->left_ms--;
	if (flagged && happen(bay, EVENT_FLAGGED))
		counters_count(counters, STATION_COUNTER_over_currents);
	if (held)
		happen(bay, EVENT_HELD);
	if (bay->state == BAY_RISING && !bay->left_ms && happen(bay, EVENT_LATE))
		counters_count(counters, STATION_COUNTER_weak);
}

/* To the first that waits and has rested, when no other is rising and the last inrush is over, whatever became of its bay. */
static void
give_turn(struct bays *bays)
{
	if (bays->inrush_ms || bays_in(bays, BAY_RISING))
		return;
	for (uint8_t i = 0; i < STATION_BAYS; i++) {
		if (bays->bay[i].left_ms || !happen(&bays->bay[i], EVENT_TURN))
			continue;
		bays->inrush_ms = BAYS_RISE_MIN_MS;
		return;
	}
}

void
bays_tick(struct bays *bays, uint16_t flagged, int lid_open, int stopped, struct counters *counters)
{
	const uint16_t held = lid_open ? (uint16_t)~bays->burning : 0;
	uint16_t bit = 1;

	if (stopped && bays->wanted)
		bays_want(bays, 0, bays->burning, stopped);
	for (uint8_t i = 0; i < STATION_BAYS; i++, bit <<= 1)
		tick_bay(&bays->bay[i], (flagged & bit) != 0, (held & bit) != 0, counters);
	if (bays->inrush_ms)
		bays->inrush_ms--;
	if (!lid_open)
		give_turn(bays);
}

static int
is_good(const struct bay *bay, uint16_t mv)
{
	const uint16_t inside = bay->state == BAY_WEAK ? BAYS_BACK_MV : 0;

	return mv >= BAYS_LOW_MV + inside && mv <= BAYS_HIGH_MV - inside;
}

void
bays_measured(struct bays *bays, uint8_t which, uint16_t mv, struct counters *counters)
{
	struct bay *bay = &bays->bay[which % STATION_BAYS];

	bay->vbus_mv = mv;
	if (bay->state == BAY_RISING && bay->left_ms > BAYS_RISE_MAX_MS - BAYS_RISE_MIN_MS)
		return;
	if (is_good(bay, mv))
		happen(bay, EVENT_GOOD);
	else if (happen(bay, EVENT_BAD))
		counters_count(counters, STATION_COUNTER_weak);
}

uint8_t
bays_measure_next(struct bays *bays)
{
	bays->measure_rising = !bays->measure_rising;
	for (uint8_t i = 0; bays->measure_rising && i < STATION_BAYS; i++)
		if (bays->bay[i].state == BAY_RISING)
			return i;
	bays->measuring = (uint8_t)(bays->measuring + 1) % STATION_BAYS;
	return bays->measuring;
}

uint16_t
bays_in(const struct bays *bays, enum bay_state state)
{
	uint16_t bits = 0, bit = 1;

	for (uint8_t i = 0; i < STATION_BAYS; i++, bit <<= 1)
		if (bays->bay[i].state == state)
			bits |= bit;
	return bits;
}

uint16_t
bays_switches(const struct bays *bays)
{
	uint16_t bits = 0, bit = 1;

	for (uint8_t i = 0; i < STATION_BAYS; i++, bit <<= 1)
		if (is_on[bays->bay[i].state])
			bits |= bit;
	return bits;
}
