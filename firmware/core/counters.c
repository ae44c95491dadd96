#include "firmware/core/counters.h"

void
counters_count(struct counters *counters, enum station_counter which)
{
	if (counters->of[which] < UINT16_MAX)
		counters->of[which]++;
}
