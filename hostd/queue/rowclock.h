/* The time that stands in rows: the machine's UTC, but never back behind a row that has been written.
 *
 * When the machine's clock is set back, nobody knows whether it was wrong before or is wrong now. What is known is how much time passes:
 * rows go on at the pace of the monotonic clock from where they were, so that what a row calls a second was one. Once the machine
 * shows again what it had shown before, it is believed; rows that are ahead of it by then go at half the pace until it has caught up.
 */
#ifndef MINT_QUEUE_ROWCLOCK_H
#define MINT_QUEUE_ROWCLOCK_H

#include <stdint.h>

/* UTC and monotonic microseconds. */
struct row_clock {
	int64_t seen;         /* highest UTC that the machine has shown */
	int64_t row;          /* the last time given for a row … */
	int64_t monotonic;    /* … and when that was */
	int     back;         /* the machine's clock has gone back by more than a step of its synchronisation */
};

/* With what the record knows: the highest UTC seen and the time of the last row. */
struct row_clock row_clock_start(int64_t seen, int64_t row, int64_t monotonic_us);

/* The time for a row that is written now. Microseconds by which the clock has gone back in `*back_us` when this is news, else 0. */
int64_t row_clock_read(struct row_clock *clock, int64_t utc_us, int64_t monotonic_us, int64_t *back_us);

/* A person says that the machine's clock is right: what it showed before was wrong. Rows stay ahead until it has caught up. */
void row_clock_confirm(struct row_clock *clock, int64_t utc_us);

/* The time for what happened at `monotonic_us`, as a program of this machine says: between `earliest`, which a row has, and the last
 * time read. */
int64_t row_clock_of(const struct row_clock *clock, int64_t monotonic_us, int64_t earliest);

#endif
