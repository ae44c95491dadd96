/* The conversation with a worker of role mint: initialise, key, request, (the CA,) burn. */
#ifndef MINT_QUEUE_MINT_H
#define MINT_QUEUE_MINT_H

#include "schemas/messages.h"

#include <stdint.h>

struct bay;

/* Begins the step the record says is next. */
int mint_next(struct bay *bay, int64_t use);

/* The same for a token that was in work before: first what is really on it is compared with the record (law 3). */
int mint_resume(struct bay *bay, int64_t use, const struct message_probed *probed);

/* Answers of the worker; the journal row has been found to be the one waited for. */
int mint_initialised(struct bay *bay, const struct message *message);
int mint_key_made(struct bay *bay, const struct message *message);
int mint_request_made(struct bay *bay, const struct message *message);
int mint_burned(struct bay *bay, const struct message *message);

#endif
