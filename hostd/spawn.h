/* One way of starting every process below mintd. */
#ifndef MINT_SPAWN_H
#define MINT_SPAWN_H

#include <sys/types.h>

struct config;

enum { NO_START = 71 }; /* exit status of a child that could not become the program (EX_OSERR of sysexits.h) */

struct spawn {
	const struct config *config;
	const char *config_path;
	const char *file;        /* of the program, in config->programs; also the name of its user */
	int         has_pulse;
};

/* The pid, or MINT_SYSTEM after a log line. *channel_fd is the other end of the program's channel, *pulse_fd that of its pulse (−1
 * without one); the caller closes them. */
pid_t spawn(const struct spawn *what, int *channel_fd, int *pulse_fd);

#endif
