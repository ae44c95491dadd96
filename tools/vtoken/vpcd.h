/* The card's side of vpcd, the virtual reader driver of pcscd (vsmartcard 3.3).
 *
 * The driver listens on a TCP port; a card is present as long as a connection stands. Messages in both directions have
 * a length of two bytes, big-endian. One byte is an order: 00 power off, 01 power on, 02 reset (unanswered), 04 answered
 * by the ATR; anything longer is a command APDU, answered by the response. The driver asks one thing at a time, and for
 * the ATR every 400 ms: that is how pcscd learns of insertion and removal.
 *
 * The driver leaves Nagle's algorithm on and writes length and body apart: without an immediate ACK each command would
 * wait for our delayed one.
 */
#ifndef MINT_VTOKEN_VPCD_H
#define MINT_VTOKEN_VPCD_H

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vpcd;

enum vpcd_power { VPCD_POWER_OFF = 0, VPCD_POWER_ON = 1, VPCD_RESET = 2 };

struct vpcd_events {
	/* A command; the bytes are valid until it returns. Answer now or later by vpcd_reply, once. */
	void (*command)(void *argument, const uint8_t *command, size_t len);
	void (*power)(void *argument, enum vpcd_power power);
	/* The driver is reached: the card is there. */
	void (*connected)(void *argument);
	/* The connection is gone (pcscd has ended): what was in progress will not be answered. It connects again. */
	void (*lost)(void *argument);
};

/* For the port on 127.0.0.1; not connected yet. `atr` and `events` are kept, not copied. NULL when out of memory. */
struct vpcd *vpcd_new(struct event_base *base, uint16_t port, const uint8_t *atr, size_t atr_len,
		      const struct vpcd_events *events, void *argument);
void vpcd_free(struct vpcd **vpcd);

/* Connects, and connects again whenever the connection is lost, from 2 ms after the failure to every 250 ms. */
void vpcd_plug(struct vpcd *vpcd);

/* Closes the connection: the card is out. */
void vpcd_unplug(struct vpcd *vpcd);

bool vpcd_connected(const struct vpcd *vpcd);

/* Answers the command that is in progress. */
void vpcd_reply(struct vpcd *vpcd, const uint8_t *bytes, size_t len);

#endif
