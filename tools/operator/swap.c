#include "tools/operator/swap.h"

#include <math.h>
#include <stdlib.h>

#define BAYS_MAX 256
#define MEAN_MAX_MS 3600000.0
#define CV_MAX 5.0
#define CV_DEFAULT 0.5

struct swap {
	double   mean_ms, variation; /* variation: standard deviation over mean */
	uint64_t seed;
	uint32_t drawn[BAYS_MAX + 1];
};

/* A number from 0 to `most`, without sign, "inf" or "nan"; *text goes behind it. */
static int
take_number(const char **text, double most, double *number)
{
	char *rest;

	if (**text < '0' || **text > '9')
		return 0;
	*number = strtod(*text, &rest);
	*text = rest;
	return *number <= most;
}

static int
take_form(struct swap *swap, const char *text)
{
	swap->variation = CV_DEFAULT;
	if (!take_number(&text, MEAN_MAX_MS, &swap->mean_ms))
		return 0;
	if (*text == ',' && (text++, !take_number(&text, CV_MAX, &swap->variation)))
		return 0;
	return *text == '\0';
}

struct swap *
swap_new(const char *text, uint64_t seed)
{
	struct swap *swap = calloc(1, sizeof *swap);

	if (swap && !take_form(swap, text))
		swap_free(&swap);
	if (swap)
		swap->seed = seed;
	return swap;
}

void
swap_free(struct swap **swap)
{
	free(*swap);
	*swap = NULL;
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): its n-th number, from nothing but the arguments. */
static uint64_t
mixed(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + n * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Uniform in [0, 1). */
static double
uniform(uint64_t seed, uint64_t n)
{
	return (double)(mixed(seed, n) >> 11) / (double)(1ULL << 53);
}

/* Mean and variation fix the parameters of the normal law below, which Box and Muller draw. */
uint64_t
swap_draw_ms(struct swap *swap, long long bay)
{
	uint64_t n = 2ULL * swap->drawn[bay]++, seed = mixed(swap->seed, (uint64_t)bay);
	double variance = log(1 + swap->variation * swap->variation);
	double normal = sqrt(-2 * log(1 - uniform(seed, n))) * cos(2 * M_PI * uniform(seed, n + 1));

	return (uint64_t)(swap->mean_ms * exp(sqrt(variance) * normal - variance / 2));
}
