/* Between commands.c, which finds what an order is about and answers, and verbs.c, which does it. */
#ifndef MINT_QUEUE_ORDER_H
#define MINT_QUEUE_ORDER_H

#include "hostd/queue/naming.h"
#include "hostd/queue/states.h"
#include "schemas/messages.h"

#include <jansson.h>
#include <stdint.h>

struct queue;

/* One order while it is carried out. `subject` is the row it is about. */
struct order {
	const struct message_command *command;
	json_t    *arguments;
	const char *why;          /* "" when none is given */
	json_t    *detail;        /* for the answer */
	struct named_token token; /* of an order about one */
	int64_t    subject;
	enum state state;
	enum state from;          /* held or parked from */
	char       held_why[4097];
	char       name[129];
};

/* verb_hold, verb_release, …: 0, or the error and in order->detail the reason, where there is a particular one. */
typedef int verb_run(struct queue *queue, struct order *order);

#define COMMAND(verb, object, en, zh) verb_run verb_##verb;
#define ARGUMENT(verb, name, required, en, zh)
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT

#endif
