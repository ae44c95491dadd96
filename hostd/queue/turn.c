#include "hostd/queue/turn.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/show.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct outgoing {
	struct outgoing *next;
	struct ipc                *ipc;
	struct message             message;
};

enum { CLOCK_KEEP_US = 1000000 };

int64_t
queue_now(struct queue *queue)
{
	int64_t back_us, now = row_clock_read(&queue->clock, clock_utc_us(), clock_monotonic_us(), &back_us);

	if (back_us)
		log_error("clock: %s by %" PRId64 " s: %s", error_info(MINT_CLOCK)->what[MINT_EN], back_us / 1000000,
		    error_info(MINT_CLOCK)->next[MINT_EN]);
	return now;
}

int64_t
queue_time_of(struct queue *queue, int64_t monotonic_us, int64_t earliest)
{
	queue_now(queue);
	return row_clock_of(&queue->clock, monotonic_us, earliest);
}

static int
keep_time(struct queue *queue, const char *fact, int64_t us)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, us);
	return store_run(queue->store, QUEUE_fact_set, "ss", fact, text);
}

static int
keep_clock(struct queue *queue)
{
	int64_t now = queue_now(queue);
	int r;

	if (now < queue->clock_kept + CLOCK_KEEP_US)
		return 0;
	queue->clock_kept = now;
	r = keep_time(queue, "clock", queue->clock.seen);
	return r == 0 ? keep_time(queue, "row_clock", now) : r;
}

int
turn_confirm_clock(struct queue *queue)
{
	int64_t now = clock_utc_us();
	int r = keep_time(queue, "clock", now);

	if (r == 0)
		row_clock_confirm(&queue->clock, now);
	return r;
}

static void
outgoing_free(struct outgoing *outgoing)
{
	message_clear(&outgoing->message);
	free(outgoing);
}

static void
outbox_cut(struct queue *queue, struct outgoing **from)
{
	struct outgoing *outgoing;

	while ((outgoing = *from) != NULL) {
		*from = outgoing->next;
		outgoing_free(outgoing);
	}
	queue->outbox_end = from;
}

int
turn_send(struct queue *queue, struct ipc *ipc, const struct message *message)
{
	static uint8_t bytes[MESSAGE_MAX_BYTES];
	struct outgoing *outgoing;
	int length, r;

	if (!ipc)
		return 0;
	length = message_put(message, bytes, sizeof bytes);
	if (length < 0) {
		log_error("%s: does not fit its limits: report this", message_name(message->type));
		return length;
	}
	outgoing = calloc(1, sizeof *outgoing);
	if (!outgoing)
		return MINT_MEMORY;
	r = message_get(&outgoing->message, bytes, (size_t)length);
	explicit_bzero(bytes, (size_t)length);
	if (r != 0) {
		free(outgoing);
		return r;
	}
	outgoing->ipc = ipc;
	*queue->outbox_end = outgoing;
	queue->outbox_end = &outgoing->next;
	return 0;
}

void
turn_forget(struct queue *queue, const struct ipc *ipc)
{
	struct outgoing **place = &queue->outbox, *outgoing;

	while ((outgoing = *place) != NULL)
		if (outgoing->ipc == ipc) {
			*place = outgoing->next;
			outgoing_free(outgoing);
		} else {
			place = &outgoing->next;
		}
	queue->outbox_end = place;
}

/* All but what it shows: that is so, whatever became of the message that told it. */
static void
take_back_bay(struct bay *bay, const struct bay *before)
{
	const struct bay shown = *bay;

	*bay = *before;
	bay->reported = shown.reported;
	bay->presence = shown.presence;
	bay->atr_bytes = shown.atr_bytes;
	memcpy(bay->atr, shown.atr, sizeof bay->atr);
	memcpy(bay->reader, shown.reader, sizeof bay->reader);
	memcpy(bay->label, shown.label, sizeof bay->label);
	memcpy(bay->port, shown.port, sizeof bay->port);
	bay->switched = shown.switched;
	bay->supply = shown.supply;
	if (bay->deadline_us != shown.deadline_us)
		bay_rearm(bay);
}

int
turn_part(struct queue *queue, const char *actor, struct bay *bay, turn_part_run *run, void *argument)
{
	struct outgoing **mark = queue->outbox_end;
	int64_t seq = queue->event_seq;
	int r;

	memcpy(queue->bays_before, queue->bays, queue->config->bay_count * sizeof *queue->bays);
	snprintf(queue->actor_text, sizeof queue->actor_text, "%s", actor);
	queue->actor = queue->actor_text;
	queue->actor_bay = bay ? bay->number : 0;
	queue->handled++;
	r = store_mark(queue->store);
	if (r == 0)
		r = run(queue, argument);
	if (r == 0)
		r = store_keep(queue->store);
	if (r == 0)
		return 0;
	store_take_back(queue->store);
	outbox_cut(queue, mark);
	queue->event_seq = seq;
	for (size_t i = 0; i < queue->config->bay_count; i++)
		take_back_bay(&queue->bays[i], &queue->bays_before[i]);
	return r;
}

void
turn_discard(struct queue *queue)
{
	outbox_cut(queue, &queue->outbox);
}

static void
outbox_send(struct queue *queue)
{
	struct outgoing *outgoing;

	while ((outgoing = queue->outbox) != NULL) {
		queue->outbox = outgoing->next;
		ipc_send(outgoing->ipc, &outgoing->message, -1);
		outgoing_free(outgoing);
	}
	queue->outbox_end = &queue->outbox;
}

/* Workers that were to be started by a turn which failed: mintd never heard of them. */
static void
forget_unstarted(struct queue *queue)
{
	struct bay *bay;

	for (const struct outgoing *p = queue->outbox; p; p = p->next)
		if (p->message.type == MESSAGE_worker_start && (bay = queue_bay_of_lease(queue, p->message.worker_start.lease)))
			bay->lease = 0;
}

void
turn_end(struct queue *queue)
{
	int r = 0;

	if (queue->wake && !queue->stalled)
		turn_part(queue, "queue", NULL, claim_wake, NULL);
	if (show_is_due(queue) && !queue->stalled)
		turn_part(queue, "queue", NULL, show_all, NULL);
	if (store_is_dirty(queue->store))
		r = keep_clock(queue);
	if (r == 0)
		r = store_commit(queue->store);
	queue->handled = 0;
	if (r == 0 && !queue->stalled) {
		queue->call_count = 0;
		outbox_send(queue);
		feed_publish(queue);
		return;
	}
	store_rollback(queue->store);
	forget_unstarted(queue);
	turn_discard(queue);
	recover_stall(queue);
}
