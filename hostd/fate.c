#include "hostd/fate.h"

#include <string.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, HEALTHY_US = 5000000 };

/* Whether the last deaths_max deaths, this one included, lie within the time. */
static int
keeps_dying(const struct fate *fate, const struct fate_limits *limits, int64_t now_us)
{
	int64_t first;

	if (fate->deaths < limits->deaths_max)
		return 0;
	first = fate->deaths_us[(fate->deaths - limits->deaths_max) % FATE_DEATHS_MAX];
	return now_us - first <= (int64_t)limits->deaths_within_s * 1000000;
}

int64_t
fate_died(struct fate *fate, const struct fate_limits *limits, int64_t started_us, int64_t now_us)
{
	int healthy = now_us - started_us > HEALTHY_US;

	fate->deaths_us[fate->deaths++ % FATE_DEATHS_MAX] = now_us;
	fate->is_down = keeps_dying(fate, limits, now_us);
	if (fate->is_down)
		return limits->down_s > 0 ? (int64_t)limits->down_s * 1000 : -1;
	fate->backoff_ms = healthy || !fate->backoff_ms ? BACKOFF_FIRST_MS : fate->backoff_ms * 2;
	if (fate->backoff_ms > BACKOFF_MAX_MS)
		fate->backoff_ms = BACKOFF_MAX_MS;
	return fate->backoff_ms;
}

void
fate_forgive(struct fate *fate)
{
	memset(fate, 0, sizeof *fate);
}
