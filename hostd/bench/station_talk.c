/* What is said to a station and what it answers, one command at a time; and what it says by itself. */
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/station_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
	ANSWER_MS = 1000,     /* the board answers within a few milliseconds */
	LOOK_MS = 1000,
	STALE_MAX = 8,        /* answers to a connection before this one that may still lie in the board */
	PRESSES_MAX = 8,      /* of one button between two states: a finger is not faster */
	PRESSES_BACK = 128    /* so many and more are a counter that went back: no press at all */
};

/* --- commands */

void
station_order(struct station *station, uint8_t number)
{
	struct station_frame frame = { .number = number, .sequence = ++station->sequence };
	uint8_t packet[STATION_FRAME_MAX];
	int r;

	if (number == STATION_set)
		frame.set = station->set;
	r = link_send(station->link, packet, station_put(&frame, packet));
	if (r != 0) {
		station_break_off(station, libusb_strerror(r));
		return;
	}
	station->awaited = number;
	station->ordered_us = clock_monotonic_us();
	event_del(station->idle);
	station_start(station->deadline, ANSWER_MS);
}

void
station_send_next(struct station *station)
{
	if (station->phase != UP || station->awaited)
		return;
	if (station->set_due) {
		station->set_due = false;
		station_order(station, STATION_set);
	} else if (station->measure_due) {
		station->measure_due = false;
		station_order(station, STATION_measure);
	} else {
		station_start(station->idle, LOOK_MS);
	}
}

void
station_on_idle(evutil_socket_t fd, short what, void *argument)
{
	struct station *station = argument;

	(void)fd, (void)what;
	if (station->phase == UP && !station->awaited)
		station_order(station, STATION_look);
}

/* --- what it says */

static void
refuse_version(struct station *station, unsigned version)
{
	char why[DETAIL_BYTES];

	snprintf(why, sizeof why, "its firmware speaks version %u, this host version %d: %s", version, STATION_VERSION,
	    version > STATION_VERSION ? "update the host" : "flash the firmware of this release (make flash)");
	station_refuse(station, why);
}

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
	station->stopped = station_input(station, STATION_INPUT_stopped);
	station->stop_said = true;
	station_tell(station);
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
		station_refuse(station, why);
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

void
station_on_packet(unsigned endpoint, const uint8_t *packet, size_t length, void *argument)
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
		station_send_next(station);
		return;
	}
	snprintf(why, sizeof why, "sent %zu bytes, number %u, sequence %u, endpoint %u: %s", length, frame.number, frame.sequence, endpoint, faults[fault]);
	station_break_off(station, why);
}
