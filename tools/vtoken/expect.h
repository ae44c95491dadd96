/* What a scenario waits for: a property of a slot, compared with a number.
 *
 *	FIELD =|>=|<= N        fields: changes, commands, connected, fired, generating, generations, present
 */
#ifndef MINT_VTOKEN_EXPECT_H
#define MINT_VTOKEN_EXPECT_H

#include "tools/vtoken/status.h"

struct expectation {
	unsigned field, relation; /* rows of the tables in expect.c */
	uint64_t number;
};

/* Reads three words. NULL, or what is wrong with them. */
const char *expect_parse(struct expectation *expectation, char *const words[3]);

bool expect_met(const struct expectation *expectation, const struct slot_status *status);

/* A number of decimal digits only, at most `most`. */
bool expect_number(const char *word, uint64_t most, uint64_t *number);

#endif
