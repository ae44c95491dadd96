#include "hostd/workers.h"
#include "hostd/spawn.h"
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <signal.h>
#include <stdlib.h>

struct worker {
	struct worker *next;
	uint64_t       lease;
	pid_t          pid;
};

int
workers_start(struct worker **list, const struct spawn *what, uint64_t lease, struct message *answer)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int fd = -1, no_pulse;
	pid_t pid = worker ? spawn(what, &fd, &no_pulse) : MINT_MEMORY;

	if (pid < 0) {
		free(worker);
		*answer = (struct message){ .type = MESSAGE_exited };
		answer->exited = (struct message_exited){ .lease = lease, .program = PROGRAM_WORKER, .status = NO_START << 8 };
		return -1;
	}
	*worker = (struct worker){ .next = *list, .lease = lease, .pid = pid };
	*list = worker;
	*answer = (struct message){ .type = MESSAGE_worker_started };
	answer->worker_started = (struct message_worker_started){ .lease = lease, .pid = (uint32_t)pid };
	return fd;
}

void
workers_kill(const struct worker *list, uint64_t lease)
{
	for (const struct worker *w = list; w; w = w->next)
		if (w->lease == lease)
			kill(-w->pid, SIGKILL);
}

void
workers_kill_all(const struct worker *list)
{
	for (const struct worker *w = list; w; w = w->next)
		kill(-w->pid, SIGKILL);
}

int
workers_ended(struct worker **list, pid_t pid, int status, struct message *news)
{
	for (struct worker **place = list; *place; place = &(*place)->next) {
		struct worker *worker = *place;

		if (worker->pid != pid)
			continue;
		/* What the worker started (pkcs15-init) must be gone before the reader is called free. */
		kill(-pid, SIGKILL);
		*news = (struct message){ .type = MESSAGE_exited };
		news->exited = (struct message_exited){
			.lease = worker->lease, .program = PROGRAM_WORKER, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		*place = worker->next;
		free(worker);
		return 1;
	}
	return 0;
}
