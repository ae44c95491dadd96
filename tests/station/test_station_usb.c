/* The firmware's USB device, by the book: every standard request of USB 2.0 chapter 9, good and bad, on the shipped ELF. */
#include "tests/station/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ADDRESSED = 1, CONFIGURED = 2, BOTH = 3 };
enum { HALT_COMMANDS = 0x01, HALT_ANSWERS = 0x82, HALT_EVENTS = 0x83 };

static struct board *board;

static int
power_up(void **state)
{
	(void)state;
	return board_new(host_firmware(), &board);
}

static int
power_down(void **state)
{
	(void)state;
	board_free(&board);
	return 0;
}

static void
descriptors_say_what_the_device_is(void **state)
{
	static const uint8_t device[18] = { 18, 1, 0, 2, 0xff, 0, 0, 64, 0x09, 0x12, 1, 0, STATION_VERSION, 0, 1, 2, 3, 1 };
	static const uint8_t configuration[39] = {
		9, 2, 39, 0, 1, 1, 0, 0xc0, 0,
		9, 4, 0, 0, 3, 0xff, 0, 0, 0,
		7, 5, 0x01, 2, 64, 0, 0,
		7, 5, 0x82, 2, 64, 0, 0,
		7, 5, 0x83, 3, 64, 0, 2,
	};
	uint8_t bytes[256];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(board_usb_address(board), 7);
	assert_int_equal(host_request(board, 0x80, 6, 0x0100, 0, 255, bytes), sizeof device);
	assert_memory_equal(bytes, device, sizeof device);
	assert_int_equal(host_request(board, 0x80, 6, 0x0200, 0, 255, bytes), sizeof configuration);
	assert_memory_equal(bytes, configuration, sizeof configuration);
	assert_int_equal(host_request(board, 0x80, 6, 0x0100, 0, 8, bytes), 8); /* no more than the host wants */
}

/* UTF-16LE from ASCII. */
static void
assert_string(uint8_t index, const char *expected)
{
	uint8_t bytes[256], text[2 + 2 * 32] = { (uint8_t)(2 + 2 * strlen(expected)), 3 };

	for (size_t i = 0; expected[i]; i++)
		text[2 + 2 * i] = (uint8_t)expected[i];
	assert_int_equal(host_request(board, 0x80, 6, (uint16_t)(0x0300 | index), 0x0409, 255, bytes), text[0]);
	assert_memory_equal(bytes, text, text[0]);
}

static void
strings_are_utf16_and_the_serial_number_is_the_eeproms(void **state)
{
	static const uint8_t english[4] = { 4, 3, 9, 4 };
	uint8_t bytes[256];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_request(board, 0x80, 6, 0x0300, 0, 255, bytes), 4);
	assert_memory_equal(bytes, english, 4);
	assert_string(1, "Mintbench");
	assert_string(2, "station");
	assert_string(3, "SIM00001");
	board_serial(board, "A-20.charactersLong!");
	assert_string(3, "A-20.charactersLong");   /* what is not allowed ends it */
	board_serial(board, "ABCDEFGHIJKLMNOPQRST");
	assert_string(3, "ABCDEFGHIJKLMNOPQRST");
	board_serial(board, NULL);
	assert_string(3, "unset");
}

struct bad {
	const char *what;
	int         when;                  /* ADDRESSED, CONFIGURED or BOTH */
	uint8_t     type, request;
	uint16_t    value, index, length;
};

static const struct bad bad[] = {
	{ "GET_STATUS of the device with a value", BOTH, 0x80, 0, 1, 0, 2 },
	{ "GET_STATUS of the device with an index", BOTH, 0x80, 0, 0, 1, 2 },
	{ "GET_STATUS of one byte", BOTH, 0x80, 0, 0, 0, 1 },
	{ "GET_STATUS of three bytes", BOTH, 0x80, 0, 0, 0, 3 },
	{ "GET_STATUS of the interface before there is one", ADDRESSED, 0x81, 0, 0, 0, 2 },
	{ "GET_STATUS of interface 1", BOTH, 0x81, 0, 0, 1, 2 },
	{ "GET_STATUS of an endpoint not in use", ADDRESSED, 0x82, 0, 0, 0x82, 2 },
	{ "GET_STATUS of endpoint 4", BOTH, 0x82, 0, 0, 0x84, 2 },
	{ "GET_STATUS of the wrong direction", BOTH, 0x82, 0, 0, 0x81, 2 },
	{ "GET_STATUS of an endpoint with stray bits", BOTH, 0x82, 0, 0, 0x0182, 2 },
	{ "GET_STATUS of a recipient that is none", BOTH, 0x83, 0, 0, 0, 2 },
	{ "CLEAR_FEATURE of remote wake-up", BOTH, 0x00, 1, 1, 0, 0 },
	{ "SET_FEATURE of remote wake-up", BOTH, 0x00, 3, 1, 0, 0 },
	{ "SET_FEATURE of a test mode", BOTH, 0x00, 3, 2, 0x0100, 0 },
	{ "SET_FEATURE of the interface", BOTH, 0x01, 3, 0, 0, 0 },
	{ "SET_FEATURE halt of endpoint 0", BOTH, 0x02, 3, 0, 0, 0 },
	{ "SET_FEATURE halt of an endpoint not in use", ADDRESSED, 0x02, 3, 0, 0x01, 0 },
	{ "SET_FEATURE of another feature of an endpoint", BOTH, 0x02, 3, 7, 0x01, 0 },
	{ "CLEAR_FEATURE of another feature of an endpoint", BOTH, 0x02, 1, 7, 0x01, 0 },
	{ "CLEAR_FEATURE with a data stage", BOTH, 0x02, 1, 0, 0x01, 4 },
	{ "SET_ADDRESS above 127", ADDRESSED, 0x00, 5, 128, 0, 0 },
	{ "SET_ADDRESS with an index", ADDRESSED, 0x00, 5, 9, 1, 0 },
	{ "SET_ADDRESS with a data stage", ADDRESSED, 0x00, 5, 9, 0, 1 },
	{ "SET_ADDRESS while configured", CONFIGURED, 0x00, 5, 9, 0, 0 },
	{ "GET_DESCRIPTOR of the second configuration", BOTH, 0x80, 6, 0x0201, 0, 255 },
	{ "GET_DESCRIPTOR of a device qualifier", BOTH, 0x80, 6, 0x0600, 0, 255 },
	{ "GET_DESCRIPTOR of another speed", BOTH, 0x80, 6, 0x0700, 0, 255 },
	{ "GET_DESCRIPTOR of an interface", BOTH, 0x80, 6, 0x0400, 0, 255 },
	{ "GET_DESCRIPTOR of a string that is not there", BOTH, 0x80, 6, 0x0304, 0x0409, 255 },
	{ "GET_DESCRIPTOR of Microsoft's string", BOTH, 0x80, 6, 0x03ee, 0, 255 },
	{ "GET_DESCRIPTOR of an interface's report", BOTH, 0x81, 6, 0x2200, 0, 255 },
	{ "SET_DESCRIPTOR", BOTH, 0x00, 7, 0x0100, 0, 18 },
	{ "GET_CONFIGURATION of two bytes", BOTH, 0x80, 8, 0, 0, 2 },
	{ "GET_CONFIGURATION with a value", BOTH, 0x80, 8, 1, 0, 1 },
	{ "SET_CONFIGURATION 2", BOTH, 0x00, 9, 2, 0, 0 },
	{ "SET_CONFIGURATION 257", BOTH, 0x00, 9, 257, 0, 0 },
	{ "SET_CONFIGURATION with an index", BOTH, 0x00, 9, 1, 1, 0 },
	{ "GET_INTERFACE before there is one", ADDRESSED, 0x81, 10, 0, 0, 1 },
	{ "GET_INTERFACE of interface 1", BOTH, 0x81, 10, 0, 1, 1 },
	{ "SET_INTERFACE before there is one", ADDRESSED, 0x01, 11, 0, 0, 0 },
	{ "SET_INTERFACE of another setting", BOTH, 0x01, 11, 1, 0, 0 },
	{ "SET_INTERFACE of interface 1", BOTH, 0x01, 11, 0, 1, 0 },
	{ "SYNCH_FRAME", BOTH, 0x82, 12, 0, 0x83, 2 },
	{ "a standard request that is none", BOTH, 0x80, 13, 0, 0, 2 },
	{ "a request of the reserved type", BOTH, 0xe0, 6, 0x0100, 0, 18 },
	{ "a class request", BOTH, 0xa1, 0xfe, 0, 0, 1 },
	{ "a vendor request that reads", BOTH, 0xc0, 1, 0, 4, 16 },
	{ "a vendor request that writes", BOTH, 0x40, 1, 0, 0, 64 },
	{ "the wrong direction: GET_DESCRIPTOR out", BOTH, 0x00, 6, 0x0100, 0, 18 },
};

/* Each is stalled, is counted, and the very next request is answered. */
static void
assert_all_stalled(int when)
{
	uint8_t bytes[256] = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int r;

		if (!(bad[i].when & when))
			continue;
		r = host_request(board, bad[i].type, bad[i].request, bad[i].value, bad[i].index, bad[i].length, bytes);
		if (r != BOARD_STALL)
			fail_msg("%s: %d instead of a stall", bad[i].what, r);
		if (host_request(board, 0x80, 0, 0, 0, 2, bytes) != 2)
			fail_msg("after %s the default pipe is stuck", bad[i].what);
	}
}

static void
bad_requests_are_stalled_and_the_next_is_answered(void **state)
{
	struct station_frame command = { .number = STATION_inspect }, health;
	uint8_t configuration;
	int count = 0;

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_request(board, 0x00, 9, 0, 0, 0, NULL), 0); /* back to addressed */
	assert_all_stalled(ADDRESSED);
	assert_int_equal(host_request(board, 0x80, 8, 0, 0, 1, &configuration), 1);
	assert_int_equal(configuration, 0);
	assert_int_equal(host_request(board, 0x00, 9, 1, 0, 0, NULL), 0);
	assert_all_stalled(CONFIGURED);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		count += bad[i].when == BOTH ? 2 : 1;
	assert_int_equal(host_command(board, &command, &health), 0);
	assert_int_equal(health.health.counters[STATION_COUNTER_stalls], count);
	assert_int_equal(board_usb_address(board), 7); /* none of them did anything by half */
}

static void
status_tells_self_powered_and_halted(void **state)
{
	uint8_t bytes[2] = { 0xee, 0xee };

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_request(board, 0x80, 0, 0, 0, 2, bytes), 2);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[1], 0);
	assert_int_equal(host_request(board, 0x81, 0, 0, 0, 2, bytes), 2);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(host_request(board, 0x82, 0, 0, 0x00, 2, bytes), 2);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(host_request(board, 0x81, 10, 0, 0, 1, bytes), 1);
	assert_int_equal(bytes[0], 0);
}

static void
halted_endpoint_stalls_until_the_halt_is_cleared(void **state)
{
	static const uint8_t endpoints[] = { HALT_COMMANDS, HALT_ANSWERS, HALT_EVENTS };
	struct station_state told;
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	for (size_t i = 0; i < sizeof endpoints; i++) {
		const uint8_t number = endpoints[i] & 0x0f;

		assert_int_equal(host_request(board, 0x02, 3, 0, endpoints[i], 0, NULL), 0);
		assert_int_equal(host_request(board, 0x82, 0, 0, endpoints[i], 2, bytes), 2);
		assert_int_equal(bytes[0], 1);
		if (endpoints[i] & 0x80)
			assert_int_equal(board_in(board, number, bytes, sizeof bytes, 5000), BOARD_STALL);
		else
			assert_int_equal(board_out(board, number, bytes, 4, 5000), BOARD_STALL);
		assert_int_equal(host_request(board, 0x02, 1, 0, endpoints[i], 0, NULL), 0);
		assert_int_equal(host_request(board, 0x82, 0, 0, endpoints[i], 2, bytes), 2);
		assert_int_equal(bytes[0], 0);
		assert_int_equal(host_look(board, &told), 0);
	}
	assert_int_equal(host_request(board, 0x02, 1, 0, 0, 0, NULL), 0); /* of endpoint 0: nothing to clear, as well as done */
}

/* What lay in an endpoint when its halt was cleared is gone, and not an empty packet either. */
static void
cleared_halt_leaves_nothing_in_the_endpoint(void **state)
{
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	board_run_us(board, 5000); /* the first state waits in the endpoint of events */
	assert_int_equal(host_request(board, 0x02, 3, 0, HALT_EVENTS, 0, NULL), 0);
	assert_int_equal(host_request(board, 0x02, 1, 0, HALT_EVENTS, 0, NULL), 0);
	assert_int_equal(board_in(board, STATION_ENDPOINT_EVENTS, bytes, sizeof bytes, 5000), BOARD_NAK);
}

/* A new host begins with no answer of the last one's, and hears the state by itself. */
static void
configuring_anew_drops_what_lay_in_the_endpoints(void **state)
{
	static const uint8_t look[] = { STATION_VERSION, STATION_look, 1, 0 };
	struct station_state told;
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(board_out(board, STATION_ENDPOINT_COMMANDS, look, sizeof look, HOST_TIMEOUT_US), sizeof look);
	board_run_us(board, 5000);
	assert_int_equal(host_request(board, 0x00, 9, 1, 0, 0, NULL), 0);
	assert_int_equal(board_in(board, STATION_ENDPOINT_ANSWERS, bytes, sizeof bytes, 5000), BOARD_NAK);
	assert_int_equal(host_event(board, &told, 5000), 0);
	assert_int_equal(board_out(board, STATION_ENDPOINT_COMMANDS, look, sizeof look, HOST_TIMEOUT_US), sizeof look);
	board_run_us(board, 5000);
	assert_int_equal(host_request(board, 0x01, 11, 0, 0, 0, NULL), 0); /* SET_INTERFACE does the same */
	assert_int_equal(board_in(board, STATION_ENDPOINT_ANSWERS, bytes, sizeof bytes, 5000), BOARD_NAK);
	assert_int_equal(host_look(board, &told), 0);
}

static void
unconfigured_device_has_no_endpoints_but_the_default_pipe(void **state)
{
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_request(board, 0x00, 9, 0, 0, 0, NULL), 0);
	for (uint8_t endpoint = 1; endpoint < 4; endpoint++)
		assert_int_equal(board_in(board, endpoint, bytes, sizeof bytes, 2000), BOARD_GONE);
}

/* The address is the old one's until the status stage is over. */
static void
address_changes_behind_the_status_stage(void **state)
{
	static const uint8_t set_address[8] = { 0x00, 5, 21 };
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	board_usb_reset(board);
	assert_int_equal(board_setup(board, set_address, HOST_TIMEOUT_US), 0);
	board_run_us(board, 5000);
	assert_int_equal(board_usb_address(board), 0);
	assert_int_equal(board_in(board, 0, bytes, sizeof bytes, HOST_TIMEOUT_US), 0);
	board_run_us(board, 1500);
	assert_int_equal(board_usb_address(board), 21);
}

/* A host that breaks off in any stage: the next SETUP is served as if nothing had been. */
static void
broken_off_transfers_do_not_hold_the_next(void **state)
{
	static const uint8_t get_configuration[8] = { 0x80, 6, 0, 2, 0, 0, 255, 0 };
	static const uint8_t set_configuration[8] = { 0x00, 9, 1 };
	uint8_t bytes[256];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(board_setup(board, get_configuration, HOST_TIMEOUT_US), 0);
	assert_int_equal(host_request(board, 0x80, 8, 0, 0, 1, bytes), 1);
	assert_int_equal(board_setup(board, get_configuration, HOST_TIMEOUT_US), 0);
	assert_int_equal(board_in(board, 0, bytes, 64, HOST_TIMEOUT_US), 39);
	assert_int_equal(host_request(board, 0x80, 8, 0, 0, 1, bytes), 1);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(board_setup(board, set_configuration, HOST_TIMEOUT_US), 0);
	assert_int_equal(host_request(board, 0x80, 0, 0, 0, 2, bytes), 2);
	assert_int_equal(board_setup(board, get_configuration, HOST_TIMEOUT_US), 0);
	assert_int_equal(board_out(board, 0, NULL, 0, HOST_TIMEOUT_US), 0); /* satisfied before the first byte */
	assert_int_equal(host_request(board, 0x80, 0, 0, 0, 2, bytes), 2);
}

/* The host's empty packet and its next SETUP may both be there before the program looks. */
static void
setup_right_behind_a_status_stage_is_served(void **state)
{
	static const uint8_t get_status[8] = { 0x80, 0, 0, 0, 0, 0, 2, 0 };
	uint8_t bytes[BOARD_PACKET_MAX];

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(board_setup(board, get_status, HOST_TIMEOUT_US), 0);
		assert_int_equal(board_in(board, 0, bytes, sizeof bytes, HOST_TIMEOUT_US), 2);
		assert_int_equal(board_out(board, 0, NULL, 0, HOST_TIMEOUT_US), 0);
	}
	assert_int_equal(host_request(board, 0x80, 8, 0, 0, 1, bytes), 1);
	assert_int_equal(bytes[0], 1);
}

static void
request_for_no_bytes_has_no_data_stage(void **state)
{
	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_request(board, 0x80, 6, 0x0100, 0, 0, NULL), 0);
}

/* Self-powered: D+ is not pulled up without the host's VBUS, and the bays keep their power. */
static void
unplugged_device_lets_go_of_the_bus_and_keeps_the_bays(void **state)
{
	struct station_state told;

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_set(board, 0x0003, 0, &told), 0);
	host_wait_ms(board, 200);
	assert_int_equal(board_switches(board), 0x0003);
	board_usb_plug(board, 0);
	board_run_us(board, 20000);
	assert_int_equal(board_usb_attached(board), 0);
	board_usb_plug(board, 1);
	board_run_us(board, 20000);
	assert_int_equal(board_usb_attached(board), 1);
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_look(board, &told), 0);
	assert_int_equal(told.powered, 0x0003);
}

static void
suspend_and_resume_change_nothing(void **state)
{
	struct station_state told;

	(void)state;
	assert_int_equal(host_enumerate(board), 0);
	assert_int_equal(host_set(board, 0x8000, 0, &told), 0);
	host_wait_ms(board, 200);
	board_usb_suspend(board, 1);
	assert_int_equal(board_switches(board), 0x8000);
	board_usb_suspend(board, 0);
	assert_int_equal(host_look(board, &told), 0);
	assert_int_equal(told.powered, 0x8000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_up, power_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(descriptors_say_what_the_device_is),
		TEST(strings_are_utf16_and_the_serial_number_is_the_eeproms),
		TEST(bad_requests_are_stalled_and_the_next_is_answered),
		TEST(status_tells_self_powered_and_halted),
		TEST(halted_endpoint_stalls_until_the_halt_is_cleared),
		TEST(cleared_halt_leaves_nothing_in_the_endpoint),
		TEST(configuring_anew_drops_what_lay_in_the_endpoints),
		TEST(unconfigured_device_has_no_endpoints_but_the_default_pipe),
		TEST(address_changes_behind_the_status_stage),
		TEST(broken_off_transfers_do_not_hold_the_next),
		TEST(setup_right_behind_a_status_stage_is_served),
		TEST(request_for_no_bytes_has_no_data_stage),
		TEST(unplugged_device_lets_go_of_the_bus_and_keeps_the_bays),
		TEST(suspend_and_resume_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
