#include "firmware/core/debounce.h"

_Static_assert(DEBOUNCE_SAMPLES == 8, "three planes count to eight");

uint16_t
debounce_sample(struct debounce *debounce, uint16_t raw)
{
	uint16_t *count = debounce->count;
	const uint16_t differs = raw ^ debounce->steady;
	const uint16_t full = count[0] & count[1] & count[2] & differs;

	count[2] = (uint16_t)((count[2] ^ (count[1] & count[0])) & differs);
	count[1] = (uint16_t)((count[1] ^ count[0]) & differs);
	count[0] = (uint16_t)(~count[0] & differs);
	debounce->steady ^= full;
	return full;
}
