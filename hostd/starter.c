#include "hostd/starter.h"
#include "hostd/base/config.h"
#include "hostd/base/fork.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/spawn.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct order {
	size_t pcscd;
	int    signal_number; /* 0: start */
};

struct starter {
	pid_t pid;
	int   channel;
};

/* The process: what it has started, by the instance's place. */
struct starting {
	const struct config *config;
	int                  channel, ended;
	pid_t                pids[CONFIG_PCSCD_MAX + 1]; /* 0: does not run */
};

/* --- the process */

static void
tell(const struct starting *starting, size_t pcscd, int status)
{
	const struct starter_news news = { .pcscd = pcscd, .pid = starting->pids[pcscd], .status = status };

	send(starting->channel, &news, sizeof news, MSG_NOSIGNAL);
}

/* Between fork and exec. The family's lock (descriptor 4, mintd.c) stays open: a new mintd waits for the readers to be let go. */
static void
become(const struct config_pcscd *pcscd)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	execv(pcscd->start[0], pcscd->start);
	log_error("pcscd %s: %s: %s: mend `start` of its section", pcscd->name, pcscd->start[0], strerror(errno));
	_exit(NO_START);
}

static void
start(struct starting *starting, size_t pcscd)
{
	pid_t pid = fork_without_handlers();

	if (pid == 0)
		become(&starting->config->pcscds[pcscd]);
	if (pid > 0)
		setpgid(pid, pid); /* in both, so that a kill of the group cannot come too early */
	starting->pids[pcscd] = pid > 0 ? pid : 0;
	tell(starting, pcscd, pid > 0 ? 0 : NO_START << 8);
}

/* 0 when mintd is gone. */
static int
take_order(struct starting *starting)
{
	struct order order;
	ssize_t got = recv(starting->channel, &order, sizeof order, 0);

	if (got <= 0)
		return got < 0 && errno == EINTR;
	if (got != sizeof order || order.pcscd >= starting->config->pcscd_count || !starting->config->pcscds[order.pcscd].start[0])
		return 0;
	if (order.signal_number && starting->pids[order.pcscd])
		kill(-starting->pids[order.pcscd], order.signal_number);
	else if (!order.signal_number && !starting->pids[order.pcscd])
		start(starting, order.pcscd);
	return 1;
}

static void
reap(struct starting *starting)
{
	struct signalfd_siginfo taken;
	int status;
	pid_t pid;

	if (read(starting->ended, &taken, sizeof taken) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < starting->config->pcscd_count; i++)
			if (starting->pids[i] == pid) {
				kill(-pid, SIGKILL); /* what it may have left behind holds its readers */
				starting->pids[i] = 0;
				tell(starting, i, status);
			}
}

static void
run(struct starting *starting)
{
	struct pollfd polled[] = { { .fd = starting->channel, .events = POLLIN }, { .fd = starting->ended, .events = POLLIN } };

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return;
		if (polled[1].revents)
			reap(starting);
		if (polled[0].revents && !take_order(starting))
			return;
	}
}

/* A process group of its own: a terminal's Ctrl-C reaches mintd alone, which ends this when all else has ended. */
static void
become_starter(const struct config *config, int channel)
{
	struct starting starting = { .config = config, .channel = channel };
	sigset_t ended;

	setpgid(0, 0);
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	starting.ended = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
	if (starting.ended >= 0)
		run(&starting);
	for (size_t i = 0; i < config->pcscd_count; i++)
		if (starting.pids[i])
			kill(-starting.pids[i], SIGKILL);
	_exit(0);
}

/* --- in mintd */

static int
is_needed(const struct config *config)
{
	for (size_t i = 0; i < config->pcscd_count; i++)
		if (config->pcscds[i].start[0])
			return 1;
	return 0;
}

int
starter_new(struct starter **out, const struct config *config)
{
	struct starter *starter;
	int fds[2];

	*out = NULL;
	if (!is_needed(config))
		return 0;
	starter = calloc(1, sizeof *starter);
	if (!starter)
		return MINT_MEMORY;
	if (ipc_pair(fds) != 0 || (starter->pid = fork_without_handlers()) < 0) {
		log_error("what starts pcscd could not be started: %s", strerror(errno));
		free(starter);
		return MINT_SYSTEM;
	}
	if (starter->pid == 0) {
		close(fds[0]);
		become_starter(config, fds[1]);
	}
	close(fds[1]);
	starter->channel = fds[0];
	*out = starter;
	return 0;
}

void
starter_free(struct starter **place)
{
	struct starter *starter = *place;

	*place = NULL;
	if (!starter)
		return;
	close(starter->channel);
	free(starter);
}

int
starter_fd(const struct starter *starter)
{
	return starter->channel;
}

pid_t
starter_pid(const struct starter *starter)
{
	return starter->pid;
}

void
starter_order(const struct starter *starter, size_t pcscd, int signal_number)
{
	const struct order order = { .pcscd = pcscd, .signal_number = signal_number };

	if (send(starter->channel, &order, sizeof order, MSG_NOSIGNAL) != (ssize_t)sizeof order)
		log_error("what starts pcscd does not listen: %s", strerror(errno)); /* its end is reaped, and ends mintd */
}

int
starter_hear(const struct starter *starter, struct starter_news *news)
{
	return recv(starter->channel, news, sizeof *news, MSG_DONTWAIT) == (ssize_t)sizeof *news;
}
