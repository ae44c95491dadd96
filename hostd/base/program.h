/* What every program below mint-queue does alike: options, configuration, channel on descriptor 3, hello, loop, end.
 *
 * The end: SIGTERM, or mint-queue gone (the supervisor starts both anew). mint-queue and mint-worker have lives of their own
 * and use only program_options.
 *
 * The sandbox (hostd/base/sandbox.h) is entered when the configuration was read, and closed further when `begin` has returned:
 * what needs a socket of another family than AF_UNIX opens it in `begin`. Files may be opened later: file permissions, not the
 * sandbox, say which.
 */
#ifndef MINT_BASE_PROGRAM_H
#define MINT_BASE_PROGRAM_H

#include "hostd/base/ipc.h"

struct config;
struct event_base;

struct program_context {
	struct event_base *base;
	struct config     *config;
	const char        *config_path;
	struct ipc        *queue;   /* the channel to mint-queue */
	void              *state;   /* the program's own */
};

struct program_info {
	enum program program;
	const char  *name;      /* "mint-bench": log lines and --help */
	const char  *purpose;   /* one sentence for --help */
	/* Called once, loop and channel ready, hello sent. 0, or a negative error after a log line: the program ends with it. */
	int (*begin)(struct program_context *context);
	/* Each message of mint-queue but its hello. */
	void (*on_message)(struct program_context *context, const struct message *message);
	/* Before the program ends; may be NULL. */
	void (*end)(struct program_context *context);
};

/* Reads --config, --help, --version. 0: go on with *config_path set. Otherwise the caller returns *status as its own. */
int program_options(const char *name, const char *purpose, int argc, char **argv, const char **config_path, int *status);

/* The whole of main: returns the exit status. */
int program_main(const struct program_info *info, int argc, char **argv);

#endif
