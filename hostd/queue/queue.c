#include "hostd/queue/queue.h"
#include "hostd/base/calendar.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/commands.h"
#include "hostd/queue/import.h"
#include "hostd/queue/label.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/worker.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CHORES_MS = 5000,      /* how often a CA in doubt, a full printer, a full disk is tried again */
	TURN_MESSAGES = 512,   /* at most so many in one transaction … */
	TURN_US = 20000        /* … and no longer than this before those that came first are answered */
};

struct incoming {
	struct peer          *peer;
	const struct message *message;
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

	return bay && bay->lease ? bay : NULL;
}

/* --- the programs beside us */

static int
on_bench(struct queue *queue, const struct message *message)
{
	struct bay *bay;

	if (message->type != MESSAGE_bay)
		return MINT_PROTOCOL;
	bay = queue_bay(queue, message->bay.bay);
	if (!bay) {
		log_error("mint-bench: reports bay %u, which the configuration does not have", message->bay.bay);
		return 0;
	}
	queue->actor_bay = bay->number;
	return bay_report(bay, &message->bay);
}

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

/* A new mint-bench knows nothing of what its forerunner saw: the next report of each bay counts as news. */
static int
on_bench_connected(struct queue *queue)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		queue->bays[i].reported = 0;
	return 0;
}

static const struct {
	const char *actor;
	int       (*message)(struct queue *, const struct message *);
	int       (*connected)(struct queue *);
	int       (*disconnected)(struct queue *);
} parts[PROGRAM_COUNT] = {
	[PROGRAM_BENCH] = { "bench", on_bench, on_bench_connected, NULL },
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
		/* What the CA and the printer say now is asked again; what a bay shows is kept; a call is answered at the turn's end. */
		if (message->type == MESSAGE_bay)
			on_bench(queue, message);
		return 0;
	}
	r = turn_part(queue, parts[peer->program].actor, NULL, spoke, &incoming);
	if (r != 0 && r != MINT_PROTOCOL && r != MINT_STORAGE && message->type == MESSAGE_command) {
		queue->refused_with = r;
		r = turn_part(queue, "queue", NULL, refuse, &incoming);
	}
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
	if (!news.bay->worker)
		turn_part(queue, "queue", news.bay, reaped, &news);
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
	if (message->type == MESSAGE_exited && message->exited.lease)
		worker_exited(queue, &message->exited);
}

/* --- the loop */

static int
do_chores(struct queue *queue, void *unused)
{
	int r = certify_chores(queue);

	(void)unused;
	return r == 0 ? label_chores(queue) : r;
}

static void
on_chores(evutil_socket_t fd, short what, void *argument)
{
	struct queue *queue = argument;

	(void)fd, (void)what;
	if (queue->stalled)
		recover_try(queue);
	else
		turn_part(queue, "queue", NULL, do_chores, NULL);
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

static int
greet_mintd(struct queue *queue, int fd)
{
	struct message ready = { .type = MESSAGE_ready };

	ready.ready.pid = (uint32_t)getpid();
	queue->mintd = ipc_new(queue->base, fd, on_mintd, queue);
	if (!queue->mintd)
		return MINT_MEMORY;
	if (ipc_hello(queue->mintd, PROGRAM_QUEUE) != 0)
		return MINT_MEMORY;
	return ipc_send(queue->mintd, &ready, -1);
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
	for (int i = 0; i < PROGRAM_COUNT; i++)
		queue->peers[i] = (struct peer){ .queue = queue, .program = (enum program)i };
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
		r = greet_mintd(queue, mintd_fd);
	else
		close(mintd_fd);
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
	for (int i = 0; i < PROGRAM_COUNT; i++)
		ipc_free(&queue->peers[i].ipc);
	ipc_free(&queue->mintd);
	if (queue->bays)
		bays_free(queue);
	if (queue->chores)
		event_free(queue->chores);
	store_close(&queue->store);
	calendar_free(&queue->calendar);
	json_decref(queue->refusal);
	free(queue->calls);
	free(queue);
}
