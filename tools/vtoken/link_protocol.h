/* Between link.c (the connection) and the protocols on it: vpcd.c, vscard.c. */
#ifndef MINT_VTOKEN_LINK_PROTOCOL_H
#define MINT_VTOKEN_LINK_PROTOCOL_H

#include "tools/vtoken/link.h"

#include <sys/uio.h>

enum { LINK_HEAD_MAX = 12, LINK_BODY_MAX = 65535 };

/* Messages of a head of fixed length, which tells the length of the body behind it. */
struct link_protocol {
	const char *name;
	size_t head_len;
	/* Of the body; above LINK_BODY_MAX the connection is given up. */
	size_t (*body_len)(const uint8_t *head);
	/* A whole message; the bytes are valid until it returns. */
	void (*message)(struct link *link, const uint8_t *head, const uint8_t *body, size_t len);
	void (*answer)(struct link *link, const uint8_t *bytes, size_t len);
	/* The connection stands. It says itself, by link_taken, when the card is there. */
	void (*hello)(struct link *link);
	/* The token is pulled out of the reader that had taken it, the connection will be closed; NULL: closing says all. */
	void (*farewell)(struct link *link);
	/* The token is out and the connection closed; NULL: nothing is to be done. */
	void (*out)(const struct link *link);
};

extern const struct link_protocol link_vpcd, link_vscard;

/* What a protocol may ask for. A message fits into the socket's buffer, which is empty: the reader asks one thing at a time. */
void link_send(struct link *link, const struct iovec *parts, size_t count);
void link_command(struct link *link, const uint8_t *command, size_t len);
void link_power(struct link *link, enum link_power power);
void link_taken(struct link *link);
void link_atr(const struct link *link, const uint8_t **atr, size_t *len);
uint16_t link_port(const struct link *link);

#endif
