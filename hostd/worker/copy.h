/* A copy of this process that is its parent's child, not its own. */
#ifndef MINT_WORKER_COPY_H
#define MINT_WORKER_COPY_H

#include <sys/types.h>

/* As fork(2), by a process of one thread: the copy's number, 0 in the copy, or −1 with errno. */
pid_t copy_process(void);

#endif
