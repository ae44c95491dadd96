/* The working-day calendar: weekends, and a sorted list of the days on which the official notice says otherwise. */
#include "hostd/base/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/conf_file.h"
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

static bool
is_weekend(int64_t day)
{
	return date_weekday(day) == 0 || date_weekday(day) == 6;
}

/* The same for a make-up day. */
static int
check_working_day(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text;
	int64_t day;

	if (cfg_opt_size(option) == 0) /* called once more behind the list, which may be empty */
		return 0;
	if (check_day(cfg, option) != 0)
		return -1;
	text = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
	if (date_parse(text, &day) == DATE_OK && is_weekend(day))
		return 0;
	cfg_error(cfg, "working: %s is not a Saturday or Sunday", text);
	return -1;
}

static int
check_time(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);

	if (text && date_parse_time(text) >= 0)
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

/* `key` of `section` lists the day. */
static int
add_exception(struct calendar *calendar, struct conf_file *file, const cfg_t *section, const char *key, int year,
    struct exception exception)
{
	struct exception *grown;
	char text[11];

	date_format(exception.day, text);
	if (!belongs_to(exception.day, year))
		return conf_file_refuse(file, section, key, "%s does not belong to the notice of %d", text, year);
	for (size_t i = 0; i < calendar->exception_count; i++)
		if (calendar->exceptions[i].day == exception.day)
			return conf_file_refuse(file, section, key, "%s is listed twice", text);
	grown = reallocarray(calendar->exceptions, calendar->exception_count + 1, sizeof *grown);
	if (!grown)
		return MINT_MEMORY;
	calendar->exceptions = grown;
	grown[calendar->exception_count++] = exception;
	return 0;
}

static int
add_holiday(struct calendar *calendar, struct conf_file *file, cfg_t *holiday, int year)
{
	const char *from_text = cfg_getstr(holiday, "from"), *to_text = cfg_getstr(holiday, "to");
	int64_t from, to;
	int result = 0;

	if (!from_text || !to_text)
		return conf_file_refuse(file, holiday, NULL, "holiday \"%s\" needs both from and to", cfg_title(holiday));
	if (date_parse(from_text, &from) != DATE_OK || date_parse(to_text, &to) != DATE_OK || to < from ||
	    to - from >= HOLIDAY_DAYS_MAX)
		return conf_file_refuse(file, holiday, "to", "holiday \"%s\" must end after it begins and have at most %d days",
		    cfg_title(holiday), HOLIDAY_DAYS_MAX);
	for (int64_t day = from; day <= to && result == 0; day++)
		result = add_exception(calendar, file, holiday, "from", year, (struct exception){ day, false });
	return result;
}

static int
add_working_days(struct calendar *calendar, struct conf_file *file, cfg_t *section, int year)
{
	int result = 0;

	for (unsigned i = 0; i < cfg_size(section, "working") && result == 0; i++) {
		int64_t day = 0;

		if (date_parse(cfg_getnstr(section, "working", i), &day) != DATE_OK)
			return MINT_CONFIG; /* cannot be: check_working_day has read it */
		result = add_exception(calendar, file, section, "working", year, (struct exception){ day, true });
	}
	return result;
}

static int
add_year(struct calendar *calendar, struct conf_file *file, cfg_t *section)
{
	const char *title = cfg_title(section);
	int number = strlen(title) == 4 && strspn(title, "0123456789") == 4 ? atoi(title) : 0;
	struct year *grown;
	int result = 0;

	if (number < 2000)
		return conf_file_refuse(file, section, NULL, "\"%s\" is not a year", title);
	grown = reallocarray(calendar->years, calendar->year_count + 1, sizeof *grown);
	if (!grown)
		return MINT_MEMORY;
	calendar->years = grown;
	grown[calendar->year_count++] = (struct year){ number, cfg_getbool(section, "published") };
	for (unsigned i = 0; i < cfg_size(section, "holiday") && result == 0; i++)
		result = add_holiday(calendar, file, cfg_getnsec(section, "holiday", i), number);
	return result ? result : add_working_days(calendar, file, section, number);
}

static int
by_day(const void *left, const void *right)
{
	int64_t a = ((const struct exception *)left)->day, b = ((const struct exception *)right)->day;

	return (a > b) - (a < b);
}

static int
build(struct calendar *calendar, struct conf_file *file, cfg_t *cfg)
{
	int result = 0;

	calendar->closes_us = date_parse_time(cfg_getstr(cfg, "closes"));
	for (unsigned i = 0; i < cfg_size(cfg, "year") && result == 0; i++)
		result = add_year(calendar, file, cfg_getnsec(cfg, "year", i));
	if (result == 0 && calendar->exception_count > 0)
		qsort(calendar->exceptions, calendar->exception_count, sizeof *calendar->exceptions, by_day);
	return result;
}

static int
read_file(struct calendar *calendar, struct conf_file *file, cfg_t *cfg)
{
	int result = conf_file_load(file);

	if (result != 0)
		return result == MINT_MEMORY ? result : MINT_CONFIG;
	cfg_set_validate_func(cfg, "closes", check_time);
	cfg_set_validate_func(cfg, "year|working", check_working_day);
	cfg_set_validate_func(cfg, "year|holiday|from", check_day);
	cfg_set_validate_func(cfg, "year|holiday|to", check_day);
	result = conf_file_parse(file, cfg);
	return result == 0 ? build(calendar, file, cfg) : result;
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
	struct calendar *loaded = calloc(1, sizeof *loaded);
	struct conf_file *file = conf_file_new(path);
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	int result = MINT_MEMORY;

	message[0] = '\0';
	if (!loaded || !file || !cfg)
		goto out;
	result = read_file(loaded, file, cfg);
	conf_file_why(file, NULL, message, message_size);
	if (result != 0)
		goto out;
	*calendar = loaded;
	loaded = NULL;
out:
	if (cfg)
		cfg_free(cfg);
	conf_file_free(&file);
	calendar_free(&loaded);
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
