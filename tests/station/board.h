/* The station's board without the board: the shipped firmware ELF on simavr's ATmega32U4, and around the chip all that its pins lead to.
 *
 * The caller is the USB host, the operator's hands and the tokens. Nothing runs by itself: simulated time passes in board_run_us and
 * inside the transfers, in the caller's thread; whoever has several threads locks. Deterministic: the same calls, the same cycles.
 *
 * simavr is under the GPL 3: only test programs link this, nothing that is installed.
 * What simavr 1.6 does otherwise than the chip, and how it is made good here, stands in board.c, board_parts.c and board_usb.c.
 * Not there at all: start-of-frame, data toggles, double banks, supply current.
 */
#ifndef MINT_TESTS_STATION_BOARD_H
#define MINT_TESTS_STATION_BOARD_H

#include <stdint.h>

struct board;

enum { BOARD_BAYS = 16, BOARD_PACKET_MAX = 64, BOARD_SERIAL_MAX = 20 };

/* What a transfer ends with when it is not a number of bytes. */
enum {
	BOARD_NAK = -1,    /* the endpoint had nothing, or took nothing, until the time was over */
	BOARD_STALL = -2,
	BOARD_GONE = -3    /* not attached to the bus, no such endpoint in use, or the program has crashed */
};

/* enum station_button's order; the tests compare with schemas/station.def */
enum board_button { BOARD_CONFIRM, BOARD_QUIET, BOARD_LAMPS };

enum board_reset { BOARD_POWER_ON, BOARD_EXTERNAL, BOARD_BROWN_OUT };

/* Loads the ELF and powers the board: no bay occupied, lid closed, stop released, no button down, 5000 mV on each bay that is switched
 * on, serial number "SIM00001". Runs until the firmware attaches to the bus, at most 200 ms. 0; −1: the file cannot be read, or its
 * program does not attach: said on stderr, and nothing to free. */
int board_new(const char *elf, struct board **out);
void board_free(struct board **board);

/* --- time */
void board_run_us(struct board *board, uint32_t us);
uint64_t board_now_us(const struct board *board);

/* --- the chip */
/* Power-on scrambles the RAM; a brown-out may leave it as it is, and does here. The watchdog bites by itself. */
void board_reset(struct board *board, enum board_reset cause);
/* Writes the EEPROM's serial number, at most BOARD_SERIAL_MAX ASCII characters; NULL: as from the factory, all 0xff. */
void board_serial(struct board *board, const char *serial);
/* The program stands still from its next instruction on, interrupts go on; until the next reset. */
void board_hang(struct board *board);
/* The timer of the ticks stops; until the next reset. */
void board_stop_ticks(struct board *board);
/* 1: the simulated chip stopped (crash, sleep without interrupts); nothing will happen any more. */
int board_dead(const struct board *board);
/* How often the chip was reset since board_new, by whatever. */
unsigned board_resets(const struct board *board);

/* --- USB host; times in simulated microseconds */
int board_usb_attached(const struct board *board);
/* The cable to the host, in (1, as at the start) or out. The firmware notices as time passes; the bays have a supply of their own. */
void board_usb_plug(struct board *board, int plugged);
/* Bus reset; attached or not. */
void board_usb_reset(struct board *board);
/* Suspend (1) and resume (0) as the bus would say it. */
void board_usb_suspend(struct board *board, int suspended);
/* The address the device answers to; 0 before SET_ADDRESS has ended. */
uint8_t board_usb_address(const struct board *board);
/* A whole control transfer: setup, data (its direction and length from the setup), status. `data` has wLength bytes. Bytes of the data
 * stage, or BOARD_…. */
int board_control(struct board *board, const uint8_t setup[8], uint8_t *data, uint32_t timeout_us);
/* One packet of at most BOARD_PACKET_MAX bytes to OUT endpoint 1–4. Bytes sent, or BOARD_…. */
int board_out(struct board *board, uint8_t endpoint, const uint8_t *data, uint32_t size, uint32_t timeout_us);
/* One packet of IN endpoint 1–4; what is longer than `max` is cut. A timeout of 0 asks once, and no time passes. Bytes, or BOARD_…. */
int board_in(struct board *board, uint8_t endpoint, uint8_t *data, uint32_t max, uint32_t timeout_us);
/* Parts of a control transfer, for a host that breaks off: the setup alone until the device has taken it. 0, or BOARD_…. */
int board_setup(struct board *board, const uint8_t setup[8], uint32_t timeout_us);

/* --- what people and tokens do. Bays 0–15. */
void board_presence(struct board *board, unsigned bay, int present);
void board_button(struct board *board, enum board_button button, int down);
void board_lid(struct board *board, int open);
void board_stop(struct board *board, int pressed); /* cuts the bays' supply by its first contact, whatever the firmware does */
void board_over_current(struct board *board, unsigned bay, int flagged);
void board_vbus_mv(struct board *board, unsigned bay, uint16_t mv); /* while the bay is switched on */

/* --- what comes out */
/* A bit for each bay that has VBUS now: latched, not held off by /OE, not cut by the stop. */
uint16_t board_switches(const struct board *board);
/* Red, green, blue as the LED of the bay shows them; valid until the next call. */
const uint8_t *board_led(struct board *board, unsigned bay);
/* Whole frames that the LEDs took, and pulses that a WS2812B need not understand. */
uint32_t board_led_frames(struct board *board);
uint32_t board_led_faults(const struct board *board);
int board_buzzer(const struct board *board);

#endif
