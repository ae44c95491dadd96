/* The working-day calendar around real holidays, the zone without daylight saving, and files that must be refused.
 * Expected days are read off the State Council's notices (see data/calendar/cn.conf for their titles). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hostd/base/calendar.h"
#include "hostd/base/date.h"
#include "schemas/errors.h"

static struct calendar *calendar;

static int
load_shipped(void **state)
{
	char message[256];

	(void)state;
	if (calendar_load(&calendar, "data/calendar/cn.conf", message, sizeof message) != 0) {
		print_error("%s\n", message);
		return -1;
	}
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	calendar_free(&calendar);
	return calendar ? -1 : 0;
}

static void
assert_due(const char *approved, const char *due, bool certain)
{
	int64_t instant;
	char text[DATE_TEXT_SIZE];
	bool is_certain;

	assert_int_equal(date_parse_instant(approved, &instant), DATE_OK);
	date_format_instant(calendar_deadline(calendar, instant, &is_certain), text);
	assert_string_equal(text, due);
	assert_int_equal(is_certain, certain);
}

static void
ordinary_day_is_due_on_the_next_at_closing_time(void **state)
{
	(void)state;
	/* 18:00 in Shanghai is 10:00 UTC. 2026-03-02 was a Monday. */
	assert_due("2026-03-02T00:00:00+08:00", "2026-03-03T10:00:00Z", true);
	assert_due("2026-03-02T09:30:00+08:00", "2026-03-03T10:00:00Z", true);
	assert_due("2026-03-02T23:59:59.999999+08:00", "2026-03-03T10:00:00Z", true);
}

static void
friday_is_due_on_monday(void **state)
{
	(void)state;
	assert_due("2026-03-06T16:00:00+08:00", "2026-03-09T10:00:00Z", true);
}

static void
day_off_is_due_on_the_first_working_day_after_it(void **state)
{
	(void)state;
	assert_due("2026-03-07T10:00:00+08:00", "2026-03-09T10:00:00Z", true);
	assert_due("2026-03-08T23:00:00+08:00", "2026-03-09T10:00:00Z", true);
}

static void
day_is_counted_in_shanghai_not_in_utc(void **state)
{
	(void)state;
	/* 16:30 UTC on Monday is already Tuesday in Shanghai. */
	assert_due("2026-03-02T15:59:59Z", "2026-03-03T10:00:00Z", true);
	assert_due("2026-03-02T16:30:00Z", "2026-03-04T10:00:00Z", true);
}

static void
summer_has_no_daylight_saving(void **state)
{
	(void)state;
	assert_due("2026-07-15T09:00:00+08:00", "2026-07-16T10:00:00Z", true);
}

static void
national_day_2026_is_skipped_and_its_saturday_is_worked(void **state)
{
	(void)state;
	assert_due("2026-09-30T11:00:00+08:00", "2026-10-08T10:00:00Z", true);
	assert_due("2026-10-03T11:00:00+08:00", "2026-10-08T10:00:00Z", true);
	assert_due("2026-10-09T11:00:00+08:00", "2026-10-10T10:00:00Z", true); /* Friday → make-up Saturday */
	assert_due("2026-10-10T11:00:00+08:00", "2026-10-12T10:00:00Z", true);
	assert_due("2026-09-18T11:00:00+08:00", "2026-09-20T10:00:00Z", true); /* Friday → make-up Sunday */
}

static void
spring_festival_2026_is_skipped_and_its_saturdays_are_worked(void **state)
{
	(void)state;
	assert_due("2026-02-13T11:00:00+08:00", "2026-02-14T10:00:00Z", true);
	assert_due("2026-02-14T11:00:00+08:00", "2026-02-24T10:00:00Z", true);
	assert_due("2026-02-27T11:00:00+08:00", "2026-02-28T10:00:00Z", true);
}

static void
new_year_2026_is_reached_from_2025(void **state)
{
	(void)state;
	assert_due("2025-12-31T11:00:00+08:00", "2026-01-04T10:00:00Z", true); /* a Sunday that is worked */
}

static void
year_without_notice_goes_by_weekends_and_is_not_certain(void **state)
{
	(void)state;
	assert_due("2026-12-31T11:00:00+08:00", "2027-01-01T10:00:00Z", false);
	assert_due("2027-05-07T11:00:00+08:00", "2027-05-10T10:00:00Z", false);
	assert_due("2031-01-03T11:00:00+08:00", "2031-01-06T10:00:00Z", false); /* not in the file at all */
}

/* Both years have 261 weekdays; the notices take 13 of them, net of make-up days: 248. */
static void
working_days_of_the_published_years_add_up(void **state)
{
	static const int years[] = { 2025, 2026 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int working = 0;

		for (int64_t day = date_day(years[i], 1, 1); day <= date_day(years[i], 12, 31); day++)
			working += calendar_is_working(calendar, day);
		assert_int_equal(working, 248);
	}
}

static void
assert_refused(const char *text, const char *complaint)
{
	char path[] = "/tmp/calendar-XXXXXX", message[256];
	int fd = mkstemp(path), result;
	struct calendar *loaded = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	result = calendar_load(&loaded, path, message, sizeof message);
	unlink(path);
	if (result != MINT_CONFIG)
		fail_msg("accepted: %s", text);
	assert_null(loaded);
	assert_non_null(strstr(message, path));
	if (!strstr(message, complaint))
		fail_msg("\"%s\" does not say \"%s\"", message, complaint);
}

static void
faulty_files_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_refused("closes = \"18:00\"\nopens = \"09:00\"\n", ":2: no such option");
	assert_refused("closes = \"25:00\"\n", ":1: closes: \"25:00\" is not a time");
	assert_refused("year 2026 {\n\n holiday a { from = \"2026-02-30\" }\n}\n", ":3: from: \"2026-02-30\" is not a day");
	assert_refused("year 2026 {\n working = { \"2026-1-4\" }\n}\n", ":2: working: \"2026-1-4\" is not a day");
	assert_refused("year 2026 {\n working = { \"2026-01-05\" }\n}\n", ":2: working: 2026-01-05 is not a Saturday or Sunday");
	assert_refused("year 2026 {\n holiday a { from = \"2026-01-05\" }\n}\n", ":2: holiday \"a\" needs both from and to");
	assert_refused("year 2026 {\n holiday a { from = \"2026-01-05\" to = \"2026-01-04\" }\n}\n", "must end after");
	assert_refused("year 2026 {\n holiday a { from = \"2026-01-01\" to = \"2026-03-01\" }\n}\n", "at most 15 days");
	assert_refused("year 2026 {\n holiday a { from = \"2026-01-01\" to = \"2026-01-04\" }\n"
	               " working = { \"2026-01-04\" }\n}\n", ":3: 2026-01-04 is listed twice");
	assert_refused("year 2026 {\n working = { \"2027-03-06\" }\n}\n", ":2: 2027-03-06 does not belong to the notice of 2026");
	assert_refused("year next {\n}\n", ":1: \"next\" is not a year");
	assert_refused("year 2026 {\n}\nyear 2026 {\n}\n", ":3: found duplicate title");
	assert_refused("year 2026 {\n", ":1: year: a brace is not closed");
	assert_refused("year 2026 {\n working = { \"2026-01-04\"\n", ":2: a brace is not closed");
	assert_refused("# one\n/* two\n*/ year 2026 {\n working = { # four\n  \"2026-01-04\", # five\n  \"2026-01-05\" }\n}\n",
	               ":6: working: 2026-01-05 is not a Saturday or Sunday");
	assert_refused("# one\nyear 2026 { // two\n holiday a {\n  from = \"2026-01-05\"\n  to = \"2026-01-04\" }\n}\n", ":5: holiday \"a\" must end");
	assert_refused("closes = \"18:00\"\ncloses = \"17:00\"\n", ":2: closes: has a value already at line 1");
	assert_refused("year 2026 {\n source = \"${HOME}\"\n}\n", ":2: holds ${…}");
	assert_refused("year 2026 {\n source = \"a\n}\n", ":2: a quote is not closed");
	assert_refused("year 2026 { }\n}\n", ":2: a brace closes what was not opened");
}

static void
missing_file_is_refused_by_name(void **state)
{
	char message[256];
	struct calendar *loaded = NULL;

	(void)state;
	assert_int_equal(calendar_load(&loaded, "/nonexistent/cn.conf", message, sizeof message), MINT_CONFIG);
	assert_string_equal(message, "/nonexistent/cn.conf: No such file or directory: check name and permissions");
}

/* Expected numbers from `date -u -d TEXT +%s`. */
static void
instants_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t instant_us;
		const char *written;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z" },
		{ "2026-03-02T09:30:00+08:00", INT64_C(1772415000000000), "2026-03-02T01:30:00Z" },
		{ "2024-02-29T23:59:59.5-01:30", INT64_C(1709256599500000) , "2024-03-01T01:29:59.500000Z" },
		{ "1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z" },
		{ "2000-03-01T00:00:00Z", INT64_C(951868800000000), "2000-03-01T00:00:00Z" },
	};
	char text[DATE_TEXT_SIZE];
	int64_t instant;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(date_parse_instant(good[i].text, &instant), DATE_OK);
		assert_int_equal(instant, good[i].instant_us);
		date_format_instant(instant, text);
		assert_string_equal(text, good[i].written);
	}
}

static void
bad_instants_are_told_apart(void **state)
{
	static const char *const form[] = {
		"", "2026-03-02", "2026-03-02 09:30:00Z", "2026-03-02T09:30:00", "2026-03-02T09:30:00z", "2026-03-02T9:30:00Z",
		"2026-03-02T09:30:00.Z", "2026-03-02T09:30:00.1234567Z", "2026-03-02T09:30:00+0800", "2026-03-02T09:30:00+08:00 ",
		"2026/03/02T09:30:00Z", "2026-03-02T09:30Z0000000", "2026-03-0xT09:30:00Z", "2026-03-02T09:30:00+08:0",
	};
	static const char *const day[] = {
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-03-02T24:00:00Z",
		"2026-03-02T09:60:00Z", "2026-03-02T09:30:60Z", "1900-02-29T00:00:00Z", "2026-03-02T09:30:00+24:00",
		"0000-01-01T00:00:00Z",
	};
	int64_t instant;

	(void)state;
	for (size_t i = 0; i < sizeof form / sizeof form[0]; i++)
		assert_int_equal(date_parse_instant(form[i], &instant), DATE_FORM);
	for (size_t i = 0; i < sizeof day / sizeof day[0]; i++)
		assert_int_equal(date_parse_instant(day[i], &instant), DATE_NO_DAY);
}

static void
days_go_there_and_back_over_four_centuries(void **state)
{
	char text[11];
	int64_t back;

	(void)state;
	for (int64_t day = date_day(1900, 1, 1); day <= date_day(2300, 12, 31); day++) {
		date_format(day, text);
		assert_int_equal(date_parse(text, &back), DATE_OK);
		assert_int_equal(back, day);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_day_is_due_on_the_next_at_closing_time),
		cmocka_unit_test(friday_is_due_on_monday),
		cmocka_unit_test(day_off_is_due_on_the_first_working_day_after_it),
		cmocka_unit_test(day_is_counted_in_shanghai_not_in_utc),
		cmocka_unit_test(summer_has_no_daylight_saving),
		cmocka_unit_test(national_day_2026_is_skipped_and_its_saturday_is_worked),
		cmocka_unit_test(spring_festival_2026_is_skipped_and_its_saturdays_are_worked),
		cmocka_unit_test(new_year_2026_is_reached_from_2025),
		cmocka_unit_test(year_without_notice_goes_by_weekends_and_is_not_certain),
		cmocka_unit_test(working_days_of_the_published_years_add_up),
		cmocka_unit_test(faulty_files_are_refused_with_their_line),
		cmocka_unit_test(missing_file_is_refused_by_name),
		cmocka_unit_test(instants_are_read_and_written),
		cmocka_unit_test(bad_instants_are_told_apart),
		cmocka_unit_test(days_go_there_and_back_over_four_centuries),
	};

	return cmocka_run_group_tests_name("calendar", tests, load_shipped, unload);
}
