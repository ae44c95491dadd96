/* What can be said of a slot from outside. */
#ifndef MINT_VTOKEN_STATUS_H
#define MINT_VTOKEN_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct slot_status {
	uint16_t    port;
	const char *serial, *name; /* NULL: empty; the name tells tokens of one serial number apart (token.h) */
	bool        connected;     /* the driver can be reached: pcscd runs */
	bool        generating;
	uint64_t    commands;      /* since the token was put in */
	uint64_t    changes;       /* of them, those that changed the token's lasting state */
	uint32_t    generations;   /* of this token, ever */
	uint64_t    fired;         /* faults that happened in this slot, whatever token was in it */
};

#endif
