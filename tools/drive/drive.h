/* One conversation with one mint-worker, in mint-queue's place: for `mintctl token try`, for doctor and for tests.
 *
 * The worker is started as mintd starts it: a process group of its own, its channel on descriptor 3. It dies with who started it, and
 * logs out of its token when the channel is gone.
 */
#ifndef DRIVE_DRIVE_H
#define DRIVE_DRIVE_H

#include "schemas/messages.h"

#include <sys/types.h>

struct drive;

/* Starts the program `worker` with --config `config`, and exchanges hellos. MINT_NOT_FOUND when it cannot be run, MINT_SYSTEM,
 * MINT_MEMORY, or as drive_hear. End with drive_finish or drive_kill. */
int drive_start(struct drive **drive, const char *worker, const char *config);

pid_t drive_pid(const struct drive *drive);

/* 0, or MINT_CLOSED when the worker is gone. */
int drive_say(struct drive *drive, const struct message *message);

/* Waits for one message; the caller clears it. MINT_TIMEOUT after `timeout_ms` (−1: never), MINT_CLOSED, MINT_PROTOCOL. */
int drive_hear(struct drive *drive, struct message *message, int timeout_ms);

/* Says a step and hears its answer, which the caller clears in every case: 0 when it is of the type `wanted`. When it is `failed`, the
 * error that it names. Otherwise as drive_hear. */
int drive_ask(struct drive *drive, const struct message *message, enum message_type wanted, struct message *answer, int timeout_ms);

/* Tells the worker to finish, and waits. NULL is fine. The status of waitpid(2); a worker that does not end in time is killed. */
int drive_finish(struct drive **drive);

/* Kills it with whatever it has started. The status of waitpid(2). */
int drive_kill(struct drive **drive);

#endif
