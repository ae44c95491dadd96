#include "tools/vtoken/law.h"

#include <openssl/evp.h>

#include <string.h>

#define RSA_REFERENCE_BITS 2048
#define EC_REFERENCE_BITS 256

struct law {
	const char *name;
	double rsa_mean_s, rsa_min_s, rsa_max_s; /* RSA-2048 */
	double ec_mean_s;                        /* P-256 */
};

static const struct law laws[] = {
	{ "none", 0, 0, 0, 0 },
	{ "jcop4", 5.2, 0.6, 17.3, 0.027 },
	{ "j3a081", 23.0, 3.5, 55.6, 0.104 },
};

/* Pooled quantiles relative to the mean. The first is replaced by the chip's own shortest. */
static const struct { double p, value; } quantiles[] = {
	{ 0.00, 0.00 }, { 0.50, 0.85 }, { 0.75, 1.30 }, { 0.90, 1.90 }, { 0.95, 2.25 }, { 0.99, 3.10 }, { 1.00, 4.10 },
};
#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

const struct law *
law_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++)
		if (strcmp(laws[i].name, name) == 0)
			return &laws[i];
	return NULL;
}

const char *
law_names(void)
{
	return "none|jcop4|j3a081";
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

/* Uniform in [0, 1), from nothing but the arguments. */
static double
uniform(uint64_t seed, const char *serial, uint32_t n)
{
	uint8_t input[8 + 4 + 64] = { 0 }, hash[EVP_MAX_MD_SIZE];
	size_t serial_len = strnlen(serial, 64);
	uint64_t bits = 0;

	for (int i = 0; i < 8; i++)
		input[i] = (uint8_t)(seed >> 8 * i);
	for (int i = 0; i < 4; i++)
		input[8 + i] = (uint8_t)(n >> 8 * i);
	memcpy(input + 12, serial, serial_len);
	if (!EVP_Digest(input, sizeof input, hash, NULL, EVP_sha256(), NULL))
		return 0.5;
	for (int i = 0; i < 7; i++)
		bits = bits << 8 | hash[i];
	return (double)(bits >> 3) / (double)(1ULL << 53);
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
	double ratio = (double)bits / (type == KEY_RSA ? RSA_REFERENCE_BITS : EC_REFERENCE_BITS), seconds;

	if (type == KEY_RSA)
		seconds = rsa_seconds(law, uniform(seed, serial, n)) * ratio * ratio * ratio * ratio;
	else
		seconds = law->ec_mean_s * ratio * ratio * ratio;
	return (uint64_t)(seconds * 1e6 + 0.5);
}
