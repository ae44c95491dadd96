/* A slot's connection to what plays its reader. It listens on a TCP port; a token is in the reader as long as a connection stands,
 * so plugging one in is connecting.
 *
 * Two kinds of readers are spoken to (link_protocol_by_name): vpcd, a driver of pcscd, and the CCID readers of QEMU. */
#ifndef MINT_VTOKEN_LINK_H
#define MINT_VTOKEN_LINK_H

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;
struct link_protocol;

enum link_power { LINK_POWER_OFF = 0, LINK_POWER_ON = 1, LINK_RESET = 2 };

struct link_events {
	/* A command; the bytes are valid until it returns. Answer now or later by link_reply, once. */
	void (*command)(void *argument, const uint8_t *command, size_t len);
	void (*power)(void *argument, enum link_power power);
	/* The reader is reached and has taken the card: the card is there. */
	void (*connected)(void *argument);
	/* The connection is gone (pcscd has ended, the reader lost its power): what was in progress will not be answered. It connects
	 * again. */
	void (*lost)(void *argument);
};

/* "vpcd" or "vscard"; NULL for any other name. */
const struct link_protocol *link_protocol_by_name(const char *name);

/* For the port on 127.0.0.1; not connected yet. `atr` and `events` are kept, not copied. NULL when out of memory. */
struct link *link_new(struct event_base *base, const struct link_protocol *protocol, uint16_t port, const uint8_t *atr, size_t atr_len,
		      const struct link_events *events, void *argument);
void link_free(struct link **link);

/* Connects, and connects again whenever the connection is lost, from 2 ms after the failure to every 250 ms. */
void link_plug(struct link *link);

/* Closes the connection: the card is out. */
void link_unplug(struct link *link);

/* Whether the reader has taken the card. */
bool link_connected(const struct link *link);

/* Answers the command that is in progress. */
void link_reply(struct link *link, const uint8_t *bytes, size_t len);

#endif
