/* A watching process for each instance of pcscd whose readers are bays.
 *
 * libpcsclite looks for its pcscd once in a process and then keeps to it, so several instances need several processes. Each is forked
 * from mint-bench, runs nothing but presence_watch, holds no channel but the one it reports on, and dies with mint-bench.
 */
#ifndef MINT_BENCH_WATCHERS_H
#define MINT_BENCH_WATCHERS_H

#include <stddef.h>

struct config;
struct event_base;
struct message;
struct watchers;

/* What the watcher of a pcscd (its place in config->pcscds) tells of readers: presence.h. NULL: it has ended, its bays are blind, and the
 * program must end so that mintd starts it anew. */
typedef void watchers_report(size_t pcscd, const struct message *report, void *argument);

/* Starts them all; before this process speaks to PC/SC, or has threads. 0, MINT_SYSTEM, MINT_MEMORY. */
int watchers_start(struct watchers **watchers, struct event_base *base, const struct config *config, watchers_report *on_report, void *argument);
void watchers_free(struct watchers **watchers);

#endif
