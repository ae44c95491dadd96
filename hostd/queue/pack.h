/* Putting tokens into their parcel: each must be a taken token of this application (law 4). */
#ifndef MINT_QUEUE_PACK_H
#define MINT_QUEUE_PACK_H

#include <jansson.h>
#include <stdint.h>

struct queue;

/* All of the tokens (serial numbers or markers) or none. *detail becomes an object for the answer (the caller's): what was packed and what is missing, or
 * which token is wrong and to whom it belongs. MINT_REFUSED, MINT_NOT_FOUND, MINT_AMBIGUOUS, MINT_ARGUMENT, MINT_STORAGE. */
int pack_tokens(struct queue *queue, int64_t application, const char *reference, const json_t *serials, json_t **detail);

#endif
