/* A watching process for each instance of pcscd whose readers are bays.
 *
 * libpcsclite looks for its pcscd once in a process and then keeps to it, so several instances need several processes. Each is forked
 * from mint-bench, runs nothing but presence_watch, holds no channel but the one it reports on, and dies with mint-bench.
 */
#ifndef MINT_BENCH_WATCHERS_H
#define MINT_BENCH_WATCHERS_H

#include "hostd/base/ipc.h"

struct config;
struct event_base;

/* Starts them all; before this process speaks to PC/SC, or has threads. What each tells goes to `on_report`, whose `message` is NULL
 * when one has ended: its bays are blind, and the program must end so that mintd starts it anew. 0, MINT_SYSTEM, MINT_MEMORY. */
int watchers_start(struct event_base *base, const struct config *config, ipc_handler *on_report, void *argument);

#endif
