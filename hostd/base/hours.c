/* A plan is a list of stretches of work, one a day, each with the work done before it: both questions are one search. */
#include "hostd/base/hours.h"

#include <stdlib.h>
#include <string.h>

#include "hostd/base/calendar.h"
#include "hostd/base/date.h"
#include "schemas/errors.h"

enum { PLAN_DAYS_MAX = 3653 };

struct stretch {
	int64_t from_us, to_us;
	int64_t before_us; /* work of all earlier stretches */
};

struct hours_plan {
	int64_t now_us;
	int64_t published_until_us; /* the calendar has the official notice of every day before this */
	size_t count;
	struct stretch stretches[];
};

int
hours_read(const char *text, struct hours *hours)
{
	char from[6] = "", to[6] = "";

	*hours = (struct hours){ 0, 0 };
	if (!*text)
		return 0;
	if (strlen(text) != 11 || text[5] != '-')
		return MINT_ARGUMENT;
	memcpy(from, text, 5);
	memcpy(to, text + 6, 5);
	hours->from_us = date_parse_time(from);
	hours->to_us = date_parse_time(to);
	return hours->from_us >= 0 && hours->to_us > hours->from_us ? 0 : MINT_ARGUMENT;
}

static int64_t
planned(const struct hours_plan *plan)
{
	const struct stretch *last = plan->count ? &plan->stretches[plan->count - 1] : NULL;

	return last ? last->before_us + last->to_us - last->from_us : 0;
}

/* What is left of it from `now` on. */
static void
add_stretch(struct hours_plan *plan, int64_t from_us, int64_t to_us)
{
	int64_t before_us = planned(plan);

	if (from_us < plan->now_us)
		from_us = plan->now_us;
	if (to_us > from_us)
		plan->stretches[plan->count++] = (struct stretch){ from_us, to_us, before_us };
}

static void
add_days(struct hours_plan *plan, const struct hours *hours, const struct calendar *calendar, int64_t work_us)
{
	int64_t day = date_local_day(plan->now_us), last = day + PLAN_DAYS_MAX;

	for (; day < last && planned(plan) < work_us; day++) {
		int64_t midnight_us = day * DATE_DAY_US - DATE_ZONE_US;

		if (plan->published_until_us == INT64_MAX && !calendar_is_published(calendar, day))
			plan->published_until_us = midnight_us;
		if (calendar_is_working(calendar, day))
			add_stretch(plan, midnight_us + hours->from_us, midnight_us + hours->to_us);
	}
}

struct hours_plan *
hours_plan_new(const struct hours *hours, const struct calendar *calendar, int64_t now_us, int64_t work_us)
{
	struct hours_plan *plan = malloc(sizeof *plan + PLAN_DAYS_MAX * sizeof plan->stretches[0]);

	if (!plan)
		return NULL;
	*plan = (struct hours_plan){ .now_us = now_us, .published_until_us = INT64_MAX };
	if (hours->to_us > 0)
		add_days(plan, hours, calendar, work_us);
	else
		add_stretch(plan, now_us, now_us + PLAN_DAYS_MAX * DATE_DAY_US);
	return plan;
}

void
hours_plan_free(struct hours_plan **plan)
{
	free(*plan);
	*plan = NULL;
}

int64_t
hours_plan_at(const struct hours_plan *plan, int64_t work_us)
{
	size_t low = 0, high = plan->count;

	if (work_us <= 0)
		return plan->now_us;
	if (work_us > planned(plan))
		return INT64_MAX;
	while (low < high) { /* the last stretch with less work before it */
		size_t middle = (low + high) / 2;

		if (plan->stretches[middle].before_us < work_us)
			low = middle + 1;
		else
			high = middle;
	}
	return plan->stretches[low - 1].from_us + work_us - plan->stretches[low - 1].before_us;
}

int64_t
hours_plan_until(const struct hours_plan *plan, int64_t at_us)
{
	size_t low = 0, high = plan->count;
	const struct stretch *stretch;

	if (at_us < plan->now_us)
		return -1;
	while (low < high) { /* the last stretch that has begun */
		size_t middle = (low + high) / 2;

		if (plan->stretches[middle].from_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return 0;
	stretch = &plan->stretches[low - 1];
	return stretch->before_us + (at_us < stretch->to_us ? at_us : stretch->to_us) - stretch->from_us;
}

bool
hours_plan_certain(const struct hours_plan *plan, int64_t at_us)
{
	return at_us < plan->published_until_us;
}
