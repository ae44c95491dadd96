#include "tools/vtoken/link_protocol.h"

#include "hostd/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_FIRST_MS 2
#define RETRY_LAST_MS 250

struct link {
	struct event_base *base;
	const struct link_protocol *protocol;
	const struct link_events *events;
	void *argument;
	const uint8_t *atr;
	size_t atr_len;
	uint16_t port;
	bool plugged, connected;
	bool taken;    /* the reader has the card */
	bool asked;    /* a command waits for its answer */
	bool draining; /* messages are being handed out */
	int retry_ms;
	int fd;
	struct event *readable, *writable, *retry;
	size_t filled;
	uint8_t buffer[LINK_HEAD_MAX + LINK_BODY_MAX];
};

static void begin(struct link *link);

static void
disconnect(struct link *link)
{
	if (link->readable)
		event_free(link->readable);
	if (link->writable)
		event_free(link->writable);
	link->readable = link->writable = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->connected = link->taken = link->asked = false;
	link->filled = 0;
}

static void
retry_later(struct link *link)
{
	struct timeval wait = { .tv_usec = link->retry_ms * 1000 };

	disconnect(link);
	event_add(link->retry, &wait);
	link->retry_ms = link->retry_ms * 2 < RETRY_LAST_MS ? link->retry_ms * 2 : RETRY_LAST_MS;
}

static void
lose(struct link *link)
{
	retry_later(link);
	link->events->lost(link->argument);
}

void
link_send(struct link *link, const struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count };
	size_t len = 0;

	for (size_t n = 0; n < count; n++)
		len += parts[n].iov_len;
	if (sendmsg(link->fd, &message, MSG_NOSIGNAL) != (ssize_t)len) {
		log_warning("port %u: message not sent: %s: connecting again", link->port, strerror(errno));
		shutdown(link->fd, SHUT_RDWR); /* the read side sees the end and starts afresh */
	}
}

void
link_command(struct link *link, const uint8_t *command, size_t len)
{
	link->asked = true;
	link->events->command(link->argument, command, len);
}

void
link_power(struct link *link, enum link_power power)
{
	link->events->power(link->argument, power);
}

void
link_taken(struct link *link)
{
	link->taken = true;
	link->events->connected(link->argument);
}

void
link_atr(const struct link *link, const uint8_t **atr, size_t *len)
{
	*atr = link->atr;
	*len = link->atr_len;
}

uint16_t
link_port(const struct link *link)
{
	return link->port;
}

/* A length that no message has: the other side does not speak this protocol. */
static void
give_up(struct link *link)
{
	log_warning("port %u: a message longer than %d bytes: connecting again", link->port, LINK_BODY_MAX);
	shutdown(link->fd, SHUT_RDWR);
	link->filled = 0;
}

/* Hands out whole messages, one after the other, until a command waits for its answer. */
static void
drain(struct link *link)
{
	size_t head = link->protocol->head_len, len;

	if (link->draining)
		return;
	link->draining = true;
	while (link->connected && !link->asked && link->filled >= head) {
		len = link->protocol->body_len(link->buffer);
		if (len > LINK_BODY_MAX)
			give_up(link);
		if (link->filled < head + len)
			break;
		link->protocol->message(link, link->buffer, link->buffer + head, len);
		if (!link->connected)
			break;
		link->filled -= head + len;
		memmove(link->buffer, link->buffer + head + len, link->filled);
	}
	link->draining = false;
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct link *link = argument;
	size_t room = sizeof link->buffer - link->filled;
	ssize_t got;

	(void)what;
	got = recv(fd, link->buffer + link->filled, room, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lose(link);
		return;
	}
	/* vpcd leaves Nagle's algorithm on and writes length and body apart: without an immediate ACK each command would wait for our
	 * delayed one. The kernel falls back to delayed ACKs by itself: ask again each time. */
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
	link->filled += (size_t)got;
	drain(link);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct link *link = argument;
	int error = 0;
	socklen_t len = sizeof error;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		retry_later(link);
		return;
	}
	link->connected = true;
	link->retry_ms = RETRY_FIRST_MS;
	event_add(link->readable, NULL);
	link->protocol->hello(link);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	begin(argument);
}

static void
begin(struct link *link)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(link->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0) {
		retry_later(link);
		return;
	}
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	link->readable = event_new(link->base, link->fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(link->base, link->fd, EV_WRITE, on_writable, link);
	if (!link->readable || !link->writable || event_add(link->writable, NULL) ||
	    (connect(link->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS))
		retry_later(link);
}

const struct link_protocol *
link_protocol_by_name(const char *name)
{
	static const struct link_protocol *const protocols[] = { &link_vpcd, &link_vscard };

	for (size_t n = 0; n < sizeof protocols / sizeof protocols[0]; n++)
		if (strcmp(protocols[n]->name, name) == 0)
			return protocols[n];
	return NULL;
}

struct link *
link_new(struct event_base *base, const struct link_protocol *protocol, uint16_t port, const uint8_t *atr, size_t atr_len,
	 const struct link_events *events, void *argument)
{
	struct link *link = calloc(1, sizeof *link);

	if (!link)
		return NULL;
	link->base = base;
	link->protocol = protocol;
	link->port = port;
	link->atr = atr;
	link->atr_len = atr_len;
	link->events = events;
	link->argument = argument;
	link->fd = -1;
	link->retry = evtimer_new(base, on_retry, link);
	if (!link->retry)
		link_free(&link);
	return link;
}

void
link_free(struct link **link)
{
	if (*link) {
		disconnect(*link);
		if ((*link)->retry)
			event_free((*link)->retry);
		free(*link);
	}
	*link = NULL;
}

void
link_plug(struct link *link)
{
	if (link->plugged)
		return;
	link->plugged = true;
	link->retry_ms = RETRY_FIRST_MS;
	begin(link);
}

void
link_unplug(struct link *link)
{
	link->plugged = false;
	event_del(link->retry);
	if (link->taken && link->protocol->farewell)
		link->protocol->farewell(link);
	disconnect(link);
	if (link->protocol->out)
		link->protocol->out(link);
}

bool
link_connected(const struct link *link)
{
	return link->taken;
}

void
link_reply(struct link *link, const uint8_t *bytes, size_t len)
{
	if (!link->connected || !link->asked)
		return;
	link->asked = false;
	link->protocol->answer(link, bytes, len);
	drain(link);
}
