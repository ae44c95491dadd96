/* vpcd, the virtual reader driver of pcscd (vsmartcard 3.3).
 *
 * Messages in both directions have a length of two bytes, big-endian. One byte is an order: 00 power off, 01 power on, 02 reset
 * (unanswered), 04 answered by the ATR; anything longer is a command APDU, answered by the response. The driver asks one thing at a
 * time, and for the ATR every 400 ms: that is how pcscd learns of insertion and removal.
 */
#include "tools/vtoken/link_protocol.h"

#include "hostd/base/log.h"
#include "tools/vtoken/bell.h"

#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_LEN = 2, ORDER_ATR = 4 };

static size_t
body_len(const uint8_t *head)
{
	return (size_t)head[0] << 8 | head[1];
}

static void
answer(struct link *link, const uint8_t *bytes, size_t len)
{
	uint8_t head[HEAD_LEN] = { (uint8_t)(len >> 8), (uint8_t)len };
	struct iovec parts[] = {
		{ .iov_base = head, .iov_len = sizeof head },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = len },
	};

	link_send(link, parts, 2);
}

static void
message(struct link *link, const uint8_t *head, const uint8_t *body, size_t len)
{
	const uint8_t *atr;
	size_t atr_len;

	(void)head;
	if (len > 1) {
		link_command(link, body, len);
	} else if (len == 1 && body[0] == ORDER_ATR) {
		link_atr(link, &atr, &atr_len);
		answer(link, atr, atr_len);
	} else if (len == 1 && body[0] <= LINK_RESET) {
		link_power(link, body[0]);
	} else {
		log_warning("port %u: message of %zu bytes not understood: ignored", link_port(link), len);
	}
}

/* The driver looks at once: the connection is made, or closed, already. */
static void
ring(const struct link *link)
{
	struct sockaddr_un address;
	socklen_t length = bell_address(&address, link_port(link));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	sendto(fd, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
	close(fd);
}

/* The driver asks for what it wants to know. */
static void
hello(struct link *link)
{
	ring(link);
	link_taken(link);
}

const struct link_protocol link_vpcd = {
	.name = "vpcd", .head_len = HEAD_LEN, .body_len = body_len, .message = message, .answer = answer, .hello = hello,
	.out = ring,
};
