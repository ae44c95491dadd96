#include "hostd/bench/station.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/link.h"

#include <ctype.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MS = 1000,     /* the board answers within a few milliseconds */
	LOOK_MS = 1000,
	CLOSE_MS = 10,        /* between two looks whether the last transfers are back */
	RETRY_FIRST_MS = 250,
	RETRY_MAX_MS = 5000,
	STEADY_US = 10 * 1000000, /* a connection that held so long was none of those that break by themselves */
	STALE_MAX = 8,        /* answers to a connection before this one that may still lie in the board */
	PRESSES_MAX = 8,      /* of one button between two states: a finger is not faster */
	PRESSES_BACK = 128,   /* so many and more are a counter that went back: no press at all */
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

static void
start(struct event *timer, unsigned ms)
{
	struct timeval after = { ms / 1000, (suseconds_t)(ms % 1000 * 1000) };

	event_add(timer, &after);
}

/* --- what mint-queue hears */

static bool
input(const struct station *station, enum station_input which)
{
	return station->known && station->state.inputs >> which & 1;
}

static void
tell(struct station *station)
{
	struct message message = { .type = MESSAGE_station };
	struct message_station *now = &message.station, *told = &station->told;

	now->station = (uint8_t)station->place;
	now->link = station->phase == UP ? STATION_LINK_UP : station->phase == REFUSED || station->detail[0] ? STATION_LINK_REFUSED : STATION_LINK_NONE;
	now->stopped = station->stop_echoed || station->stopped ? STOP_PRESSED : station->stop_said ? STOP_RELEASED : STOP_NOT_SAID;
	now->lid_open = input(station, STATION_INPUT_lid_open);
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
	tell(station);
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
	start(station->deadline, 0);
	forget(station);
	tell(station);
}

/* With a reason, to be tried again after a pause. A board that greets and then hangs, again and again, is not a new fault each time. */
static void
break_off(struct station *station, const char *why)
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
static void
refuse(struct station *station, const char *why)
{
	station->refused = true;
	hang_up(station);
	say_detail(station, why);
}

static void
refuse_version(struct station *station, unsigned version)
{
	char why[DETAIL_BYTES];

	snprintf(why, sizeof why, "its firmware speaks version %u, this host version %d: %s", version, STATION_VERSION,
	    version > STATION_VERSION ? "update the host" : "flash the firmware of this release (make flash)");
	refuse(station, why);
}

/* --- commands */

static void send_next(struct station *);

static void
order(struct station *station, uint8_t number)
{
	struct station_frame frame = { .number = number, .sequence = ++station->sequence };
	uint8_t packet[STATION_FRAME_MAX];
	int r;

	if (number == STATION_set)
		frame.set = station->set;
	r = link_send(station->link, packet, station_put(&frame, packet));
	if (r != 0) {
		break_off(station, libusb_strerror(r));
		return;
	}
	station->awaited = number;
	station->ordered_us = clock_monotonic_us();
	event_del(station->idle);
	start(station->deadline, ANSWER_MS);
}

static void
send_next(struct station *station)
{
	if (station->phase != UP || station->awaited)
		return;
	if (station->set_due) {
		station->set_due = false;
		order(station, STATION_set);
	} else if (station->measure_due) {
		station->measure_due = false;
		order(station, STATION_measure);
	} else {
		start(station->idle, LOOK_MS);
	}
}

static void
on_idle(evutil_socket_t fd, short what, void *argument)
{
	struct station *station = argument;

	(void)fd, (void)what;
	if (station->phase == UP && !station->awaited)
		order(station, STATION_look);
}

/* --- what it says */

static void
take_presses(struct station *station, const struct station_state *now)
{
	for (enum station_button button = 0; button < STATION_BUTTONS; button++) {
		uint8_t presses = (uint8_t)(now->presses[button] - station->state.presses[button]);

		for (uint8_t i = 0; i < presses && i < PRESSES_MAX && presses < PRESSES_BACK; i++)
			station->calls->pressed(button, station->argument);
	}
}

/* Answers and events come from two endpoints: what the board said first may be read last. */
static bool
is_older(const struct station *station, const struct station_state *state)
{
	return station->known && (int32_t)(state->uptime_ms - station->state.uptime_ms) < 0;
}

/* What was pressed while nobody listened was not meant for now: the first state of a connection presses nothing. */
static int
take_state(struct station *station, const struct station_frame *frame)
{
	if (station->phase != UP || is_older(station, &frame->state))
		return 0;
	if (station->known)
		take_presses(station, &frame->state);
	station->state = frame->state;
	station->known = true;
	station->stopped = input(station, STATION_INPUT_stopped);
	station->stop_said = true;
	tell(station);
	station->calls->changed(station, station->argument);
	return 0;
}

static int
take_identity(struct station *station, const struct station_frame *frame)
{
	char why[DETAIL_BYTES];

	for (size_t i = 0; i < BUILD_BYTES; i++)
		station->build[i] = isprint(frame->identity.build[i]) ? (char)frame->identity.build[i] : '?';
	if (frame->identity.bays != STATION_BAYS) {
		snprintf(why, sizeof why, "it has %u bays, this host knows %d a station", frame->identity.bays, STATION_BAYS);
		refuse(station, why);
		return 0;
	}
	if (!station->why[0])
		log_info("station %s: serial number %s, firmware %s, up for %u s", station->config->name, station->serial, station->build,
		    frame->identity.uptime_ms / 1000);
	station->phase = UP;
	station->up_us = clock_monotonic_us();
	station->set_due = true; /* whatever it has now: what it had before the cable was out, or nothing */
	return 0;
}

static int
take_voltages(struct station *station, const struct station_frame *frame)
{
	station->calls->measured(station, &frame->voltages, station->argument);
	return 0;
}

static int
take_refusal(struct station *station, const struct station_frame *frame)
{
	if (frame->version != STATION_VERSION || frame->refused.refusal == STATION_REFUSAL_version) {
		refuse_version(station, frame->version != STATION_VERSION ? frame->version : frame->refused.version);
		return 0;
	}
	log_error("station %s: refused command %u, reason %u", station->config->name, station->awaited, frame->refused.refusal);
	return -1;
}

/* What answers what; a row's `take` returns −1 for what makes no sense. */
static const struct answer {
	uint8_t command, number;
	int   (*take)(struct station *station, const struct station_frame *frame);
} answers[] = {
	{ STATION_identify, STATION_identity, take_identity },
	{ STATION_set, STATION_state, take_state },
	{ STATION_look, STATION_state, take_state },
	{ STATION_measure, STATION_voltages, take_voltages },
};

static const struct answer *
answer_of(uint8_t command, uint8_t number)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (answers[i].command == command && answers[i].number == number)
			return &answers[i];
	return NULL;
}

/* An answer that nobody waits for: one that an earlier connection asked for, as long as this one has just begun. */
static bool
is_stale(struct station *station, const struct station_frame *frame)
{
	return station->phase == GREETING && frame->sequence != station->sequence && station->stale++ < STALE_MAX;
}

static int
take_answer(struct station *station, const struct station_frame *frame)
{
	const struct answer *answer = answer_of(station->awaited, frame->number);

	if (!station->awaited || frame->sequence != station->sequence || (!answer && frame->number != STATION_refused))
		return -1;
	log_debug("station %s: command %u was answered after %lld us", station->config->name, station->awaited,
	    (long long)(clock_monotonic_us() - station->ordered_us));
	station->awaited = 0;
	event_del(station->deadline);
	return answer ? answer->take(station, frame) : take_refusal(station, frame);
}

static void
on_packet(unsigned endpoint, const uint8_t *packet, size_t length, void *argument)
{
	static const char *const faults[] = {
		[STATION_FINE] = "out of turn", [STATION_SHORT] = "shorter than its head", [STATION_UNKNOWN] = "of an unknown number",
		[STATION_MALFORMED] = "of the wrong length", [STATION_OTHER_VERSION] = "of another version than its first one",
	};
	struct station *station = argument;
	struct station_frame frame = { .number = 0 };
	enum station_fault fault = station_get(&frame, packet, length);
	char why[96];
	int r = -1;

	if (fault == STATION_OTHER_VERSION && station->phase == GREETING) {
		refuse_version(station, frame.version);
		return;
	}
	if (fault == STATION_FINE && endpoint == STATION_ENDPOINT_EVENTS)
		r = frame.number == STATION_state ? take_state(station, &frame) : -1;
	else if (fault == STATION_FINE && is_stale(station, &frame))
		r = 0;
	else if (fault == STATION_FINE)
		r = take_answer(station, &frame);
	if (r == 0) {
		send_next(station);
		return;
	}
	snprintf(why, sizeof why, "sent %zu bytes, number %u, sequence %u, endpoint %u: %s", length, frame.number, frame.sequence, endpoint, faults[fault]);
	break_off(station, why);
}

static void
on_broken(const char *why, void *argument)
{
	break_off(argument, why);
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
		break_off(station, libusb_strerror(r));
	say_detail(station, remedy(r));
	if (r != 0)
		return;
	station->phase = GREETING;
	station->stale = 0;
	station->sequence = (uint16_t)clock_monotonic_us(); /* not that of an answer which may still be on its way */
	order(station, STATION_identify);
}

static void
after_close(struct station *station)
{
	if (!link_finish_close(station->link)) {
		start(station->deadline, CLOSE_MS);
		return;
	}
	if (!station->device) {
		station->phase = ABSENT;
	} else if (station->refused) {
		station->phase = REFUSED;
	} else {
		station->phase = RESTING;
		start(station->deadline, station->retry_ms);
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
		break_off(station, "no answer");
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
	static const struct link_calls link_calls = { on_packet, on_broken };
	struct station *station = calloc(1, sizeof *station);

	if (!station)
		return NULL;
	*station = (struct station){
		.config = &config->stations[place], .place = place, .usb = usb, .calls = calls, .argument = argument, .retry_ms = RETRY_FIRST_MS,
		.deadline = evtimer_new(base, on_deadline, station), .idle = evtimer_new(base, on_idle, station),
	};
	if (usb)
		station->link = link_new(usb, &link_calls, station);
	if (!station->deadline || !station->idle || (usb && !station->link))
		station_free(&station);
	else
		tell(station);
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
		station->stopped = input(station, STATION_INPUT_stopped);
	}
	tell(station);
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
	send_next(station);
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
	send_next(station);
}
