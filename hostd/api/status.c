/* The bench at a glance, the numbers of a run, and the words for both. */
#include "hostd/api/api.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PACE_WINDOW_S = 600 };

void
route_index(struct call *call)
{
	call_reply(call, 200, route_index_json());
}

/* {"approved": 3, …, "total": n} of rows {state, count}; takes the reference. */
static json_t *
tally_of(json_t *rows)
{
	json_t *object = json_object(), *row;
	json_int_t total = 0;
	size_t i;

	json_array_foreach(rows, i, row) {
		total += json_integer_value(json_object_get(row, "count"));
		json_object_set(object, json_string_value(json_object_get(row, "state")), json_object_get(row, "count"));
	}
	json_object_set_new(object, "total", json_integer(total));
	json_decref(rows);
	return object;
}

static json_t *
tally(struct call *call, enum api_statement statement)
{
	return tally_of(record_rows(call->api->record, statement, NULL));
}

static json_int_t
count_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* Credentials that a token still has to be made for. */
static json_int_t
to_do(const json_t *credentials)
{
	static const char *const states[] = {
		"waiting", "claimed", "initialised", "keyed", "requested", "certified", "burned", "verified",
	};
	json_int_t sum = 0;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		sum += count_of(credentials, states[i]);
	return sum;
}

/* Tokens an hour over the last minutes, and how long what is left will take at that pace; null while nobody can know. */
static void
add_pace(struct call *call, json_t *status, const json_t *credentials)
{
	struct binds binds = { .count = 0 };
	json_t *pace = NULL;
	json_int_t count, span_us;
	int64_t now = clock_utc_us();

	bind_integer(&binds, "seq", record_seq(call->api->record));
	bind_integer(&binds, "since", now - (int64_t)PACE_WINDOW_S * 1000000);
	if (record_row(call->api->record, API_pace, &binds, &pace) != 0)
		return;
	count = count_of(pace, "count") - 1;
	span_us = count_of(pace, "last") - count_of(pace, "first");
	json_decref(pace);
	if (count < 1 || span_us <= 0) {
		json_object_set_new(status, "tokens_per_hour", json_null());
		json_object_set_new(status, "left_s", json_null());
		return;
	}
	json_object_set_new(status, "tokens_per_hour", json_real((double)count * 3.6e9 / (double)span_us));
	json_object_set_new(status, "left_s", json_integer(to_do(credentials) * span_us / count / 1000000));
}

static json_t *
parked_list(struct call *call)
{
	json_t *rows = record_rows(call->api->record, API_parked, NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		api_explain(row, "parked", json_string_value(json_object_get(row, "error")));
		api_add_choices(row);
	}
	return rows;
}

static json_t *
delayed_list(struct call *call)
{
	json_t *rows = record_rows(call->api->record, API_delayed, NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		api_explain(row, "why", json_string_value(json_object_get(row, "error")));
	return rows;
}

static void
add_open_applications(struct call *call, json_t *status)
{
	struct binds binds = { .count = 0 };
	json_t *open = NULL;

	bind_integer(&binds, "now", clock_utc_us());
	if (record_row(call->api->record, API_open_applications, &binds, &open) == 0)
		json_object_update(status, open);
	json_decref(open);
}

/* The first number of a statement without parameters. */
static json_int_t
number_from(struct call *call, enum api_statement statement, const char *name, const char *second, json_int_t *second_number)
{
	json_t *row = NULL;
	json_int_t number;

	if (record_row(call->api->record, statement, NULL, &row) != 0)
		return 0;
	number = count_of(row, name);
	if (second)
		*second_number = count_of(row, second);
	json_decref(row);
	return number;
}

/* After a restore: the certificates for which nothing new is begun. NULL when there is nothing to settle. */
static json_t *
unsettled(struct call *call)
{
	json_t *row = NULL, *list = NULL;

	if (record_row(call->api->record, API_unsettled, NULL, &row) == 0)
		list = json_incref(json_object_get(row, "unsettled"));
	json_decref(row);
	return list;
}

/* What moves by itself or by the packer's hands, and what waits for a decision. Nothing moving: the bench is idle. */
static void
add_standing(struct call *call, json_t *status)
{
	const json_t *applications = json_object_get(status, "applications"), *labels = json_object_get(status, "labels");
	json_int_t stuck = 0, stuck_open = 0, decided = 0, moving;

	if (count_of(labels, "failed") + count_of(labels, "unknown") > 0)
		stuck = number_from(call, API_labels_stuck, "stuck", "open", &stuck_open);
	moving = number_from(call, API_credentials_moving, "moving", "decided", &decided);
	moving += decided + count_of(applications, "minted") + count_of(applications, "packed") - stuck_open + count_of(labels, "waiting") +
	    count_of(labels, "printing");
	json_object_set_new(status, "moving", json_integer(moving));
	json_object_set_new(status, "idle", json_boolean(moving == 0));
	json_object_set_new(status, "needs_person",
	    json_integer(count_of(json_object_get(status, "credentials"), "parked") - decided + stuck + json_is_object(json_object_get(status, "unsettled"))));
}

static void
set_time(json_t *row, const char *name)
{
	const json_t *at = json_object_get(row, name);
	char text[RECORD_TIME_BYTES];

	if (!json_is_integer(at))
		return;
	record_time(json_integer_value(at), text);
	json_object_set_new(row, name, json_string(text));
}

/* How mintd says its programs stand (hostd/standing.h); empty when it could not write its file. */
static json_t *
programs_list(struct call *call)
{
	char path[512];
	json_t *file, *rows, *row;
	size_t i;

	snprintf(path, sizeof path, "%s.programs", call->api->context->config->api_socket);
	file = json_load_file(path, 0, NULL);
	rows = json_incref(json_object_get(file, "programs"));
	json_decref(file);
	json_array_foreach(rows, i, row) {
		const char *state = json_string_value(json_object_get(row, "state"));

		set_time(row, "since");
		set_time(row, "again");
		api_explain(row, "trouble", state && strcmp(state, "down") == 0 ? "PROGRAM_DOWN" : NULL);
	}
	return json_is_array(rows) ? rows : json_array();
}

/* Each board, with what is wrong with it; the emergency stop comes before a lost link. */
static json_t *
stations_list(struct call *call)
{
	const struct config *config = call->api->context->config;
	json_t *rows = record_rows(call->api->record, API_stations, NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *link = json_string_value(json_object_get(row, "link"));
		size_t place = (size_t)json_integer_value(json_object_get(row, "station"));
		const char *error = json_is_true(json_object_get(row, "stopped")) ? "STATION_STOPPED" : strcmp(link, "refused") == 0 ? "STATION_REFUSED"
		    : strcmp(link, "up") != 0 ? "STATION" : NULL;

		json_object_set_new(row, "name", place < config->station_count ? json_string(config->stations[place].name) : json_null());
		api_explain(row, "trouble", error);
	}
	return rows;
}

static json_t *
status_json(struct call *call)
{
	char now[RECORD_TIME_BYTES];
	json_t *status = json_object(), *waiting;

	record_time(clock_utc_us(), now);
	json_object_set_new(status, "release", json_string(MINT_RELEASE));
	json_object_set_new(status, "bench", json_string(call->api->context->config->bench));
	json_object_set_new(status, "now", json_string(now));
	json_object_set_new(status, "seq", json_integer(record_seq(call->api->record)));
	api_explain(status, "standstill", call->api->standstill ? error_info(call->api->standstill)->name : NULL);
	add_open_applications(call, status);
	json_object_set_new(status, "applications", tally(call, API_tally_applications));
	json_object_set_new(status, "credentials", tally(call, API_tally_credentials));
	json_object_set_new(status, "tokens", tally(call, API_tally_tokens));
	json_object_set_new(status, "stock", api_stock(call));
	json_object_set_new(status, "bays", tally(call, API_tally_bays));
	json_object_set_new(status, "stations", stations_list(call));
	json_object_set_new(status, "labels", tally(call, API_tally_labels));
	waiting = unsettled(call);
	json_object_set_new(status, "unsettled", waiting ? waiting : json_null());
	add_standing(call, status);
	json_object_set_new(status, "parked", parked_list(call));
	json_object_set_new(status, "delayed", delayed_list(call));
	json_object_set_new(status, "programs", programs_list(call));
	add_pace(call, status, json_object_get(status, "credentials"));
	json_object_set_new(status, "forecast", api_forecast_glance(call));
	return status;
}

void
route_status(struct call *call)
{
	call_reply(call, 200, status_json(call));
}

/* --- the numbers of a run */

/* Key generation is the token's own work: how much of the bays' time it filled is how little they waited for anything else. */
static json_t *
utilisation(struct call *call, json_int_t from, json_int_t to, json_int_t bays)
{
	struct binds binds = { .count = 0 };
	json_t *row = NULL;
	double busy_us;

	if (to <= from || bays == 0)
		return json_null();
	bind_integer(&binds, "since", from);
	bind_integer(&binds, "until", to);
	if (record_row(call->api->record, API_key_time, &binds, &row) != 0)
		return json_null();
	busy_us = (double)count_of(row, "busy_us");
	json_decref(row);
	return json_real(busy_us / ((double)bays * (double)(to - from)));
}

static void
add_span(struct call *call, json_t *summary, const struct binds *since)
{
	json_int_t begun, ended, claimed, sealed, bays = count_of(summary, "bays");
	json_t *span = NULL;

	if (record_row(call->api->record, API_span, since, &span) != 0)
		return;
	begun = count_of(span, "begun");
	ended = count_of(span, "ended");
	claimed = count_of(span, "claimed");
	sealed = count_of(span, "sealed");
	json_decref(span);
	json_object_set_new(summary, "sealed", json_integer(sealed));
	json_object_set_new(summary, "elapsed_s", ended > begun ? json_real((double)(ended - begun) / 1e6) : json_null());
	json_object_set_new(summary, "tokens_per_hour",
	    ended > begun ? json_real((double)sealed * 3.6e9 / (double)(ended - begun)) : json_null());
	/* When the last credential is claimed the bays begin to run empty: that drain says nothing about waiting. */
	json_object_set_new(summary, "bay_utilisation", utilisation(call, begun, claimed, bays));
	json_object_set_new(summary, "bay_utilisation_with_drain", utilisation(call, begun, ended, bays));
}

void
route_summary(struct call *call)
{
	struct binds since = { .count = 0 };
	json_t *summary = NULL;

	if (call_unchanged(call))
		return;
	bind_integer(&since, "since", query_number(&call->query, "since", 0));
	if (record_row(call->api->record, API_summary, NULL, &summary) == 0) {
		add_span(call, summary, &since);
		json_object_set_new(summary, "steps", record_rows(call->api->record, API_step_times, &since));
	}
	call_reply_tagged(call, summary);
}

/* --- words */

static json_t *
word(const char *en, const char *zh)
{
	return json_pack("{s:s,s:s}", "en", en, "zh", zh);
}

static json_t *
machine(json_t *machines, const char *name)
{
	json_t *states = json_object_get(machines, name);

	if (!states) {
		states = json_object();
		json_object_set_new(machines, name, states);
	}
	return states;
}

static json_t *
states_json(void)
{
	json_t *machines = json_object();

#define STATE(machine_name, name, en, zh) json_object_set_new(machine(machines, #machine_name), #name, word(en, zh));
#define CHANGE(...)
#include "schemas/states.def"
#undef CHANGE
#undef STATE
	return machines;
}

static json_t *
steps_json(void)
{
	json_t *steps = json_object();

#define STEP(name, performer, from, to, timeout_ms, probe, undo, hung, en, zh) json_object_set_new(steps, #name, word(en, zh));
#include "schemas/steps.def"
#undef STEP
	return steps;
}

static json_t *
errors_json(void)
{
	json_t *errors = json_object();

#define ERROR(name, ...) json_object_set_new(errors, #name, call_error_json(MINT_##name, ""));
#include "schemas/errors.def"
#undef ERROR
	return errors;
}

void
route_words(struct call *call)
{
	call_reply(call, 200, json_pack("{s:o,s:o,s:o}", "states", states_json(), "steps", steps_json(), "errors", errors_json()));
}
