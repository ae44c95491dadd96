#include "hostd/worker/child.h"
#include "hostd/base/clock.h"
#include "hostd/base/ipc.h"
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

enum { VARIABLE_MAX = 512, ENVIRONMENT_MAX = CODES + 6, EXIT_NOT_RUN = 127 };

static const char path[] = "/usr/local/bin:/usr/bin:/bin";
static const char *const kept[] = { "OPENSC_CONF", "PCSCLITE_CSOCK_NAME", "HOME" };

struct environment {
	char  text[ENVIRONMENT_MAX][VARIABLE_MAX];
	char *list[ENVIRONMENT_MAX + 1];
	int   count;
};

static void
add(struct environment *environment, const char *name, const char *value)
{
	char *text = environment->text[environment->count];
	int length = snprintf(text, VARIABLE_MAX, "%s=%s", name, value);

	if (length > 0 && length < VARIABLE_MAX)
		environment->list[environment->count++] = text;
}

static void
fill(struct environment *environment, const struct codes *codes)
{
	memset(environment, 0, sizeof *environment);
	add(environment, "PATH", path);
	add(environment, "LC_ALL", "C");
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		if (getenv(kept[i]))
			add(environment, kept[i], getenv(kept[i]));
	for (enum code code = 0; code < CODES; code++)
		if (codes->text[code][0])
			add(environment, code_variable(code), codes->text[code]);
}

/* Between fork and exec. The family's lock (descriptor 4, mintd.c) is left open on purpose. */
static void
become(const struct child_order *order, struct environment *environment, int output)
{
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(IPC_PARENT_FD);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_NOT_RUN);
	setenv("PATH", path, 1);
	execvpe(order->arguments[0], (char *const *)(uintptr_t)order->arguments, environment->list);
	dprintf(STDERR_FILENO, "%s: %s", order->arguments[0], strerror(errno));
	_exit(EXIT_NOT_RUN);
}

/* Keeps the end of what is read. false at the end of the stream. */
static bool
read_some(int output, char *said, size_t size)
{
	char more[256];
	ssize_t got = read(output, more, sizeof more);
	size_t have = strlen(said), length, drop;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	length = (size_t)got < size ? (size_t)got : size - 1;
	drop = have + length < size ? 0 : have + length - size + 1;
	memmove(said, said + drop, have - drop);
	memcpy(said + have - drop, more + got - length, length);
	said[have - drop + length] = '\0';
	for (char *c = said; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = ' ';
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

/* Until the child has ended (0) or the deadline has passed (MINT_TIMEOUT). */
static int
attend(int child, int output, int64_t deadline_us, char *said, size_t size)
{
	struct pollfd polled[] = { { .fd = child, .events = POLLIN }, { .fd = output, .events = POLLIN } };
	int64_t left_us;

	while ((left_us = deadline_us - clock_monotonic_us()) > 0) {
		if (poll(polled, 2, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
			return MINT_SYSTEM;
		if (polled[1].revents && !read_some(output, said, size))
			polled[1].fd = -1;
		if (polled[0].revents && polled[1].fd == -1)
			return 0;
		if (polled[0].revents && !polled[1].revents)
			return 0;
	}
	return MINT_TIMEOUT;
}

static int
wait_for(pid_t pid, int output, int timeout_ms, char *said, size_t size)
{
	int child = pidfd_open(pid, 0), status = 0, r = MINT_SYSTEM;

	if (child >= 0)
		r = attend(child, output, clock_monotonic_us() + (int64_t)timeout_ms * 1000, said, size);
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

int
child_run(const struct child_order *order, char *said, size_t size)
{
	struct environment environment;
	int output[2], r = MINT_SYSTEM;
	pid_t pid;

	said[0] = '\0';
	if (pipe2(output, O_CLOEXEC) != 0)
		return MINT_SYSTEM;
	fill(&environment, order->codes);
	pid = fork();
	if (pid == 0)
		become(order, &environment, output[1]);
	OPENSSL_cleanse(&environment, sizeof environment);
	close(output[1]);
	if (pid > 0)
		r = wait_for(pid, output[0], order->timeout_ms, said, size);
	close(output[0]);
	strike_out(said, order->codes);
	return r;
}
