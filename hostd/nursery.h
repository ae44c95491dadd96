/* Where workers come from: a mint-worker without an order, which has read configuration, models and the bench's key and has the
 * module in memory. It has never touched a token, and never will: each worker is a copy of it (worker/spare.h), which is mintd's
 * child as if mintd had started it, with a memory of its own.
 *
 * So a worker costs a fork instead of a start of some milliseconds, and shares with the others what none of them writes. When one of
 * the files that it has read changes, or a copy crashes, it is left to end and another is started.
 */
#ifndef MINT_NURSERY_H
#define MINT_NURSERY_H

#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct nursery;
struct spawn;

/* A worker asked for under `lease` has started as `pid`; 0: it will not, nothing with this lease ever started. */
typedef void nursery_born(void *argument, uint64_t lease, pid_t pid);

/* `what` is kept, not copied: how mint-worker is started. NULL when out of memory. */
struct nursery *nursery_new(struct event_base *base, const struct spawn *what, nursery_born *on_born, void *argument);

/* Accepts NULL. */
void nursery_free(struct nursery **nursery);

/* Starts the process if there is none: before the first worker is asked for, so that none waits for it. */
void nursery_start(struct nursery *nursery);

/* A worker whose descriptor 3 is `channel_fd` (taken over). `on_born` follows, in this call where the process cannot be started. */
void nursery_ask(struct nursery *nursery, uint64_t lease, int channel_fd);

/* Once in PULSE_MS: one that has owed an answer for too long is killed. */
void nursery_pulse(struct nursery *nursery);

/* SIGKILL, and none is started any more. */
void nursery_stop(struct nursery *nursery);

/* 1 when it was the process, or an earlier one: what it still owed is told as not started. */
int nursery_ended(struct nursery *nursery, pid_t pid, int status);

/* 1 when it is the process, or an earlier one. */
int nursery_has(const struct nursery *nursery, pid_t pid);

/* The next worker comes from a process newly started: a copy crashed, and the others lie in memory as it did. */
void nursery_renew(struct nursery *nursery);

/* It told what cannot be: SIGKILL. */
void nursery_refuse(struct nursery *nursery);

/* No process of it is left. */
int nursery_is_gone(const struct nursery *nursery);

#endif
