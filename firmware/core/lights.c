#include "firmware/core/lights.h"

#include <string.h>

enum { RHYTHM_TICKS = 16, STEPS_PER_TICK = STATION_TICK_MS / LIGHTS_STEP_MS };

struct light {
	uint8_t  levels[3];
	uint16_t rhythm;
};

static const struct light lights_of[STATION_LIGHTS] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) { { red, green, blue }, rhythm },
#include "schemas/station.def"
};

/* While the lamps are tried, bay after bay shows every light there is but the dark one. */
static uint8_t
light_of(const struct lights *lights, enum lights_instead instead, uint8_t bay)
{
	const uint8_t for_all[] = {
		[LIGHTS_ORDERED] = lights->ordered[bay],
		[LIGHTS_LINK_LOST] = STATION_LIGHT_link_lost,
		[LIGHTS_STOPPED] = STATION_LIGHT_stopped,
		[LIGHTS_ALL] = (uint8_t)(1 + bay % (STATION_LIGHTS - 1)),
	};

	return for_all[instead];
}

static void
advance(struct rhythm *rhythm, uint8_t light)
{
	if (rhythm->light != light) {
		*rhythm = (struct rhythm){ .light = light };
	} else if (++rhythm->steps == STEPS_PER_TICK) {
		rhythm->steps = 0;
		rhythm->place = (uint8_t)(rhythm->place + 1) % RHYTHM_TICKS;
	}
}

/* 1 when it is not what was there. */
static int
write_levels(uint8_t levels[3], const struct rhythm *rhythm)
{
	static const uint8_t dark[3];
	const struct light *light = &lights_of[rhythm->light];
	const uint8_t *lit = light->rhythm >> rhythm->place & 1 ? light->levels : dark;

	if (memcmp(levels, lit, sizeof dark) == 0)
		return 0;
	memcpy(levels, lit, sizeof dark);
	return 1;
}

void
lights_order(struct lights *lights, const uint8_t ordered[STATION_BAYS])
{
	memcpy(lights->ordered, ordered, sizeof lights->ordered);
}

int
lights_step(struct lights *lights, enum lights_instead instead, uint8_t levels[STATION_BAYS][3])
{
	int due = lights->until_refresh == 0;

	for (uint8_t bay = 0; bay < STATION_BAYS; bay++) {
		advance(&lights->shown[bay], light_of(lights, instead, bay));
		due |= write_levels(levels[bay], &lights->shown[bay]);
	}
	lights->until_refresh = due ? LIGHTS_REFRESH_STEPS : (uint8_t)(lights->until_refresh - 1);
	return due;
}
