#include "hostd/base/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_utc_us(void)
{
	static int64_t offset_us;
	static int known;

	if (!known) {
		const char *text = getenv("MINT_CLOCK_OFFSET_US");

		offset_us = text ? strtoll(text, NULL, 10) : 0;
		known = 1;
	}
	return read_us(CLOCK_REALTIME) + offset_us;
}

int64_t
clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}
