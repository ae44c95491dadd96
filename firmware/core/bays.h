/* The power of the bays: one after the other, measured, cut for over-current, held back by the lid, taken away by the emergency stop.
 *
 * The lid: while it is open no bay gets power anew, and a bay that is not burning loses its power; it stays wanted and gets it again, in
 * its turn, when the lid is closed. A bay that ceases to burn under an open lid is cut then. A burning one stays on.
 * The stop: nothing is wanted any more, by any bay, until a `set` after its release.
 * Over-current: cut, and kept so until the host has wanted the bay off.
 * A bay that was switched off stays off for BAYS_REST_MS, so that what is in it loses its supply for certain.
 */
#ifndef MINT_FIRMWARE_CORE_BAYS_H
#define MINT_FIRMWARE_CORE_BAYS_H

#include "firmware/core/counters.h"
#include "schemas/station.h"

#include <stdint.h>

enum {
	BAYS_REST_MS = 100,      /* off at least so long */
	BAYS_RISE_MIN_MS = 20,   /* the next bay has its turn no sooner: the inrush of this one must be over */
	BAYS_RISE_MAX_MS = 100,  /* VBUS in range by then (USB 2.0, 7.2.4.1 and 7.3.2: TSIGATT), or the bay is weak */
	BAYS_LOW_MV = 4400,      /* USB 2.0, 7.2.2, for a low-power port */
	BAYS_HIGH_MV = 5500,
	BAYS_BACK_MV = 50        /* further inside than this for a weak bay to be in order again */
};

enum bay_state {
	BAY_OFF,        /* not wanted */
	BAY_WAITING,    /* wanted: its turn has not come, or the lid is open */
	BAY_RISING,     /* switched on, VBUS not in range yet */
	BAY_ON,         /* VBUS in order */
	BAY_WEAK,       /* on, VBUS out of its range */
	BAY_CUT,        /* for over-current */
	BAY_STATES
};

struct bay {
	uint8_t  state;     /* enum bay_state */
	uint8_t  left_ms;   /* of its rest, or of the time to rise */
	uint16_t vbus_mv;   /* last measured */
};

/* All zero: every bay off and rested, as at the start. */
struct bays {
	uint16_t   wanted, burning;
	uint8_t    inrush_ms;      /* left of that of the bay that was switched on last */
	uint8_t    measuring;      /* bay whose turn it is to be measured */
	uint8_t    measure_rising; /* every other measurement is of the bay that is rising */
	struct bay bay[STATION_BAYS];
};

/* What the host wants; while the stop is pressed, nothing. */
void bays_want(struct bays *bays, uint16_t powered, uint16_t burning, int stopped);

/* One millisecond. `flagged`: bays whose switch says over-current. */
void bays_tick(struct bays *bays, uint16_t flagged, int lid_open, int stopped, struct counters *counters);

/* VBUS of one bay, and which to measure next. */
void bays_measured(struct bays *bays, uint8_t bay, uint16_t mv, struct counters *counters);
uint8_t bays_measure_next(struct bays *bays);

/* A bit for each bay in that state; for each that is switched on. */
uint16_t bays_in(const struct bays *bays, enum bay_state state);
uint16_t bays_switches(const struct bays *bays);

#endif
