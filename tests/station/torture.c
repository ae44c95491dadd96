/* Random transfers against the shipped firmware: whatever a host does, it answers by the book, never hangs, is never bitten by its
 * watchdog, and never lets its stack near its variables.
 *
 *   torture [COUNT [SEED]]      20000 and 1; TAP on standard output, and a line of numbers
 *
 * A model of what USB 2.0 chapter 9 demands runs beside it for the standard requests that matter to the state (address, configuration,
 * halts); all other requests need only end: data, a stall, never silence.
 */
#include "tests/station/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_COUNT = 20000, SETTLE_US = 20000, STACK_FREE_MIN = 256 };

struct torture {
	struct board *board;
	uint32_t      random;
	unsigned long count, done;
	int           configured;           /* what the device must be now */
	uint8_t       address;
	uint8_t       halted[4];
	unsigned      broken;               /* transfers broken off on purpose */
	int           failed;
};

/* xorshift32 (Marsaglia 2003): the same on every machine. */
static uint32_t
draw(struct torture *torture)
{
	torture->random ^= torture->random << 13;
	torture->random ^= torture->random >> 17;
	torture->random ^= torture->random << 5;
	return torture->random;
}

static uint32_t
below(struct torture *torture, uint32_t limit)
{
	return draw(torture) % limit;
}

__attribute__((format(printf, 2, 3))) static void
complain(struct torture *torture, const char *format, ...)
{
	va_list arguments;

	printf("# transfer %lu: ", torture->done);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	torture->failed = 1;
}

static void
forget_halts(struct torture *torture)
{
	memset(torture->halted, 0, sizeof torture->halted);
}

/* --- control transfers */

static uint8_t
random_type(struct torture *torture)
{
	static const uint8_t usual[] = { 0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x40, 0xc0 };

	return below(torture, 4) ? usual[below(torture, sizeof usual)] : (uint8_t)draw(torture);
}

/* Mostly near what means something. */
static void
random_setup(struct torture *torture, uint8_t setup[8])
{
	static const uint8_t lengths[] = { 0, 0, 1, 2, 8, 18, 64, 255 };
	static const uint8_t indices[] = { 0x00, 0x01, 0x82, 0x83, 0x80, 0x81, 0x02, 0x84 };

	setup[0] = random_type(torture);
	setup[1] = (uint8_t)below(torture, below(torture, 8) ? 14 : 256);
	setup[2] = (uint8_t)below(torture, below(torture, 4) ? 4 : 256);
	setup[3] = (uint8_t)below(torture, below(torture, 4) ? 4 : 256);
	setup[4] = below(torture, 4) ? indices[below(torture, sizeof indices)] : (uint8_t)draw(torture);
	setup[5] = below(torture, 8) ? 0 : (uint8_t)draw(torture);
	setup[6] = below(torture, 4) ? lengths[below(torture, sizeof lengths)] : (uint8_t)draw(torture);
	setup[7] = below(torture, 16) ? 0 : (uint8_t)below(torture, 3);
}

static int
is(const uint8_t setup[8], uint8_t type, uint8_t request)
{
	return setup[0] == type && setup[1] == request;
}

/* The endpoint in use that the setup's index names, or 0. */
static unsigned
endpoint_of(const struct torture *torture, const uint8_t setup[8])
{
	static const uint8_t addresses[] = { 0x01, 0x82, 0x83 };

	for (unsigned i = 0; torture->configured && i < sizeof addresses; i++)
		if (setup[4] == addresses[i] && setup[5] == 0)
			return i + 1;
	return 0;
}

/* What a request that was carried out has changed. */
static void
follow(struct torture *torture, const uint8_t setup[8])
{
	const unsigned endpoint = endpoint_of(torture, setup);

	if (is(setup, 0x00, 5))
		torture->address = setup[2];
	if (is(setup, 0x00, 9))
		torture->configured = setup[2];
	if (is(setup, 0x00, 9) || is(setup, 0x01, 11))
		forget_halts(torture);
	if (endpoint && is(setup, 0x02, 3))
		torture->halted[endpoint] = 1;
	if (endpoint && is(setup, 0x02, 1))
		torture->halted[endpoint] = 0;
}

static void
whole_control(struct torture *torture)
{
	uint8_t setup[8], data[1024] = { 0 };
	int r;

	random_setup(torture, setup);
	r = board_control(torture->board, setup, data, HOST_TIMEOUT_US);
	if (r >= 0)
		follow(torture, setup);
	else if (r != BOARD_STALL)
		complain(torture, "request %02x %02x %02x%02x %02x%02x %02x%02x: no end: %d", setup[0], setup[1], setup[3], setup[2], setup[5],
		    setup[4], setup[7], setup[6], r);
}

/* Broken off behind the setup, or behind a packet. Only reads: what half of a write does is for the device to say. */
static void
broken_control(struct torture *torture)
{
	static const uint8_t reads[][8] = {
		{ 0x80, 6, 0, 1, 0, 0, 18, 0 }, { 0x80, 6, 0, 2, 0, 0, 255, 0 }, { 0x80, 6, 3, 3, 9, 4, 255, 0 }, { 0x80, 0, 0, 0, 0, 0, 2, 0 },
	};
	uint8_t packet[BOARD_PACKET_MAX];

	torture->broken++;
	if (board_setup(torture->board, reads[below(torture, 4)], HOST_TIMEOUT_US) != 0)
		complain(torture, "a setup was not taken");
	if (below(torture, 2))
		board_in(torture->board, 0, packet, sizeof packet, below(torture, 2000));
	if (below(torture, 2))
		board_out(torture->board, 0, NULL, 0, below(torture, 2000));
}

/* --- frames */

/* A frame of the list, whole or spoilt in one place, or plain noise. */
static uint32_t
random_packet(struct torture *torture, uint8_t packet[BOARD_PACKET_MAX])
{
	struct station_frame frame = { .number = (uint8_t)(1 + below(torture, 5)), .sequence = (uint16_t)draw(torture) };
	uint32_t length;

	for (unsigned i = 0; i < BOARD_PACKET_MAX; i++)
		packet[i] = (uint8_t)draw(torture);
	if (below(torture, 4) == 0)
		return below(torture, BOARD_PACKET_MAX + 1);
	frame.set.powered = (uint16_t)draw(torture);
	frame.set.burning = (uint16_t)draw(torture);
	for (unsigned bay = 0; bay < STATION_BAYS; bay++)
		frame.set.light[bay] = (uint8_t)below(torture, STATION_LIGHTS_OF_HOST);
	frame.set.sound = (uint8_t)below(torture, STATION_SOUNDS);
	length = station_put(&frame, packet);
	if (below(torture, 4) == 0)
		packet[below(torture, length)] ^= (uint8_t)(1u << below(torture, 8));
	return below(torture, 8) ? length : below(torture, BOARD_PACKET_MAX + 1);
}

static void
check_end(struct torture *torture, unsigned endpoint, int r, int nak_is_fine)
{
	const int expected = !torture->configured ? BOARD_GONE : torture->halted[endpoint] ? BOARD_STALL : 0;

	if (expected == 0 ? r >= 0 || (r == BOARD_NAK && nak_is_fine) : r == expected)
		return;
	complain(torture, "endpoint %u: %d where %d was due", endpoint, r, expected);
}

/* The host may leave answers where they are: then the device takes no command any more, until they are fetched. */
static void
send_packet(struct torture *torture)
{
	uint8_t packet[BOARD_PACKET_MAX];
	const uint32_t length = random_packet(torture, packet);

	check_end(torture, 1, board_out(torture->board, 1, packet, length, 4000), 1);
}

static void
fetch_packet(struct torture *torture)
{
	uint8_t packet[BOARD_PACKET_MAX];
	const unsigned endpoint = 2 + below(torture, 2);
	struct station_frame frame;
	int r = board_in(torture->board, (uint8_t)endpoint, packet, sizeof packet, below(torture, 4000));

	check_end(torture, endpoint, r, 1);
	if (r >= 0 && (station_get(&frame, packet, (size_t)r) != STATION_FINE || frame.number < STATION_identity))
		complain(torture, "endpoint %u: not an answer", endpoint);
}

/* --- the world around */

static void
disturb(struct torture *torture)
{
	struct board *board = torture->board;

	board_presence(board, below(torture, BOARD_BAYS), (int)below(torture, 2));
	board_button(board, (enum board_button)below(torture, 3), (int)below(torture, 2));
	board_over_current(board, below(torture, BOARD_BAYS), below(torture, 16) == 0);
	board_vbus_mv(board, below(torture, BOARD_BAYS), (uint16_t)(below(torture, 8) ? 5000 : below(torture, 6000)));
	board_lid(board, below(torture, 8) == 0);
	board_stop(board, below(torture, 32) == 0);
	board_run_us(board, below(torture, 30000));
}

static void
begin_anew(struct torture *torture)
{
	board_usb_reset(torture->board);
	torture->configured = 0;
	torture->address = 0;
	forget_halts(torture);
	if (below(torture, 2)) {
		torture->configured = host_enumerate(torture->board) == 0;
		torture->address = board_usb_address(torture->board);
		if (!torture->configured)
			complain(torture, "does not enumerate");
	}
}

static void
one_transfer(struct torture *torture)
{
	const uint32_t kind = below(torture, 1000);

	if (kind < 2)
		begin_anew(torture);
	else if (kind < 6)
		disturb(torture);
	else if (!torture->configured && kind < 500)
		torture->configured = host_request(torture->board, 0x00, 9, 1, 0, 0, NULL) == 0;
	else if (kind < 300)
		whole_control(torture);
	else if (kind < 330)
		broken_control(torture);
	else if (kind < 660)
		send_packet(torture);
	else
		fetch_packet(torture);
	if (board_usb_address(torture->board) != torture->address)
		complain(torture, "answers to address %u instead of %u", board_usb_address(torture->board), torture->address);
	if (board_dead(torture->board) || board_resets(torture->board))
		complain(torture, "the program has stopped or was reset");
}

/* At the end it serves as at the beginning. */
static uint16_t
conclude(struct torture *torture)
{
	struct station_frame command = { .number = STATION_inspect }, answer = { 0 };

	board_run_us(torture->board, SETTLE_US);
	if (host_enumerate(torture->board) != 0 || host_command(torture->board, &command, &answer) != 0)
		complain(torture, "does not answer after all this");
	if (answer.health.stack_free < STACK_FREE_MIN)
		complain(torture, "the stack came to %u bytes of the variables", answer.health.stack_free);
	if (answer.health.counters[STATION_COUNTER_late_ticks])
		complain(torture, "%u ticks came late", answer.health.counters[STATION_COUNTER_late_ticks]);
	if (board_led_faults(torture->board))
		complain(torture, "%u pulses that no LED understands", board_led_faults(torture->board));
	return answer.health.stack_free;
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct torture torture = {
		.count = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_COUNT,
		.random = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) * 2654435761u | 1 : 2654435761u,
	};
	const double from = seconds_now();
	uint16_t stack_free;

	printf("1..1\n");
	if (board_new(host_firmware(), &torture.board) != 0)
		return 1;
	for (; torture.done < torture.count && !torture.failed; torture.done++)
		one_transfer(&torture);
	stack_free = conclude(&torture);
	printf("# %lu transfers, %u broken off; %.3f h of the station's time in %.1f s; %u bytes of stack never used\n", torture.done, torture.broken,
	    (double)board_now_us(torture.board) / 3.6e9, seconds_now() - from, stack_free);
	printf("%s 1 - random_transfers_end_by_the_book_and_hang_nothing\n", torture.failed ? "not ok" : "ok");
	board_free(&torture.board);
	return torture.failed;
}
