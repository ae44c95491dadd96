#include "hostd/spawn.h"
#include "hostd/base/account.h"
#include "hostd/base/config.h"
#include "hostd/base/fork.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/pulse.h"
#include "schemas/errors.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What systemd told mintd is for mintd alone. */
static void
clean_environment(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* In the child, between fork and exec: own process group (a terminal's Ctrl-C reaches mintd alone), own user if so
 * configured, death with mintd, channel at 3, lock stays at 4, pulse at 5. */
static void
become(const struct spawn *what, int channel_fd, int pulse_fd)
{
	char path[PATH_MAX];

	setpgid(0, 0);
	if (what->config->separate_users && account_become(what->file) != 0)
		_exit(NO_START);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	clean_environment();
	snprintf(path, sizeof path, "%s/%s", what->config->programs, what->file);
	if (dup2(channel_fd, IPC_PARENT_FD) < 0 || pulse_pass(pulse_fd) != 0)
		_exit(NO_START);
	execl(path, what->file, "--config", what->config_path, (char *)NULL);
	log_error("%s: %s: is it installed? (`programs` in the configuration)", path, strerror(errno));
	_exit(NO_START);
}

static void
close_pair(const int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

pid_t
spawn(const struct spawn *what, int *channel_fd, int *pulse_fd)
{
	int channel[2] = { -1, -1 }, pulse[2] = { -1, -1 };
	pid_t pid = -1;

	if (ipc_pair(channel) != 0 || (what->has_pulse && pulse_pair(pulse) != 0))
		log_error("%s: no socket pair: %s", what->file, strerror(errno));
	else if ((pid = fork_without_handlers()) < 0)
		log_error("%s: cannot fork: %s", what->file, strerror(errno));
	if (pid < 0) {
		close_pair(channel);
		close_pair(pulse);
		return MINT_SYSTEM;
	}
	if (pid == 0)
		become(what, channel[1], pulse[1]);
	setpgid(pid, pid); /* in both, so that a kill of the group cannot come too early */
	close(channel[1]);
	if (pulse[1] >= 0)
		close(pulse[1]);
	*channel_fd = channel[0];
	*pulse_fd = pulse[0];
	return pid;
}
