/* How long a key generation takes on real chips.
 *
 * RSA: the pooled quantiles of JCAlgTest's measurements (41 chips, ten generations each) relative to a chip's mean,
 * stretched so that the mean is the chip's own, and never outside the chip's shortest and longest. EC: the chip's mean,
 * always; there is no search for primes that could vary. Other sizes follow from the cost of the arithmetic: RSA with
 * the fourth power of the length, EC with the third.
 *
 * A draw depends only on seed, serial number and n, so that a run can be repeated whatever the order of events.
 */
#ifndef MINT_VTOKEN_LAW_H
#define MINT_VTOKEN_LAW_H

#include "tools/vtoken/keys.h"

#include <stdint.h>

struct law; /* constant, lives as long as the program */

/* By name: "none" (no time at all), "jcop4" (JCOP4 P71 J3R180), "j3a081" (JCOP 2.4.1 J3A081). NULL: no such law. */
const struct law *law_by_name(const char *name);

/* The names, separated by '|'. */
const char *law_names(void);

/* Microseconds that the n-th generation of this token takes. */
uint64_t law_draw_us(const struct law *law, uint64_t seed, const char *serial, uint32_t n, enum key_type type,
		     unsigned bits);

#endif
