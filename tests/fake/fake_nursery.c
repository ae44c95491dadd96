/* fake-nursery: in mint-worker's place, what makes workers for mintd and does it wrong. What it does is the name of its configuration:
 *   lies     tells of a worker that it has not made: process 1
 *   dies     ends when it is asked
 *   fails    tells that it could not make one
 *   late     tells of the worker when that has ended already
 */
#include "hostd/base/ipc.h"
#include "schemas/messages.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHILDS_STATUS = 7, TRIES = 5000 };

/* mintd's child, as mint-worker makes them. */
static uint32_t
make_one_that_ends(void)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(CHILDS_STATUS);
	for (int i = 0; i < TRIES && kill((pid_t)pid, 0) == 0; i++) /* until mintd has reaped it: nobody else is told of that */
		poll(NULL, 0, 1);
	return (uint32_t)pid;
}

int
main(int argc, char **argv)
{
	const char *deed = argc > 2 ? argv[2] : "";
	struct message message;
	int fd;

	while (ipc_read(IPC_PARENT_FD, &message, &fd) == 0) {
		struct message answer = { .type = MESSAGE_worker_started };

		if (strcmp(deed, "dies") == 0)
			return 3;
		answer.worker_started.lease = message.worker_start.lease;
		if (strcmp(deed, "lies") == 0)
			answer.worker_started.pid = 1;
		else if (strcmp(deed, "late") == 0)
			answer.worker_started.pid = make_one_that_ends();
		close(fd);
		message_clear(&message);
		ipc_write(IPC_PARENT_FD, &answer, -1);
	}
	return 0;
}
