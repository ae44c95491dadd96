#include "hostd/worker/spare.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/worker/ahead.h"
#include "hostd/worker/copy.h"
#include "schemas/errors.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LOAD_S = 60 };

/* In the copy, as mintd would start it: of its own process group and not without mintd. The nursery's channel is not for it. */
static void
stand_alone(int link, pid_t mintd)
{
	setpgid(0, 0);
	prctl(PR_SET_NAME, "mint-spare");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != mintd || dup2(link, IPC_PARENT_FD) < 0)
		_exit(error_info(MINT_SYSTEM)->exit_status);
	close(link);
}

/* Until it is handed a channel. Without a nursery it is of no use. */
static void
wait_for_channel(void)
{
	struct message message;
	int channel_fd = -1, r = ipc_read(IPC_PARENT_FD, &message, &channel_fd);

	if (r == MINT_CLOSED)
		_exit(0);
	if (r == 0 && (message.type != MESSAGE_worker_start || channel_fd < 0))
		r = MINT_PROTOCOL;
	if (r == 0 && dup2(channel_fd, IPC_PARENT_FD) < 0)
		r = MINT_SYSTEM;
	if (r != 0) {
		log_error("a spare worker: %s", error_info(r)->what[MINT_EN]);
		_exit(error_info(r)->exit_status);
	}
	close(channel_fd);
	message_clear(&message);
	prctl(PR_SET_NAME, "mint-worker");
}

static void
drop(struct spare *spare)
{
	if (spare->link >= 0)
		close(spare->link);
	*spare = (struct spare){ .link = -1 };
}

int
spare_make(struct spare *spare, const char *module, enum spare_side *side)
{
	pid_t mintd = getppid(), pid = -1;
	int links[2] = { -1, -1 };

	*side = SPARE_NURSERY;
	drop(spare);
	if (ipc_pair(links) == 0)
		pid = copy_process();
	if (pid == 0) {
		close(links[0]);
		stand_alone(links[1], mintd);
		alarm(LOAD_S); /* nobody else waits for it */
		ahead_load_module(module);
		alarm(0);
		wait_for_channel();
		*side = SPARE_COPY;
		return 0;
	}
	if (pid < 0)
		log_error("cannot make a worker: %s", strerror(errno));
	if (links[1] >= 0)
		close(links[1]);
	*spare = (struct spare){ .pid = pid, .link = links[0] };
	if (pid > 0)
		return 0;
	drop(spare);
	return MINT_SYSTEM;
}

pid_t
spare_hand(struct spare *spare, uint64_t lease, int channel_fd)
{
	struct message message = { .type = MESSAGE_worker_start };
	pid_t pid = spare->pid;
	int r;

	if (spare->link < 0)
		return -1;
	message.worker_start.lease = lease;
	r = ipc_write(spare->link, &message, channel_fd);
	drop(spare);
	return r == 0 ? pid : -1;
}
