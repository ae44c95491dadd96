/* Packets over SOCK_SEQPACKET: the kernel keeps their borders, so there is no framing to get wrong. */
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct packet {
	struct packet *next;
	int            passed_fd;
	size_t         length;
	uint8_t        bytes[];
};

struct ipc {
	int            fd;
	struct event  *readable;
	struct event  *writable;
	struct packet *first, **last;
	ipc_handler   *handler;
	void          *argument;
	int            in_handler; /* freed inside its own handler: the loop must not touch it again */
	int            freed;
};

/* Room for the control message that carries one descriptor (unix(7), SCM_RIGHTS). */
union rights {
	struct cmsghdr header;
	char           room[CMSG_SPACE(sizeof(int))];
};

int
ipc_pair(int fds[2])
{
	int bytes = 4 * MESSAGE_MAX_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return MINT_SYSTEM;
	/* The largest message must fit whole; a kernel that grants less still grants twice its own default. */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	return 0;
}

static ssize_t
packet_send(int fd, const void *bytes, size_t length, int passed_fd)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights rights;
	ssize_t sent;

	if (passed_fd >= 0) {
		memset(&rights, 0, sizeof rights);
		header.msg_control = rights.room;
		header.msg_controllen = sizeof rights.room;
		rights.header.cmsg_level = SOL_SOCKET;
		rights.header.cmsg_type = SCM_RIGHTS;
		rights.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&rights.header), &passed_fd, sizeof passed_fd);
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		seam(SEAM_SENT);
	return sent;
}

/* Returns bytes, 0 at the end, −1 with errno. A packet or control part that did not fit is an error (EMSGSIZE). */
static ssize_t
packet_receive(int fd, void *bytes, size_t room, int *passed_fd)
{
	struct iovec part = { .iov_base = bytes, .iov_len = room };
	union rights rights;
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.room, .msg_controllen = sizeof rights.room,
	};
	struct cmsghdr *control;
	ssize_t got;

	*passed_fd = -1;
	do
		got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got;
	seam(SEAM_RECEIVED);
	control = CMSG_FIRSTHDR(&header);
	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		memcpy(passed_fd, CMSG_DATA(control), sizeof *passed_fd);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

int
ipc_read(int fd, struct message *message, int *passed_fd)
{
	uint8_t *bytes = malloc(MESSAGE_MAX_BYTES);
	int passed = -1, r;
	ssize_t got;

	if (!bytes)
		return MINT_MEMORY;
	got = packet_receive(fd, bytes, MESSAGE_MAX_BYTES, &passed);
	if (got > 0)
		r = message_get(message, bytes, (size_t)got);
	else
		r = got == 0 || errno == ECONNRESET ? MINT_CLOSED : MINT_SYSTEM;
	explicit_bzero(bytes, got > 0 ? (size_t)got : 0);
	free(bytes);
	if (passed >= 0 && (r != 0 || !passed_fd)) {
		close(passed);
		passed = -1;
	}
	if (passed_fd)
		*passed_fd = passed;
	return r;
}

int
ipc_write(int fd, const struct message *message, int passed_fd)
{
	uint8_t *bytes = malloc(MESSAGE_MAX_BYTES);
	int length, r;

	if (!bytes)
		return MINT_MEMORY;
	length = message_put(message, bytes, MESSAGE_MAX_BYTES);
	if (length < 0)
		r = length;
	else if (packet_send(fd, bytes, (size_t)length, passed_fd) < 0)
		r = errno == EPIPE || errno == ECONNRESET ? MINT_CLOSED : MINT_SYSTEM;
	else
		r = 0;
	explicit_bzero(bytes, length > 0 ? (size_t)length : 0);
	free(bytes);
	return r;
}

static void
packet_free(struct packet *packet)
{
	if (packet->passed_fd >= 0)
		close(packet->passed_fd);
	explicit_bzero(packet->bytes, packet->length);
	free(packet);
}

/* Tells the handler once that the channel is gone; it frees the channel, now or later. */
static void
channel_gone(struct ipc *ipc)
{
	event_del(ipc->readable);
	event_del(ipc->writable);
	ipc->handler(ipc, NULL, -1, ipc->argument);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	ipc_flush(argument);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	static uint8_t bytes[MESSAGE_MAX_BYTES];
	struct ipc *ipc = argument;
	struct message message;
	int passed_fd, r;
	ssize_t got = packet_receive(fd, bytes, sizeof bytes, &passed_fd);

	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	ipc->in_handler = 1;
	r = got > 0 ? message_get(&message, bytes, (size_t)got) : MINT_CLOSED;
	if (got > 0)
		explicit_bzero(bytes, (size_t)got);
	if (r == 0) {
		log_debug("channel %d: < %s", ipc->fd, message_name(message.type));
		ipc->handler(ipc, &message, passed_fd, ipc->argument);
		message_clear(&message);
	} else {
		if (passed_fd >= 0)
			close(passed_fd);
		if (r != MINT_CLOSED)
			log_error("channel %d: %s: closing it", ipc->fd, error_info(r)->what[MINT_EN]);
		channel_gone(ipc);
	}
	ipc->in_handler = 0;
	if (ipc->freed)
		ipc_free(&ipc);
}

struct ipc *
ipc_new(struct event_base *base, int fd, ipc_handler *handler, void *argument)
{
	struct ipc *ipc = calloc(1, sizeof *ipc);

	if (!ipc) {
		close(fd);
		return NULL;
	}
	evutil_make_socket_nonblocking(fd);
	*ipc = (struct ipc){ .fd = fd, .handler = handler, .argument = argument, .last = &ipc->first };
	ipc->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ipc);
	ipc->writable = event_new(base, fd, EV_WRITE, on_writable, ipc);
	if (!ipc->readable || !ipc->writable || event_add(ipc->readable, NULL) != 0)
		ipc_free(&ipc);
	return ipc;
}

void
ipc_free(struct ipc **place)
{
	struct ipc *ipc = *place;
	struct packet *packet;

	*place = NULL;
	if (!ipc)
		return;
	if (ipc->in_handler) {
		ipc->freed = 1;
		return;
	}
	while ((packet = ipc->first) != NULL) {
		ipc->first = packet->next;
		packet_free(packet);
	}
	if (ipc->readable)
		event_free(ipc->readable);
	if (ipc->writable)
		event_free(ipc->writable);
	close(ipc->fd);
	free(ipc);
}

int
ipc_queue(struct ipc *ipc, const struct message *message, int passed_fd)
{
	static uint8_t bytes[MESSAGE_MAX_BYTES];
	int length = message_put(message, bytes, sizeof bytes);
	struct packet *packet;

	if (length < 0) {
		log_error("channel %d: %s does not fit its limits: report this", ipc->fd, message_name(message->type));
		return length;
	}
	packet = malloc(sizeof *packet + (size_t)length);
	if (!packet)
		return MINT_MEMORY;
	*packet = (struct packet){ .passed_fd = passed_fd, .length = (size_t)length };
	memcpy(packet->bytes, bytes, (size_t)length);
	explicit_bzero(bytes, (size_t)length);
	*ipc->last = packet;
	ipc->last = &packet->next;
	log_debug("channel %d: > %s", ipc->fd, message_name(message->type));
	return 0;
}

void
ipc_flush(struct ipc *ipc)
{
	struct packet *packet;

	while ((packet = ipc->first) != NULL) {
		if (packet_send(ipc->fd, packet->bytes, packet->length, packet->passed_fd) < 0) {
			/* A dead peer is noticed by reading, which tells the handler from the loop, not from here. */
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				event_add(ipc->writable, NULL);
			return;
		}
		ipc->first = packet->next;
		if (!ipc->first)
			ipc->last = &ipc->first;
		packet_free(packet);
	}
}

int
ipc_send(struct ipc *ipc, const struct message *message, int passed_fd)
{
	int r = ipc_queue(ipc, message, passed_fd);

	if (r == 0)
		ipc_flush(ipc);
	return r;
}

int
ipc_hello(struct ipc *ipc, enum program program)
{
	struct message message = { .type = MESSAGE_hello };

	message.hello = (struct message_hello){
		.version = MESSAGES_VERSION, .program = program, .pid = (uint32_t)getpid(), .release = MINT_RELEASE,
	};
	return ipc_send(ipc, &message, -1);
}

int
ipc_check_hello(const struct message *message)
{
	if (message->type != MESSAGE_hello) {
		log_error("channel: %s came before hello: closing it", message_name(message->type));
		return MINT_PROTOCOL;
	}
	if (message->hello.version == MESSAGES_VERSION)
		return 0;
	log_error("process %u: speaks version %u of the messages, this program %d: install both from one build",
	    message->hello.pid, message->hello.version, MESSAGES_VERSION);
	return MINT_PROTOCOL;
}
