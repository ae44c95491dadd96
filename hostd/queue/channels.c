#include "hostd/queue/channels.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/commands.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/import.h"
#include "hostd/queue/label.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/station.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/wiring.h"
#include "hostd/queue/worker.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct incoming {
	struct peer          *peer;
	const struct message *message;
};

/* --- the programs beside us */

static int
on_api(struct queue *queue, const struct message *message)
{
	if (message->type == MESSAGE_import) {
		snprintf(queue->actor_text, sizeof queue->actor_text, "%s", message->import.actor);
		return import_message(queue, &message->import);
	}
	if (message->type == MESSAGE_command) {
		snprintf(queue->actor_text, sizeof queue->actor_text, "%s", message->command.actor);
		return command_message(queue, &message->command);
	}
	return MINT_PROTOCOL;
}

static const struct {
	const char *actor;
	int       (*message)(struct queue *, const struct message *);
	int       (*connected)(struct queue *);
	int       (*disconnected)(struct queue *);
} parts[PROGRAM_COUNT] = {
	[PROGRAM_BENCH] = { "bench", station_message, station_connected, station_disconnected },
	[PROGRAM_CA] = { "ca", certify_message, certify_connected, certify_disconnected },
	[PROGRAM_LABEL] = { "label", label_message, label_connected, NULL },
	[PROGRAM_API] = { "api", on_api, NULL, NULL },
};

static int
greeted(struct queue *queue, void *argument)
{
	const struct peer *peer = argument;

	return parts[peer->program].connected ? parts[peer->program].connected(queue) : 0;
}

static int
parted(struct queue *queue, void *argument)
{
	const struct peer *peer = argument;

	return parts[peer->program].disconnected ? parts[peer->program].disconnected(queue) : 0;
}

static int
spoke(struct queue *queue, void *argument)
{
	const struct incoming *in = argument;

	return parts[in->peer->program].message(queue, in->message);
}

static int
refuse(struct queue *queue, void *argument)
{
	const struct incoming *in = argument;

	return command_refused(queue, &in->message->command, queue->refused_with);
}

static int
fail_learning(struct queue *queue, void *argument)
{
	const int *error = argument;

	return wiring_failed(queue, *error);
}

static int
keep_call(struct queue *queue, const struct message *message)
{
	struct call *room;

	if (queue->call_count == queue->call_room) {
		room = realloc(queue->calls, (queue->call_room + 64) * sizeof *room);
		if (!room)
			return MINT_MEMORY;
		queue->calls = room;
		queue->call_room += 64;
	}
	queue->calls[queue->call_count++] = (struct call){
		.number = message->type == MESSAGE_import ? message->import.call : message->command.call,
		.is_import = message->type == MESSAGE_import,
	};
	return 0;
}

static void
drop(struct peer *peer, const char *why)
{
	if (why)
		log_error("%s: %s: closing its channel", parts[peer->program].actor, why);
	turn_forget(peer->queue, peer->ipc);
	ipc_free(&peer->ipc);
	peer->greeted = 0;
	if (!peer->queue->stalled)
		turn_part(peer->queue, "queue", NULL, parted, peer);
	else if (peer->program == PROGRAM_BENCH)
		station_unseen(peer->queue);
}

void
channels_drop_bench(struct queue *queue, const char *why)
{
	drop(&queue->peers[PROGRAM_BENCH], why);
}

/* A message from a peer that has said hello. */
static int
listen_to(struct peer *peer, const struct message *message)
{
	struct queue *queue = peer->queue;
	struct incoming incoming = { peer, message };
	int r;

	if (message->type == MESSAGE_import || message->type == MESSAGE_command) {
		r = keep_call(queue, message);
		if (r != 0)
			return r;
	}
	if (queue->stalled) {
		/* What the CA and the printer say now is asked again; what bays show is kept; a call is answered at the turn's end. */
		if (peer->program == PROGRAM_BENCH)
			station_remember(queue, message);
		return 0;
	}
	r = turn_part(queue, parts[peer->program].actor, NULL, spoke, &incoming);
	if (r != 0 && r != MINT_PROTOCOL && r != MINT_STORAGE && message->type == MESSAGE_command) {
		queue->refused_with = r;
		r = turn_part(queue, "queue", NULL, refuse, &incoming);
	}
	if (r != 0 && r != MINT_PROTOCOL && message->type == MESSAGE_learned && !message->learned.bay)
		turn_part(queue, "queue", NULL, fail_learning, &r);
	return r;
}

static void
on_peer(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct peer *peer = argument;
	int r;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		drop(peer, NULL);
		return;
	}
	if (!peer->greeted) {
		if (ipc_check_hello(message) != 0) {
			drop(peer, "did not say hello");
			return;
		}
		peer->greeted = 1;
		if (!peer->queue->stalled)
			turn_part(peer->queue, "queue", NULL, greeted, peer);
		else if (peer->program == PROGRAM_API)
			recover_tell(peer->queue);
		return;
	}
	r = listen_to(peer, message);
	if (r == MINT_PROTOCOL)
		drop(peer, message_name(message->type));
	else if (r != 0)
		log_error("%s: %s: %s", parts[peer->program].actor, message_name(message->type), error_info(r)->what[MINT_EN]);
}

static void
meet(struct queue *queue, uint8_t program, int fd)
{
	struct peer *peer = program < PROGRAM_COUNT ? &queue->peers[program] : NULL;

	if (!peer || !parts[program].message || fd < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (peer->ipc)
		drop(peer, "was started again before the old one was gone");
	peer->ipc = ipc_new(queue->base, fd, on_peer, peer);
	if (peer->ipc)
		ipc_hello(peer->ipc, PROGRAM_QUEUE);
	queue->event_told = program == PROGRAM_API ? 0 : queue->event_told;
}

/* --- mintd */

struct news {
	struct bay *bay;
	uint32_t    pid;
};

static int
started(struct queue *queue, void *argument)
{
	const struct news *news = argument;

	(void)queue;
	return bay_started(news->bay, news->pid);
}

static int
reaped(struct queue *queue, void *argument)
{
	const struct news *news = argument;

	(void)queue;
	return bay_ended(news->bay);
}

static void
worker_started(struct queue *queue, const struct message_worker_started *message, int fd)
{
	struct news news = { queue_bay_of_lease(queue, message->lease), message->pid };

	if (!news.bay || queue->stalled || worker_connect(queue, news.bay, fd) != 0) {
		if (fd >= 0 && (!news.bay || queue->stalled))
			close(fd); /* it ends when its channel does */
		return;
	}
	turn_part(queue, "queue", news.bay, started, &news);
}

/* The process is gone; the last it said may still be in its channel, whose end comes behind that. */
static void
worker_exited(struct queue *queue, const struct message_exited *message)
{
	struct news news = { queue_bay_of_lease(queue, message->lease), message->pid };

	if (!news.bay)
		return;
	if (queue->stalled) {
		ipc_free(&news.bay->worker);
		news.bay->lease = 0;
		return;
	}
	news.bay->reaped = 1;
	if (!news.bay->worker && turn_part(queue, "queue", news.bay, reaped, &news) != 0)
		bay_forsaken(news.bay);
}

/* An event for whoever looks later; how it stands now is in mintd's own file (hostd/standing.h). */
static int
program_changed(struct queue *queue, void *argument)
{
	const struct message_program *program = argument;
	struct happening happening = { .kind = program->down ? "program.down" : "program.up" };
	char detail[128];

	snprintf(detail, sizeof detail, "{\"program\":\"mint-%s\",\"restarts\":%u,\"wait_status\":%u}",
	    parts[program->program].actor, program->restarts, program->status);
	happening.detail = detail;
	happening.error = program->down ? "PROGRAM_DOWN" : NULL;
	return feed_add(queue, &happening);
}

static void
on_mintd(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct queue *queue = argument;

	(void)ipc;
	if (!message) {
		log_info("mintd is gone: ending");
		turn_forget(queue, queue->mintd);
		ipc_free(&queue->mintd);
		queue->ended = 1;
		return;
	}
	if (message->type == MESSAGE_peer)
		meet(queue, message->peer.program, passed_fd);
	else if (message->type == MESSAGE_worker_started)
		worker_started(queue, &message->worker_started, passed_fd);
	else if (passed_fd >= 0)
		close(passed_fd);
	if (message->type == MESSAGE_program && !queue->stalled && message->program.program < PROGRAM_COUNT &&
	    parts[message->program.program].actor) {
		struct message_program program = message->program;

		turn_part(queue, "mintd", NULL, program_changed, &program);
	}
	if (message->type == MESSAGE_exited && message->exited.lease)
		worker_exited(queue, &message->exited);
}

int
channels_open(struct queue *queue, int fd)
{
	struct message ready = { .type = MESSAGE_ready };

	for (int i = 0; i < PROGRAM_COUNT; i++)
		queue->peers[i] = (struct peer){ .queue = queue, .program = (enum program)i };
	ready.ready.pid = (uint32_t)getpid();
	queue->mintd = ipc_new(queue->base, fd, on_mintd, queue);
	if (!queue->mintd)
		return MINT_MEMORY;
	if (ipc_hello(queue->mintd, PROGRAM_QUEUE) != 0)
		return MINT_MEMORY;
	return ipc_send(queue->mintd, &ready, -1);
}

void
channels_close(struct queue *queue)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		ipc_free(&queue->peers[i].ipc);
	ipc_free(&queue->mintd);
}
