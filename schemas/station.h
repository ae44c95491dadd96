/* The frames of station.def as structs, their encoding, and the lists beside them. Pure, takes no memory: the firmware has it, too. */
#ifndef MINT_SCHEMAS_STATION_H
#define MINT_SCHEMAS_STATION_H

#include <stddef.h>
#include <stdint.h>

/* pid.codes' number for tests within one's own walls: whoever ships boards needs one of his own (hw/README.md). */
/* Others test with it, too: a station says who made it and what it is. */
#define STATION_USB_MAKER "Mintbench"
#define STATION_USB_NAME "station"
enum { STATION_USB_VENDOR = 0x1209, STATION_USB_PRODUCT = 0x0001 };
enum { STATION_ENDPOINT_COMMANDS = 1, STATION_ENDPOINT_ANSWERS = 2, STATION_ENDPOINT_EVENTS = 3 };
enum {
	STATION_VERSION = 1,
	STATION_BAYS = 16,
	STATION_HEADER_BYTES = 4,
	STATION_FRAME_MAX = 60,  /* bytes, header included: always a short packet */
	STATION_LINK_MS = 3000,  /* the host is silent when no command has come for so long */
	STATION_TICK_MS = 100    /* of a rhythm */
};

typedef uint8_t  station_u8;
typedef uint16_t station_u16;
typedef uint32_t station_u32;

/* BARE: a frame of no fields; C has no empty struct. */
#define FIELD(type, name) station_##type name;
#define ARRAY(type, name, count) station_##type name[count];
#define FRAME(name, number, way, fields) struct station_##name { fields };
#define BARE(name, number, way)
#include "schemas/station.def"

enum station_frame_number {
#define FRAME(name, number, way, fields) STATION_##name = (number),
#define BARE(name, number, way) STATION_##name = (number),
#include "schemas/station.def"
};

enum station_light {
#define LIGHT(name, red, green, blue, rhythm, en, zh) STATION_LIGHT_##name,
#include "schemas/station.def"
	STATION_LIGHTS,
	STATION_LIGHTS_OF_HOST = STATION_LIGHT_link_lost /* those that a host may order come first */
};

enum station_sound {
#define SOUND(name, rhythm, repeats, en, zh) STATION_SOUND_##name,
#include "schemas/station.def"
	STATION_SOUNDS
};

enum station_input { /* places; the bit is 1 << place */
#define INPUT(name, en, zh) STATION_INPUT_##name,
#include "schemas/station.def"
	STATION_INPUTS
};

enum station_button {
#define BUTTON(name, en, zh) STATION_BUTTON_##name,
#include "schemas/station.def"
	STATION_BUTTONS
};

enum station_reset {
#define RESET(name, en, zh) STATION_RESET_##name,
#include "schemas/station.def"
	STATION_RESETS
};

enum station_counter {
#define COUNTER(name, en, zh) STATION_COUNTER_##name,
#include "schemas/station.def"
	STATION_COUNTERS
};

enum station_refusal {
#define REFUSAL(name, number, en, zh) STATION_REFUSAL_##name = (number),
#include "schemas/station.def"
};

struct station_frame {
	uint8_t  version;
	uint8_t  number;    /* enum station_frame_number */
	uint16_t sequence;
	union {
#define FRAME(name, number, way, fields) struct station_##name name;
#include "schemas/station.def"
	};
};

enum station_fault {
	STATION_FINE = 0,
	STATION_SHORT,          /* not even a header: no answer is possible */
	STATION_OTHER_VERSION,  /* only version, number and sequence are read, and `refused` */
	STATION_UNKNOWN,        /* no such number */
	STATION_MALFORMED       /* wrong length for its number */
};

/* Writes the frame, in version STATION_VERSION whatever its `version` says, to `out` (STATION_FRAME_MAX bytes). Returns its length in
 * bytes, 0 for a number that is not in the list. */
uint8_t station_put(const struct station_frame *frame, uint8_t *out);

/* Reads one whole packet. What a field may hold is not looked at here: the receiver knows. */
enum station_fault station_get(struct station_frame *frame, const uint8_t *packet, size_t length);

#endif
