/* How long a key generation takes on real chips, or on one that a test makes up.
 *
 * RSA: the pooled quantiles of JCAlgTest's measurements (41 chips, ten generations each) relative to a chip's mean,
 * stretched so that the mean is the chip's own, and never outside the chip's shortest and longest. EC: the chip's mean,
 * always; there is no search for primes that could vary. JavaCOS was measured with RSA alone: for EC it stands with the
 * mean of the five others. Other sizes follow from the cost of the arithmetic: RSA with
 * the fourth power of the length, EC with the third.
 *
 * A draw depends only on seed, serial number and n, so that a run can be repeated whatever the order of events.
 */
#ifndef MINT_VTOKEN_LAW_H
#define MINT_VTOKEN_LAW_H

#include "tools/vtoken/keys.h"

#include <stddef.h>
#include <stdint.h>

#define LAW_CUSTOM "custom:" /* custom:MEAN,CV */

struct law;

/* "none" (no time at all), a chip's name of law_list, or "custom:MEAN,CV": keys of every kind and size take a
 * log-normal time of that mean in seconds (up to an hour) and that coefficient of variation (up to 5; 0: always the
 * mean). "/N" behind any of them divides every draw by N (1 to 1000): a day compressed. NULL: no such law, or out of
 * memory. */
struct law *law_new(const char *text);
void        law_free(struct law **law);

/* What can be named, for people: the n-th name and what it is; 0 after the last. */
int law_list(size_t n, const char **name, const char **what);

/* Microseconds that the n-th generation of this token takes. */
uint64_t law_draw_us(const struct law *law, uint64_t seed, const char *serial, uint32_t n, enum key_type type,
		     unsigned bits);

#endif
