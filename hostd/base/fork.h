/* fork(2) for a process with signal handlers. */
#ifndef MINT_BASE_FORK_H
#define MINT_BASE_FORK_H

#include <sys/types.h>

/* As fork(2), but the child has none of its parent's handlers, from the first signal that can reach it, as after exec(3); no signal is
 * blocked in it, and what the parent ignores stays ignored. With them a signal to a child that has not come to its exec yet would be its
 * parent's: libevent's handler tells the loop by a descriptor that both of them hold. */
pid_t fork_without_handlers(void);

#endif
