/* Applications from the platform: a reference is the key, the same again changes nothing, another content is refused. */
#ifndef MINT_QUEUE_IMPORT_H
#define MINT_QUEUE_IMPORT_H

#include "schemas/messages.h"

struct queue;

/* A part of a turn: one `import`, answered with `import_result`. */
int import_message(struct queue *queue, const struct message_import *import);

#endif
