/* The chip: loading, time, resets, and the levels of its input pins.
 *
 * simavr 1.6 against the chip, and what is done about it here:
 *   - it runs one cycle between two looks at its timers, very slowly, and a reset goes back to that: run_cycle_limit after each reset
 *   - it sleeps to its next timer, in real time as well: a timer of our own every 50 µs, and a sleep that does not
 *   - a low INT pin polls every cycle: strict level triggering off, which a reset turns on again
 *   - writing a port with a pull-up on makes the pin high whatever is outside: each driven level is told as an external one, too
 *   - a reset forgets the levels of the pins: they are put back
 */
#include "tests/station/board.h"
#include "hw/pins.h"
#include "tests/station/board_internal.h"

#include <simavr/avr_eeprom.h>
#include <simavr/avr_extint.h>
#include <simavr/avr_ioport.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_time.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUN_LIMIT_CYCLES = 320,
	HEARTBEAT_CYCLES = 50 * (HW_CLOCK_HZ / 1000000),
	ATTACH_STEPS = 200,
	SERIAL_AT = 0,     /* where firmware/board/atmega32u4/serial.c reads it */
	TURN_ON_MV = 5000
};

/* simavr frees a chip's memory, but not the names and hooks of its signals, nor the symbols of the ELF. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libsimavr.so\n";
}

const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

/* simavr tells of each section it loads; on a test's output that is noise. */
__attribute__((format(printf, 3, 0))) static void
log_errors(avr_t *avr, const int level, const char *format, va_list arguments)
{
	(void)avr;
	if (level == LOG_ERROR)
		vfprintf(stderr, format, arguments);
}

static avr_cycle_count_t
heartbeat(avr_t *avr, avr_cycle_count_t when, void *unused)
{
	(void)avr;
	(void)unused;
	return when + HEARTBEAT_CYCLES;
}

static avr_cycle_count_t
first_heartbeat(avr_t *avr, avr_cycle_count_t when, void *unused)
{
	static const uint8_t level_triggered[] = { 0, 1, 2, 3, 6 };

	for (size_t i = 0; i < sizeof level_triggered; i++)
		avr_extint_set_strict_lvl_trig(avr, level_triggered[i], 0);
	avr_cycle_timer_register(avr, HEARTBEAT_CYCLES, heartbeat, unused);
	(void)when;
	return 0;
}

static void
no_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
	(void)avr;
	(void)cycles;
}

static void
put_code_back(struct board *board)
{
	if (board->hung)
		memcpy(board->avr->flash + board->hung_at, board->hung_code, sizeof board->hung_code);
	board->hung = 0;
}

/* simavr calls it in every reset, the watchdog's included. */
static void
on_reset(avr_t *avr)
{
	struct board *board = avr->custom.data;

	board->resets++;
	put_code_back(board);
	avr->run_cycle_limit = RUN_LIMIT_CYCLES;
	avr_cycle_timer_register(avr, 1, first_heartbeat, NULL);
	for (unsigned port = 0; port < PORTS; port++)
		avr->data[AT_PINB + 3 * port] = board->ports[port].level;
	parts_reset(board);
}

static int
make_chip(struct board *board, const char *elf)
{
	elf_firmware_t firmware = { 0 };

	avr_global_logger_set(log_errors);
	if (elf_read_firmware(elf, &firmware) != 0) {
		fprintf(stderr, "%s: cannot be read: make firmware\n", elf);
		return -1;
	}
	board->avr = avr_make_mcu_by_name("atmega32u4");
	avr_init(board->avr);
	board->avr->frequency = HW_CLOCK_HZ;
	firmware.frequency = HW_CLOCK_HZ;
	avr_load_firmware(board->avr, &firmware);
	free(firmware.flash);
	free(firmware.eeprom);
	free(firmware.fuse);
	free(firmware.lockbits);
	return 0;
}

static void
wire_chip(struct board *board)
{
	board->avr->custom.data = board;
	board->avr->reset = on_reset;
	board->avr->sleep = no_sleep;
	parts_connect(board);
	usb_connect(board);
}

static void
set_the_scene(struct board *board)
{
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++)
		board->vbus_mv[bay] = TURN_ON_MV;
	board_button(board, BOARD_CONFIRM, 0);
	board_button(board, BOARD_QUIET, 0);
	board_button(board, BOARD_LAMPS, 0);
	board_lid(board, 0);
	board_stop(board, 0);
	board_serial(board, "SIM00001");
}

int
board_new(const char *elf, struct board **out)
{
	struct board *board = calloc(1, sizeof *board);

	*out = NULL;
	if (!board || make_chip(board, elf) != 0) {
		free(board);
		return -1;
	}
	wire_chip(board);
	set_the_scene(board);
	board_reset(board, BOARD_POWER_ON);
	board->resets = 0;
	for (int i = 0; i < ATTACH_STEPS && !board_usb_attached(board); i++)
		board_run_us(board, 1000);
	*out = board;
	if (board_usb_attached(board))
		return 0;
	fprintf(stderr, "%s: does not attach to the bus\n", elf);
	board_free(out);
	return -1;
}

void
board_free(struct board **board)
{
	if (!*board)
		return;
	avr_terminate((*board)->avr);
	free((*board)->avr);
	free(*board);
	*board = NULL;
}

uint64_t
board_now_us(const struct board *board)
{
	return board->avr->cycle / (HW_CLOCK_HZ / 1000000);
}

void
board_run_us(struct board *board, uint32_t us)
{
	avr_cycle_count_t end = board->avr->cycle + (avr_cycle_count_t)us * (HW_CLOCK_HZ / 1000000);

	while (!board->dead && board->avr->cycle < end) {
		int state = avr_run(board->avr);

		board->dead = state == cpu_Done || state == cpu_Crashed || state == cpu_Stopped;
	}
}

int
board_dead(const struct board *board)
{
	return board->dead;
}

unsigned
board_resets(const struct board *board)
{
	return board->resets;
}

/* What RAM holds when power comes: nothing to rely on, the same in each run. */
static void
scramble(uint8_t *ram, size_t size)
{
	uint32_t state = 2463534242;

	for (size_t i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		ram[i] = (uint8_t)state;
	}
}

void
board_reset(struct board *board, enum board_reset cause)
{
	static const uint8_t flags[] = { [BOARD_POWER_ON] = 1 << 0, [BOARD_EXTERNAL] = 1 << 1, [BOARD_BROWN_OUT] = 1 << 2 };

	if (cause == BOARD_POWER_ON)
		scramble(board->avr->data + AT_RAM, RAM_BYTES);
	avr_reset(board->avr);
	board->avr->data[AT_MCUSR] = flags[cause];
}

void
board_serial(struct board *board, const char *serial)
{
	uint8_t bytes[BOARD_SERIAL_MAX];
	avr_eeprom_desc_t place = { .ee = bytes, .offset = SERIAL_AT, .size = sizeof bytes };

	memset(bytes, 0xff, sizeof bytes);
	if (serial)
		memcpy(bytes, serial, strnlen(serial, sizeof bytes));
	avr_ioctl(board->avr, AVR_IOCTL_EEPROM_SET, &place);
}

void
board_hang(struct board *board)
{
	static const uint8_t jump_to_itself[] = { 0xff, 0xcf };

	put_code_back(board);
	board->hung = 1;
	board->hung_at = board->avr->pc;
	memcpy(board->hung_code, board->avr->flash + board->hung_at, sizeof board->hung_code);
	memcpy(board->avr->flash + board->hung_at, jump_to_itself, sizeof jump_to_itself);
}

void
board_stop_ticks(struct board *board)
{
	board->avr->data[AT_TIMSK0] = 0;
}

void
board_pin(struct board *board, char port, unsigned bit, int level)
{
	struct port_levels *levels = &board->ports[port - 'B'];
	avr_ioport_external_t external = { .name = (unsigned char)port };

	levels->driven |= (uint8_t)(1u << bit);
	levels->level = (uint8_t)((levels->level & ~(1u << bit)) | (unsigned)(level != 0) << bit);
	external.mask = levels->driven;
	external.value = levels->level;
	avr_ioctl(board->avr, (uint32_t)AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
	avr_raise_irq(avr_io_getirq(board->avr, (uint32_t)AVR_IOCTL_IOPORT_GETIRQ(port), (int)bit), level != 0);
}
