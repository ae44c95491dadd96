/* Days and instants: civil dates, RFC 3339 text, the bench's time zone.
 *
 * Instants are UTC microseconds since 1970-01-01T00:00:00Z (as rows keep them); days are counted from 1970-01-01.
 * The bench lives in Asia/Shanghai, which has had no daylight saving since 1991: a fixed +08:00, so neither the
 * time-zone database nor TZ is consulted.
 */
#ifndef MINT_BASE_DATE_H
#define MINT_BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_SECOND_US INT64_C(1000000)
#define DATE_DAY_US    (INT64_C(86400) * DATE_SECOND_US)
#define DATE_ZONE_US   (INT64_C(8) * 3600 * DATE_SECOND_US)

/* "2026-12-31T23:59:59.999999Z" and a NUL. */
#define DATE_TEXT_SIZE 28

enum date_fault {
	DATE_OK,
	DATE_FORM,  /* not of the form */
	DATE_NO_DAY /* of the form, but there is no such day or hour */
};

/* Whether the Gregorian calendar has this day; years 1583 to 9999. */
bool date_exists(int year, int month, int day);

/* Days since 1970-01-01 of an existing date (proleptic Gregorian). */
int64_t date_day(int year, int month, int day);

/* "YYYY-MM-DD", exactly ten characters. *day is set only when DATE_OK is returned. */
enum date_fault date_parse(const char *text, int64_t *day);

/* RFC 3339, section 5.6, date-time: capital T and Z, any numeric offset, at most six digits of a second's fraction,
 * no leap second (60). *instant_us is set only when DATE_OK is returned. */
enum date_fault date_parse_instant(const char *text, int64_t *instant_us);

/* "hh:mm", exactly five characters: microseconds after midnight; -1 when it is no such time. */
int64_t date_parse_time(const char *text);

/* RFC 3339 in UTC; the fraction (six digits) stands only when it is not zero. Years 1583 to 9999. */
void date_format_instant(int64_t instant_us, char text[DATE_TEXT_SIZE]);

/* "YYYY-MM-DD" and a NUL: 11 bytes. */
void date_format(int64_t day, char text[11]);

/* The day in Asia/Shanghai on which the instant falls. */
int64_t date_local_day(int64_t instant_us);

/* 0 is Sunday, 6 is Saturday. */
int date_weekday(int64_t day);

#endif
