/* Credentials in the order they will be taken, and the times that the newest uses took. */
#include "hostd/api/forecast_read.h"
#include "hostd/api/api.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The newest uses that are looked at: what a model of token takes changes with the lot in the box. */
enum { USES_NEWEST = 1000 };

/* A longer pause between two tokens of a bay was a break, not a swap. */
#define SWAP_MAX_US (INT64_C(3600) * 1000000)

struct reading {
	struct outlook *outlook;
	int64_t now_us;
	bool in_work;
};

/* --- kinds */

/* The kind of a key type, made with presets when it is new; FORECAST_KINDS_MAX key types are more than schemas/application.def knows. */
static size_t
kind_of(struct outlook *outlook, const char *key_type)
{
	struct forecast *forecast = &outlook->forecast;
	struct forecast_kind *kind;

	for (size_t i = 0; i < forecast->kind_count; i++)
		if (strcmp(outlook->kinds[i].key_type, key_type) == 0)
			return i;
	if (forecast->kind_count == FORECAST_KINDS_MAX)
		return 0;
	kind = &outlook->kinds[forecast->kind_count];
	snprintf(kind->key_type, sizeof kind->key_type, "%s", key_type);
	kind->in_line = forecast_preset(key_type);
	return forecast->kind_count++;
}

/* --- credentials */

/* The index of an application; its credentials mostly come one after the other, those in work first. −1: memory is out. */
static ssize_t
application_of(struct outlook *outlook, sqlite3_stmt *row)
{
	struct forecast *forecast = &outlook->forecast;
	int64_t id = sqlite3_column_int64(row, 0);
	size_t few = outlook->working + 1; /* what waits can belong to an application of these, or to the last one */

	for (size_t i = 0; i < forecast->application_count && i < few; i++)
		if (outlook->applications[i].id == id)
			return (ssize_t)i;
	if (forecast->application_count > 0 && outlook->applications[forecast->application_count - 1].id == id)
		return (ssize_t)forecast->application_count - 1;
	if (forecast->application_count == outlook->application_room) {
		size_t room = outlook->application_room ? 2 * outlook->application_room : 64;
		struct outlook_application *grown = reallocarray(outlook->applications, room, sizeof *grown);

		if (!grown)
			return -1;
		outlook->applications = grown;
		outlook->application_room = room;
	}
	outlook->applications[forecast->application_count] = (struct outlook_application){ .id = id,
		.reference = strdup((const char *)sqlite3_column_text(row, 1)), .deadline_at = sqlite3_column_int64(row, 2) };
	if (!outlook->applications[forecast->application_count].reference)
		return -1;
	return (ssize_t)forecast->application_count++;
}

static int
add_job(struct outlook *outlook, const struct forecast_job *job)
{
	if (outlook->forecast.job_count == outlook->job_room) {
		size_t room = outlook->job_room ? 2 * outlook->job_room : 64;
		struct forecast_job *grown = reallocarray(outlook->jobs, room, sizeof *grown);

		if (!grown)
			return MINT_MEMORY;
		outlook->jobs = grown;
		outlook->job_room = room;
	}
	outlook->jobs[outlook->forecast.job_count++] = *job;
	return 0;
}

/* A row of forecast_working or forecast_waiting. */
static int
take_credential(sqlite3_stmt *row, void *argument)
{
	struct reading *reading = argument;
	struct outlook *outlook = reading->outlook;
	ssize_t application = application_of(outlook, row);
	struct forecast_job job = { .kind = kind_of(outlook, (const char *)sqlite3_column_text(row, 3)), .in_work = reading->in_work };

	if (application < 0)
		return MINT_MEMORY;
	job.application = (size_t)application;
	if (job.in_work && sqlite3_column_int64(row, 4) < reading->now_us)
		job.spent_us = reading->now_us - sqlite3_column_int64(row, 4);
	outlook->applications[application].credentials++;
	if (job.in_work)
		outlook->working++;
	else {
		outlook->waiting++;
		outlook->wanted[job.kind]++;
	}
	return add_job(outlook, &job);
}

static int
read_credentials(struct api *api, struct reading *reading)
{
	int r;

	reading->in_work = true;
	r = record_each(api->record, API_forecast_working, NULL, take_credential, reading);
	reading->in_work = false;
	return r == 0 ? record_each(api->record, API_forecast_waiting, NULL, take_credential, reading) : r;
}

/* --- times */

struct samples {
	int64_t us[USES_NEWEST];
	size_t  count;
};

/* The use that came next in each bay: a swap lies between two. Newest first is how rows come. */
struct later {
	int64_t begun_at, imported_at;
};

struct measuring {
	struct outlook *outlook;
	struct samples  bay[FORECAST_KINDS_MAX][2]; /* in line, prekeyed */
	struct samples  swap;
	struct later    later[CONFIG_BAYS_MAX + 1];
};

static void
add_sample(struct samples *samples, int64_t us)
{
	if (us > 0 && samples->count < USES_NEWEST)
		samples->us[samples->count++] = us;
}

/* Was work there when the token before was sealed? Else the bay waited for an application and not for a hand. */
static void
add_swap(struct measuring *measuring, const struct later *later, int64_t sealed_at)
{
	if (later->begun_at > 0 && later->imported_at <= sealed_at && later->begun_at - sealed_at <= SWAP_MAX_US)
		add_sample(&measuring->swap, later->begun_at - sealed_at);
}

static int
take_use(sqlite3_stmt *row, void *argument)
{
	struct measuring *measuring = argument;
	size_t kind = kind_of(measuring->outlook, (const char *)sqlite3_column_text(row, 0));
	int64_t bay = sqlite3_column_int64(row, 1), begun_at = sqlite3_column_int64(row, 3), sealed_at = sqlite3_column_int64(row, 4);
	struct later *later = bay >= 0 && bay <= CONFIG_BAYS_MAX ? &measuring->later[bay] : &measuring->later[0];

	if (sealed_at > 0) {
		add_sample(&measuring->bay[kind][sqlite3_column_int(row, 5) != 0], sealed_at - begun_at);
		add_swap(measuring, later, sealed_at);
	}
	*later = (struct later){ begun_at, sqlite3_column_int64(row, 2) };
	return 0;
}

static void
measure(struct measuring *measuring)
{
	struct outlook *outlook = measuring->outlook;

	outlook->forecast.swap = forecast_preset_swap();
	forecast_measure(measuring->swap.us, measuring->swap.count, &outlook->forecast.swap);
	for (size_t i = 0; i < outlook->forecast.kind_count; i++) {
		forecast_measure(measuring->bay[i][0].us, measuring->bay[i][0].count, &outlook->kinds[i].in_line);
		forecast_measure(measuring->bay[i][1].us, measuring->bay[i][1].count, &outlook->kinds[i].prekeyed);
	}
}

static int
read_times(struct api *api, struct outlook *outlook)
{
	struct measuring *measuring = calloc(1, sizeof *measuring);
	struct binds binds = { .count = 0 };
	int r;

	if (!measuring)
		return MINT_MEMORY;
	measuring->outlook = outlook;
	bind_integer(&binds, "newest", USES_NEWEST);
	r = record_each(api->record, API_forecast_uses, &binds, take_use, measuring);
	if (r == 0)
		measure(measuring);
	free(measuring);
	return r;
}

/* --- stock and bays */

static int
take_stock(sqlite3_stmt *row, void *argument)
{
	struct outlook *outlook = argument;

	outlook->kinds[kind_of(outlook, (const char *)sqlite3_column_text(row, 0))].stock += (size_t)sqlite3_column_int64(row, 1);
	return 0;
}

struct counting {
	const struct config *config;
	size_t bays;
};

/* A bay without a reader is not at work, unless its reader is one that comes and goes with the token. */
static int
take_bay(sqlite3_stmt *row, void *argument)
{
	struct counting *counting = argument;
	const struct config_bay *bay = config_bay(counting->config, sqlite3_column_int(row, 0));
	bool reader = strcmp((const char *)sqlite3_column_text(row, 1), "no_reader") != 0;

	if (bay)
		counting->bays += reader || (config_bay_is_pattern(bay) && sqlite3_column_type(row, 2) == SQLITE_NULL);
	return 0;
}

int
outlook_read(struct api *api, int64_t now_us, struct outlook *outlook)
{
	struct reading reading = { .outlook = outlook, .now_us = now_us };
	struct counting counting = { .config = api->context->config };
	int r;

	memset(outlook, 0, sizeof *outlook);
	r = read_credentials(api, &reading);
	if (r == 0)
		r = read_times(api, outlook);
	if (r == 0)
		r = record_each(api->record, API_forecast_stock, NULL, take_stock, outlook);
	if (r == 0)
		r = record_each(api->record, API_forecast_bays, NULL, take_bay, &counting);
	outlook->forecast.jobs = outlook->jobs;
	outlook->forecast.kinds = outlook->kinds;
	outlook->forecast.bays = counting.bays;
	return r;
}

void
outlook_free(struct outlook *outlook)
{
	for (size_t i = 0; i < outlook->forecast.application_count; i++)
		free(outlook->applications[i].reference);
	free(outlook->applications);
	free(outlook->jobs);
}
