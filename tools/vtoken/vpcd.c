#include "tools/vtoken/vpcd.h"

#include "hostd/base/log.h"
#include "tools/vtoken/bell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LENGTH_LEN 2
#define MESSAGE_MAX 65535
#define ORDER_ATR 4
#define RETRY_FIRST_MS 2
#define RETRY_LAST_MS 250

struct vpcd {
	struct event_base *base;
	const struct vpcd_events *events;
	void *argument;
	const uint8_t *atr;
	size_t atr_len;
	uint16_t port;
	bool plugged, connected;
	bool asked;    /* a command waits for its answer */
	bool draining; /* messages are being handed out */
	int retry_ms;
	int fd;
	struct event *readable, *writable, *retry;
	size_t filled;
	uint8_t buffer[LENGTH_LEN + MESSAGE_MAX];
};

static void begin(struct vpcd *vpcd);

/* The driver looks at once: the connection is made, or closed, already. */
static void
ring(const struct vpcd *vpcd)
{
	struct sockaddr_un address;
	socklen_t length = bell_address(&address, vpcd->port);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	sendto(fd, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
	close(fd);
}

static void
disconnect(struct vpcd *vpcd)
{
	if (vpcd->readable)
		event_free(vpcd->readable);
	if (vpcd->writable)
		event_free(vpcd->writable);
	vpcd->readable = vpcd->writable = NULL;
	if (vpcd->fd >= 0)
		close(vpcd->fd);
	vpcd->fd = -1;
	vpcd->connected = vpcd->asked = false;
	vpcd->filled = 0;
}

static void
retry_later(struct vpcd *vpcd)
{
	struct timeval wait = { .tv_usec = vpcd->retry_ms * 1000 };

	disconnect(vpcd);
	event_add(vpcd->retry, &wait);
	vpcd->retry_ms = vpcd->retry_ms * 2 < RETRY_LAST_MS ? vpcd->retry_ms * 2 : RETRY_LAST_MS;
}

static void
lose(struct vpcd *vpcd)
{
	retry_later(vpcd);
	vpcd->events->lost(vpcd->argument);
}

/* A message fits into the socket's buffer, which is empty: the driver has nothing else outstanding. */
static void
send_message(struct vpcd *vpcd, const uint8_t *bytes, size_t len)
{
	uint8_t length[LENGTH_LEN] = { (uint8_t)(len >> 8), (uint8_t)len };
	struct iovec parts[] = {
		{ .iov_base = length, .iov_len = sizeof length },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = len },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (sendmsg(vpcd->fd, &message, MSG_NOSIGNAL) != (ssize_t)(LENGTH_LEN + len)) {
		log_warning("port %u: answer not sent: %s: connecting again", vpcd->port, strerror(errno));
		shutdown(vpcd->fd, SHUT_RDWR); /* the read side sees the end and starts afresh */
	}
}

static void
handle_message(struct vpcd *vpcd, const uint8_t *bytes, size_t len)
{
	if (len > 1) {
		vpcd->asked = true;
		vpcd->events->command(vpcd->argument, bytes, len);
	} else if (len == 1 && bytes[0] == ORDER_ATR) {
		send_message(vpcd, vpcd->atr, vpcd->atr_len);
	} else if (len == 1 && bytes[0] <= VPCD_RESET) {
		vpcd->events->power(vpcd->argument, bytes[0]);
	} else {
		log_warning("port %u: message of %zu bytes not understood: ignored", vpcd->port, len);
	}
}

/* Hands out whole messages, one after the other, until a command waits for its answer. */
static void
drain(struct vpcd *vpcd)
{
	size_t len;

	if (vpcd->draining)
		return;
	vpcd->draining = true;
	while (vpcd->connected && !vpcd->asked && vpcd->filled >= LENGTH_LEN) {
		len = (size_t)vpcd->buffer[0] << 8 | vpcd->buffer[1];
		if (vpcd->filled < LENGTH_LEN + len)
			break;
		handle_message(vpcd, vpcd->buffer + LENGTH_LEN, len);
		if (!vpcd->connected)
			break;
		vpcd->filled -= LENGTH_LEN + len;
		memmove(vpcd->buffer, vpcd->buffer + LENGTH_LEN + len, vpcd->filled);
	}
	vpcd->draining = false;
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct vpcd *vpcd = argument;
	size_t room = sizeof vpcd->buffer - vpcd->filled;
	ssize_t got;

	(void)what;
	got = recv(fd, vpcd->buffer + vpcd->filled, room, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lose(vpcd);
		return;
	}
	/* The kernel falls back to delayed ACKs by itself: ask again each time. */
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
	vpcd->filled += (size_t)got;
	drain(vpcd);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct vpcd *vpcd = argument;
	int error = 0;
	socklen_t len = sizeof error;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		retry_later(vpcd);
		return;
	}
	vpcd->connected = true;
	vpcd->retry_ms = RETRY_FIRST_MS;
	event_add(vpcd->readable, NULL);
	ring(vpcd);
	vpcd->events->connected(vpcd->argument);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	begin(argument);
}

static void
begin(struct vpcd *vpcd)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(vpcd->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	vpcd->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (vpcd->fd < 0) {
		retry_later(vpcd);
		return;
	}
	setsockopt(vpcd->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	vpcd->readable = event_new(vpcd->base, vpcd->fd, EV_READ | EV_PERSIST, on_readable, vpcd);
	vpcd->writable = event_new(vpcd->base, vpcd->fd, EV_WRITE, on_writable, vpcd);
	if (!vpcd->readable || !vpcd->writable || event_add(vpcd->writable, NULL) ||
	    (connect(vpcd->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS))
		retry_later(vpcd);
}

struct vpcd *
vpcd_new(struct event_base *base, uint16_t port, const uint8_t *atr, size_t atr_len, const struct vpcd_events *events,
	 void *argument)
{
	struct vpcd *vpcd = calloc(1, sizeof *vpcd);

	if (!vpcd)
		return NULL;
	vpcd->base = base;
	vpcd->port = port;
	vpcd->atr = atr;
	vpcd->atr_len = atr_len;
	vpcd->events = events;
	vpcd->argument = argument;
	vpcd->fd = -1;
	vpcd->retry = evtimer_new(base, on_retry, vpcd);
	if (!vpcd->retry)
		vpcd_free(&vpcd);
	return vpcd;
}

void
vpcd_free(struct vpcd **vpcd)
{
	if (*vpcd) {
		disconnect(*vpcd);
		if ((*vpcd)->retry)
			event_free((*vpcd)->retry);
		free(*vpcd);
	}
	*vpcd = NULL;
}

void
vpcd_plug(struct vpcd *vpcd)
{
	if (vpcd->plugged)
		return;
	vpcd->plugged = true;
	vpcd->retry_ms = RETRY_FIRST_MS;
	begin(vpcd);
}

void
vpcd_unplug(struct vpcd *vpcd)
{
	vpcd->plugged = false;
	event_del(vpcd->retry);
	disconnect(vpcd);
	ring(vpcd);
}

bool
vpcd_connected(const struct vpcd *vpcd)
{
	return vpcd->connected;
}

void
vpcd_reply(struct vpcd *vpcd, const uint8_t *bytes, size_t len)
{
	if (!vpcd->connected || !vpcd->asked)
		return;
	vpcd->asked = false;
	send_message(vpcd, bytes, len);
	drain(vpcd);
}
