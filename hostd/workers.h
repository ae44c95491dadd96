/* The workers that mint-queue asks for: a process each, known by its lease. */
#ifndef MINT_WORKERS_H
#define MINT_WORKERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct message;
struct spawn;
struct workers;

/* What mint-queue is to be told: worker_started with the descriptor to pass (taken over by the callee), or exited with −1. */
typedef void workers_news(void *argument, const struct message *news, int passed_fd);

/* Whether a child of this process is another's than a worker. */
typedef int workers_others(void *argument, pid_t pid);

/* `what` is kept, not copied: how mint-worker is started. NULL when out of memory. */
struct workers *workers_new(struct event_base *base, const struct spawn *what, workers_news *on_news, workers_others *is_others,
    void *argument);

/* Accepts NULL. Kills nobody. */
void workers_free(struct workers **workers);

/* What they come from is started ahead (nursery.h). */
void workers_prepare(struct workers *workers);

/* One for this lease; the news follows, in this call or later. */
void workers_start(struct workers *workers, uint64_t lease);

/* SIGKILL to the one of that lease with all that it has started, or to all of them. They are there until they are reaped. */
void workers_kill(struct workers *workers, uint64_t lease);
void workers_kill_all(struct workers *workers);

/* The same, and none is started any more. */
void workers_stop(struct workers *workers);

/* Once in PULSE_MS. */
void workers_pulse(struct workers *workers);

/* A child that is nobody else's was reaped: off the list, nothing that it had started is left, and the news follows. */
void workers_ended(struct workers *workers, pid_t pid, int status);

/* None is there that may be at a token. */
int workers_are_done(const struct workers *workers);

/* Nor what they come from. */
int workers_are_gone(const struct workers *workers);

#endif
