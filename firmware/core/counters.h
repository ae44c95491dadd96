/* The counters of station.def: each stops at its highest value. */
#ifndef MINT_FIRMWARE_CORE_COUNTERS_H
#define MINT_FIRMWARE_CORE_COUNTERS_H

#include "schemas/station.h"

#include <stdint.h>

struct counters {
	uint16_t of[STATION_COUNTERS];
};

void counters_count(struct counters *counters, enum station_counter which);

#endif
