/* What was sent to mint-queue and is not answered yet: each has a number of ours that its answer brings back. */
#ifndef MINT_API_ORDERS_H
#define MINT_API_ORDERS_H

#include "schemas/messages.h"

struct api;
struct orders;

/* Called once with the answer, or with NULL when mint-queue is gone. */
typedef void order_answered(const struct message *answer, void *argument);

struct orders *orders_new(struct api *api);

/* Sends an `import` or `command`; its `call` is filled in. 0, or a negative error: `answered` is not called then. */
int orders_send(struct orders *orders, struct message *message, order_answered *answered, void *argument);

/* An import_result or command_result has come. MINT_PROTOCOL when its number is not open. */
int orders_answer(struct orders *orders, const struct message *message);

/* mint-queue is gone: tells everybody. */
void orders_lost(struct orders *orders);

void orders_free(struct orders **orders);

#endif
