/* mintd: starts, wires and restarts the programs of a bench.
 *
 * Trusted with: the configuration's paths, the right to start processes. It opens no database and no device and parses
 * nothing from outside but the configuration; all it hears is mint-queue asking for workers and children ending.
 *
 * Wiring: descriptor 3 of mint-queue leads here. For each other program a socket pair is made: one end becomes its
 * descriptor 3, the other is passed to mint-queue. Descriptor 4 is the family's lock: every descendant inherits it, so a
 * new mintd waits until the last process of an earlier one, pkcs15-init included, has let go of its reader.
 */
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { LOCK_FD = 4, LOCK_WAIT_S = 10, STOP_MS = 1500, BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, HEALTHY_US = 5000000 };

struct child {
	enum program   program;
	const char    *file;
	int            uses_pcsc;  /* gets PCSCLITE_CSOCK_NAME */
	pid_t          pid;        /* 0 while it does not run */
	int64_t        started_us;
	int            backoff_ms;
	struct event  *retry;
	struct mintd  *mintd;
};

struct worker {
	struct worker *next;
	uint64_t       lease;
	pid_t          pid;
};

struct mintd {
	struct event_base *base;
	struct config     *config;
	const char        *config_path;
	struct child       queue;
	struct child       leaves[4];
	struct worker     *workers;
	struct ipc        *channel;      /* to mint-queue */
	int                queue_ready;
	int                stopping;
	struct event      *stop_deadline;
};

#define LEAF_COUNT (sizeof ((struct mintd *)0)->leaves / sizeof(struct child))

static void start_queue(struct mintd *);

/* --- processes */

/* In the child, between fork and exec: own process group (a terminal's Ctrl-C reaches mintd alone), death with mintd,
 * channel at 3, lock stays at 4. */
static void
become(struct mintd *mintd, const char *file, int uses_pcsc, int channel_fd)
{
	char path[PATH_MAX];

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (uses_pcsc && mintd->config->pcscd_socket[0])
		setenv("PCSCLITE_CSOCK_NAME", mintd->config->pcscd_socket, 1);
	unsetenv("NOTIFY_SOCKET");
	snprintf(path, sizeof path, "%s/%s", mintd->config->programs, file);
	if (dup2(channel_fd, IPC_PARENT_FD) < 0)
		_exit(71);
	execl(path, file, "--config", mintd->config_path, (char *)NULL);
	log_error("%s: %s: is it installed? (`programs` in the configuration)", path, strerror(errno));
	_exit(71);
}

/* Starts a program; *peer_fd is the other end of its channel. The pid, or a negative error. */
static pid_t
spawn(struct mintd *mintd, const char *file, int uses_pcsc, int *peer_fd)
{
	int fds[2];
	pid_t pid;

	if (ipc_pair(fds) != 0) {
		log_error("%s: no socket pair: %s", file, strerror(errno));
		return MINT_SYSTEM;
	}
	pid = fork();
	if (pid == 0)
		become(mintd, file, uses_pcsc, fds[1]);
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
tell_queue(struct mintd *mintd, const struct message *message, int passed_fd)
{
	if (mintd->channel)
		ipc_send(mintd->channel, message, passed_fd);
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
	struct mintd *mintd = leaf->mintd;
	struct message peer = { .type = MESSAGE_peer };
	int fd;
	pid_t pid;

	if (leaf->pid || !mintd->queue_ready || mintd->stopping)
		return;
	pid = spawn(mintd, leaf->file, leaf->uses_pcsc, &fd);
	if (pid < 0) {
		later(leaf);
		return;
	}
	leaf->pid = pid;
	leaf->started_us = clock_monotonic_us();
	peer.peer.program = leaf->program;
	peer.peer.pid = (uint32_t)pid;
	tell_queue(mintd, &peer, fd);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	struct child *child = argument;

	(void)fd, (void)what;
	if (child == &child->mintd->queue)
		start_queue(child->mintd);
	else
		start_leaf(child);
}

static void
start_leaves(struct mintd *mintd)
{
	for (size_t i = 0; i < LEAF_COUNT; i++)
		start_leaf(&mintd->leaves[i]);
}

/* --- workers */

static void
start_worker(struct mintd *mintd, const struct message_worker_start *order)
{
	struct message answer = { .type = MESSAGE_worker_started };
	struct worker *worker = calloc(1, sizeof *worker);
	int fd = -1;
	pid_t pid = worker ? spawn(mintd, "mint-worker", 1, &fd) : MINT_MEMORY;

	if (pid < 0) {
		free(worker);
		answer.type = MESSAGE_exited;
		answer.exited = (struct message_exited){ .lease = order->lease, .program = PROGRAM_WORKER, .status = 71 << 8 };
	} else {
		*worker = (struct worker){ .next = mintd->workers, .lease = order->lease, .pid = pid };
		mintd->workers = worker;
		answer.worker_started = (struct message_worker_started){ .lease = order->lease, .pid = (uint32_t)pid };
	}
	tell_queue(mintd, &answer, fd);
}

static void
kill_worker(const struct mintd *mintd, uint64_t lease)
{
	for (const struct worker *w = mintd->workers; w; w = w->next)
		if (w->lease == lease)
			kill(-w->pid, SIGKILL);
}

static void
kill_workers(const struct mintd *mintd)
{
	for (const struct worker *w = mintd->workers; w; w = w->next)
		kill(-w->pid, SIGKILL);
}

/* --- mint-queue */

static void
on_queue(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct mintd *mintd = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		ipc_free(&mintd->channel);
		if (mintd->queue.pid)
			kill(mintd->queue.pid, SIGKILL); /* alive but not talking: start it anew */
		return;
	}
	switch ((int)message->type) {
	case MESSAGE_hello:
		break;
	case MESSAGE_ready:
		mintd->queue_ready = 1;
		start_leaves(mintd);
		sd_notify(0, "READY=1");
		break;
	case MESSAGE_worker_start:
		start_worker(mintd, &message->worker_start);
		break;
	case MESSAGE_worker_kill:
		kill_worker(mintd, message->worker_kill.lease);
		break;
	default:
		log_error("mint-queue: sent %s, which mintd does not take: restarting it", message_name(message->type));
		kill(mintd->queue.pid, SIGKILL);
	}
}

static void
start_queue(struct mintd *mintd)
{
	int fd;
	pid_t pid;

	/* Never before the last worker is reaped: a second process on a reader would break the first one's token. */
	if (mintd->queue.pid || mintd->workers || mintd->stopping)
		return;
	pid = spawn(mintd, mintd->queue.file, 0, &fd);
	if (pid < 0) {
		later(&mintd->queue);
		return;
	}
	mintd->queue.pid = pid;
	mintd->queue.started_us = clock_monotonic_us();
	mintd->channel = ipc_new(mintd->base, fd, on_queue, mintd);
}

static void
queue_ended(struct mintd *mintd)
{
	ipc_free(&mintd->channel);
	mintd->queue_ready = 0;
	kill_workers(mintd);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (mintd->leaves[i].pid)
			kill(mintd->leaves[i].pid, SIGTERM);
}

/* --- the end of children */

static void
back_off(struct child *child, int status)
{
	int healthy = clock_monotonic_us() - child->started_us > HEALTHY_US;

	child->backoff_ms = healthy || !child->backoff_ms ? BACKOFF_FIRST_MS : child->backoff_ms * 2;
	if (child->backoff_ms > BACKOFF_MAX_MS)
		child->backoff_ms = BACKOFF_MAX_MS;
	if (!child->mintd->stopping)
		log_warning("%s: ended with %s %d: starting it again in %d ms", child->file,
		    WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		    child->backoff_ms);
}

static int
leaf_ended(struct mintd *mintd, pid_t pid, int status)
{
	struct message message = { .type = MESSAGE_exited };

	for (size_t i = 0; i < LEAF_COUNT; i++) {
		struct child *leaf = &mintd->leaves[i];

		if (leaf->pid != pid)
			continue;
		leaf->pid = 0;
		message.exited = (struct message_exited){
			.program = leaf->program, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		tell_queue(mintd, &message, -1);
		if (mintd->queue_ready) { /* else it ended because mint-queue did */
			back_off(leaf, status);
			later(leaf);
		}
		return 1;
	}
	return 0;
}

static void
worker_ended(struct mintd *mintd, pid_t pid, int status)
{
	struct message message = { .type = MESSAGE_exited };

	for (struct worker **place = &mintd->workers; *place; place = &(*place)->next) {
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
		tell_queue(mintd, &message, -1);
		return;
	}
}

static int
all_gone(const struct mintd *mintd)
{
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (mintd->leaves[i].pid)
			return 0;
	return !mintd->queue.pid && !mintd->workers;
}

static void
on_child(evutil_socket_t signal_number, short what, void *argument)
{
	struct mintd *mintd = argument;
	int status, queue_died = 0;
	pid_t pid;

	(void)signal_number, (void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == mintd->queue.pid) {
			mintd->queue.pid = 0;
			queue_died = 1;
			back_off(&mintd->queue, status);
			queue_ended(mintd);
		} else if (!leaf_ended(mintd, pid, status)) {
			worker_ended(mintd, pid, status);
		}
	}
	if (mintd->stopping && all_gone(mintd))
		event_base_loopbreak(mintd->base);
	else if (queue_died)
		later(&mintd->queue);
	else if (!mintd->queue.pid && !evtimer_pending(mintd->queue.retry, NULL))
		start_queue(mintd); /* it waited for the last worker */
}

/* --- start and stop */

static void
on_stop_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct mintd *mintd = argument;

	(void)fd, (void)what;
	log_warning("some programs did not stop in %d ms: killing them", STOP_MS);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (mintd->leaves[i].pid)
			kill(mintd->leaves[i].pid, SIGKILL);
	if (mintd->queue.pid)
		kill(mintd->queue.pid, SIGKILL);
}

/* A token in mid-step is left as it is: the journal knows, and the next start probes it. */
static void
on_stop(evutil_socket_t signal_number, short what, void *argument)
{
	struct mintd *mintd = argument;
	struct timeval deadline = { STOP_MS / 1000, STOP_MS % 1000 * 1000 };

	(void)signal_number, (void)what;
	if (mintd->stopping)
		return;
	mintd->stopping = 1;
	sd_notify(0, "STOPPING=1");
	kill_workers(mintd);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		if (mintd->leaves[i].pid)
			kill(mintd->leaves[i].pid, SIGTERM);
	if (mintd->queue.pid)
		kill(mintd->queue.pid, SIGTERM);
	evtimer_add(mintd->stop_deadline, &deadline);
	if (all_gone(mintd))
		event_base_loopbreak(mintd->base);
}

static void
on_alarm(int signal_number)
{
	(void)signal_number; /* its only use is to end flock(2) */
}

/* Descriptor 4, inherited by every descendant; see the head of this file. */
static int
take_family_lock(const struct config *config)
{
	struct sigaction alarmed = { .sa_handler = on_alarm };
	char path[PATH_MAX];
	int fd, r;

	snprintf(path, sizeof path, "%s.lock", config->database);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || dup2(fd, LOCK_FD) < 0) {
		log_error("%s: %s: is the directory there and writable?", path, strerror(errno));
		return MINT_SYSTEM;
	}
	if (fd != LOCK_FD)
		close(fd);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(LOCK_WAIT_S);
	r = flock(LOCK_FD, LOCK_EX);
	alarm(0);
	if (r == 0)
		return 0;
	log_error("%s: held by another mintd or what it left behind: stop that one first", path);
	return MINT_BUSY;
}

static int
run(struct mintd *mintd)
{
	static const int ends[] = { SIGTERM, SIGINT };
	struct event *signals[3] = { NULL };
	int r = MINT_MEMORY;

	mintd->base = event_base_new();
	if (!mintd->base)
		return MINT_MEMORY;
	mintd->queue.retry = evtimer_new(mintd->base, on_retry, &mintd->queue);
	mintd->stop_deadline = evtimer_new(mintd->base, on_stop_deadline, mintd);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		mintd->leaves[i].retry = evtimer_new(mintd->base, on_retry, &mintd->leaves[i]);
	signals[0] = evsignal_new(mintd->base, SIGCHLD, on_child, mintd);
	for (size_t i = 0; i < 2; i++)
		signals[i + 1] = evsignal_new(mintd->base, ends[i], on_stop, mintd);
	for (size_t i = 0; i < 3; i++)
		if (!signals[i] || event_add(signals[i], NULL) != 0)
			goto out;
	start_queue(mintd);
	event_base_dispatch(mintd->base);
	r = 0;
out:
	for (size_t i = 0; i < 3; i++)
		if (signals[i])
			event_free(signals[i]);
	for (size_t i = 0; i < LEAF_COUNT; i++)
		event_free(mintd->leaves[i].retry);
	event_free(mintd->queue.retry);
	event_free(mintd->stop_deadline);
	ipc_free(&mintd->channel);
	event_base_free(mintd->base);
	return r;
}

static const char usage[] =
	"usage: mintd --config FILE\n"
	"Starts, wires and restarts the programs of a bench. SIGTERM or Ctrl-C stops them all.\n"
	"  --config FILE   the bench's configuration (docs/configuration.md)\n"
	"  --version       print the release\n"
	"  --help          print this\n";

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	struct mintd mintd = {
		.queue = { .program = PROGRAM_QUEUE, .file = "mint-queue", .mintd = &mintd },
		.leaves = {
			{ .program = PROGRAM_CA, .file = "mint-ca", .mintd = &mintd },
			{ .program = PROGRAM_LABEL, .file = "mint-label", .mintd = &mintd },
			{ .program = PROGRAM_API, .file = "mint-api", .mintd = &mintd },
			{ .program = PROGRAM_BENCH, .file = "mint-bench", .uses_pcsc = 1, .mintd = &mintd },
		},
	};
	char *config_path = NULL;
	int option, r;

	log_open("mintd");
	while ((option = getopt_long(argc, argv, "c:hv", options, NULL)) != -1)
		switch (option) {
		case 'c':
			config_path = realpath(optarg, NULL);
			mintd.config_path = config_path ? config_path : optarg;
			break;
		case 'h':
			return fputs(usage, stdout) < 0;
		case 'v':
			return puts("mintd " MINT_RELEASE) < 0;
		default:
			return fputs(usage, stderr), error_info(MINT_ARGUMENT)->exit_status;
		}
	if (!mintd.config_path || optind != argc)
		return fputs(usage, stderr), error_info(MINT_ARGUMENT)->exit_status;
	r = config_read(mintd.config_path, &mintd.config);
	if (r == 0)
		r = take_family_lock(mintd.config);
	if (r == 0)
		r = run(&mintd);
	config_free(&mintd.config);
	free(config_path);
	return r == 0 ? 0 : error_info(r)->exit_status;
}
