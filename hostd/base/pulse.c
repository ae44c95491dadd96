#include "hostd/base/pulse.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ABOVE_ALL = 10 }; /* no number that a child's descriptors have */

static const char variable[] = "MINT_PULSE", value[] = "5";

struct pulse {
	struct event *readable;
};

int
pulse_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0 ? 0 : MINT_SYSTEM;
}

int
pulse_pass(int fd)
{
	int high;

	unsetenv(variable);
	if (fd < 0)
		return 0;
	high = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_ALL); /* dup2(2) of a descriptor onto itself would leave it close-on-exec */
	if (high < 0 || dup2(high, PULSE_FD) < 0 || setenv(variable, value, 1) != 0)
		return MINT_SYSTEM;
	return 0;
}

static ssize_t
beat(int fd)
{
	char byte = 0;

	return send(fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t
take(int fd)
{
	char byte;
	ssize_t got;

	do
		got = recv(fd, &byte, 1, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got;
}

void
pulse_ask(int fd)
{
	(void)beat(fd); /* what does not fit was not answered either */
}

int
pulse_heard(int fd)
{
	int heard = 0;

	while (take(fd) > 0)
		heard++;
	return heard;
}

static void
on_question(evutil_socket_t fd, short what, void *argument)
{
	struct pulse *pulse = argument;
	ssize_t got;

	(void)what;
	while ((got = take(fd)) > 0)
		(void)beat(fd);
	if (got == 0)
		event_del(pulse->readable); /* mintd is gone: the channel says so, too */
}

int
pulse_answer(struct event_base *base, struct pulse **out)
{
	const char *number = getenv(variable);
	struct pulse *pulse;

	*out = NULL;
	if (!number || strcmp(number, value) != 0)
		return 0;
	(void)fcntl(PULSE_FD, F_SETFD, FD_CLOEXEC);
	pulse = calloc(1, sizeof *pulse);
	if (!pulse)
		return MINT_MEMORY;
	pulse->readable = event_new(base, PULSE_FD, EV_READ | EV_PERSIST, on_question, pulse);
	if (!pulse->readable || event_add(pulse->readable, NULL) != 0)
		pulse_free(&pulse);
	*out = pulse;
	return pulse ? 0 : MINT_MEMORY;
}

void
pulse_free(struct pulse **place)
{
	struct pulse *pulse = *place;

	*place = NULL;
	if (pulse && pulse->readable)
		event_free(pulse->readable);
	free(pulse);
}
