#include "firmware/board/atmega32u4/serial.h"
#include "firmware/board/atmega32u4/usb_internal.h"

#include <avr/pgmspace.h>

#define LOW(word) ((word) & 0xff)
#define HIGH(word) ((word) >> 8)

enum { SELF_POWERED = 0xc0, BULK = 2, INTERRUPT = 3, POLLED_EVERY_MS = 2, VENDOR_CLASS = 0xff };
enum { CONFIGURATION_BYTES = 9 + 9 + 3 * 7 };

/* USB 2.0, table 9-8. bcdDevice is the version of the wire. */
static const uint8_t device[] PROGMEM = {
	18, USB_DEVICE, 0x00, 0x02, VENDOR_CLASS, 0, 0, USB_PACKET_MAX,
	LOW(STATION_USB_VENDOR), HIGH(STATION_USB_VENDOR), LOW(STATION_USB_PRODUCT), HIGH(STATION_USB_PRODUCT),
	STATION_VERSION, 0, USB_STRING_MAKER, USB_STRING_PRODUCT, USB_STRING_SERIAL, 1,
};

/* Tables 9-10, 9-12, 9-13. */
static const uint8_t configuration[] PROGMEM = {
	9, USB_CONFIGURATION, CONFIGURATION_BYTES, 0, 1, 1, 0, SELF_POWERED, 0,
	9, USB_INTERFACE, 0, 0, 3, VENDOR_CLASS, 0, 0, 0,
	7, USB_ENDPOINT, STATION_ENDPOINT_COMMANDS, BULK, USB_PACKET_MAX, 0, 0,
	7, USB_ENDPOINT, USB_IN | STATION_ENDPOINT_ANSWERS, BULK, USB_PACKET_MAX, 0, 0,
	7, USB_ENDPOINT, USB_IN | STATION_ENDPOINT_EVENTS, INTERRUPT, USB_PACKET_MAX, 0, POLLED_EVERY_MS,
};
_Static_assert(sizeof configuration == CONFIGURATION_BYTES, "wTotalLength is the length");

static const uint8_t languages[] PROGMEM = { 4, USB_STRING, 0x09, 0x04 };

static const struct { uint8_t length, type; uint16_t text[9]; } maker PROGMEM = { 2 + 2 * 9, USB_STRING, u"" STATION_USB_MAKER };
static const struct { uint8_t length, type; uint16_t text[7]; } product PROGMEM = { 2 + 2 * 7, USB_STRING, u"" STATION_USB_NAME };

struct row {
	uint8_t     type, index, length;
	const void *flash;
};

static const struct row rows[] PROGMEM = {
	{ USB_DEVICE, 0, sizeof device, device },
	{ USB_CONFIGURATION, 0, sizeof configuration, configuration },
	{ USB_STRING, USB_STRING_LANGUAGES, sizeof languages, languages },
	{ USB_STRING, USB_STRING_MAKER, sizeof maker, &maker },
	{ USB_STRING, USB_STRING_PRODUCT, sizeof product, &product },
};

uint8_t
usb_descriptor(uint8_t type, uint8_t index, const uint8_t **flash)
{
	for (uint8_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct row row;

		memcpy_P(&row, &rows[i], sizeof row);
		if (row.type != type || row.index != index)
			continue;
		*flash = row.flash;
		return row.length;
	}
	return 0;
}

/* UTF-16LE. */
uint8_t
usb_serial_descriptor(uint8_t room[USB_STRING_MAX])
{
	uint8_t text[SERIAL_MAX];
	const uint8_t count = serial_read(text);

	_Static_assert(USB_STRING_MAX == 2 + 2 * SERIAL_MAX, "there is room for the longest serial number");
	room[0] = (uint8_t)(2 + 2 * count);
	room[1] = USB_STRING;
	for (uint8_t i = 0; i < count; i++) {
		room[2 + 2 * i] = text[i];
		room[3 + 2 * i] = 0;
	}
	return room[0];
}
