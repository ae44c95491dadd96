#include "hostd/base/forecast.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

enum { PERCENT_P50 = 50, PERCENT_P90 = 90 };

/* What is presumed until enough was measured. Key generation as of a JCOP4 P71 (JCAlgTest: RSA-2048 mean 5.2 s; over 41 chips the median
 * is 0.85 of the mean and the 90th percentile 1.9 of it; RSA-3072 and 4096 four and ten times RSA-2048), and 200 APDUs of 5 or 10 ms for the
 * rest of a token's way. */
static const struct {
	const char *key_type;
	int64_t     ms[FORECAST_FIGURES];
} presets[] = {
	{ "rsa2048", { 5500, 12000 } },
	{ "rsa3072", { 19000, 42000 } },
	{ "rsa4096", { 45000, 100000 } },
	{ "p256", { 1100, 2300 } },
	{ "p384", { 1300, 2800 } },
	{ "p521", { 1500, 3300 } },
};

/* A hand that waits beside the bay, and one that has others to serve first. */
static const int64_t preset_swap_ms[FORECAST_FIGURES] = { 5000, 15000 };

/* --- times */

static int
by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static int64_t
percentile(const int64_t *sorted, size_t count, size_t percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

bool
forecast_measure(int64_t *samples_us, size_t count, struct forecast_time *time)
{
	if (count < FORECAST_MEASURED_MIN)
		return false;
	qsort(samples_us, count, sizeof *samples_us, by_value);
	time->us[FORECAST_P50] = percentile(samples_us, count, PERCENT_P50);
	time->us[FORECAST_P90] = percentile(samples_us, count, PERCENT_P90);
	time->measured = count;
	return true;
}

static struct forecast_time
preset(const int64_t *ms)
{
	struct forecast_time time = { .measured = 0 };

	for (size_t i = 0; i < FORECAST_FIGURES; i++)
		time.us[i] = ms[i] * 1000;
	return time;
}

struct forecast_time
forecast_preset(const char *key_type)
{
	for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
		if (strcmp(presets[i].key_type, key_type) == 0)
			return preset(presets[i].ms);
	return preset(presets[0].ms);
}

struct forecast_time
forecast_preset_swap(void)
{
	return preset(preset_swap_ms);
}

/* --- the bays: a heap of the times at which they are free, the earliest at the top */

struct bays {
	int64_t free_us[FORECAST_BAYS_MAX];
	size_t  count;
};

/* The bay that is free first is taken for so long; returns when that ends. */
static int64_t
bays_take(struct bays *bays, int64_t duration_us)
{
	int64_t end_us = bays->free_us[0] + duration_us;
	size_t hole = 0, child;

	while ((child = 2 * hole + 1) < bays->count) {
		if (child + 1 < bays->count && bays->free_us[child + 1] < bays->free_us[child])
			child++;
		if (bays->free_us[child] >= end_us)
			break;
		bays->free_us[hole] = bays->free_us[child];
		hole = child;
	}
	bays->free_us[hole] = end_us;
	return end_us;
}

/* --- one run */

/* The prekeyed tokens of a run: those in stock by key type, or so many for whoever comes first. */
struct stock {
	bool   any;
	size_t left;
	size_t of_kind[FORECAST_KINDS_MAX];
};

static struct stock
stock_at_hand(const struct forecast *forecast)
{
	struct stock stock = { .any = false };

	for (size_t i = 0; i < forecast->kind_count; i++)
		stock.of_kind[i] = forecast->kinds[i].stock;
	return stock;
}

static bool
can_be_prekeyed(const struct forecast *forecast, const struct forecast_job *job)
{
	return !job->in_work && forecast->kinds[job->kind].prekeyed.us[FORECAST_P50] > 0;
}

static bool
stock_take(struct stock *stock, const struct forecast *forecast, const struct forecast_job *job)
{
	size_t *left = stock->any ? &stock->left : &stock->of_kind[job->kind];

	if (!can_be_prekeyed(forecast, job) || *left == 0)
		return false;
	(*left)--;
	return true;
}

/* In a bay, its swap included. What is in work on a prekeyed token is reckoned as if it were not: nobody is told a time too early. */
static int64_t
duration(const struct forecast *forecast, const struct forecast_job *job, enum forecast_figure figure, bool prekeyed)
{
	const struct forecast_kind *kind = &forecast->kinds[job->kind];
	int64_t whole_us = prekeyed && kind->prekeyed.us[figure] < kind->in_line.us[figure] ? kind->prekeyed.us[figure] : kind->in_line.us[figure];

	if (!job->in_work)
		return forecast->swap.us[figure] + whole_us;
	return job->spent_us < whole_us ? whole_us - job->spent_us : 0;
}

static int64_t
run_with(const struct forecast *forecast, enum forecast_figure figure, size_t bay_count, struct stock stock, int64_t *end_us)
{
	struct bays bays = { .count = bay_count < FORECAST_BAYS_MAX ? bay_count : FORECAST_BAYS_MAX };
	int64_t last_us = 0;

	memset(end_us, 0, forecast->application_count * sizeof *end_us);
	for (size_t i = 0; i < forecast->job_count; i++) {
		const struct forecast_job *job = &forecast->jobs[i];
		bool prekeyed = stock_take(&stock, forecast, job);
		int64_t end = bays.count ? bays_take(&bays, duration(forecast, job, figure, prekeyed)) : FORECAST_NEVER;

		if (end > end_us[job->application])
			end_us[job->application] = end;
		if (end > last_us)
			last_us = end;
	}
	return last_us;
}

int64_t
forecast_run(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us)
{
	return run_with(forecast, figure, forecast->bays, stock_at_hand(forecast), end_us);
}

/* --- what would save them */

size_t
forecast_late(const struct forecast *forecast, const int64_t *end_us, size_t *past)
{
	size_t late = 0;

	*past = 0;
	for (size_t i = 0; i < forecast->application_count; i++) {
		late += end_us[i] > forecast->due_us[i];
		*past += forecast->due_us[i] < 0;
	}
	return late;
}

static bool
all_saved(const struct forecast *forecast, const int64_t *end_us)
{
	size_t past, late = forecast_late(forecast, end_us, &past);

	return late == past;
}

static bool
bays_save(const struct forecast *forecast, enum forecast_figure figure, size_t bays, int64_t *end_us)
{
	run_with(forecast, figure, bays, stock_at_hand(forecast), end_us);
	return all_saved(forecast, end_us);
}

size_t
forecast_bays(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us)
{
	size_t low = 1, high = FORECAST_BAYS_SOUGHT_MAX;

	if (!bays_save(forecast, figure, high, end_us))
		return 0;
	while (low < high) { /* `high` saves them, fewer than `low` do not */
		size_t middle = (low + high) / 2;

		if (bays_save(forecast, figure, middle, end_us))
			high = middle;
		else
			low = middle + 1;
	}
	return high;
}

static bool
tokens_save(const struct forecast *forecast, enum forecast_figure figure, size_t tokens, int64_t *end_us)
{
	run_with(forecast, figure, forecast->bays, (struct stock){ .any = true, .left = tokens }, end_us);
	return all_saved(forecast, end_us);
}

int64_t
forecast_prekeyed(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us)
{
	size_t low = 0, high = 0;

	for (size_t i = 0; i < forecast->job_count; i++)
		high += can_be_prekeyed(forecast, &forecast->jobs[i]);
	if (high == 0 || !tokens_save(forecast, figure, high, end_us))
		return -1;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (tokens_save(forecast, figure, middle, end_us))
			high = middle;
		else
			low = middle + 1;
	}
	return (int64_t)high;
}
