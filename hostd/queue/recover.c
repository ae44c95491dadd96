#include "hostd/queue/recover.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/absence.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/channels.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/label.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/show.h"
#include "hostd/queue/station.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/wiring.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t
time_on_record(struct queue *queue, const char *fact)
{
	int64_t us = 0;

	if (store_get(queue->store, QUEUE_fact_get, "s", fact) == 0) {
		us = strtoll(store_text(queue->store, QUEUE_fact_get, 0), NULL, 10);
		store_done(queue->store, QUEUE_fact_get);
	}
	return us;
}

/* The fact is kept once a second: rows written after it, before the end, are later than it. Of each table the last rows tell. */
static int64_t
newest_row(struct queue *queue)
{
	int64_t fact = time_on_record(queue, "row_clock"), row = store_value(queue->store, QUEUE_row_newest, 0, "");

	return row > fact ? row : fact;
}

int
recover_begin(struct queue *queue, void *unused)
{
	int r;

	(void)unused;
	queue->clock = row_clock_start(time_on_record(queue, "clock"), newest_row(queue), clock_monotonic_us());
	queue->clock_kept = queue->clock.row;
	queue->event_seq = store_value(queue->store, QUEUE_event_last, 0, "");
	queue->recovering = 1;
	r = store_run(queue->store, QUEUE_journal_lose, "i", queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_lease_lose, "i", queue_now(queue));
	if (r == 0)
		r = absence_recall(queue);
	if (r == 0)
		r = store_run(queue->store, QUEUE_bay_clear, "");
	if (r == 0)
		r = station_begin(queue);
	if (r == 0)
		r = certify_disconnected(queue);
	return r == 0 ? store_run(queue->store, QUEUE_fact_set, "ss", "bench", queue->config->bench) : r;
}

static int
all_settled(const struct queue *queue)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (!queue->bays[i].reported || !queue->bays[i].settled)
			return 0;
	return 1;
}

int
recover_settled(struct queue *queue)
{
	int64_t credential, last = 0;
	int r = 0;

	if (!queue->recovering || !all_settled(queue))
		return 0;
	queue->recovering = 0;
	while (r == 0 && (credential = store_value(queue->store, QUEUE_credential_without_bay, 0, "i", last)) != 0) {
		last = credential;
		r = finish_left(queue, credential);
	}
	return r;
}

/* --- storage that fails */

static void
refuse_calls(struct queue *queue, int error)
{
	struct ipc *api = queue->peers[PROGRAM_API].ipc;
	struct message message;
	char detail[64], list[80];

	snprintf(detail, sizeof detail, "{\"error\":\"%s\"}", error_info(error)->name);
	snprintf(list, sizeof list, "[%s]", detail);
	for (size_t i = 0; i < queue->call_count; i++) {
		message = (struct message){ .type = queue->calls[i].is_import ? MESSAGE_import_result : MESSAGE_command_result };
		if (queue->calls[i].is_import)
			message.import_result = (struct message_import_result){
				.call = queue->calls[i].number, .outcome = IMPORT_FAILED, .detail = list,
			};
		else
			message.command_result = (struct message_command_result){
				.call = queue->calls[i].number, .error = (uint32_t)-error, .detail = detail,
			};
		if (api)
			ipc_send(api, &message, -1);
	}
	queue->call_count = 0;
}

void
recover_tell(struct queue *queue)
{
	struct message message = { .type = MESSAGE_standstill, .standstill = { .error = (uint32_t)-queue->stalled } };

	if (queue->peers[PROGRAM_API].ipc)
		ipc_send(queue->peers[PROGRAM_API].ipc, &message, -1);
}

void
recover_stall(struct queue *queue)
{
	int error = store_trouble(queue->store);

	refuse_calls(queue, queue->stalled ? queue->stalled : error);
	if (queue->stalled)
		return;
	queue->stalled = error;
	log_error("%s: %s: %s; all bays wait", queue->config->database, error_info(error)->what[MINT_EN], error_info(error)->next[MINT_EN]);
	recover_tell(queue);
	for (size_t i = 0; i < queue->config->bay_count; i++)
		bay_forget(&queue->bays[i]);
	show_stalled(queue);
	if (queue->learning) /* it goes on cutting bays, and its result would be lost: a new one gives them power */
		channels_drop_bench(queue, "was learning the wiring when storage failed");
}

static int
begin_again(struct queue *queue, void *unused)
{
	int r = recover_begin(queue, unused);

	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		if (queue->bays[i].reported && !queue->bays[i].lease)
			r = bay_look(&queue->bays[i]);
	if (r == 0)
		r = wiring_go_on(queue);
	if (r == 0 && queue->peers[PROGRAM_CA].ipc)
		r = certify_connected(queue);
	if (r == 0 && queue->peers[PROGRAM_LABEL].ipc)
		r = label_connected(queue);
	/* Bays that are empty have settled already: tokens may have been taken out of them while nothing could be written. */
	return r == 0 ? recover_settled(queue) : r;
}

/* A write that is really committed is the only proof that there is room again. Into a damaged record nothing is written any more: a
 * person restores a backup. */
void
recover_try(struct queue *queue)
{
	if (queue->stalled == MINT_DAMAGED)
		return;
	if (store_run(queue->store, QUEUE_fact_set, "ss", "bench", queue->config->bench) != 0 || store_commit(queue->store) != 0) {
		store_rollback(queue->store);
		if (store_trouble(queue->store) != queue->stalled) {
			queue->stalled = store_trouble(queue->store);
			recover_tell(queue);
		}
		return;
	}
	log_info("%s: takes writes again: going on", queue->config->database);
	queue->stalled = 0;
	recover_tell(queue);
	turn_part(queue, "queue", NULL, begin_again, NULL);
}
