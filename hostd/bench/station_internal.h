/* Between a station's parts: station.c (the board comes and goes, what mint-queue hears, what the bays are to have) and station_talk.c
 * (commands and answers). */
#ifndef MINT_BENCH_STATION_INTERNAL_H
#define MINT_BENCH_STATION_INTERNAL_H

#include "hostd/bench/link.h"
#include "hostd/bench/station.h"

#include <event2/event.h>

enum {
	STRANGERS_MAX = 4,    /* more are not named */
	BUILD_BYTES = 8,
	DETAIL_BYTES = 200
};

enum phase {
	ABSENT,      /* no device */
	CLOSING,     /* the last connection's transfers are not back yet */
	RESTING,     /* a device, and a pause before it is tried again */
	GREETING,    /* `identify` is out */
	UP,
	REFUSED      /* of another version: left alone until it is unplugged */
};

/* A board that is not this station's. */
struct stranger {
	libusb_device *device;   /* with a reference; NULL none */
	char           path[USB_PATH_BYTES], serial[USB_SERIAL_BYTES];
};

struct station {
	const struct config_station *config;
	size_t                      place;
	struct usb                 *usb;
	const struct station_calls *calls;
	void                       *argument;
	struct link                *link;
	struct event               *deadline;  /* of an answer; until a closed link is tried again; until it is closed */
	struct event               *idle;      /* nothing was said for LOOK_MS */
	enum phase                  phase;
	libusb_device              *device;    /* with a reference; NULL absent */
	struct stranger             strangers[STRANGERS_MAX];
	bool                        refused;   /* the device, until it is unplugged: phase REFUSED */
	char                        why[DETAIL_BYTES]; /* the connection broke last: one line for a fault that stays */
	char                        serial[USB_SERIAL_BYTES];
	unsigned                    retry_ms;
	int64_t                     up_us;     /* since when it is UP */
	/* the conversation */
	uint16_t                    sequence;
	uint8_t                     awaited;   /* number of the command that is out; 0 none */
	int64_t                     ordered_us;
	unsigned                    stale;
	bool                        set_due, measure_due;
	struct station_set          set;
	/* what it said */
	bool                        known;     /* `state` is of this connection */
	struct station_state        state;
	char                        build[BUILD_BYTES + 1];
	char                        detail[DETAIL_BYTES];
	bool                        stop_echoed;
	bool                        stopped;   /* as it said last: a board that is away is no release */
	bool                        stop_said; /* by the board, or by the line when it was released */
	struct message_station      told;
	bool                        told_ever;
};

/* Arms the timer anew. */
void station_start(struct event *timer, unsigned ms);

/* Whether the board said so, on this connection. */
bool station_input(const struct station *station, enum station_input which);

/* To mint-queue, when something changed. */
void station_tell(struct station *station);

/* Ends the connection for a reason: tried again after a pause; or for good, until another board comes. */
void station_break_off(struct station *station, const char *why);
void station_refuse(struct station *station, const char *why);

/* One command is out at a time: `order` sends it now, `send_next` what is due when none is. */
void station_order(struct station *station, uint8_t number);
void station_send_next(struct station *station);

/* What the board sent; what is done when nothing was said for a while. */
void station_on_packet(unsigned endpoint, const uint8_t *packet, size_t length, void *station);
void station_on_idle(evutil_socket_t fd, short what, void *station);

#endif
