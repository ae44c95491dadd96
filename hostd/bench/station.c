#include "hostd/bench/station.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/station_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLOSE_MS = 10,        /* between two looks whether the last transfers are back */
	RETRY_FIRST_MS = 250,
	RETRY_MAX_MS = 5000,
	STEADY_US = 10 * 1000000 /* a connection that held so long was none of those that break by themselves */
};

void
station_start(struct event *timer, unsigned ms)
{
	struct timeval after = { ms / 1000, (suseconds_t)(ms % 1000 * 1000) };

	event_add(timer, &after);
}

/* --- what mint-queue hears */

bool
station_input(const struct station *station, enum station_input which)
{
	return station->known && station->state.inputs >> which & 1;
}

static enum station_link
link_of(const struct station *station)
{
	if (station->phase == UP)
		return STATION_LINK_UP;
	if (station->phase == REFUSED || station->detail[0])
		return STATION_LINK_REFUSED;
	return station->device ? STATION_LINK_SILENT : STATION_LINK_NONE;
}

void
station_tell(struct station *station)
{
	struct message message = { .type = MESSAGE_station };
	struct message_station *now = &message.station, *told = &station->told;

	now->station = (uint8_t)station->place;
	now->link = (uint8_t)link_of(station);
	now->stopped = station->stop_echoed || station->stopped ? STOP_PRESSED : station->stop_said ? STOP_RELEASED : STOP_NOT_SAID;
	now->lid_open = station_input(station, STATION_INPUT_lid_open);
	now->serial = station->serial;
	now->build = station->phase == UP ? station->build : "";
	now->detail = now->link == STATION_LINK_REFUSED ? station->detail : "";
	if (station->told_ever && now->link == told->link && now->stopped == told->stopped && now->lid_open == told->lid_open)
		return;
	station->told_ever = true;
	*told = *now;
	station->calls->tell(&message, station->argument);
}

/* What is wrong, for people, is told whenever it changes. "" nothing. */
static void
say_detail(struct station *station, const char *detail)
{
	if (strcmp(station->detail, detail) == 0)
		return;
	snprintf(station->detail, sizeof station->detail, "%s", detail);
	if (detail[0])
		log_error("station %s: %s", station->config->name, detail);
	station->told_ever = false;
	station_tell(station);
}

/* A board with another number is worth a word only while the right one is not there. */
static void
say_stranger(struct station *station)
{
	const struct stranger *one = station->strangers, *end = one + STRANGERS_MAX;
	char detail[DETAIL_BYTES] = "";

	while (one < end && !one->device)
		one++;
	if (one < end)
		snprintf(detail, sizeof detail, "the board at %s has the serial number \"%s\", not \"%s\": plug the right one in, or mend `serial`", one->path,
		    one->serial, station->config->serial);
	say_detail(station, detail);
}

/* --- the connection */

static void
forget(struct station *station)
{
	station->awaited = 0;
	station->measure_due = false;
	if (!station->known)
		return;
	station->known = false;
	station->calls->changed(station, station->argument);
}

/* The rest, once its transfers are back: on_deadline. */
static void
hang_up(struct station *station)
{
	link_close(station->link);
	event_del(station->idle);
	station->phase = CLOSING;
	station_start(station->deadline, 0);
	forget(station);
	station_tell(station);
}

/* With a reason, to be tried again after a pause. A board that greets and then hangs, again and again, is not a new fault each time. */
void
station_break_off(struct station *station, const char *why)
{
	if (station->phase == UP && clock_monotonic_us() - station->up_us >= STEADY_US) {
		station->retry_ms = RETRY_FIRST_MS;
		station->why[0] = '\0';
	}
	if (strcmp(station->why, why) != 0)
		log_warning("station %s: %s: connecting anew; if it stays so, look at its cable", station->config->name, why);
	snprintf(station->why, sizeof station->why, "%s", why);
	hang_up(station);
}

/* For good: until another board comes. */
void
station_refuse(struct station *station, const char *why)
{
	station->refused = true;
	hang_up(station);
	say_detail(station, why);
}

static void
on_broken(const char *why, void *argument)
{
	station_break_off(argument, why);
}

/* --- coming and going */

/* What libusb says of a board that cannot be opened, and what a person is to do; "" what the log has is enough. Tried again all the same. */
static const char *
remedy(int error)
{
	static const struct { int error; const char *text; } remedies[] = {
		{ LIBUSB_ERROR_ACCESS, "mint-bench may not open it: hw/60-mintbench-station.rules in /etc/udev/rules.d, udevadm control --reload, plug it in anew; "
		                       "its user in the group mint-bench" },
		{ LIBUSB_ERROR_BUSY, "another program has it open: end that one (fuser /dev/bus/usb/*/* names it)" },
	};

	for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
		if (remedies[i].error == error)
			return remedies[i].text;
	return "";
}

static void
greet(struct station *station)
{
	int r = link_open(station->link, station->device);

	if (r != 0)
		station_break_off(station, libusb_strerror(r));
	say_detail(station, remedy(r));
	if (r != 0)
		return;
	station->phase = GREETING;
	station->stale = 0;
	station->sequence = (uint16_t)clock_monotonic_us(); /* not that of an answer which may still be on its way */
	station_order(station, STATION_identify);
}

static void
after_close(struct station *station)
{
	if (!link_finish_close(station->link)) {
		station_start(station->deadline, CLOSE_MS);
		return;
	}
	if (!station->device) {
		station->phase = ABSENT;
	} else if (station->refused) {
		station->phase = REFUSED;
	} else {
		station->phase = RESTING;
		station_start(station->deadline, station->retry_ms);
		station->retry_ms = station->retry_ms < RETRY_MAX_MS / 2 ? station->retry_ms * 2 : RETRY_MAX_MS;
	}
}

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct station *station = argument;

	(void)fd, (void)what;
	switch (station->phase) {
	case CLOSING:
		after_close(station);
		break;
	case RESTING:
		greet(station);
		break;
	case GREETING:
	case UP:
		station_break_off(station, "no answer");
		break;
	case ABSENT:
	case REFUSED:
		break;
	}
}

/* A board that is just being left may be offered again: it is tried when the last connection is closed. */
bool
station_offer(struct station *station, libusb_device *device, const char *path)
{
	char serial[USB_SERIAL_BYTES];

	usb_path_serial(path, serial);
	if (station->device || (station->config->serial[0] && strcmp(station->config->serial, serial) != 0))
		return false;
	station->refused = false;
	snprintf(station->serial, sizeof station->serial, "%s", serial);
	station->device = libusb_ref_device(device);
	station->retry_ms = RETRY_FIRST_MS;
	station->why[0] = '\0';
	if (station->phase == ABSENT)
		greet(station);
	return true;
}

void
station_turn_away(struct station *station, libusb_device *device, const char *path)
{
	struct stranger *place = station->strangers, *end = place + STRANGERS_MAX;

	while (place < end && place->device)
		place++;
	if (place == end)
		return;
	place->device = libusb_ref_device(device);
	snprintf(place->path, sizeof place->path, "%s", path);
	usb_path_serial(path, place->serial);
	if (!station->device)
		say_stranger(station);
}

static void
forget_stranger(struct station *station, const libusb_device *device)
{
	for (size_t i = 0; i < STRANGERS_MAX; i++)
		if (station->strangers[i].device && station->strangers[i].device == device) {
			libusb_unref_device(station->strangers[i].device);
			station->strangers[i].device = NULL;
		}
}

void
station_lost(struct station *station, const libusb_device *device)
{
	forget_stranger(station, device);
	if (station->device && device == station->device) {
		log_warning("station %s: unplugged; its bays keep their power", station->config->name);
		libusb_unref_device(station->device);
		station->device = NULL;
		station->refused = false;
		hang_up(station);
	}
	if (!station->device)
		say_stranger(station);
}

struct station *
station_new(struct event_base *base, struct usb *usb, const struct config *config, size_t place, const struct station_calls *calls, void *argument)
{
	static const struct link_calls link_calls = { station_on_packet, on_broken };
	struct station *station = calloc(1, sizeof *station);

	if (!station)
		return NULL;
	*station = (struct station){
		.config = &config->stations[place], .place = place, .usb = usb, .calls = calls, .argument = argument, .retry_ms = RETRY_FIRST_MS,
		.deadline = evtimer_new(base, on_deadline, station), .idle = evtimer_new(base, station_on_idle, station),
	};
	if (usb)
		station->link = link_new(usb, &link_calls, station);
	if (!station->deadline || !station->idle || (usb && !station->link))
		station_free(&station);
	else
		station_tell(station);
	return station;
}

void
station_free(struct station **place)
{
	struct station *station = *place;

	*place = NULL;
	if (!station)
		return;
	if (station->link)
		link_free(&station->link);
	if (station->device)
		libusb_unref_device(station->device);
	for (size_t i = 0; i < STRANGERS_MAX; i++)
		if (station->strangers[i].device)
			libusb_unref_device(station->strangers[i].device);
	if (station->deadline)
		event_free(station->deadline);
	if (station->idle)
		event_free(station->idle);
	free(station);
}

void
station_echo_stop(struct station *station, bool pressed)
{
	station->stop_echoed = pressed;
	if (!pressed) {
		station->stop_said = true;
		station->stopped = station_input(station, STATION_INPUT_stopped);
	}
	station_tell(station);
}

size_t
station_place(const struct station *station)
{
	return station->place;
}

const struct station_state *
station_state(const struct station *station)
{
	return station->known ? &station->state : NULL;
}

/* --- what it is to have */

static void
changed_set(struct station *station)
{
	station->set_due = true;
	station_send_next(station);
}

void
station_power(struct station *station, unsigned bay, bool on)
{
	uint16_t bit = (uint16_t)(1u << bay), wanted = (uint16_t)(on ? station->set.powered | bit : station->set.powered & ~bit);

	if (wanted == station->set.powered)
		return;
	station->set.powered = wanted;
	changed_set(station);
}

void
station_show(struct station *station, unsigned bay, enum station_light light, bool burning)
{
	uint16_t bit = (uint16_t)(1u << bay), burns = (uint16_t)(burning ? station->set.burning | bit : station->set.burning & ~bit);

	if (station->set.light[bay] == (uint8_t)light && burns == station->set.burning)
		return;
	station->set.light[bay] = (uint8_t)light;
	station->set.burning = burns;
	changed_set(station);
}

void
station_sound(struct station *station, enum station_sound sound)
{
	station->set.sound = (uint8_t)sound;
	station->set.sounding++;
	changed_set(station);
}

void
station_measure(struct station *station)
{
	station->measure_due = true;
	station_send_next(station);
}
