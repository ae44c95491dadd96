/* A worker made ahead: a copy of the nursery with the module in its memory, which has no order, no channel and no token yet. That a module
 * does nothing with readers and tokens before C_Initialize, as PKCS#11 has it (v3.0, 5.4: but for C_GetFunctionList and its like no function is
 * called before), is relied on: this process lives beside one that works on a token.
 */
#ifndef MINT_WORKER_SPARE_H
#define MINT_WORKER_SPARE_H

#include <stdint.h>
#include <sys/types.h>

/* { .link = −1 }: there is none. */
struct spare {
	pid_t pid;
	int   link; /* ours; the spare ends when it closes */
};

enum spare_side { SPARE_NURSERY, SPARE_COPY };

/* Makes one, in the place of any before. In the nursery *side is SPARE_NURSERY, and 0 or MINT_SYSTEM after a log line. In the copy it returns
 * when the copy has been handed a channel, at IPC_PARENT_FD by then: *side is SPARE_COPY, and 0. */
int spare_make(struct spare *spare, const char *module, enum spare_side *side);

/* The spare becomes the worker of `lease`, whose channel is `channel_fd` (stays the caller's): its process id. −1 where there is none. */
pid_t spare_hand(struct spare *spare, uint64_t lease, int channel_fd);

#endif
