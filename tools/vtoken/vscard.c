/* VSCARD, which QEMU's ccid-card-passthru speaks (libcacard's vscard_common.h): the readers of a guest.
 *
 * A message has a head of three numbers, big-endian: kind, reader, length of the body. Both sides greet; then the card's side adds the
 * reader, which attaches it to the guest's USB bus, and tells the ATR, which puts the card in; each is answered by an error number,
 * 0 for done. From then on commands come and answers go, one at a time. Removing the reader detaches it: a token with a reader of its
 * own is pulled out. QEMU tells nobody when its guest resets a card or takes its power: here only removal resets it.
 */
#include "tools/vtoken/link_protocol.h"

#include "hostd/base/log.h"

#include <arpa/inet.h>
#include <string.h>

enum kind {
	KIND_INIT = 1, KIND_ERROR = 2, KIND_READER_ADD = 3, KIND_READER_REMOVE = 4, KIND_ATR = 5, KIND_CARD_REMOVE = 6, KIND_APDU = 7,
	KIND_FLUSH = 8, KIND_FLUSH_COMPLETE = 9
};
#define NO_READER 0xFFFFFFFFu /* of a message that is about none yet */
#define READER 0              /* a connection has one */
#define VERSION 2
#define READER_NAME "vtoken"

struct head { uint32_t kind, reader, len; };
struct init { char magic[4]; uint32_t version, capabilities; };

_Static_assert(sizeof(struct head) == LINK_HEAD_MAX, "three numbers and nothing between them");

static size_t
body_len(const uint8_t *bytes)
{
	struct head head;

	memcpy(&head, bytes, sizeof head);
	return ntohl(head.len);
}

static struct head
head_of(enum kind kind, uint32_t reader, size_t len)
{
	return (struct head){ htonl(kind), htonl(reader), htonl((uint32_t)len) };
}

static void
send_message(struct link *link, enum kind kind, uint32_t reader, const void *body, size_t len)
{
	struct head head = head_of(kind, reader, len);
	struct iovec parts[] = {
		{ .iov_base = &head, .iov_len = sizeof head },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = len },
	};

	link_send(link, parts, len ? 2 : 1);
}

static void
hello(struct link *link)
{
	struct init init = { .magic = "VSCD", .version = htonl(VERSION) };

	send_message(link, KIND_INIT, NO_READER, &init, sizeof init);
}

static void
answer(struct link *link, const uint8_t *bytes, size_t len)
{
	send_message(link, KIND_APDU, READER, bytes, len);
}

/* In one piece: after its answer to the first QEMU may find the connection closed and read no further. */
static void
farewell(struct link *link)
{
	struct head heads[] = { head_of(KIND_CARD_REMOVE, READER, 0), head_of(KIND_READER_REMOVE, READER, 0) };
	struct iovec part = { .iov_base = heads, .iov_len = sizeof heads };

	link_send(link, &part, 1);
}

typedef void take(struct link *link, const struct head *head, const uint8_t *body, size_t len);

static void
take_init(struct link *link, const struct head *head, const uint8_t *body, size_t len)
{
	(void)head;
	(void)body;
	(void)len;
	send_message(link, KIND_READER_ADD, NO_READER, READER_NAME, sizeof READER_NAME);
}

/* Of the reader that was added, then of the ATR; what the second answers is told by link_connected. */
static void
take_error(struct link *link, const struct head *head, const uint8_t *body, size_t len)
{
	const uint8_t *atr;
	uint32_t number;
	size_t atr_len;

	if (len != sizeof number)
		return;
	memcpy(&number, body, sizeof number);
	if (number || ntohl(head->reader) != READER) {
		log_warning("port %u: QEMU refuses: error %u", link_port(link), ntohl(number));
	} else if (!link_connected(link)) {
		link_atr(link, &atr, &atr_len);
		link_taken(link);
		send_message(link, KIND_ATR, READER, atr, atr_len);
	}
}

static void
take_apdu(struct link *link, const struct head *head, const uint8_t *body, size_t len)
{
	(void)head;
	link_command(link, body, len);
}

static void
take_flush(struct link *link, const struct head *head, const uint8_t *body, size_t len)
{
	(void)body;
	(void)len;
	send_message(link, KIND_FLUSH_COMPLETE, ntohl(head->reader), NULL, 0);
}

static take *const takes[] = {
	[KIND_INIT] = take_init, [KIND_ERROR] = take_error, [KIND_APDU] = take_apdu, [KIND_FLUSH] = take_flush,
};

static void
message(struct link *link, const uint8_t *bytes, const uint8_t *body, size_t len)
{
	struct head head;
	uint32_t kind;

	memcpy(&head, bytes, sizeof head);
	kind = ntohl(head.kind);
	if (kind < sizeof takes / sizeof takes[0] && takes[kind])
		takes[kind](link, &head, body, len);
	else
		log_warning("port %u: message of kind %u not understood: ignored", link_port(link), kind);
}

const struct link_protocol link_vscard = {
	.name = "vscard", .head_len = sizeof(struct head), .body_len = body_len, .message = message, .answer = answer, .hello = hello,
	.farewell = farewell,
};
