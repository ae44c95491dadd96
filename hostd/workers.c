#include "hostd/workers.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/nursery.h"
#include "hostd/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The end of a child that nobody knows yet: a worker that was gone before its birth was told, or a spare of the nursery's. */
struct early {
	struct early *next;
	pid_t         pid;
	int           status;
};

struct worker {
	struct worker *next;
	uint64_t       lease;
	pid_t          pid;     /* 0: asked for, not told of yet */
	int            channel; /* for mint-queue, until it is passed on: −1 */
	int            doomed;  /* to be killed as soon as its pid is known */
};

struct workers {
	struct worker  *list;
	struct early   *early;
	struct nursery *nursery;
	workers_news   *on_news;
	workers_others *is_others;
	void           *argument;
};

static struct worker *
of_lease(const struct workers *workers, uint64_t lease)
{
	struct worker *worker = workers->list;

	while (worker && worker->lease != lease)
		worker = worker->next;
	return worker;
}

static void
tell_end(struct workers *workers, uint64_t lease, pid_t pid, int status)
{
	struct message news = { .type = MESSAGE_exited };

	news.exited = (struct message_exited){
		.lease = lease, .program = PROGRAM_WORKER, .pid = (uint32_t)pid, .status = (uint32_t)status,
	};
	workers->on_news(workers->argument, &news, -1);
}

/* Off the list; the news is the caller's. */
static void
forget(struct workers *workers, struct worker *worker)
{
	struct worker **place = &workers->list;

	while (*place && *place != worker)
		place = &(*place)->next;
	if (*place)
		*place = worker->next;
	if (worker->channel >= 0)
		close(worker->channel);
	free(worker);
}

/* --- born and ended, in either order */

static void
remember_end(struct workers *workers, pid_t pid, int status)
{
	struct early *early = calloc(1, sizeof *early);

	if (!early)
		return;
	*early = (struct early){ .next = workers->early, .pid = pid, .status = status };
	workers->early = early;
}

static int
has_ended_early(const struct workers *workers, pid_t pid, int *status)
{
	for (const struct early *early = workers->early; early; early = early->next)
		if (early->pid == pid) {
			*status = early->status;
			return 1;
		}
	return 0;
}

/* Its number may be another's later: kept only while somebody's birth is waited for. */
static void
forget_ends(struct workers *workers)
{
	for (const struct worker *w = workers->list; w; w = w->next)
		if (w->pid == 0)
			return;
	while (workers->early) {
		struct early *early = workers->early;

		workers->early = early->next;
		free(early);
	}
}

static void
tell_birth(struct workers *workers, struct worker *worker)
{
	struct message news = { .type = MESSAGE_worker_started };
	int fd = worker->channel;

	worker->channel = -1;
	news.worker_started = (struct message_worker_started){ .lease = worker->lease, .pid = (uint32_t)worker->pid };
	workers->on_news(workers->argument, &news, fd);
}

/* A child of ours that is nobody yet. What makes workers has a vendor's module in its memory: a number that it tells is looked at before
 * a process is killed by it. */
static int
may_be_new(const struct workers *workers, pid_t pid)
{
	siginfo_t ignored;

	for (const struct worker *w = workers->list; w; w = w->next)
		if (w->pid == pid)
			return 0;
	return pid > 1 && !nursery_has(workers->nursery, pid) && !workers->is_others(workers->argument, pid) &&
	    waitid(P_PID, (id_t)pid, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
on_born(void *argument, uint64_t lease, pid_t pid)
{
	struct workers *workers = argument;
	struct worker *worker = of_lease(workers, lease);
	int status = NO_START << 8, ended = pid == 0 || has_ended_early(workers, pid, &status);

	if (!worker)
		return;
	if (!ended && !may_be_new(workers, pid)) {
		log_error("mint-worker: told of a worker %d that it cannot have made: ending it", (int)pid);
		nursery_refuse(workers->nursery);
		pid = 0;
		ended = 1;
	}
	worker->pid = pid;
	if (ended) {
		forget(workers, worker);
		tell_end(workers, lease, pid, status);
	} else {
		setpgid(pid, pid); /* in both, so that a kill of the group cannot come too early */
		if (worker->doomed)
			kill(-pid, SIGKILL);
		tell_birth(workers, worker);
	}
	forget_ends(workers);
}

static int
has_crashed(int status)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof signals / sizeof signals[0]; i++)
		if (WTERMSIG(status) == signals[i])
			return 1;
	return 0;
}

void
workers_ended(struct workers *workers, pid_t pid, int status)
{
	if (nursery_ended(workers->nursery, pid, status))
		return;
	if (has_crashed(status))
		nursery_renew(workers->nursery);
	for (struct worker *worker = workers->list; worker; worker = worker->next) {
		uint64_t lease = worker->lease;

		if (worker->pid != pid)
			continue;
		/* What the worker started (pkcs15-init) must be gone before the reader is called free. */
		kill(-pid, SIGKILL);
		forget(workers, worker);
		tell_end(workers, lease, pid, status);
		return;
	}
	remember_end(workers, pid, status);
	forget_ends(workers);
}

/* --- orders */

void
workers_start(struct workers *workers, uint64_t lease)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int channel[2];

	if (!worker || ipc_pair(channel) != 0) {
		log_error("mint-worker: not started: %s", strerror(errno));
		free(worker);
		tell_end(workers, lease, 0, NO_START << 8);
		return;
	}
	*worker = (struct worker){ .next = workers->list, .lease = lease, .channel = channel[0] };
	workers->list = worker;
	nursery_ask(workers->nursery, lease, channel[1]);
}

static void
end(struct worker *worker)
{
	worker->doomed = 1;
	if (worker->pid)
		kill(-worker->pid, SIGKILL);
}

void
workers_kill(struct workers *workers, uint64_t lease)
{
	struct worker *worker = of_lease(workers, lease);

	if (worker)
		end(worker);
}

void
workers_kill_all(struct workers *workers)
{
	for (struct worker *w = workers->list; w; w = w->next)
		end(w);
}

void
workers_stop(struct workers *workers)
{
	workers_kill_all(workers);
	nursery_stop(workers->nursery);
}

void
workers_prepare(struct workers *workers)
{
	nursery_start(workers->nursery);
}

void
workers_pulse(struct workers *workers)
{
	nursery_pulse(workers->nursery);
}

int
workers_are_done(const struct workers *workers)
{
	return !workers->list;
}

int
workers_are_gone(const struct workers *workers)
{
	return !workers->list && nursery_is_gone(workers->nursery);
}

/* --- from the cradle to the grave */

struct workers *
workers_new(struct event_base *base, const struct spawn *what, workers_news *on_news, workers_others *is_others, void *argument)
{
	struct workers *workers = calloc(1, sizeof *workers);

	if (!workers)
		return NULL;
	*workers = (struct workers){ .on_news = on_news, .is_others = is_others, .argument = argument };
	workers->nursery = nursery_new(base, what, on_born, workers);
	if (!workers->nursery)
		workers_free(&workers);
	return workers;
}

void
workers_free(struct workers **place)
{
	struct workers *workers = *place;

	*place = NULL;
	if (!workers)
		return;
	nursery_free(&workers->nursery);
	while (workers->list)
		forget(workers, workers->list);
	forget_ends(workers);
	free(workers);
}
