/* What a person or a script may order: schemas/commands.def, each verb a function. */
#ifndef MINT_QUEUE_COMMANDS_H
#define MINT_QUEUE_COMMANDS_H

#include "schemas/messages.h"

struct queue;

/* A part of a turn: carries the order out. On an error everything is taken back, and the caller gives the answer that
 * command_refused makes. */
int command_message(struct queue *queue, const struct message_command *command);

/* The answer to an order that failed with `error`, as a part of its own. */
int command_refused(struct queue *queue, const struct message_command *command, int error);

/* Is the person who acts now another one than who acted then? Actors read "uid:1000(name)": the uid counts. */
int command_is_other_person(const char *actor, const char *earlier);

#endif
