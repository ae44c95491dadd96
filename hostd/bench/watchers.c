#include "hostd/bench/watchers.h"
#include "hostd/base/config.h"
#include "hostd/base/fork.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/bench/presence.h"
#include "schemas/errors.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Descriptor 4 is the family's lock, which every process below mintd keeps (mintd.c). */
enum { KEPT_FD = 4 };

struct watcher {
	struct ipc      *ipc;
	size_t           pcscd;
	watchers_report *on_report;
	void            *argument;
};

struct watchers {
	size_t         count;
	struct watcher list[];
};

/* In the child. The parent's loop, its channel and its pulse are not for this process: mint-queue and mintd must see them closed when
 * mint-bench ends. */
static void
become_watcher(const struct config *config, size_t pcscd, int report_fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(report_fd, IPC_PARENT_FD) < 0)
		_exit(1);
	close_range(KEPT_FD + 1, ~0U, 0);
	_exit(presence_watch(config, pcscd, IPC_PARENT_FD) == 0 ? 0 : 1);
}

static void
on_message(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct watcher *watcher = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message)
		ipc_free(&watcher->ipc);
	watcher->on_report(watcher->pcscd, message, watcher->argument);
}

static int
start_one(struct event_base *base, const struct config *config, struct watcher *watcher)
{
	pid_t self = getpid(), pid;
	int fds[2];

	if (ipc_pair(fds) != 0)
		return MINT_SYSTEM;
	pid = fork_without_handlers();
	if (pid == 0)
		become_watcher(config, watcher->pcscd, fds[1], self);
	close(fds[1]);
	if (pid > 0) {
		watcher->ipc = ipc_new(base, fds[0], on_message, watcher);
		return watcher->ipc ? 0 : MINT_MEMORY;
	}
	close(fds[0]);
	log_error("the watch over the readers could not be started: %s", strerror(errno));
	return MINT_SYSTEM;
}

int
watchers_start(struct watchers **place, struct event_base *base, const struct config *config, watchers_report *on_report, void *argument)
{
	struct watchers *watchers = calloc(1, sizeof *watchers + config->pcscd_count * sizeof watchers->list[0]);
	int r = watchers ? 0 : MINT_MEMORY;

	for (size_t i = 0; i < config->pcscd_count && r == 0; i++) {
		if (!config_pcscd_has_bays(config, i))
			continue;
		watchers->list[watchers->count] = (struct watcher){ .pcscd = i, .on_report = on_report, .argument = argument };
		r = start_one(base, config, &watchers->list[watchers->count++]);
	}
	*place = watchers;
	return r;
}

void
watchers_free(struct watchers **place)
{
	struct watchers *watchers = *place;

	*place = NULL;
	if (!watchers)
		return;
	for (size_t i = 0; i < watchers->count; i++)
		ipc_free(&watchers->list[i].ipc);
	free(watchers);
}
