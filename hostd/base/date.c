/* Days and instants. Day arithmetic counts years from March, so that the leap day comes last. */
#include "hostd/base/date.h"

#include <stdio.h>
#include <string.h>

bool
date_exists(int year, int month, int day)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (year < 1583 || year > 9999 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= length[month - 1] + (month == 2 && leap);
}

int64_t
date_day(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t months_from_march = (month + 9) % 12;

	/* 719468 days lie between 0000-03-01 and 1970-01-01. */
	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * months_from_march + 2) / 5 + day - 1 - 719468;
}

static void
civil(int64_t day, int *year, int *month, int *day_of_month)
{
	int64_t z = day + 719468;
	int64_t era = z / 146097;
	int64_t of_era = z % 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * of_year + 2) / 153;

	*day_of_month = (int)(of_year - (153 * from_march + 2) / 5 + 1);
	*month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

/* Reads `count` digits; -1 when one is not a digit. */
static int
digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* The ten characters at the start of text; the caller has made sure that they are there. */
static enum date_fault
parse_day(const char *text, int64_t *day)
{
	int year = digits(text, 4), month = digits(text + 5, 2), of_month = digits(text + 8, 2);

	if (year < 0 || month < 0 || of_month < 0 || text[4] != '-' || text[7] != '-')
		return DATE_FORM;
	if (!date_exists(year, month, of_month))
		return DATE_NO_DAY;
	*day = date_day(year, month, of_month);
	return DATE_OK;
}

enum date_fault
date_parse(const char *text, int64_t *day)
{
	return strlen(text) == 10 ? parse_day(text, day) : DATE_FORM;
}

/* "hh:mm" to minutes; -1 when it is not of the form, -2 when there is no such time. */
static int
minutes(const char *text)
{
	int hour = digits(text, 2), minute;

	if (hour < 0 || text[2] != ':' || (minute = digits(text + 3, 2)) < 0)
		return -1;
	return hour > 23 || minute > 59 ? -2 : hour * 60 + minute;
}

/* ".d" to ".dddddd" at *text, which is moved behind it; microseconds, or -1. Nothing there is zero. */
static int
fraction(const char **text)
{
	int value = 0, length = 0;
	const char *at = *text;

	if (*at != '.')
		return 0;
	for (at++; *at >= '0' && *at <= '9'; at++, length++) {
		if (length == 6)
			return -1;
		value = value * 10 + (*at - '0');
	}
	if (length == 0)
		return -1;
	for (; length < 6; length++)
		value *= 10;
	*text = at;
	return value;
}

/* "Z", "+08:00" … up to the end of the text, in minutes. */
static enum date_fault
offset(const char *text, int *value)
{
	*value = 0;
	if (strcmp(text, "Z") == 0)
		return DATE_OK;
	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-'))
		return DATE_FORM;
	*value = minutes(text + 1);
	if (*value < 0)
		return *value == -1 ? DATE_FORM : DATE_NO_DAY;
	if (text[0] == '-')
		*value = -*value;
	return DATE_OK;
}

enum date_fault
date_parse_instant(const char *text, int64_t *instant_us)
{
	enum date_fault fault;
	int64_t day;
	int of_day, second, microsecond, zone;
	const char *rest = text + 19;

	if (strlen(text) < 20 || text[10] != 'T' || text[16] != ':')
		return DATE_FORM;
	if ((fault = parse_day(text, &day)) != DATE_OK)
		return fault;
	of_day = minutes(text + 11);
	second = digits(text + 17, 2);
	microsecond = fraction(&rest);
	if (of_day == -1 || second < 0 || microsecond < 0)
		return DATE_FORM;
	if ((fault = offset(rest, &zone)) != DATE_OK)
		return fault;
	if (of_day < 0 || second > 59)
		return DATE_NO_DAY;
	*instant_us = day * DATE_DAY_US + ((of_day - zone) * INT64_C(60) + second) * DATE_SECOND_US + microsecond;
	return DATE_OK;
}

/* Floor division: instants before 1970 belong to the day before. */
static int64_t
day_of(int64_t instant_us)
{
	return instant_us / DATE_DAY_US - (instant_us % DATE_DAY_US < 0);
}

int64_t
date_parse_time(const char *text)
{
	char instant[32];
	int64_t value;

	if (strlen(text) != 5)
		return -1;
	snprintf(instant, sizeof instant, "1970-01-01T%s:00Z", text);
	return date_parse_instant(instant, &value) == DATE_OK ? value : -1;
}

void
date_format_instant(int64_t instant_us, char text[DATE_TEXT_SIZE])
{
	int64_t day = day_of(instant_us);
	int64_t of_day = instant_us - day * DATE_DAY_US;
	int second = (int)(of_day / DATE_SECOND_US), microsecond = (int)(of_day % DATE_SECOND_US);
	int used;

	date_format(day, text);
	used = 10 + snprintf(text + 10, DATE_TEXT_SIZE - 10, "T%02d:%02d:%02d", second / 3600 % 24, second / 60 % 60,
	                     second % 60);
	if (microsecond != 0)
		used += snprintf(text + used, (size_t)(DATE_TEXT_SIZE - used), ".%06d", microsecond);
	snprintf(text + used, (size_t)(DATE_TEXT_SIZE - used), "Z");
}

void
date_format(int64_t day, char text[11])
{
	int year, month, of_month;

	civil(day, &year, &month, &of_month);
	snprintf(text, 11, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100, (unsigned)of_month % 100);
}

int64_t
date_local_day(int64_t instant_us)
{
	return day_of(instant_us + DATE_ZONE_US);
}

int
date_weekday(int64_t day)
{
	/* 1970-01-01 was a Thursday. */
	return (int)(((day + 4) % 7 + 7) % 7);
}
