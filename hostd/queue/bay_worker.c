/* The worker's process in a bay: its lease, its end when it is told to, and its deadlines. */
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay_internal.h"
#include "hostd/queue/power.h"
#include "hostd/queue/turn.h"

#include <event2/event.h>

enum { FINISH_MS = 15000 /* to log out and exit; a card's reset takes its time */ };

/* A fresh process on the reader or slot; nothing is shown of it yet. */
static int
lease(struct bay *bay, enum worker_role role, const char *name)
{
	struct queue *queue = bay->queue;
	struct message message = { .type = MESSAGE_worker_start };
	int r = store_run(queue->store, QUEUE_lease_add, "sdsi", queue->config->bench, bay->number, name, queue_now(queue));

	if (r != 0)
		return r;
	bay->lease = (uint64_t)store_last_id(queue->store);
	bay->role = (uint8_t)role;
	bay->pid = 0;
	bay->step_limit_ms = 0;
	bay->release[0] = '\0';
	bay->greeted = bay->reaped = bay->killed = bay->left = bay->left_dark = bay->codes_known = bay->hung = 0;
	bay->step = NULL;
	bay->journal = bay->step_at = 0;
	bay->after = AFTER_LOST;
	message.worker_start = (struct message_worker_start){
		.lease = bay->lease, .bay = (uint32_t)bay->number, .role = (uint8_t)role,
	};
	return turn_send(queue, queue->mintd, &message);
}

int
bay_start(struct bay *bay, enum worker_role role)
{
	int r = lease(bay, role, role == ROLE_MINT ? "mint" : "prove");

	if (r != 0)
		return r;
	bay->pulled = 0;
	bay_arm(bay, bay->queue->config->step_timeout_ms);
	return bay_set(bay, STATE_bay_working, NULL);
}

/* The slot goes on showing what it shows. */
int
bay_start_watch(struct bay *bay)
{
	int r = lease(bay, ROLE_WATCH, "watch");

	bay_disarm(bay); /* it stays as long as nothing changes */
	return r;
}

int
bay_is_free(const struct bay *bay)
{
	return !bay->lease || bay->role == ROLE_WATCH;
}

int
bay_started(struct bay *bay, uint32_t pid)
{
	bay->pid = pid;
	return bay_show(bay);
}

int
bay_finish(struct bay *bay, enum after after, const char *trouble)
{
	struct message message = { .type = MESSAGE_finish };

	bay->after = after;
	bay->trouble = trouble;
	bay->step = NULL;
	bay->journal = bay->step_at = 0;
	bay_arm(bay, FINISH_MS);
	message.finish.lease = bay->lease;
	return turn_send(bay->queue, bay->worker, &message);
}

int
bay_kill(struct bay *bay, enum after after, const char *trouble)
{
	struct message message = { .type = MESSAGE_worker_kill };

	bay->after = after;
	bay->trouble = trouble;
	bay->killed = 1;
	bay_disarm(bay); /* SIGKILL needs none: `exited` follows */
	message.worker_kill.lease = bay->lease;
	return turn_send(bay->queue, bay->queue->mintd, &message);
}

int
bay_cycle(struct bay *bay)
{
	return bay_is_free(bay) ? power_cycle(bay, "order") : bay_kill(bay, AFTER_CYCLE, NULL);
}

/* --- deadlines */

static int
overdue(struct queue *queue, void *argument)
{
	struct bay *bay = argument;

	(void)queue;
	log_warning("bay %d: %s: no answer in time: the worker is killed and the token looked at", bay->number,
	    bay->step ? bay->step->name : bay->after == AFTER_LOST ? "probe" : "finish");
	bay->hung |= bay->after == AFTER_LOST;
	return bay_kill(bay, bay->after, bay->trouble);
}

static int
watch_again(struct queue *queue, void *argument)
{
	(void)queue;
	return bay_start_watch(argument);
}

void
bay_on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct bay *bay = argument;

	(void)fd, (void)what;
	if (bay->lease)
		turn_part(bay->queue, "queue", bay, overdue, bay);
	else if (bay->power != POWER_GIVEN)
		turn_part(bay->queue, "queue", bay, power_overdue, bay);
	else if (bay->is_slot)
		turn_part(bay->queue, "queue", bay, watch_again, bay);
}

int
bays_watch(struct queue *queue, void *unused)
{
	int r = 0;

	(void)unused;
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		if (queue->bays[i].is_slot && !queue->bays[i].lease)
			r = bay_start_watch(&queue->bays[i]);
	return r;
}

void
bay_forget(struct bay *bay)
{
	struct message message = { .type = MESSAGE_worker_kill };

	bay_disarm(bay);
	bay->settled = 0;
	bay->token = bay->credential = 0;
	bay->in_stock = 0;
	bay->losses = 0;
	bay->step = NULL;
	bay->journal = bay->cycle_journal = 0;
	bay->power = POWER_GIVEN;
	bay->after = AFTER_PROBE;
	if (bay->reaped && !bay->worker) /* gone already: mintd will not tell it again */
		bay->lease = 0;
	if (!bay->lease)
		return;
	message.worker_kill.lease = bay->lease;
	ipc_send(bay->queue->mintd, &message, -1);
}

static int
show_trouble(struct queue *queue, void *argument)
{
	(void)queue;
	return bay_set(argument, STATE_bay_trouble, "SYSTEM");
}

void
bay_forsaken(struct bay *bay)
{
	if (bay->queue->stalled)
		return;
	bay_forget(bay);
	turn_part(bay->queue, "queue", bay, show_trouble, bay);
}
