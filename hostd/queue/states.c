#include "hostd/queue/states.h"
#include "hostd/base/log.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

static const struct {
	enum machine machine;
	const char  *name;
} states[] = {
	{ MACHINE_application, "none" },
#define STATE(machine, name, en, zh) { MACHINE_##machine, #name },
#define CHANGE(machine, from, event, to, actor)
#include "schemas/states.def"
#undef STATE
#undef CHANGE
};

static const struct {
	enum machine machine;
	enum state   from;
	const char  *event;
	enum state   to;
} changes[] = {
#define STATE(machine, name, en, zh)
#define CHANGE(machine, from, event, to, actor) \
	{ MACHINE_##machine, STATE_##machine##_##from, #event, STATE_##machine##_##to },
#include "schemas/states.def"
#undef STATE
#undef CHANGE
};

/* `get` gives state, application, credential, token; `set` takes id, state, time. */
static const struct {
	const char          *name;
	enum queue_statement get, set;
} machines[] = {
	[MACHINE_application] = { "application", QUEUE_application_state, QUEUE_application_set_state },
	[MACHINE_credential] = { "credential", QUEUE_credential_state, QUEUE_credential_set_state },
	[MACHINE_token] = { "token", QUEUE_token_state, QUEUE_token_set_state },
	[MACHINE_print_job] = { "print_job", QUEUE_print_job_state, QUEUE_print_job_set_state },
	[MACHINE_stock] = { "stock", QUEUE_stock_state, QUEUE_stock_set_state },
};

const char *
states_name(enum state state)
{
	return states[state].name;
}

enum state
states_by_name(enum machine machine, const char *name)
{
	for (size_t i = 1; i < sizeof states / sizeof states[0]; i++)
		if (states[i].machine == machine && strcmp(states[i].name, name) == 0)
			return (enum state)i;
	return STATE_NONE;
}

enum state
states_next(enum machine machine, enum state from, const char *event)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		if (changes[i].machine == machine && changes[i].from == from && strcmp(changes[i].event, event) == 0)
			return changes[i].to;
	return STATE_NONE;
}

enum state
states_of(struct queue *queue, enum machine machine, int64_t id)
{
	enum queue_statement get = machines[machine].get;
	enum state state;

	if (store_get(queue->store, get, "i", id) != 0)
		return STATE_NONE;
	state = states_by_name(machine, store_text(queue->store, get, 0));
	store_done(queue->store, get);
	return state;
}

int
states_apply(struct queue *queue, enum machine machine, int64_t id, const char *event, const char *error)
{
	enum queue_statement get = machines[machine].get;
	struct happening happening = { .error = error };
	enum state from, to;
	char kind[64];
	int r = store_get(queue->store, get, "i", id);

	if (r != 0)
		return r;
	from = states_by_name(machine, store_text(queue->store, get, 0));
	happening.application = store_i64(queue->store, get, 1);
	happening.credential = store_i64(queue->store, get, 2);
	happening.token = store_i64(queue->store, get, 3);
	store_done(queue->store, get);
	to = states_next(machine, from, event);
	if (to == STATE_NONE) {
		log_warning("%s %lld: %s is not allowed while it is %s: refused", machines[machine].name, (long long)id, event,
		    states_name(from));
		return MINT_REFUSED;
	}
	r = store_run(queue->store, machines[machine].set, "isi", id, states_name(to), queue_now(queue));
	if (r != 0)
		return r;
	snprintf(kind, sizeof kind, "%s.%s", machines[machine].name, states_name(to));
	happening.kind = kind;
	return feed_add(queue, &happening);
}
