/* Open orders by number. mint-queue answers in its own order, mostly ours: the table is a ring of slots by number. */
#include "hostd/api/orders.h"
#include "hostd/api/api.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <stdlib.h>

enum { SLOTS = 4096 }; /* open at the same time, over all requests; importers keep far fewer in flight */

struct slot {
	uint64_t        number; /* 0: free */
	order_answered *answered;
	void           *argument;
};

struct orders {
	struct api *api;
	uint64_t    last;
	struct slot slots[SLOTS];
};

struct orders *
orders_new(struct api *api)
{
	struct orders *orders = calloc(1, sizeof *orders);

	if (orders)
		orders->api = api;
	return orders;
}

static struct slot *
free_slot(struct orders *orders)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &orders->slots[++orders->last % SLOTS];

		if (!slot->number)
			return slot;
	}
	return NULL;
}

int
orders_send(struct orders *orders, struct message *message, order_answered *answered, void *argument)
{
	struct slot *slot = free_slot(orders);
	int r;

	if (!slot)
		return MINT_BUSY;
	if (message->type == MESSAGE_import)
		message->import.call = orders->last;
	else
		message->command.call = orders->last;
	r = ipc_send(orders->api->context->queue, message, -1);
	if (r == 0)
		*slot = (struct slot){ .number = orders->last, .answered = answered, .argument = argument };
	return r;
}

int
orders_answer(struct orders *orders, const struct message *message)
{
	uint64_t number = message->type == MESSAGE_import_result ? message->import_result.call : message->command_result.call;
	struct slot *slot = &orders->slots[number % SLOTS], answered = *slot;

	if (number == 0 || slot->number != number) {
		log_error("mint-queue answered order %llu, which is not open", (unsigned long long)number);
		return MINT_PROTOCOL;
	}
	*slot = (struct slot){ .number = 0 };
	answered.answered(message, answered.argument);
	return 0;
}

void
orders_lost(struct orders *orders)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot lost = orders->slots[i];

		orders->slots[i] = (struct slot){ .number = 0 };
		if (lost.number)
			lost.answered(NULL, lost.argument);
	}
}

void
orders_free(struct orders **orders)
{
	free(*orders);
	*orders = NULL;
}
