/* Starts what mintd's sandbox would not let start: pcscd in a mount namespace of its own, with the sockets of udev and USB.
 *
 * A process forked before the sandbox is entered, which listens to mintd alone, starts nothing but the `start` commands of the
 * configuration, and says who ended. What becomes of them mintd decides (pcscds.h). When mintd ends, however it does, everything
 * started here is killed.
 */
#ifndef MINT_STARTER_H
#define MINT_STARTER_H

#include <stddef.h>
#include <sys/types.h>

struct config;
struct starter;

/* News of one instance, its place in config->pcscds. */
struct starter_news {
	size_t pcscd;
	pid_t  pid;     /* it runs; 0: it has ended, or could not be started */
	int    status;  /* of waitpid(2), where it has ended */
};

/* Forks it, before sandbox_enter and before there is a loop. *starter stays NULL where no instance has a `start`. `config` is kept. 0,
 * MINT_SYSTEM or MINT_MEMORY after a log line. */
int starter_new(struct starter **starter, const struct config *config);

/* Accepts NULL; what it has started ends. */
void starter_free(struct starter **starter);

/* Readable when there is news. */
int starter_fd(const struct starter *starter);
pid_t starter_pid(const struct starter *starter);

/* Has the instance started (`signal_number` 0), or a signal sent to it and all that it has started. What comes of it is news. */
void starter_order(const struct starter *starter, size_t pcscd, int signal_number);

/* 1 with *news filled, 0 when there is none now, or none any more. */
int starter_hear(const struct starter *starter, struct starter_news *news);

#endif
