/* fork(3) has no CLONE_PARENT, and clone(2) alone leaves the C library of the copy with the number of the thread that was copied, and the
 * kernel without its list of robust locks: what the copy holds at its death would be held for ever. So it is told where the library keeps
 * that number, and the list, as fork(3) tells its own (set_tid_address(2), get_robust_list(2)).
 */
#include "hostd/worker/copy.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* clone(2), whose arguments lie otherwise on some machines. */
static long
clone_this(unsigned long flags, int *thread)
{
#if defined(__s390__)
	return syscall(SYS_clone, NULL, flags, NULL, thread, NULL);
#elif defined(__x86_64__) || defined(__alpha__)
	return syscall(SYS_clone, flags, NULL, NULL, thread, NULL);
#else
	return syscall(SYS_clone, flags, NULL, NULL, NULL, thread);
#endif
}

pid_t
copy_process(void)
{
	struct robust_list_head *locks = NULL;
	size_t bytes = 0;
	int *thread = NULL;
	long pid;

	/* A kernel without PR_GET_TID_ADDRESS (CONFIG_CHECKPOINT_RESTORE): the copy does with the old number. */
	if (prctl(PR_GET_TID_ADDRESS, &thread, 0, 0, 0) != 0)
		thread = NULL;
	syscall(SYS_get_robust_list, 0, &locks, &bytes);
	pid = clone_this(CLONE_PARENT | SIGCHLD | (thread ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0), thread);
	if (pid == 0 && locks)
		syscall(SYS_set_robust_list, locks, bytes);
	return (pid_t)pid;
}
