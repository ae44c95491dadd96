#include "hostd/queue/rowclock.h"

enum { BACK_US = 5000000 }; /* time synchronisation may step by less */

struct row_clock
row_clock_start(int64_t seen, int64_t row, int64_t monotonic_us)
{
	return (struct row_clock){ .seen = seen, .row = row > seen ? row : seen, .monotonic = monotonic_us };
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
row_clock_read(struct row_clock *clock, int64_t utc_us, int64_t monotonic_us, int64_t *back_us)
{
	int64_t passed_us = monotonic_us - clock->monotonic;

	*back_us = 0;
	if (utc_us < clock->seen - BACK_US && !clock->back) {
		clock->back = 1;
		*back_us = clock->seen - utc_us;
	} else if (utc_us >= clock->seen) {
		clock->back = 0;
		clock->seen = utc_us;
	}
	clock->row = larger(utc_us, clock->row + (clock->back ? passed_us : passed_us / 2));
	clock->monotonic = monotonic_us;
	return clock->row;
}

void
row_clock_confirm(struct row_clock *clock, int64_t utc_us)
{
	clock->seen = utc_us;
	clock->back = 0;
}

int64_t
row_clock_of(const struct row_clock *clock, int64_t monotonic_us, int64_t earliest)
{
	/* What another program says may be any number: it is not reckoned with before it is known to be within bounds. */
	if (monotonic_us >= clock->monotonic)
		return clock->row;
	if (monotonic_us <= clock->monotonic - (clock->row - earliest))
		return earliest;
	return clock->row - (clock->monotonic - monotonic_us);
}
