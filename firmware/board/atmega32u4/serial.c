#include "firmware/board/atmega32u4/serial.h"

#include <avr/eeprom.h>
#include <string.h>

static uint8_t
is_allowed(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.';
}

uint8_t
serial_read(uint8_t text[SERIAL_MAX])
{
	static const uint8_t unset[] = { 'u', 'n', 's', 'e', 't' };
	uint8_t length = 0;

	while (length < SERIAL_MAX) {
		const uint8_t byte = eeprom_read_byte((const uint8_t *)(uintptr_t)length);

		if (!is_allowed(byte))
			break;
		text[length++] = byte;
	}
	if (length)
		return length;
	memcpy(text, unset, sizeof unset);
	return sizeof unset;
}
