#include "tools/drive/drive.h"
#include "hostd/base/fork.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Time for a worker to read its configuration and profiles, and to log out and close its module. */
enum { START_MS = 20000, END_MS = 15000, NOT_RUN = 71 };

struct drive {
	pid_t pid;
	int   fd;
};

/* --- start */

static void
become(const char *worker, const char *config, int channel_fd)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(channel_fd, IPC_PARENT_FD) < 0)
		_exit(NOT_RUN);
	execl(worker, "mint-worker", "--config", config, (char *)NULL);
	log_error("%s: %s: is it installed? (`programs` in the configuration)", worker, strerror(errno));
	_exit(NOT_RUN);
}

static int
spawn(struct drive *drive, const char *worker, const char *config)
{
	int fds[2];

	if (ipc_pair(fds) != 0)
		return MINT_SYSTEM;
	drive->pid = fork_without_handlers();
	if (drive->pid == 0)
		become(worker, config, fds[1]);
	close(fds[1]);
	drive->fd = fds[0];
	if (drive->pid < 0)
		return MINT_SYSTEM;
	setpgid(drive->pid, drive->pid); /* in both, so that a kill of the group cannot come too early */
	return 0;
}

static int
greet(struct drive *drive)
{
	struct message theirs = { 0 }, ours = { .type = MESSAGE_hello };
	int r = drive_hear(drive, &theirs, START_MS);

	if (r == 0)
		r = ipc_check_hello(&theirs);
	message_clear(&theirs);
	ours.hello = (struct message_hello){ MESSAGES_VERSION, PROGRAM_QUEUE, (uint32_t)getpid(), MINT_RELEASE };
	return r == 0 ? drive_say(drive, &ours) : r;
}

int
drive_start(struct drive **out, const char *worker, const char *config)
{
	struct drive *drive = calloc(1, sizeof *drive);
	int r;

	*out = NULL;
	if (!drive)
		return MINT_MEMORY;
	drive->fd = -1;
	r = access(worker, X_OK) == 0 ? spawn(drive, worker, config) : MINT_NOT_FOUND;
	if (r == 0)
		r = greet(drive);
	if (r == 0)
		*out = drive;
	else
		drive_kill(&drive);
	return r;
}

pid_t
drive_pid(const struct drive *drive)
{
	return drive->pid;
}

/* --- talk */

int
drive_say(struct drive *drive, const struct message *message)
{
	return ipc_write(drive->fd, message, -1);
}

int
drive_hear(struct drive *drive, struct message *message, int timeout_ms)
{
	struct pollfd channel = { .fd = drive->fd, .events = POLLIN };
	int ready;

	*message = (struct message){ 0 };
	do
		ready = poll(&channel, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0 ? ipc_read(drive->fd, message, NULL) : ready == 0 ? MINT_TIMEOUT : MINT_SYSTEM;
}

int
drive_ask(struct drive *drive, const struct message *message, enum message_type wanted, struct message *answer, int timeout_ms)
{
	int r = drive_say(drive, message);

	*answer = (struct message){ 0 };
	if (r == 0)
		r = drive_hear(drive, answer, timeout_ms);
	if (r != 0)
		return r;
	if (answer->type == MESSAGE_failed)
		return answer->failed.error ? -(int)answer->failed.error : MINT_PROTOCOL;
	return answer->type == wanted ? 0 : MINT_PROTOCOL;
}

/* --- end */

static int
reap(struct drive **place)
{
	struct drive *drive = *place;
	int status = 0;

	*place = NULL;
	if (drive->pid > 0)
		while (waitpid(drive->pid, &status, 0) < 0 && errno == EINTR)
			;
	if (drive->fd >= 0)
		close(drive->fd);
	free(drive);
	return status;
}

int
drive_finish(struct drive **drive)
{
	struct message message = { .type = MESSAGE_finish }, late;
	int r;

	if (!*drive)
		return 0;
	r = drive_say(*drive, &message);
	while (r == 0) {
		r = drive_hear(*drive, &late, END_MS); /* a watch may have said something meanwhile */
		message_clear(&late);
	}
	return r == MINT_CLOSED ? reap(drive) : drive_kill(drive);
}

int
drive_kill(struct drive **drive)
{
	if (!*drive)
		return 0;
	if ((*drive)->pid > 0)
		kill(-(*drive)->pid, SIGKILL);
	return reap(drive);
}
