#include "tools/operator/swap.h"

#include "tools/vtoken/law.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAYS_MAX 256
#define CV_DEFAULT ",0.5"

struct swap {
	struct law *law; /* the same log-normal law that virtual tokens have */
	uint64_t    seed;
	uint32_t    drawn[BAYS_MAX + 1];
};

/* The law's text: seconds where ours has milliseconds. NULL when out of memory or when there is no such law. */
static struct law *
law_of(const char *text)
{
	char custom[80], *rest;
	double mean_ms = strtod(text, &rest);

	if (*text < '0' || *text > '9' || (*rest != '\0' && *rest != ',') || strchr(rest, '/'))
		return NULL;
	if (snprintf(custom, sizeof custom, LAW_CUSTOM "%.6f%s", mean_ms / 1000, *rest ? rest : CV_DEFAULT) >= (int)sizeof custom)
		return NULL;
	return law_new(custom);
}

struct swap *
swap_new(const char *text, uint64_t seed)
{
	struct swap *swap = calloc(1, sizeof *swap);

	if (!swap)
		return NULL;
	swap->seed = seed;
	swap->law = law_of(text);
	if (!swap->law)
		swap_free(&swap);
	return swap;
}

void
swap_free(struct swap **swap)
{
	if (*swap)
		law_free(&(*swap)->law);
	free(*swap);
	*swap = NULL;
}

uint64_t
swap_draw_ms(struct swap *swap, long long bay)
{
	char place[32];

	snprintf(place, sizeof place, "bay %lld", bay);
	return law_draw_us(swap->law, swap->seed, place, swap->drawn[bay]++, KEY_EC, 256) / 1000;
}
