/* The USB connection to a board: packets out, packets in, all of it asynchronous. What they mean is station.c's.
 *
 * Source: USB 2.0, 5.8 and 5.7; endpoints of schemas/station.h. */
#ifndef MINT_BENCH_LINK_H
#define MINT_BENCH_LINK_H

#include "hostd/bench/usb.h"

#include <stddef.h>
#include <stdint.h>

struct link;

/* Called from the loop, within libusb: nothing may be opened or freed in them; link_close is allowed. */
struct link_calls {
	/* A packet came on endpoint STATION_ENDPOINT_ANSWERS or STATION_ENDPOINT_EVENTS. */
	void (*packet)(unsigned endpoint, const uint8_t *packet, size_t length, void *argument);
	/* It does not work any more, `why` for technicians: link_close comes next. Once a connection. */
	void (*broken)(const char *why, void *argument);
};

/* NULL when out of memory. Free with link_free, which waits a moment for what is on its way. */
struct link *link_new(struct usb *usb, const struct link_calls *calls, void *argument);
void link_free(struct link **link);

/* Takes a closed link to the device. 0, or a (negative) code of libusb's. From the loop, not within libusb. */
int link_open(struct link *link, libusb_device *device);

/* Begins to close; packets are not told any more. link_finish_close then, from the loop and not within libusb, until it says 1. */
void link_close(struct link *link);

/* 1 when it is closed; 0: transfers are still on their way, ask again when `link_close` was long enough ago. */
int link_finish_close(struct link *link);

/* Sends one packet of at most STATION_FRAME_MAX bytes; while the last one is on its way, for an answer may be reaped first, right behind it.
 * 0, or a (negative) code of libusb's. */
int link_send(struct link *link, const uint8_t *packet, size_t length);

#endif
