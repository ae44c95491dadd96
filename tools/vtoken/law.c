#include "tools/vtoken/law.h"

#include <openssl/evp.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RSA_REFERENCE_BITS 2048
#define EC_REFERENCE_BITS 256

enum shape { SHAPE_NONE, SHAPE_CHIP, SHAPE_CUSTOM };

struct law {
	const char *name, *what;
	enum shape shape;
	double rsa_mean_s, rsa_min_s, rsa_max_s; /* RSA-2048; of SHAPE_CUSTOM only the mean */
	double ec_mean_s;                        /* P-256 */
	double variation;                        /* of SHAPE_CUSTOM: standard deviation over mean */
	double divisor;                          /* of every draw; 0 in the table: none */
};

static const struct law laws[] = {
	{ "none", "no time at all", SHAPE_NONE, 0, 0, 0, 0, 0, 0 },
	{ "jcop4", "JCOP4 P71 J3R180", SHAPE_CHIP, 5.2, 0.6, 17.3, 0.027, 0, 0 },
	{ "jcop3", "JCOP3 J3H145g", SHAPE_CHIP, 5.8, 1.9, 11.7, 0.156, 0, 0 },
	{ "h19cr", "Feitian H19CR", SHAPE_CHIP, 3.1, 1.0, 6.0, 0.084, 0, 0 },
	{ "javacos", "Feitian JavaCOS 3.0.4", SHAPE_CHIP, 6.9, 2.5, 11.7, 0.116, 0, 0 },
	{ "smartcafe", "G+D SmartCafe 7 USB", SHAPE_CHIP, 3.9, 1.3, 8.8, 0.207, 0, 0 },
	{ "j3a081", "JCOP 2.4.1 J3A081", SHAPE_CHIP, 23.0, 3.5, 55.6, 0.104, 0, 0 },
};
#define LAWS (sizeof laws / sizeof laws[0])

#define CUSTOM_MEAN_MAX_S 3600
#define CUSTOM_VARIATION_MAX 5
#define DIVISOR_MAX 1000
#define LAW_TEXT_MAX 80

/* Pooled quantiles relative to the mean. The first is replaced by the chip's own shortest. */
static const struct { double p, value; } quantiles[] = {
	{ 0.00, 0.00 }, { 0.50, 0.85 }, { 0.75, 1.30 }, { 0.90, 1.90 }, { 0.95, 2.25 }, { 0.99, 3.10 }, { 1.00, 4.10 },
};
#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

/* A number from 0 to `most`, ended by `end`; its end goes to *rest. */
static bool
take_number(const char *text, char end, double most, double *number, const char **rest)
{
	char *after;

	if (*text < '0' || *text > '9') /* no sign, no "inf", no "nan" */
		return false;
	*number = strtod(text, &after);
	*rest = after + 1;
	return *after == end && *number >= 0 && *number <= most;
}

static bool
take_custom(struct law *law, const char *text)
{
	law->shape = SHAPE_CUSTOM;
	return take_number(text, ',', CUSTOM_MEAN_MAX_S, &law->rsa_mean_s, &text) &&
	       take_number(text, '\0', CUSTOM_VARIATION_MAX, &law->variation, &text);
}

static bool
take_named(struct law *law, const char *text)
{
	for (size_t i = 0; i < LAWS; i++)
		if (strcmp(laws[i].name, text) == 0)
			*law = laws[i];
	return law->name != NULL;
}

/* "/N" at the end, 1 without it. */
static bool
take_divisor(const char *slash, double *divisor)
{
	const char *rest;

	*divisor = 1;
	return !slash || (take_number(slash + 1, '\0', DIVISOR_MAX, divisor, &rest) && *divisor >= 1);
}

struct law *
law_new(const char *text)
{
	size_t prefix = strlen(LAW_CUSTOM), len = strcspn(text, "/");
	struct law *law = calloc(1, sizeof *law);
	char name[LAW_TEXT_MAX];
	double divisor;

	if (!law || len >= sizeof name || !take_divisor(text[len] ? text + len : NULL, &divisor))
		goto wrong;
	memcpy(name, text, len);
	name[len] = '\0';
	if (!(strncmp(name, LAW_CUSTOM, prefix) ? take_named(law, name) : take_custom(law, name + prefix)))
		goto wrong;
	law->divisor = divisor;
	return law;
wrong:
	law_free(&law);
	return NULL;
}

void
law_free(struct law **law)
{
	free(*law);
	*law = NULL;
}

int
law_list(size_t n, const char **name, const char **what)
{
	*name = n < LAWS ? laws[n].name : LAW_CUSTOM "MEAN,CV";
	*what = n < LAWS ? laws[n].what : "log-normal, mean in seconds and coefficient of variation";
	return n <= LAWS;
}

/* The n-th quantile in seconds, stretched by `stretch` and kept within the chip's bounds. */
static double
knot(const struct law *law, size_t n, double stretch)
{
	double value = n == 0 ? law->rsa_min_s : quantiles[n].value * stretch * law->rsa_mean_s;

	if (value < law->rsa_min_s)
		return law->rsa_min_s;
	return value > law->rsa_max_s ? law->rsa_max_s : value;
}

/* Mean of the distribution whose quantile function joins the knots by straight lines. */
static double
mean_with(const struct law *law, double stretch)
{
	double mean = 0;

	for (size_t n = 1; n < QUANTILES; n++)
		mean += (quantiles[n].p - quantiles[n - 1].p) * (knot(law, n - 1, stretch) + knot(law, n, stretch)) / 2;
	return mean;
}

/* The stretch that gives the chip's mean: the mean grows with it, so halving finds it. */
static double
fit(const struct law *law)
{
	double low = 0.1, high = 10, middle = 1;

	for (int round = 0; round < 60; round++) {
		middle = (low + high) / 2;
		if (mean_with(law, middle) < law->rsa_mean_s)
			low = middle;
		else
			high = middle;
	}
	return middle;
}

/* Two numbers uniform in [0, 1), from nothing but the arguments. */
static void
uniform(uint64_t seed, const char *serial, uint32_t n, double u[2])
{
	uint8_t input[8 + 4 + 64] = { 0 }, hash[EVP_MAX_MD_SIZE] = { 0x80 };
	uint64_t bits;

	for (int i = 0; i < 8; i++)
		input[i] = (uint8_t)(seed >> 8 * i);
	for (int i = 0; i < 4; i++)
		input[8 + i] = (uint8_t)(n >> 8 * i);
	memcpy(input + 12, serial, strnlen(serial, 64));
	EVP_Digest(input, sizeof input, hash, NULL, EVP_sha256(), NULL);
	for (int k = 0; k < 2; k++) {
		bits = 0;
		for (int i = 0; i < 7; i++)
			bits = bits << 8 | hash[8 * k + i];
		u[k] = (double)(bits >> 3) / (double)(1ULL << 53);
	}
}

/* Log-normal: mean and variation fix the parameters of the normal law below, which Box and Muller draw. */
static double
custom_seconds(const struct law *law, const double u[2])
{
	double variance = log(1 + law->variation * law->variation);
	double normal = sqrt(-2 * log(1 - u[0])) * cos(2 * M_PI * u[1]);

	return law->rsa_mean_s * exp(sqrt(variance) * normal - variance / 2);
}

static double
rsa_seconds(const struct law *law, double u)
{
	double stretch = fit(law), part;
	size_t n = 1;

	while (n < QUANTILES - 1 && u >= quantiles[n].p)
		n++;
	part = (u - quantiles[n - 1].p) / (quantiles[n].p - quantiles[n - 1].p);
	return knot(law, n - 1, stretch) + part * (knot(law, n, stretch) - knot(law, n - 1, stretch));
}

uint64_t
law_draw_us(const struct law *law, uint64_t seed, const char *serial, uint32_t n, enum key_type type, unsigned bits)
{
	double ratio = (double)bits / (type == KEY_RSA ? RSA_REFERENCE_BITS : EC_REFERENCE_BITS), u[2], seconds = 0;

	uniform(seed, serial, n, u);
	if (law->shape == SHAPE_CUSTOM)
		seconds = custom_seconds(law, u);
	else if (law->shape == SHAPE_CHIP && type == KEY_RSA)
		seconds = rsa_seconds(law, u[0]) * ratio * ratio * ratio * ratio;
	else if (law->shape == SHAPE_CHIP)
		seconds = law->ec_mean_s * ratio * ratio * ratio;
	return (uint64_t)(seconds / law->divisor * 1e6 + 0.5);
}
