/* The processes below mintd: one table of programs, one list of workers, one way of starting each. */
#include "hostd/family.h"
#include "hostd/base/account.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { LEAF_COUNT = 4, BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, HEALTHY_US = 5000000, MUTE_MS = 1000 };

struct child {
	enum program   program;
	const char    *file;
	int            uses_pcsc;  /* gets PCSCLITE_CSOCK_NAME */
	pid_t          pid;        /* 0 while it does not run */
	int64_t        started_us;
	int            backoff_ms;
	struct event  *retry;
	struct family *family;
};

struct worker {
	struct worker *next;
	uint64_t       lease;
	pid_t          pid;
};

struct family {
	struct event_base *base;
	const struct config *config;
	const char        *config_path;
	struct child       queue;
	struct child       leaves[LEAF_COUNT];
	struct worker     *workers;
	struct ipc        *channel;      /* to mint-queue */
	struct event      *mute;         /* mint-queue has closed its channel: killed when this comes before its end */
	int                queue_ready;
	int                stopping;
	int                hopeless;     /* exit status of a mint-queue that only a person can help */
};

static void start_queue(struct family *);

/* --- processes */

/* In the child, between fork and exec: own process group (a terminal's Ctrl-C reaches mintd alone), own user if so
 * configured, death with mintd, channel at 3, lock stays at 4. */
static void
become(struct family *family, const char *file, int uses_pcsc, int channel_fd)
{
	char path[PATH_MAX];

	setpgid(0, 0);
	if (family->config->separate_users && account_become(file) != 0)
		_exit(71);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (uses_pcsc && family->config->pcscd_socket[0])
		setenv("PCSCLITE_CSOCK_NAME", family->config->pcscd_socket, 1);
	unsetenv("NOTIFY_SOCKET");
	snprintf(path, sizeof path, "%s/%s", family->config->programs, file);
	if (dup2(channel_fd, IPC_PARENT_FD) < 0)
		_exit(71);
	execl(path, file, "--config", family->config_path, (char *)NULL);
	log_error("%s: %s: is it installed? (`programs` in the configuration)", path, strerror(errno));
	_exit(71);
}

/* Starts a program; *peer_fd is the other end of its channel. The pid, or a negative error. */
static pid_t
spawn(struct family *family, const char *file, int uses_pcsc, int *peer_fd)
{
	int fds[2];
	pid_t pid;

	if (ipc_pair(fds) != 0) {
		log_error("%s: no socket pair: %s", file, strerror(errno));
		return MINT_SYSTEM;
	}
	pid = fork();
	if (pid == 0)
		become(family, file, uses_pcsc, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		log_error("%s: cannot fork: %s", file, strerror(errno));
		close(fds[0]);
		return MINT_SYSTEM;
	}
	setpgid(pid, pid); /* in both, so that a kill of the group cannot come too early */
	*peer_fd = fds[0];
	return pid;
}

static void
tell_queue(struct family *family, const struct message *message, int passed_fd)
{
	if (family->channel)
		ipc_send(family->channel, message, passed_fd);
	else if (passed_fd >= 0)
		close(passed_fd);
}

/* --- the leaves: everything that hangs on mint-queue */

static void
later(struct child *child)
{
	struct timeval delay = { child->backoff_ms / 1000, child->backoff_ms % 1000 * 1000 };

	evtimer_add(child->retry, &delay);
}

static void
start_leaf(struct child *leaf)
{
	struct family *family = leaf->family;
	struct message peer = { .type = MESSAGE_peer };
	int fd;
	pid_t pid;

	if (leaf->pid || !family->queue_ready || family->stopping)
		return;
	pid = spawn(family, leaf->file, leaf->uses_pcsc, &fd);
	if (pid < 0) {
		later(leaf);
		return;
	}
	leaf->pid = pid;
	leaf->started_us = clock_monotonic_us();
	peer.peer.program = leaf->program;
	peer.peer.pid = (uint32_t)pid;
	tell_queue(family, &peer, fd);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	struct child *child = argument;

	(void)fd, (void)what;
	if (child == &child->family->queue)
		start_queue(child->family);
	else
		start_leaf(child);
}

static void
start_leaves(struct family *family)
{
	for (size_t i = 0; i < LEAF_COUNT; i++)
		start_leaf(&family->leaves[i]);
}

/* --- workers */

static void
start_worker(struct family *family, const struct message_worker_start *order)
{
	struct message answer = { .type = MESSAGE_worker_started };
	struct worker *worker;
	int fd = -1;
	pid_t pid;

	if (family->stopping)
		return; /* not answered: mint-queue is about to end, too */
	worker = calloc(1, sizeof *worker);
	pid = worker ? spawn(family, "mint-worker", 1, &fd) : MINT_MEMORY;
	if (pid < 0) {
		free(worker);
		answer.type = MESSAGE_exited;
		answer.exited = (struct message_exited){ .lease = order->lease, .program = PROGRAM_WORKER, .status = 71 << 8 };
	} else {
		*worker = (struct worker){ .next = family->workers, .lease = order->lease, .pid = pid };
		family->workers = worker;
		answer.worker_started = (struct message_worker_started){ .lease = order->lease, .pid = (uint32_t)pid };
	}
	tell_queue(family, &answer, fd);
}

static void
kill_worker(const struct family *family, uint64_t lease)
{
	for (const struct worker *w = family->workers; w; w = w->next)
		if (w->lease == lease)
			kill(-w->pid, SIGKILL);
}

static void
kill_workers(const struct family *family)
{
	for (const struct worker *w = family->workers; w; w = w->next)
		kill(-w->pid, SIGKILL);
}

/* --- mint-queue */

static void
on_queue(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	static const struct timeval mute = { MUTE_MS / 1000, MUTE_MS % 1000 * 1000 };
	struct family *family = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		ipc_free(&family->channel);
		if (family->queue.pid)
			evtimer_add(family->mute, &mute); /* ending, as a rule, with a status that is worth waiting for */
		return;
	}
	switch ((int)message->type) {
	case MESSAGE_hello:
		break;
	case MESSAGE_ready:
		family->queue_ready = 1;
		start_leaves(family);
		sd_notify(0, "READY=1");
		break;
	case MESSAGE_worker_start:
		start_worker(family, &message->worker_start);
		break;
	case MESSAGE_worker_kill:
		kill_worker(family, message->worker_kill.lease);
		break;
	default:
		log_error("mint-queue: sent %s, which mintd does not take: restarting it", message_name(message->type));
		kill(family->queue.pid, SIGKILL);
	}
}

/* Alive but not talking: it is started anew. */
static void
on_mute(evutil_socket_t fd, short what, void *argument)
{
	struct family *family = argument;

	(void)fd, (void)what;
	if (family->queue.pid)
		kill(family->queue.pid, SIGKILL);
}

static void
start_queue(struct family *family)
{
	int fd;
	pid_t pid;

	/* Never before the last worker is reaped: a second process on a reader would break the first one's token. */
	if (family->queue.pid || family->workers || family->stopping)
		return;
	pid = spawn(family, family->queue.file, 0, &fd);
	if (pid < 0) {
		later(&family->queue);
		return;
	}
	family->queue.pid = pid;
	family->queue.started_us = clock_monotonic_us();
	family->channel = ipc_new(family->base, fd, on_queue, family);
}

static void
queue_ended(struct family *family)
{
	ipc_free(&family->channel);
	evtimer_del(family->mute);
	family->queue_ready = 0;
	kill_workers(family);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (family->leaves[i].pid)
			kill(family->leaves[i].pid, SIGTERM);
}

/* --- the end of children */

static void
back_off(struct child *child, int status)
{
	int healthy = clock_monotonic_us() - child->started_us > HEALTHY_US;

	child->backoff_ms = healthy || !child->backoff_ms ? BACKOFF_FIRST_MS : child->backoff_ms * 2;
	if (child->backoff_ms > BACKOFF_MAX_MS)
		child->backoff_ms = BACKOFF_MAX_MS;
	if (!child->family->stopping)
		log_warning("%s: ended with %s %d: starting it again in %d ms", child->file,
		    WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		    child->backoff_ms);
}

static int
leaf_ended(struct family *family, pid_t pid, int status)
{
	struct message message = { .type = MESSAGE_exited };

	for (size_t i = 0; i < LEAF_COUNT; i++) {
		struct child *leaf = &family->leaves[i];

		if (leaf->pid != pid)
			continue;
		leaf->pid = 0;
		message.exited = (struct message_exited){
			.program = leaf->program, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		tell_queue(family, &message, -1);
		if (family->queue_ready) { /* else it ended because mint-queue did */
			back_off(leaf, status);
			later(leaf);
		}
		return 1;
	}
	return 0;
}

static void
worker_ended(struct family *family, pid_t pid, int status)
{
	struct message message = { .type = MESSAGE_exited };

	for (struct worker **place = &family->workers; *place; place = &(*place)->next) {
		struct worker *worker = *place;

		if (worker->pid != pid)
			continue;
		/* What the worker started (pkcs15-init) must be gone before the reader is called free. */
		kill(-pid, SIGKILL);
		message.exited = (struct message_exited){
			.lease = worker->lease, .program = PROGRAM_WORKER, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		*place = worker->next;
		free(worker);
		tell_queue(family, &message, -1);
		return;
	}
}

/* A damaged record, one of a newer release, a wrong configuration: to start again and again would only fill the log. */
static int
only_a_person_helps(int status)
{
	static const int errors[] = { MINT_DAMAGED, MINT_REFUSED, MINT_CONFIG };

	for (size_t i = 0; WIFEXITED(status) && i < sizeof errors / sizeof errors[0]; i++)
		if (WEXITSTATUS(status) == error_info(errors[i])->exit_status)
			return 1;
	return 0;
}

void
family_reap(struct family *family)
{
	int status, queue_died = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == family->queue.pid) {
			family->queue.pid = 0;
			queue_died = 1;
			if (only_a_person_helps(status))
				family->hopeless = WEXITSTATUS(status);
			else
				back_off(&family->queue, status);
			queue_ended(family);
		} else if (!leaf_ended(family, pid, status)) {
			worker_ended(family, pid, status);
		}
	}
	if (family->hopeless)
		return;
	if (queue_died && !family->stopping)
		later(&family->queue);
	else if (!family->queue.pid && !evtimer_pending(family->queue.retry, NULL))
		start_queue(family); /* it waited for the last worker */
}

/* --- from the cradle to the grave */

/* Found at the start, not by every program in turn. */
static int
check_users(const struct family *family)
{
	int r = 0;

	if (!family->config->separate_users)
		return 0;
	for (size_t i = 0; i < LEAF_COUNT && r == 0; i++)
		r = account_check(family->leaves[i].file);
	if (r == 0)
		r = account_check(family->queue.file);
	return r == 0 ? account_check("mint-worker") : r;
}

int
family_new(struct family **out, struct event_base *base, const struct config *config, const char *config_path)
{
	static const struct child leaves[LEAF_COUNT] = {
		{ .program = PROGRAM_CA, .file = "mint-ca" },
		{ .program = PROGRAM_LABEL, .file = "mint-label" },
		{ .program = PROGRAM_API, .file = "mint-api" },
		{ .program = PROGRAM_BENCH, .file = "mint-bench", .uses_pcsc = 1 },
	};
	struct family *family = calloc(1, sizeof *family);
	int complete, r;

	*out = family;
	if (!family)
		return MINT_MEMORY;
	*family = (struct family){
		.base = base, .config = config, .config_path = config_path,
		.queue = { .program = PROGRAM_QUEUE, .file = "mint-queue", .family = family },
	};
	family->queue.retry = evtimer_new(base, on_retry, &family->queue);
	family->mute = evtimer_new(base, on_mute, family);
	complete = family->queue.retry && family->mute;
	for (size_t i = 0; i < LEAF_COUNT; i++) {
		family->leaves[i] = leaves[i];
		family->leaves[i].family = family;
		family->leaves[i].retry = evtimer_new(base, on_retry, &family->leaves[i]);
		complete = complete && family->leaves[i].retry;
	}
	r = complete ? check_users(family) : MINT_MEMORY;
	if (r != 0)
		family_free(out);
	return r;
}

void
family_start(struct family *family)
{
	start_queue(family);
}

/* A token in mid-step is left as it is: the journal knows, and the next start probes it. */
void
family_stop(struct family *family, int signal_number)
{
	family->stopping = 1;
	kill_workers(family);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (family->leaves[i].pid)
			kill(family->leaves[i].pid, signal_number);
	if (family->queue.pid)
		kill(family->queue.pid, signal_number);
}

int
family_hopeless(const struct family *family)
{
	return family->hopeless;
}

int
family_is_gone(const struct family *family)
{
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (family->leaves[i].pid)
			return 0;
	return !family->queue.pid && !family->workers;
}

void
family_free(struct family **place)
{
	struct family *family = *place;

	*place = NULL;
	if (!family)
		return;
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (family->leaves[i].retry)
			event_free(family->leaves[i].retry);
	if (family->queue.retry)
		event_free(family->queue.retry);
	if (family->mute)
		event_free(family->mute);
	ipc_free(&family->channel);
	free(family);
}
