/* The state machines of schemas/states.def: names, lookups, and the one place where a state in the record changes. */
#ifndef MINT_QUEUE_STATES_H
#define MINT_QUEUE_STATES_H

#include <stdint.h>

struct queue;

enum machine { MACHINE_application, MACHINE_credential, MACHINE_token, MACHINE_bay, MACHINE_print_job, MACHINE_program, MACHINE_stock };

enum state {
	STATE_NONE, /* no row, or a name that is not in the list */
#define STATE(machine, name, en, zh) STATE_##machine##_##name,
#define CHANGE(machine, from, event, to, actor)
#include "schemas/states.def"
#undef STATE
#undef CHANGE
};

/* "sealed"; "none" for STATE_NONE. */
const char *states_name(enum state state);

/* STATE_NONE when that machine has no such state. */
enum state states_by_name(enum machine machine, const char *name);

/* Where `event` leads from `from`, STATE_NONE when it is not allowed there. */
enum state states_next(enum machine machine, enum state from, const char *event);

/* The state a row is in now, STATE_NONE when there is no such row. Not for bays, which are no machine of the record. */
enum state states_of(struct queue *queue, enum machine machine, int64_t id);

/* Applies `event` to a row and adds it to the change feed ("credential.sealed"). `error` (may be NULL) is a name of
 * schemas/errors.def that explains it. MINT_REFUSED, logged, when the table does not allow it; MINT_NOT_FOUND; MINT_STORAGE. */
int states_apply(struct queue *queue, enum machine machine, int64_t id, const char *event, const char *error);

#endif
