/* When a bench is worked: hours of the day on the working days of the calendar, and what that makes of an amount of work.
 *
 * A plan counts work from one moment on: so many microseconds of work are done at that instant, and so many can be done until
 * this one. Around the clock the two are the same but for the moment itself.
 */
#ifndef MINT_BASE_HOURS_H
#define MINT_BASE_HOURS_H

#include <stdbool.h>
#include <stdint.h>

struct calendar;
struct hours_plan;

/* Microseconds after local midnight (Asia/Shanghai); both 0: around the clock, days off included. */
struct hours {
	int64_t from_us, to_us;
};

/* "08:30-18:00", or "" for around the clock. 0; MINT_ARGUMENT when it is neither, or ends before it begins. */
int hours_read(const char *text, struct hours *hours);

/* A plan from `now_us` on (UTC microseconds), far enough for `work_us` of work, but never further than ten years. `calendar` is needed
 * only for the time of this call, and not at all around the clock: may then be NULL. NULL when memory is out. */
struct hours_plan *hours_plan_new(const struct hours *hours, const struct calendar *calendar, int64_t now_us, int64_t work_us);
void hours_plan_free(struct hours_plan **plan);

/* The first instant at which `work_us` of work are done; INT64_MAX beyond the plan. */
int64_t hours_plan_at(const struct hours_plan *plan, int64_t work_us);

/* How much work can be done from the plan's begin until this instant; -1 when it lies before that. Never more than the plan holds. So
 * `work_us` is done by `at_us` exactly if it is not more than this. */
int64_t hours_plan_until(const struct hours_plan *plan, int64_t at_us);

/* Whether every day up to this instant lies in a year whose official notice is in the calendar; always around the clock. */
bool hours_plan_certain(const struct hours_plan *plan, int64_t at_us);

#endif
