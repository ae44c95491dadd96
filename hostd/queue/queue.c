#include "hostd/queue/queue.h"
#include "hostd/base/calendar.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/channels.h"
#include "hostd/queue/label.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/secret.h"
#include "hostd/queue/turn.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CHORES_MS = 5000,      /* how often a CA in doubt, a full printer, a full disk is tried again */
	TURN_MESSAGES = 512,   /* at most so many in one transaction … */
	TURN_US = 20000        /* … and no longer than this before those that came first are answered */
};

/* --- lookups */

struct bay *
queue_bay(struct queue *queue, uint32_t number)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		if ((uint32_t)queue->bays[i].number == number)
			return &queue->bays[i];
	return NULL;
}

struct bay *
queue_bay_of_lease(struct queue *queue, uint64_t lease)
{
	for (size_t i = 0; lease && i < queue->config->bay_count; i++)
		if (queue->bays[i].lease == lease)
			return &queue->bays[i];
	return NULL;
}

struct bay *
queue_bay_with(struct queue *queue, int64_t credential)
{
	for (size_t i = 0; credential && i < queue->config->bay_count; i++)
		if (queue->bays[i].credential == credential)
			return &queue->bays[i];
	return NULL;
}

struct bay *
queue_bay_of_credential(struct queue *queue, int64_t credential)
{
	struct bay *bay = queue_bay_with(queue, credential);

	return bay && !bay_is_free(bay) ? bay : NULL;
}

/* --- the loop */

static int
ask_the_ca(struct queue *queue, void *unused)
{
	(void)unused;
	return certify_chores(queue);
}

static int
print_what_waits(struct queue *queue, void *unused)
{
	(void)unused;
	return label_chores(queue);
}

static void
on_chores(evutil_socket_t fd, short what, void *argument)
{
	struct queue *queue = argument;

	(void)fd, (void)what;
	if (queue->stalled) {
		secret_expire(queue);
		recover_try(queue);
		return;
	}
	secret_expire(queue);
	turn_part(queue, "queue", NULL, ask_the_ca, NULL); /* each a part of its own: one in trouble does not stop the other */
	turn_part(queue, "queue", NULL, print_what_waits, NULL);
}

/* Everything that is ready belongs to the turn, within bounds. */
int
queue_turn(struct queue *queue)
{
	int64_t begun;
	int before;

	if (event_base_loop(queue->base, EVLOOP_ONCE) != 0)
		return 1;
	begun = clock_monotonic_us();
	do {
		before = queue->handled;
		event_base_loop(queue->base, EVLOOP_NONBLOCK);
	} while (!queue->ended && queue->handled != before && queue->handled < TURN_MESSAGES &&
	         clock_monotonic_us() - begun < TURN_US);
	turn_end(queue);
	return queue->ended;
}

static int
load_calendar(struct queue *queue)
{
	char why[256] = "";
	int r = calendar_load(&queue->calendar, queue->config->calendar, why, sizeof why);

	if (r != 0)
		log_error("%s: %s", why, error_info(r)->next[MINT_EN]);
	return r;
}

static int
start_chores(struct queue *queue)
{
	struct timeval period = { CHORES_MS / 1000, CHORES_MS % 1000 * 1000 };

	queue->chores = event_new(queue->base, -1, EV_PERSIST, on_chores, queue);
	return queue->chores && event_add(queue->chores, &period) == 0 ? 0 : MINT_MEMORY;
}

int
queue_open(struct event_base *base, const struct config *config, int mintd_fd, struct queue **place)
{
	struct queue *queue = calloc(1, sizeof *queue);
	int r = MINT_MEMORY;

	*place = NULL;
	if (!queue) {
		close(mintd_fd);
		return MINT_MEMORY;
	}
	queue->base = base;
	queue->config = config;
	queue->outbox_end = &queue->outbox;
	r = bays_new(queue);
	if (r == 0)
		r = load_calendar(queue);
	if (r == 0)
		r = store_open(config->database, &queue->store);
	if (r == 0)
		r = turn_part(queue, "queue", NULL, recover_begin, NULL);
	if (r == 0)
		r = store_commit(queue->store);
	if (r == 0)
		r = start_chores(queue);
	if (r == 0)
		r = channels_open(queue, mintd_fd);
	else
		close(mintd_fd);
	if (r == 0)
		r = turn_part(queue, "queue", NULL, bays_watch, NULL);
	if (r != 0)
		queue_close(&queue);
	*place = queue;
	return r;
}

void
queue_close(struct queue **place)
{
	struct queue *queue = *place;

	*place = NULL;
	if (!queue)
		return;
	turn_discard(queue);
	channels_close(queue);
	if (queue->bays)
		bays_free(queue);
	if (queue->chores)
		event_free(queue->chores);
	secrets_free(queue);
	store_close(&queue->store);
	calendar_free(&queue->calendar);
	json_decref(queue->refusal);
	free(queue->calls);
	free(queue);
}
