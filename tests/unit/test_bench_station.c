/* A station's conversation, toward a link of which the test is the other end: what comes in which order, and what cannot be opened. */
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/link.h"
#include "hostd/bench/station.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the link, and libusb where a station touches it itself */

struct link {
	const struct link_calls *calls;
	void                    *argument;
	uint8_t                  sent[STATION_FRAME_MAX]; /* last */
	unsigned                 opened;
	int                      open_answers;
};

static struct link link_one;

struct link *
link_new(struct usb *usb, const struct link_calls *calls, void *argument)
{
	(void)usb;
	link_one = (struct link){ .calls = calls, .argument = argument };
	return &link_one;
}

void
link_free(struct link **place)
{
	*place = NULL;
}

int
link_open(struct link *link, libusb_device *device)
{
	(void)device;
	link->opened++;
	return link->open_answers;
}

void
link_close(struct link *link)
{
	(void)link;
}

int
link_finish_close(struct link *link)
{
	(void)link;
	return 1;
}

int
link_send(struct link *link, const uint8_t *packet, size_t length)
{
	memcpy(link->sent, packet, length);
	return 0;
}

libusb_device *
libusb_ref_device(libusb_device *device)
{
	return device;
}

void
libusb_unref_device(libusb_device *device)
{
	(void)device;
}

/* The path is the serial number, too. */
void
usb_path_serial(const char *path, char serial[USB_SERIAL_BYTES])
{
	snprintf(serial, USB_SERIAL_BYTES, "%s", path);
}

/* In the place of the clock's own: a test that waited ten seconds would be one nobody runs. */
static int64_t now_us = 1000000;

int64_t
clock_monotonic_us(void)
{
	return now_us;
}

/* --- what the station tells */

static char           heard[512];
static unsigned       presses;
static struct station *station;

static void
tell(const struct message *message, void *argument)
{
	static const char *const links[] = { "none", "up", "refused", "silent" };

	(void)argument;
	snprintf(heard, sizeof heard, "%s %s", links[message->station.link], message->station.detail);
}

static void
changed(struct station *which, void *argument)
{
	(void)which, (void)argument;
}

static void
measured(struct station *which, const struct station_voltages *voltages, void *argument)
{
	(void)which, (void)voltages, (void)argument;
}

static void
pressed(enum station_button button, void *argument)
{
	(void)argument;
	presses += button == STATION_BUTTON_confirm;
}

/* --- what the board says */

static uint16_t
sequence(void)
{
	return (uint16_t)(link_one.sent[2] | link_one.sent[3] << 8);
}

static void
say(unsigned endpoint, struct station_frame *frame, uint16_t number)
{
	uint8_t packet[STATION_FRAME_MAX];

	frame->sequence = number;
	link_one.calls->packet(endpoint, packet, station_put(frame, packet), link_one.argument);
}

static void
say_identity(void)
{
	struct station_frame frame = { .number = STATION_identity, .identity = { .bays = STATION_BAYS } };

	memcpy(frame.identity.build, "01234567", 8);
	say(STATION_ENDPOINT_ANSWERS, &frame, sequence());
}

static void
say_state(unsigned endpoint, uint32_t uptime_ms, uint8_t confirmed, uint16_t present)
{
	struct station_frame frame = { .number = STATION_state, .state = { .uptime_ms = uptime_ms, .present = present } };

	frame.state.presses[STATION_BUTTON_confirm] = confirmed;
	say(endpoint, &frame, endpoint == STATION_ENDPOINT_ANSWERS ? sequence() : 0);
}

static libusb_device *
device(int number)
{
	static char places[4];

	return (libusb_device *)(void *)&places[number];
}

static char any[] = "", named[] = "left", mine[] = "A1";
static struct config_station configured = { .name = named, .first_bay = 1 };
static const struct config config = { .stations = &configured, .station_count = 1 };
static struct event_base *base;

static int
begin(void **state)
{
	static const struct station_calls calls = { tell, changed, measured, pressed };
	static char usb;

	configured.serial = *state ? mine : any;
	heard[0] = '\0';
	presses = 0;
	base = event_base_new();
	station = station_new(base, (struct usb *)(void *)&usb, &config, 0, &calls, NULL);
	return station ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	station_free(&station);
	event_base_free(base);
	return 0;
}

static void
link_up(uint32_t uptime_ms, uint8_t confirmed)
{
	assert_true(station_offer(station, device(0), mine));
	say_identity();
	say_state(STATION_ENDPOINT_ANSWERS, uptime_ms, confirmed, 0);
	assert_string_equal(heard, "up ");
}

/* --- tests */

/* The event of an earlier moment is read behind the answer of a later one: one finger, one press, and no way back. */
static void
state_that_is_older_than_the_last_is_dropped(void **state)
{
	(void)state;
	link_up(1000, 5);
	station_sound(station, STATION_SOUND_done);
	say_state(STATION_ENDPOINT_ANSWERS, 1010, 6, 2);
	assert_int_equal(presses, 1);
	say_state(STATION_ENDPOINT_EVENTS, 1009, 5, 1);
	assert_int_equal(station_state(station)->present, 2);
	say_state(STATION_ENDPOINT_EVENTS, 1010, 6, 2);
	say_state(STATION_ENDPOINT_EVENTS, 1020, 7, 2);
	assert_int_equal(presses, 2);
}

static void
counter_that_went_back_presses_nothing(void **state)
{
	(void)state;
	link_up(1000, 5);
	say_state(STATION_ENDPOINT_EVENTS, 1000, 4, 0);
	assert_int_equal(presses, 0);
	say_state(STATION_ENDPOINT_EVENTS, 1001, 5, 0);
	assert_int_equal(presses, 1);
}

/* 49 days are 2³² ms. */
static void
clock_of_the_board_that_begins_anew_is_later(void **state)
{
	(void)state;
	link_up(UINT32_MAX - 5, 255);
	say_state(STATION_ENDPOINT_EVENTS, 10, 1, 3);
	assert_int_equal(presses, 2);
	assert_int_equal(station_state(station)->present, 3);
}

/* What the log says while `act` is carried out `times` times. */
static unsigned
lines_logged(void (*act)(void), unsigned times)
{
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	unsigned count = 0;

	dup2(fileno(file), STDERR_FILENO);
	for (unsigned i = 0; i < times; i++)
		act();
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	for (int letter; (letter = getc(file)) != EOF;)
		count += letter == '\n';
	fclose(file);
	return count;
}

/* Until the link was opened once more. */
static void
wait_for_greeting(void)
{
	unsigned opened = link_one.opened;

	for (int i = 0; i < 1000 && link_one.opened == opened; i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(link_one.opened, opened + 1);
}

static void
greet_and_hang(void)
{
	say_identity();
	say_state(STATION_ENDPOINT_ANSWERS, 1000, 0, 0);
	link_one.calls->broken("no answer", link_one.argument);
	wait_for_greeting();
}

/* Its pauses grow, and the log says it once: that it came, and that it is being connected anew. */
static void
board_that_greets_and_hangs_is_said_once(void **state)
{
	struct timeval begun, ended, taken;

	(void)state;
	assert_true(station_offer(station, device(0), mine));
	gettimeofday(&begun, NULL);
	assert_int_equal(lines_logged(greet_and_hang, 3), 2);
	gettimeofday(&ended, NULL);
	timersub(&ended, &begun, &taken);
	assert_true(taken.tv_sec * 1000 + taken.tv_usec / 1000 >= 250 + 500 + 1000 - 50);
	assert_string_equal(heard, "silent ");
	station_lost(station, device(0));
	assert_string_equal(heard, "none ");
}

static void
hold_and_break(void)
{
	say_identity();
	say_state(STATION_ENDPOINT_ANSWERS, 1000, 0, 0);
	now_us += 11 * 1000000;
	link_one.calls->broken("no answer", link_one.argument);
	wait_for_greeting();
}

/* After ten good seconds the same fault is a new one. */
static void
connection_that_held_begins_the_pauses_anew(void **state)
{
	(void)state;
	assert_true(station_offer(station, device(0), mine));
	assert_int_equal(lines_logged(hold_and_break, 2), 3);
}

/* Told with what to do, and tried again: a rule that was mended needs no restart. */
static void
board_that_may_not_be_opened_is_told_and_tried_again(void **state)
{
	(void)state;
	link_one.open_answers = LIBUSB_ERROR_ACCESS;
	assert_true(station_offer(station, device(0), mine));
	assert_non_null(strstr(heard, "refused mint-bench may not open it: hw/60-mintbench-station.rules"));
	wait_for_greeting();
	link_one.open_answers = LIBUSB_ERROR_BUSY;
	wait_for_greeting();
	assert_non_null(strstr(heard, "refused another program has it open"));
	link_one.open_answers = 0;
	wait_for_greeting();
	say_identity();
	say_state(STATION_ENDPOINT_ANSWERS, 1000, 0, 0);
	assert_string_equal(heard, "up ");
}

static void
assert_heard(const char *link, const char *path)
{
	char expected[64];

	snprintf(expected, sizeof expected, "%s the board at %s has", link, path);
	if (strncmp(heard, expected, strlen(expected)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", heard, expected);
}

/* Each of them is named for as long as it is there and the right one is not, whichever comes and goes first. */
static void
strangers_are_named_while_the_right_board_is_missing(void **state)
{
	(void)state;
	assert_false(station_offer(station, device(1), "B1"));
	station_turn_away(station, device(1), "B1");
	assert_heard("refused", "B1");
	station_turn_away(station, device(2), "B2");
	station_lost(station, device(1));
	assert_heard("refused", "B2");
	link_up(1000, 0);
	station_turn_away(station, device(1), "B1");
	assert_string_equal(heard, "up ");
	station_lost(station, device(2));
	assert_string_equal(heard, "up ");
	station_lost(station, device(0));
	assert_heard("refused", "B1");
	station_lost(station, device(1));
	assert_string_equal(heard, "none ");
}

/* The refusal of the board that is there is not the stranger's to end. */
static void
stranger_that_leaves_takes_no_refusal_along(void **state)
{
	struct station_frame frame = { .number = STATION_identity, .identity = { .bays = 8 } };

	(void)state;
	station_turn_away(station, device(1), "B1");
	assert_true(station_offer(station, device(0), mine));
	say(STATION_ENDPOINT_ANSWERS, &frame, sequence());
	assert_string_equal(heard, "refused it has 8 bays, this host knows 16 a station");
	station_lost(station, device(1));
	assert_string_equal(heard, "refused it has 8 bays, this host knows 16 a station");
	station_lost(station, device(0));
	assert_string_equal(heard, "none ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_NAMED(name) cmocka_unit_test_prestate_setup_teardown(name, begin, end, mine)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(state_that_is_older_than_the_last_is_dropped),
		TEST(counter_that_went_back_presses_nothing),
		TEST(board_that_greets_and_hangs_is_said_once),
		TEST(connection_that_held_begins_the_pauses_anew),
		TEST(board_that_may_not_be_opened_is_told_and_tried_again),
		TEST_NAMED(strangers_are_named_while_the_right_board_is_missing),
		TEST_NAMED(stranger_that_leaves_takes_no_refusal_along),
		TEST(clock_of_the_board_that_begins_anew_is_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
