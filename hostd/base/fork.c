#include "hostd/base/fork.h"

#include <signal.h>
#include <unistd.h>

static void
drop_handlers(void)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction action;

	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL)
			sigaction(number, &usual, NULL);
}

pid_t
fork_without_handlers(void)
{
	sigset_t all, none, before;
	pid_t pid;

	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		drop_handlers();
	sigprocmask(SIG_SETMASK, pid == 0 ? &none : &before, NULL);
	return pid;
}
