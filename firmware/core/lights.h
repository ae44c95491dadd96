/* The LEDs of the bays: each shows a light of station.def, its rhythm from the beginning whenever the light is another, so that a change
 * is seen at once. */
#ifndef MINT_FIRMWARE_CORE_LIGHTS_H
#define MINT_FIRMWARE_CORE_LIGHTS_H

#include "schemas/station.h"

#include <stdint.h>

enum {
	LIGHTS_STEP_MS = 10,        /* lights_step is called so often */
	LIGHTS_REFRESH_STEPS = 100  /* sent at least so often, so that a disturbed LED does not lie for long */
};

/* What all bays show instead of what the host ordered, if anything. */
enum lights_instead { LIGHTS_ORDERED, LIGHTS_LINK_LOST, LIGHTS_STOPPED, LIGHTS_ALL };

struct rhythm {
	uint8_t light;    /* enum station_light */
	uint8_t place;    /* tick of the rhythm, 0–15 */
	uint8_t steps;    /* of this tick that are over */
};

/* All zero: dark. */
struct lights {
	uint8_t       ordered[STATION_BAYS];
	struct rhythm shown[STATION_BAYS];
	uint8_t       until_refresh;
};

void lights_order(struct lights *lights, const uint8_t ordered[STATION_BAYS]);

/* LIGHTS_STEP_MS are over. Writes the levels; 1 when they are to be sent. */
int lights_step(struct lights *lights, enum lights_instead instead, uint8_t levels[STATION_BAYS][3]);

#endif
