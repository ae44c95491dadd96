/* The forecast: when the queue will be empty, who will be late, what would save them. */
#include "hostd/api/api.h"
#include "hostd/api/forecast_read.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <stdlib.h>

enum { LISTED_PRESET = 1000 };

static const char *const figure_names[] = { [FORECAST_P50] = "p50", [FORECAST_P90] = "p90" };

/* All of one answer. */
struct answer {
	struct outlook outlook;
	struct hours_plan *plan;
	int64_t now_us;
	int64_t *due_us, *scratch_us;
	int64_t *end_us[FORECAST_FIGURES];
};

/* As long as one bay would need with the slowest times: no schedule that is asked for is longer. */
static int64_t
longest(const struct forecast *forecast)
{
	int64_t sum_us = 0;

	for (size_t i = 0; i < forecast->job_count; i++)
		sum_us += forecast->swap.us[FORECAST_P90] + forecast->kinds[forecast->jobs[i].kind].in_line.us[FORECAST_P90];
	return sum_us;
}

/* One element more than there are applications: none of nothing is no failure. */
static int64_t *
times_new(const struct answer *answer)
{
	return calloc(answer->outlook.forecast.application_count + 1, sizeof(int64_t));
}

static int
prepare(struct call *call, struct answer *answer)
{
	struct forecast *forecast = &answer->outlook.forecast;
	int r = outlook_read(call->api, answer->now_us, &answer->outlook);

	if (r != 0)
		return r;
	answer->plan = hours_plan_new(&call->api->hours, call->api->calendar, answer->now_us, longest(forecast));
	answer->due_us = times_new(answer);
	answer->scratch_us = times_new(answer);
	if (!answer->plan || !answer->due_us || !answer->scratch_us)
		return MINT_MEMORY;
	for (size_t i = 0; i < forecast->application_count; i++)
		answer->due_us[i] = hours_plan_until(answer->plan, answer->outlook.applications[i].deadline_at);
	forecast->due_us = answer->due_us;
	for (size_t i = 0; i < FORECAST_FIGURES; i++) {
		answer->end_us[i] = times_new(answer);
		if (!answer->end_us[i])
			return MINT_MEMORY;
	}
	return 0;
}

static void
answer_free(struct answer *answer)
{
	for (size_t i = 0; i < FORECAST_FIGURES; i++)
		free(answer->end_us[i]);
	free(answer->scratch_us);
	free(answer->due_us);
	hours_plan_free(&answer->plan);
	outlook_free(&answer->outlook);
}

/* --- as JSON */

static json_t *
instant_json(int64_t at_us)
{
	char text[RECORD_TIME_BYTES];

	if (at_us == INT64_MAX)
		return json_null();
	record_time(at_us, text);
	return json_string(text);
}

/* By how much an application is late when it ends after so much work; 0 in time, −1: it never ends. */
static int64_t
late_us(const struct answer *answer, enum forecast_figure figure, size_t i)
{
	int64_t at_us;

	if (answer->end_us[figure][i] <= answer->due_us[i])
		return 0;
	at_us = hours_plan_at(answer->plan, answer->end_us[figure][i]);
	return at_us == INT64_MAX ? -1 : at_us - answer->outlook.applications[i].deadline_at;
}

/* Whole seconds, begun ones counted: what is late is never 0 s late. */
static json_t *
late_json(int64_t us)
{
	return us < 0 ? json_null() : json_integer((us + 999999) / 1000000);
}

static json_t *
number_or_null(int64_t number, int64_t none)
{
	return number == none ? json_null() : json_integer(number);
}

static int64_t
latest_us(const struct answer *answer, enum forecast_figure figure)
{
	int64_t most_us = 0;

	for (size_t i = 0; i < answer->outlook.forecast.application_count; i++) {
		int64_t us = late_us(answer, figure, i);

		if (us < 0)
			return -1;
		if (us > most_us)
			most_us = us;
	}
	return most_us;
}

static json_t *
figure_json(struct answer *answer, enum forecast_figure figure)
{
	const struct forecast *forecast = &answer->outlook.forecast;
	int64_t last_us = forecast_run(forecast, figure, answer->end_us[figure]);
	int64_t at_us = hours_plan_at(answer->plan, last_us);
	size_t past, late = forecast_late(forecast, answer->end_us[figure], &past);

	return json_pack("{s:o,s:o,s:I,s:I,s:o,s:o,s:o}",
	    "empty_at", instant_json(at_us),
	    "left_s", at_us == INT64_MAX ? json_null() : json_integer((at_us - answer->now_us + 999999) / 1000000),
	    "late", (json_int_t)late, "past", (json_int_t)past, "latest_s", late_json(latest_us(answer, figure)),
	    "bays_needed", number_or_null((int64_t)forecast_bays(forecast, figure, answer->scratch_us), 0),
	    "prekeyed_needed", number_or_null(forecast_prekeyed(forecast, figure, answer->scratch_us), -1));
}

static json_t *
time_json(const struct forecast_time *time)
{
	return json_pack("{s:I,s:b,s:I,s:I}", "measured", (json_int_t)time->measured, "presumed", time->measured == 0,
	    "p50_ms", (json_int_t)(time->us[FORECAST_P50] / 1000), "p90_ms", (json_int_t)(time->us[FORECAST_P90] / 1000));
}

static json_t *
kinds_json(const struct outlook *outlook)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < outlook->forecast.kind_count; i++) {
		const struct forecast_kind *kind = &outlook->kinds[i];

		json_array_append_new(rows, json_pack("{s:s,s:I,s:I,s:o,s:o}", "key_type", kind->key_type,
		    "waiting", (json_int_t)outlook->wanted[i], "stock", (json_int_t)kind->stock, "in_line", time_json(&kind->in_line),
		    "prekeyed", kind->prekeyed.measured ? time_json(&kind->prekeyed) : json_null()));
	}
	return rows;
}

static json_t *
application_json(const struct answer *answer, size_t i)
{
	const struct outlook_application *application = &answer->outlook.applications[i];
	json_t *row = json_pack("{s:s,s:I,s:o}", "reference", application->reference, "credentials", (json_int_t)application->credentials,
	    "deadline_at", instant_json(application->deadline_at));

	for (size_t f = 0; row && f < FORECAST_FIGURES; f++)
		json_object_set_new(row, figure_names[f], json_pack("{s:o,s:o}",
		    "end_at", instant_json(hours_plan_at(answer->plan, answer->end_us[f][i])),
		    "late_s", late_json(late_us(answer, (enum forecast_figure)f, i))));
	return row;
}

static json_t *
applications_json(struct call *call, const struct answer *answer)
{
	int64_t limit = query_number(&call->query, "limit", LISTED_PRESET), wanted = query_number(&call->query, "late", -1);
	json_t *rows = json_array();

	for (size_t i = 0; i < answer->outlook.forecast.application_count && (int64_t)json_array_size(rows) < limit; i++) {
		int late = late_us(answer, FORECAST_P50, i) != 0 || late_us(answer, FORECAST_P90, i) != 0;

		if (wanted < 0 || wanted == late)
			json_array_append_new(rows, application_json(answer, i));
	}
	return rows;
}

static int64_t
last_at(const struct answer *answer)
{
	int64_t last_us = 0;

	for (size_t i = 0; i < answer->outlook.forecast.application_count; i++)
		if (answer->end_us[FORECAST_P90][i] > last_us)
			last_us = answer->end_us[FORECAST_P90][i];
	return hours_plan_at(answer->plan, last_us);
}

static json_t *
forecast_json(struct call *call, struct answer *answer)
{
	const struct outlook *outlook = &answer->outlook;
	const char *hours = call->api->context->config->hours;
	json_t *object, *aside = NULL;

	if (record_row(call->api->record, API_forecast_aside, NULL, &aside) != 0)
		return NULL;
	object = json_pack("{s:I,s:o,s:o,s:I,s:I,s:I,s:I}", "seq", (json_int_t)record_seq(call->api->record),
	    "now_at", instant_json(answer->now_us), "hours", *hours ? json_string(hours) : json_null(),
	    "bays", (json_int_t)outlook->forecast.bays, "applications_open", (json_int_t)outlook->forecast.application_count,
	    "waiting", (json_int_t)outlook->waiting, "in_work", (json_int_t)outlook->working);
	json_object_update(object, aside);
	json_decref(aside);
	for (size_t f = 0; f < FORECAST_FIGURES; f++)
		json_object_set_new(object, figure_names[f], figure_json(answer, (enum forecast_figure)f));
	json_object_set_new(object, "calendar_certain", json_boolean(hours_plan_certain(answer->plan, last_at(answer))));
	json_object_set_new(object, "swap", time_json(&outlook->forecast.swap));
	json_object_set_new(object, "key_types", kinds_json(outlook));
	json_object_set_new(object, "applications", applications_json(call, answer));
	return object;
}

/* Not tagged: the moment from which it looks ahead moves by itself. */
void
route_forecast(struct call *call)
{
	struct answer answer = { .now_us = clock_utc_us() };
	int r = prepare(call, &answer);

	if (r == 0)
		call_reply(call, 200, forecast_json(call, &answer));
	else
		call_error(call, r, "forecast");
	answer_free(&answer);
}

/* --- at a glance */

/* Credentials that wait and find no prekeyed token, of the key types of which a stock is kept. */
static size_t
short_of(const struct outlook *outlook)
{
	size_t missing = 0;

	for (size_t i = 0; i < outlook->forecast.kind_count; i++) {
		const struct forecast_kind *kind = &outlook->kinds[i];

		if ((kind->stock > 0 || kind->prekeyed.measured > 0) && outlook->wanted[i] > kind->stock)
			missing += outlook->wanted[i] - kind->stock;
	}
	return missing;
}

static json_t *
glance_json(struct call *call)
{
	struct answer answer = { .now_us = clock_utc_us() };
	const struct forecast *forecast = &answer.outlook.forecast;
	json_t *glance = NULL;

	if (prepare(call, &answer) == 0 && forecast->job_count > 0) {
		int64_t last_us = forecast_run(forecast, FORECAST_P50, answer.end_us[FORECAST_P50]);
		size_t past, late = forecast_late(forecast, answer.end_us[FORECAST_P50], &past);

		glance = json_pack("{s:o,s:I,s:I,s:I}", "empty_at", instant_json(hours_plan_at(answer.plan, last_us)),
		    "late", (json_int_t)late, "past", (json_int_t)past, "short", (json_int_t)short_of(&answer.outlook));
	}
	answer_free(&answer);
	return glance ? glance : json_null();
}

json_t *
api_forecast_glance(struct call *call)
{
	struct api *api = call->api;
	int64_t now_us = clock_monotonic_us(), kept_s = json_is_null(api->glance) ? GLANCE_NONE_KEPT_S : GLANCE_KEPT_S;

	if (!api->glance || now_us - api->glance_us > kept_s * 1000000) {
		json_decref(api->glance);
		api->glance = glance_json(call);
		api->glance_us = now_us;
	}
	return json_incref(api->glance);
}
