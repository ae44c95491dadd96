/* When the queue will be empty, who will be late, and what would save them. Pure: no clock, no record.
 *
 * Time here is work: microseconds during which the bench is worked, counted from now (hours.h turns it into instants). The bays take
 * the credentials in the order given, each the next one as soon as it is free: list scheduling, O(n log bays). With a fixed order no
 * credential ends later when a bay is added or one of them becomes quicker, so the smallest number of bays, and of prekeyed tokens,
 * is found by bisection.
 *
 * Every figure comes twice: with the median of each time, and with its 90th percentile. The second is no bound that holds nine times
 * in ten: it supposes that every token takes as long as the slowest tenth of them.
 */
#ifndef MINT_BASE_FORECAST_H
#define MINT_BASE_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum forecast_figure { FORECAST_P50, FORECAST_P90, FORECAST_FIGURES };

enum { FORECAST_BAYS_MAX = 256, FORECAST_BAYS_SOUGHT_MAX = 64, FORECAST_KINDS_MAX = 8 };

/* Fewer uses than these say nothing about a distribution: then the preset counts. */
enum { FORECAST_MEASURED_MIN = 5 };

#define FORECAST_NEVER INT64_MAX /* there is no bay */

/* A time as it was measured, or as it is presumed. */
struct forecast_time {
	int64_t us[FORECAST_FIGURES];
	size_t  measured; /* uses behind it; 0 with `us` set: a preset */
};

/* Sorts `samples_us` and takes the median and the 90th percentile: of n the ceil(n/2)-th and the ceil(0.9 n)-th (nearest rank).
 * false and nothing set with fewer than FORECAST_MEASURED_MIN. */
bool forecast_measure(int64_t *samples_us, size_t count, struct forecast_time *time);

/* What is presumed of a key type, from the table in forecast.c; of one it does not know what it has for RSA-2048. */
struct forecast_time forecast_preset(const char *key_type);
/* And of a person who changes the token in a bay. */
struct forecast_time forecast_preset_swap(void);

/* What the credentials of one key type take in a bay, from the first step's begin to sealed. */
struct forecast_kind {
	char   key_type[17];
	struct forecast_time in_line;
	struct forecast_time prekeyed; /* on a token with its key made ahead; us[…] 0: has never been measured, so none is reckoned with */
	size_t stock;                  /* such tokens at hand */
};

struct forecast_job {
	size_t  application; /* index */
	size_t  kind;        /* index */
	bool    in_work;     /* has its bay and its token; else it waits for one, and a swap */
	int64_t spent_us;    /* in work: so long already */
};

/* Everything is the caller's and stays as it is. */
struct forecast {
	const struct forecast_job *jobs; /* those in work first, then in the order in which the queue hands them out */
	size_t job_count;
	const struct forecast_kind *kinds;
	size_t kind_count;               /* at most FORECAST_KINDS_MAX */
	struct forecast_time swap;       /* between a token's sealing and the next one's first step in the same bay */
	const int64_t *due_us;           /* of each application; -1: its deadline has passed, nothing saves it */
	size_t application_count;
	size_t bays;                     /* at work; at most FORECAST_BAYS_MAX */
};

/* When the last credential of each application ends, into end_us[application_count]; 0 where it has none. Returns the latest. */
int64_t forecast_run(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us);

/* How many applications end after they are due; of them those whose deadline has passed already. */
size_t forecast_late(const struct forecast *forecast, const int64_t *end_us, size_t *past);

/* The smallest number of bays with which nobody is late who can be saved; 0 when FORECAST_BAYS_SOUGHT_MAX are not enough. `end_us` as
 * above, overwritten. */
size_t forecast_bays(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us);

/* The smallest number of prekeyed tokens, taken by the first in the queue that could use one, with which nobody is late who can be saved;
 * −1 when there are not enough credentials to put them to use, or none has been measured. Those in stock count as part of it. */
int64_t forecast_prekeyed(const struct forecast *forecast, enum forecast_figure figure, int64_t *end_us);

#endif
