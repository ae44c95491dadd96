/* What a person calls a token: its serial number, or its marker where several have that number. */
#ifndef MINT_QUEUE_NAMING_H
#define MINT_QUEUE_NAMING_H

#include "hostd/queue/states.h"

#include <jansson.h>
#include <stdint.h>

struct queue;

struct named_token {
	int64_t    id;
	enum state state;
	int        is_foreign;    /* came with codes that are not on record */
};

/* MINT_NOT_FOUND; MINT_AMBIGUOUS with the reason and the markers to choose from added to *detail (made when NULL, the caller's; may
 * be NULL itself); MINT_STORAGE. A destroyed token is meant only when no other has that number. */
int naming_find(struct queue *queue, const char *name, struct named_token *token, json_t **detail);

#endif
