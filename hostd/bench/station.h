/* A station: what its sixteen bays are to have, kept so whatever happens to the cable; what it tells of them.
 *
 * `set` says everything every time, so after an unplug the last one is simply sent again. A second without anything to say is filled with
 * `look`, which keeps the link alive (STATION_LINK_MS). A board that answers late, wrongly or not at all loses its connection and gets a new
 * one, with growing pauses; one of another version is left alone until it is plugged in again. One that
 * may not be opened, or that another program has, is told with what to do about it, and tried again. Nothing here ever waits. */
#ifndef MINT_BENCH_STATION_H
#define MINT_BENCH_STATION_H

#include "hostd/bench/usb.h"
#include "schemas/messages.h"
#include "schemas/station.h"

#include <stdbool.h>

struct config;
struct event_base;
struct station;

struct station_calls {
	/* Message `station`: how the board stands has changed. */
	void (*tell)(const struct message *message, void *argument);
	/* A new `state` is known, or none is known any more. */
	void (*changed)(struct station *station, void *argument);
	/* The answer to station_measure. */
	void (*measured)(struct station *station, const struct station_voltages *voltages, void *argument);
	void (*pressed)(enum station_button button, void *argument);
};

/* `place` in config->stations. Tells how it stands at once: no link. NULL when out of memory. `usb` may be NULL: no link ever. */
struct station *station_new(struct event_base *base, struct usb *usb, const struct config *config, size_t place, const struct station_calls *calls,
    void *argument);
void station_free(struct station **station);

/* A board came: takes it when it has none and the serial number is its own, returns true. */
bool station_offer(struct station *station, libusb_device *device, const char *path);
/* One that no station took: a station that has none says so, for as long as both is true. */
void station_turn_away(struct station *station, libusb_device *device, const char *path);
/* A board went. */
void station_lost(struct station *station, const libusb_device *device);

size_t station_place(const struct station *station);

/* The host's own line says so; told as `stopped`, whatever the board says. Its release counts for a board that is away, too. */
void station_echo_stop(struct station *station, bool pressed);

/* What it says now; NULL while there is no link. Valid until the loop goes on. */
const struct station_state *station_state(const struct station *station);

/* What the board is to have, sent together as soon as possible. Bays by their place on the board, 0 to 15. */
void station_power(struct station *station, unsigned bay, bool on);
void station_show(struct station *station, unsigned bay, enum station_light light, bool burning);
void station_sound(struct station *station, enum station_sound sound);

/* Asks for the voltages: answered by `measured`, not at all when the link goes. */
void station_measure(struct station *station);

#endif
