/* The working-day calendar: which days are worked in mainland China, and when an approved application is due.
 *
 * "Within one working day" is counted as the Civil Code counts periods (民法典, articles 201 and 203): the day of the
 * approval is not counted; the period ends on the next working day, at the time business closes. So, with closing
 * at 18:00, an application approved on a working Monday at 00:01 or 23:59 is due on Tuesday at 18:00, one approved on a
 * Friday on Monday, and one approved on a day off at the close of the first working day after it.
 */
#ifndef MINT_BASE_CALENDAR_H
#define MINT_BASE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calendar;

/* Reads a calendar file; strict: an unknown word, a day that does not exist, a holiday that ends before it begins, a day
 * listed twice, a make-up day that is no weekend day or lies in a holiday, a day that is not of its year (its notice may
 * reach into December before and January after) and a year given twice are refused.
 * On success *calendar is the caller's, free it with calendar_free. On failure returns MINT_CONFIG and writes
 * "FILE:LINE: what is wrong" ("FILE: …" where no line is to blame) into message (`message_size` bytes with the NUL), or MINT_MEMORY.
 * Not reentrant: the configuration library is not. */
int calendar_load(struct calendar **calendar, const char *path, char *message, size_t message_size);

/* Accepts NULL; clears the caller's pointer. */
void calendar_free(struct calendar **calendar);

/* Whether a day (days since 1970-01-01, Asia/Shanghai) is worked. */
bool calendar_is_working(const struct calendar *calendar, int64_t day);

/* Whether the official notice for the year of this day is in the calendar. */
bool calendar_is_published(const struct calendar *calendar, int64_t day);

/* When an application approved at this instant is due, UTC microseconds. *certain (may be NULL) says whether every day
 * looked at lies in a published year; when it is false the caller warns that the calendar needs its next notice. */
int64_t calendar_deadline(const struct calendar *calendar, int64_t approved_at_us, bool *certain);

#endif
