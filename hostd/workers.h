/* The workers that mint-queue asks for: a process each, known by its lease. */
#ifndef MINT_WORKERS_H
#define MINT_WORKERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct message;
struct spawn;
struct worker;

/* Takes a spare one that read configuration and models as they are now, or starts one and puts it on the list. `*answer` is what mint-queue
 * is told, in either case; the descriptor to pass with it is returned, -1 when none could be started. */
int workers_start(struct worker **list, const struct spawn *what, uint64_t lease, struct message *answer);

/* Starts as many as are lacking to `count` spare ones: what takes time at a worker's start is done before it is asked for. They wait for
 * their order and touch nothing. */
void workers_spare(struct worker **list, const struct spawn *what, size_t count);

/* SIGKILL to the one of that lease with all that it has started, or to all of them. They stay on the list until they are reaped. */
void workers_kill(const struct worker *list, uint64_t lease);
void workers_kill_all(const struct worker *list);

/* 1 when it was a worker that was reaped: off the list, nothing that it had started is left, `*news` is for mint-queue;
 * its lease is 0 when it was a spare one, of which mint-queue knows nothing. */
int workers_ended(struct worker **list, pid_t pid, int status, struct message *news);

#endif
