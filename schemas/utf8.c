#include "schemas/utf8.h"

#include <string.h>

/* Lead bytes, the range of the second byte, bytes in all. */
static const struct {
	unsigned char lead_low, lead_high, second_low, second_high, bytes;
} rows[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

size_t
utf8_character(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t row = 0;

	while (row < ROWS && (bytes[0] < rows[row].lead_low || bytes[0] > rows[row].lead_high))
		row++;
	if (row == ROWS || rows[row].bytes > length)
		return 0;
	if (rows[row].bytes > 1 && (bytes[1] < rows[row].second_low || bytes[1] > rows[row].second_high))
		return 0;
	for (size_t i = 2; i < rows[row].bytes; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return rows[row].bytes;
}

void
utf8_repair(char *text)
{
	for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
		bytes = utf8_character(text, left);
		if (bytes == 0) {
			*text = '?';
			bytes = 1;
		}
	}
}
