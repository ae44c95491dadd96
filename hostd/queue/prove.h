/* The conversation with a worker of role prove: a process that never wrote what it reads. Issued means proven (law 4). */
#ifndef MINT_QUEUE_PROVE_H
#define MINT_QUEUE_PROVE_H

#include "schemas/messages.h"

struct bay;

/* First answer: is it the token that was minted? Then read back, or look which codes are left to set. */
int prove_probed(struct bay *bay, const struct message_probed *probed);

/* The proof is checked here, not believed. Then the final codes: their envelope is on record before they are set (law 6). */
int prove_proved(struct bay *bay, const struct message *message);
int prove_sealed(struct bay *bay, const struct message *message);

#endif
