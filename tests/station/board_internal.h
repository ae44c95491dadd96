/* What board.c, board_parts.c and board_usb.c share. */
#ifndef MINT_TESTS_STATION_BOARD_INTERNAL_H
#define MINT_TESTS_STATION_BOARD_INTERNAL_H

#include "tests/station/board.h"

#include <simavr/sim_avr.h>
#include <stdint.h>

/* Addresses in data space (ATmega16U4/32U4 data sheet, "Register Summary"). */
enum {
	AT_PINB = 0x23,
	AT_SPCR = 0x4c,
	AT_SPSR = 0x4d,
	AT_SPDR = 0x4e,
	AT_MCUSR = 0x54,
	AT_TIMSK0 = 0x6e,
	AT_USBCON = 0xd8,
	AT_USBSTA = 0xd9,
	AT_UDCON = 0xe0,
	AT_UDINT = 0xe1,
	AT_UDADDR = 0xe3,
	AT_UEINTX = 0xe8,
	AT_UENUM = 0xe9,
	AT_UERST = 0xea,
	AT_UECONX = 0xeb,
	AT_UECFG0X = 0xec,
	AT_UECFG1X = 0xed,
	AT_UEBCLX = 0xf2,
	AT_UEDATX = 0xf1,
	AT_RAM = 0x100,
	RAM_BYTES = 2560
};

enum { PORTS = 5 }; /* B to F */

/* One port's inputs: the level that the world outside gives each pin which `driven` names. */
struct port_levels {
	uint8_t driven;
	uint8_t level;
};

/* The WS2812B line: bits by the length of their high pulse, sixteen LEDs one behind the other. */
struct light_line {
	uint64_t rose, fell;         /* cycles */
	int      high;
	int      bits;               /* received since the last pause, over all LEDs */
	uint8_t  arriving[BOARD_BAYS][3];
	uint8_t  shown[BOARD_BAYS][3];
	uint32_t frames, faults;
	int      unlatched;          /* something arrived since `shown` was taken */
};

struct board {
	avr_t             *avr;
	int                dead;
	unsigned           resets;
	struct port_levels ports[PORTS];

	/* the chains */
	uint16_t           present, flagged;
	uint32_t           shifting_in;   /* the 74HC165, next byte highest */
	uint16_t           shifting_out;  /* the 74HC595 behind their latch */
	uint16_t           latched;
	int                latch, load;   /* levels of the pins */
	int                switches_off;
	uint8_t            coming;        /* the byte that SPDR will hold when the transfer ends */

	int                stop_pressed;
	int                plugged;       /* the host's cable */
	int                out_unread;    /* an OUT packet lies in endpoint 0 that came before a SETUP */
	avr_io_read_t      read_flags;    /* simavr's own, of UEINTX */
	avr_io_write_t     write_flags;
	void              *flags_argument;
	uint16_t           vbus_mv[BOARD_BAYS];
	uint8_t            selected;      /* bay whose VBUS the multiplexer leads to the chip */
	struct light_line  lights;

	/* board_hang: the instruction that was overwritten */
	uint32_t           hung_at;
	uint8_t            hung_code[2];
	int                hung;
};

/* board.c */
void board_pin(struct board *board, char port, unsigned bit, int level);

/* board_parts.c */
void parts_connect(struct board *board);
void parts_reset(struct board *board);

/* board_usb.c */
void usb_connect(struct board *board);

#endif
