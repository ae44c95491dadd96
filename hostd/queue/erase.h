/* A named person allows that what is on a token is erased and the token used again. */
#ifndef MINT_QUEUE_ERASE_H
#define MINT_QUEUE_ERASE_H

#include <jansson.h>
#include <stdint.h>

struct named_token;
struct queue;

/* `so_pin`: NULL when none was given; it is kept in memory alone. MINT_REFUSED and MINT_ARGUMENT with the reason in *detail (made
 * when NULL, the caller's). */
int erase_allow(struct queue *queue, const struct named_token *token, const json_t *so_pin, json_t **detail);

#endif
