/* The working-day calendar: weekends, and a sorted list of the days on which the official notice says otherwise. */
#include "hostd/base/calendar.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/date.h"
#include "schemas/errors.h"

/* No official holiday has been longer than nine days; a longer one is a typing mistake. */
#define HOLIDAY_DAYS_MAX 15

/* A search for a working day that goes on longer than this has a calendar of holidays only: weekends of any year and
 * the longest holiday end well before. */
#define SEARCH_DAYS_MAX 60

struct exception {
	int64_t day;
	bool working;
};

struct year {
	int number;
	bool published;
};

struct calendar {
	int64_t closes_us; /* after local midnight */
	struct exception *exceptions;
	size_t exception_count;
	struct year *years;
	size_t year_count;
};

/* libconfuse reports through a callback without an argument of ours. */
static struct {
	char *text;
	size_t size;
} report;

static void note_error(cfg_t *, const char *, va_list) __attribute__((format(printf, 2, 0)));

/* Keeps the first message: the later ones follow from it. */
static void
note_error(cfg_t *cfg, const char *format, va_list arguments)
{
	int used;

	if (!report.text || report.text[0] != '\0')
		return;
	used = snprintf(report.text, report.size, "%s:%d: ", cfg->filename ? cfg->filename : "calendar", cfg->line);
	if (used > 0 && (size_t)used < report.size)
		vsnprintf(report.text + used, report.size - (size_t)used, format, arguments);
}

/* A value callback: the text must be a day. It is kept as text; load_year reads it again. */
static int
check_day(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
	int64_t day;

	if (text && date_parse(text, &day) == DATE_OK)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not a day YYYY-MM-DD", cfg_opt_name(option), text ? text : "");
	return -1;
}

/* "hh:mm" to microseconds after midnight; -1 when it is no such time. */
static int64_t
time_of_day(const char *text)
{
	char instant[32];
	int64_t value;

	if (strlen(text) != 5)
		return -1;
	snprintf(instant, sizeof instant, "1970-01-01T%s:00Z", text);
	return date_parse_instant(instant, &value) == DATE_OK ? value : -1;
}

static int
check_time(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);

	if (text && time_of_day(text) >= 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not a time hh:mm", cfg_opt_name(option), text ? text : "");
	return -1;
}

static int
year_of(int64_t day)
{
	char text[11];

	date_format(day, text);
	return atoi(text);
}

/* A notice may reach into the neighbouring months: 元旦 2023 began on 2022-12-31. */
static bool
belongs_to(int64_t day, int year)
{
	return day >= date_day(year - 1, 12, 1) && day <= date_day(year + 1, 1, 31);
}

static int
add_exception(struct calendar *calendar, cfg_t *where, int year, int64_t day, bool working)
{
	struct exception *grown;
	char text[11];

	date_format(day, text);
	if (!belongs_to(day, year)) {
		cfg_error(where, "%s does not belong to the notice of %d", text, year);
		return MINT_CONFIG;
	}
	for (size_t i = 0; i < calendar->exception_count; i++)
		if (calendar->exceptions[i].day == day) {
			cfg_error(where, "%s is listed twice", text);
			return MINT_CONFIG;
		}
	grown = reallocarray(calendar->exceptions, calendar->exception_count + 1, sizeof *grown);
	if (!grown)
		return MINT_MEMORY;
	calendar->exceptions = grown;
	grown[calendar->exception_count++] = (struct exception){ day, working };
	return 0;
}

static bool
is_weekend(int64_t day)
{
	return date_weekday(day) == 0 || date_weekday(day) == 6;
}

static int
add_holiday(struct calendar *calendar, cfg_t *holiday, int year)
{
	const char *from_text = cfg_getstr(holiday, "from"), *to_text = cfg_getstr(holiday, "to");
	int64_t from, to;
	int result = 0;

	if (!from_text || !to_text) {
		cfg_error(holiday, "holiday \"%s\" needs both from and to", cfg_title(holiday));
		return MINT_CONFIG;
	}
	if (date_parse(from_text, &from) != DATE_OK || date_parse(to_text, &to) != DATE_OK || to < from ||
	    to - from >= HOLIDAY_DAYS_MAX) {
		cfg_error(holiday, "holiday \"%s\" must end after it begins and have at most %d days", cfg_title(holiday),
		          HOLIDAY_DAYS_MAX);
		return MINT_CONFIG;
	}
	for (int64_t day = from; day <= to && result == 0; day++)
		result = add_exception(calendar, holiday, year, day, false);
	return result;
}

static int
add_working_days(struct calendar *calendar, cfg_t *section, int year)
{
	int result = 0;

	for (unsigned i = 0; i < cfg_size(section, "working") && result == 0; i++) {
		const char *text = cfg_getnstr(section, "working", i);
		int64_t day;

		if (date_parse(text, &day) != DATE_OK || !is_weekend(day)) {
			cfg_error(section, "working: %s is not a Saturday or Sunday", text);
			return MINT_CONFIG;
		}
		result = add_exception(calendar, section, year, day, true);
	}
	return result;
}

static int
add_year(struct calendar *calendar, cfg_t *section)
{
	const char *title = cfg_title(section);
	int number = strlen(title) == 4 && strspn(title, "0123456789") == 4 ? atoi(title) : 0;
	struct year *grown;
	int result = 0;

	if (number < 2000) {
		cfg_error(section, "\"%s\" is not a year", title);
		return MINT_CONFIG;
	}
	grown = reallocarray(calendar->years, calendar->year_count + 1, sizeof *grown);
	if (!grown)
		return MINT_MEMORY;
	calendar->years = grown;
	grown[calendar->year_count++] = (struct year){ number, cfg_getbool(section, "published") };
	for (unsigned i = 0; i < cfg_size(section, "holiday") && result == 0; i++)
		result = add_holiday(calendar, cfg_getnsec(section, "holiday", i), number);
	return result ? result : add_working_days(calendar, section, number);
}

static int
by_day(const void *left, const void *right)
{
	int64_t a = ((const struct exception *)left)->day, b = ((const struct exception *)right)->day;

	return (a > b) - (a < b);
}

static int
build(struct calendar *calendar, cfg_t *cfg)
{
	int result = 0;

	calendar->closes_us = time_of_day(cfg_getstr(cfg, "closes"));
	for (unsigned i = 0; i < cfg_size(cfg, "year") && result == 0; i++)
		result = add_year(calendar, cfg_getnsec(cfg, "year", i));
	if (result == 0 && calendar->exception_count > 0)
		qsort(calendar->exceptions, calendar->exception_count, sizeof *calendar->exceptions, by_day);
	return result;
}

/* Braces left open at the end of the file. libconfuse takes a file that ends inside a section, as one that was cut off
 * while it was copied does: the rest of the year would be missing without a word. */
static int
open_braces(FILE *file)
{
	int depth = 0, c;
	bool quoted = false, comment = false;

	while ((c = fgetc(file)) != EOF) {
		if (c == '\n')
			comment = false;
		else if (quoted && c == '\\')
			(void)fgetc(file);
		else if (c == '"' && !comment)
			quoted = !quoted;
		else if (c == '#' && !quoted)
			comment = true;
		else if ((c == '{' || c == '}') && !quoted && !comment)
			depth += c == '{' ? 1 : -1;
	}
	return depth;
}

static int
parse(cfg_t *cfg, const char *path)
{
	FILE *file = fopen(path, "re");
	int depth;
	bool good;

	if (!file) {
		snprintf(report.text, report.size, "%s: cannot be read", path);
		return MINT_CONFIG;
	}
	depth = open_braces(file);
	rewind(file);
	cfg_set_error_function(cfg, note_error);
	cfg_set_validate_func(cfg, "closes", check_time);
	cfg_set_validate_func(cfg, "year|working", check_day);
	cfg_set_validate_func(cfg, "year|holiday|from", check_day);
	cfg_set_validate_func(cfg, "year|holiday|to", check_day);
	free(cfg->filename);
	cfg->filename = strdup(path); /* for messages */
	good = cfg_parse_fp(cfg, file) == CFG_SUCCESS;
	fclose(file);
	if (good && depth != 0)
		cfg_error(cfg, "a brace is not closed");
	return good && depth == 0 ? 0 : MINT_CONFIG;
}

int
calendar_load(struct calendar **calendar, const char *path, char *message, size_t message_size)
{
	cfg_opt_t holiday[] = {
		CFG_STR("from", NULL, CFGF_NONE),
		CFG_STR("to", NULL, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t year[] = {
		CFG_BOOL("published", cfg_false, CFGF_NONE),
		CFG_STR("source", NULL, CFGF_NONE),
		CFG_SEC("holiday", holiday, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_STR_LIST("working", NULL, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t options[] = {
		CFG_STR("closes", "18:00", CFGF_NONE),
		CFG_SEC("year", year, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	struct calendar *loaded = NULL;
	cfg_t *cfg = NULL;
	int result = MINT_MEMORY;

	report.text = message;
	report.size = message_size;
	message[0] = '\0';
	if (!(loaded = calloc(1, sizeof *loaded)) || !(cfg = cfg_init(options, CFGF_NONE)))
		goto out;
	if ((result = parse(cfg, path)) != 0 || (result = build(loaded, cfg)) != 0)
		goto out;
	*calendar = loaded;
	loaded = NULL;
out:
	if (cfg)
		cfg_free(cfg);
	calendar_free(&loaded);
	report.text = NULL;
	return result;
}

void
calendar_free(struct calendar **calendar)
{
	if (!*calendar)
		return;
	free((*calendar)->exceptions);
	free((*calendar)->years);
	free(*calendar);
	*calendar = NULL;
}

bool
calendar_is_working(const struct calendar *calendar, int64_t day)
{
	struct exception key = { day, false };
	const struct exception *found = NULL;

	if (calendar->exception_count > 0)
		found = bsearch(&key, calendar->exceptions, calendar->exception_count, sizeof key, by_day);
	return found ? found->working : !is_weekend(day);
}

bool
calendar_is_published(const struct calendar *calendar, int64_t day)
{
	int number = year_of(day);

	for (size_t i = 0; i < calendar->year_count; i++)
		if (calendar->years[i].number == number)
			return calendar->years[i].published;
	return false;
}

int64_t
calendar_deadline(const struct calendar *calendar, int64_t approved_at_us, bool *certain)
{
	int64_t day = date_local_day(approved_at_us);
	bool published = calendar_is_published(calendar, day);

	for (int i = 0; i < SEARCH_DAYS_MAX; i++) {
		day++;
		published = published && calendar_is_published(calendar, day);
		if (calendar_is_working(calendar, day))
			break;
	}
	if (certain)
		*certain = published;
	return day * DATE_DAY_US + calendar->closes_us - DATE_ZONE_US;
}
