#include "hostd/worker/child.h"
#include "hostd/base/clock.h"
#include "hostd/base/ipc.h"
#include "hostd/worker/terminal.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VARIABLE_MAX = 512, ENVIRONMENT_MAX = CODES + 6 + 32, EXIT_NOT_RUN = 127, ECHO_POLL_MS = 5 };

static const char path[] = "/usr/local/bin:/usr/bin:/bin";
static const char *const kept[] = { "OPENSC_CONF", "PCSCLITE_CSOCK_NAME", "HOME" };

/* Where the child's words come from, and where the last of them are kept. */
struct output {
	int                 fd;
	struct terminal    *terminal; /* NULL: a pipe */
	const struct codes *codes;
	char               *said;
	size_t              size;
};

struct environment {
	char  text[ENVIRONMENT_MAX][VARIABLE_MAX];
	char *list[ENVIRONMENT_MAX + 1];
	int   count;
};

static void
add(struct environment *environment, const char *name, const char *value)
{
	char *text = environment->text[environment->count];
	int length = environment->count < ENVIRONMENT_MAX ? snprintf(text, VARIABLE_MAX, "%s=%s", name, value) : 0;

	if (length > 0 && length < VARIABLE_MAX)
		environment->list[environment->count++] = text;
}

static void
fill(struct environment *environment, const struct child_order *order)
{
	const struct codes *codes = order->codes;

	memset(environment, 0, sizeof *environment);
	add(environment, "PATH", path);
	add(environment, "LC_ALL", "C");
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		if (getenv(kept[i]))
			add(environment, kept[i], getenv(kept[i]));
	for (char *const *variable = order->variables; variable && *variable && environment->count < ENVIRONMENT_MAX - CODES; variable++)
		environment->list[environment->count++] = *variable;
	for (enum code code = 0; code < CODES; code++)
		if (codes->text[code][0])
			add(environment, code_variable(code), codes->text[code]);
}

/* Between fork and exec. The family's lock (descriptor 4, mintd.c) is left open on purpose. */
static void
become(const struct child_order *order, struct environment *environment, const struct terminal *terminal, int output)
{
	int input;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(IPC_PARENT_FD);
	input = terminal ? terminal_enter(terminal) : open("/dev/null", O_RDONLY);
	output = terminal ? input : output;
	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_NOT_RUN);
	setenv("PATH", path, 1);
	execvpe(order->arguments[0], (char *const *)(uintptr_t)order->arguments, environment->list);
	dprintf(STDERR_FILENO, "%s: %s", order->arguments[0], strerror(errno));
	_exit(EXIT_NOT_RUN);
}

static void
keep_end(struct output *output, const char *more, size_t got)
{
	char *said = output->said;
	size_t size = output->size, have = strlen(said), length = got < size ? got : size - 1;
	size_t drop = have + length < size ? 0 : have + length - size + 1;

	memmove(said, said + drop, have - drop);
	memcpy(said + have - drop, more + got - length, length);
	said[have - drop + length] = '\0';
	for (char *c = said; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = ' ';
}

/* Keeps the end of what is read. false at the end of the stream. */
static bool
read_some(struct output *output)
{
	char more[256];
	ssize_t got = read(output->fd, more, sizeof more);

	if (got <= 0)
		return got < 0 && errno == EINTR;
	keep_end(output, more, (size_t)got);
	if (output->terminal)
		terminal_hear(output->terminal, more, (size_t)got);
	OPENSSL_cleanse(more, sizeof more);
	return true;
}

/* pkcs15-init prints no codes; should a release of it do so one day, they still go nowhere. */
static void
strike_out(char *said, const struct codes *codes)
{
	for (int code = 0; code < CODES; code++)
		for (char *at = said; codes->text[code][0] && (at = strstr(at, codes->text[code]));)
			memset(at, '*', strlen(codes->text[code]));
}

/* How long poll may wait: until the deadline, but a moment only while a prompt waits for the program to turn echo off. */
static int
patience_ms(struct output *output, int64_t left_us)
{
	int64_t left_ms = left_us / 1000 + 1;

	if (output->terminal && terminal_answer(output->terminal, output->codes) && left_ms > ECHO_POLL_MS)
		return ECHO_POLL_MS;
	return (int)left_ms;
}

/* Until the child has ended (0) or the deadline has passed (MINT_TIMEOUT). */
static int
attend(int child, struct output *output, int64_t deadline_us)
{
	struct pollfd polled[] = { { .fd = child, .events = POLLIN }, { .fd = output->fd, .events = POLLIN } };
	int64_t left_us;

	while ((left_us = deadline_us - clock_monotonic_us()) > 0) {
		if (poll(polled, 2, patience_ms(output, left_us)) < 0 && errno != EINTR)
			return MINT_SYSTEM;
		if (polled[1].revents && !read_some(output))
			polled[1].fd = -1;
		if (polled[0].revents && polled[1].fd == -1)
			return 0;
		if (polled[0].revents && !polled[1].revents)
			return 0;
	}
	return MINT_TIMEOUT;
}

static int
wait_for(pid_t pid, struct output *output, int timeout_ms)
{
	int child = pidfd_open(pid, 0), status = 0, r = MINT_SYSTEM;

	if (child >= 0)
		r = attend(child, output, clock_monotonic_us() + (int64_t)timeout_ms * 1000);
	if (r != 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (child >= 0)
		close(child);
	if (r != 0)
		return r;
	/* A program that crashed or was killed says nothing about the token: it is looked at again. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) == EXIT_NOT_RUN)
		return MINT_SYSTEM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : MINT_TOKEN_INIT;
}

/* The end that the child writes into goes to *theirs; −1 with a terminal, which it opens by name. */
static int
open_output(const struct child_order *order, struct output *output, struct terminal *terminal, int *theirs)
{
	int fds[2];

	*theirs = -1;
	if (order->prompt_count > 0) {
		output->terminal = terminal;
		if (terminal_open(terminal, order->prompts, order->prompt_count) != 0)
			return MINT_SYSTEM;
		output->fd = terminal->master;
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC) != 0)
		return MINT_SYSTEM;
	output->fd = fds[0];
	*theirs = fds[1];
	return 0;
}

int
child_run(const struct child_order *order, char *said, size_t size)
{
	struct output output = { .codes = order->codes, .said = said, .size = size };
	struct environment environment;
	struct terminal terminal;
	int theirs, r = MINT_SYSTEM;
	pid_t pid;

	said[0] = '\0';
	if (open_output(order, &output, &terminal, &theirs) != 0)
		return MINT_SYSTEM;
	fill(&environment, order);
	pid = fork();
	if (pid == 0)
		become(order, &environment, output.terminal, theirs);
	OPENSSL_cleanse(&environment, sizeof environment);
	if (theirs >= 0)
		close(theirs);
	if (pid > 0)
		r = wait_for(pid, &output, order->timeout_ms);
	close(output.fd);
	strike_out(said, order->codes);
	return r;
}
