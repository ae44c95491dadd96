/* What hours of work make of an amount of work. Expected instants are worked out by hand from the calendar's notices: 2026-10-01 to
 * 10-07 are holidays, Saturday 2026-10-10 is a make-up day (data/calendar/cn.conf). Shanghai is UTC+8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "hostd/base/calendar.h"
#include "hostd/base/date.h"
#include "hostd/base/hours.h"
#include "schemas/errors.h"

#define HOUR_US (INT64_C(3600) * DATE_SECOND_US)

static struct calendar *calendar;
static struct hours_plan *plan;

static int
load(void **state)
{
	char message[256];

	(void)state;
	return calendar_load(&calendar, "data/calendar/cn.conf", message, sizeof message);
}

static int
unload(void **state)
{
	(void)state;
	calendar_free(&calendar);
	return 0;
}

static int
plan_free(void **state)
{
	(void)state;
	hours_plan_free(&plan);
	return 0;
}

static int64_t
instant(const char *text)
{
	int64_t at = 0;

	assert_int_equal(date_parse_instant(text, &at), DATE_OK);
	return at;
}

static void
plan_from(const char *hours_text, const char *now, int64_t work_us)
{
	struct hours hours;

	assert_int_equal(hours_read(hours_text, &hours), 0);
	plan = hours_plan_new(&hours, calendar, instant(now), work_us);
	assert_non_null(plan);
}

static void
assert_done(int64_t work_us, const char *at)
{
	char text[DATE_TEXT_SIZE];

	date_format_instant(hours_plan_at(plan, work_us), text);
	assert_string_equal(text, at);
	assert_int_equal(hours_plan_until(plan, instant(at)), work_us);
}

static void
only_two_times_in_order_are_hours(void **state)
{
	static const char *const bad[] = { "8:30-18:00", "08:30", "08:30-08:30", "18:00-08:30", "08:30 18:00", "08:30-24:00", "08:60-18:00", "08:30-18:00 " };
	struct hours hours;

	(void)state;
	assert_int_equal(hours_read("08:30-18:00", &hours), 0);
	assert_int_equal(hours.from_us, 17 * HOUR_US / 2);
	assert_int_equal(hours.to_us, 18 * HOUR_US);
	assert_int_equal(hours_read("", &hours), 0);
	assert_int_equal(hours.to_us, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(hours_read(bad[i], &hours), MINT_ARGUMENT);
}

static void
around_the_clock_work_goes_on_through_nights_and_holidays(void **state)
{
	(void)state;
	plan_from("", "2026-09-30T10:00:00Z", HOUR_US);
	assert_done(0, "2026-09-30T10:00:00Z");
	assert_done(100 * HOUR_US, "2026-10-04T14:00:00Z");
	assert_true(hours_plan_certain(plan, instant("2036-01-01T00:00:00Z")));
}

/* Monday 2026-09-21, 17:00: one hour is left of the day, nine and a half are worked on Tuesday. */
static void
work_goes_on_the_next_morning(void **state)
{
	(void)state;
	plan_from("08:30-18:00", "2026-09-21T17:00:00+08:00", 20 * HOUR_US);
	assert_done(HOUR_US, "2026-09-21T10:00:00Z");                         /* done at the close, not at the next begin */
	assert_done(HOUR_US + 1, "2026-09-22T00:30:00.000001Z");
	assert_done(HOUR_US + 19 * HOUR_US / 2, "2026-09-22T10:00:00Z");
	assert_int_equal(hours_plan_until(plan, instant("2026-09-21T22:00:00+08:00")), HOUR_US); /* nothing is done at night */
	assert_int_equal(hours_plan_until(plan, instant("2026-09-21T16:59:59+08:00")), -1);
}

/* Wednesday 2026-09-30 ends at 18:00; the next working days are Thursday 10-08, Friday 10-09 and Saturday 10-10. */
static void
holidays_are_skipped_and_make_up_days_are_worked(void **state)
{
	(void)state;
	plan_from("09:00-17:00", "2026-09-30T16:00:00+08:00", 26 * HOUR_US);
	assert_done(2 * HOUR_US, "2026-10-08T02:00:00Z");
	assert_done(25 * HOUR_US, "2026-10-10T09:00:00Z"); /* 1 + 8 + 8 + 8 */
	assert_done(26 * HOUR_US, "2026-10-12T02:00:00Z");
}

static void
outside_the_hours_work_begins_with_them(void **state)
{
	(void)state;
	plan_from("09:00-17:00", "2026-09-21T20:00:00+08:00", HOUR_US);
	assert_int_equal(hours_plan_until(plan, instant("2026-09-21T23:00:00+08:00")), 0);
	assert_done(HOUR_US, "2026-09-22T02:00:00Z");
	assert_int_equal(hours_plan_at(plan, 9 * HOUR_US), INT64_MAX); /* the plan was made for one hour: one day of eight */
}

/* 100 working days from September on reach into 2027, whose notice does not exist yet. */
static void
a_year_without_its_notice_makes_a_plan_uncertain(void **state)
{
	(void)state;
	plan_from("09:00-17:00", "2026-09-21T09:00:00+08:00", 800 * HOUR_US);
	assert_true(hours_plan_certain(plan, instant("2026-12-31T23:59:59+08:00")));
	assert_false(hours_plan_certain(plan, instant("2027-01-01T00:00:00+08:00")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(only_two_times_in_order_are_hours, plan_free),
		cmocka_unit_test_teardown(around_the_clock_work_goes_on_through_nights_and_holidays, plan_free),
		cmocka_unit_test_teardown(work_goes_on_the_next_morning, plan_free),
		cmocka_unit_test_teardown(holidays_are_skipped_and_make_up_days_are_worked, plan_free),
		cmocka_unit_test_teardown(outside_the_hours_work_begins_with_them, plan_free),
		cmocka_unit_test_teardown(a_year_without_its_notice_makes_a_plan_uncertain, plan_free),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
