#include "hostd/ca/encode.h"
#include "schemas/errors.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void
hex_put(char *text, const uint8_t *data, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		*text++ = digits[data[i] >> 4];
		*text++ = digits[data[i] & 15];
	}
	*text = '\0';
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
hex_get_some(uint8_t *data, size_t room, const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length % 2 != 0 || length / 2 > room)
		return MINT_SYNTAX;
	for (size_t i = 0; i < length / 2; i++) {
		int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return MINT_SYNTAX;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(length / 2);
}

int
hex_get(uint8_t *data, size_t bytes, const char *text)
{
	return hex_get_some(data, bytes, text) == (int)bytes ? 0 : MINT_SYNTAX;
}

char *
base64_put(const uint8_t *data, size_t bytes)
{
	char *text = bytes > INT_MAX / 2 ? NULL : malloc(4 * ((bytes + 2) / 3) + 1);

	if (text)
		EVP_EncodeBlock((unsigned char *)text, data, (int)bytes);
	return text;
}

int
base64_get(uint8_t **out, size_t *bytes, const char *text)
{
	size_t length = strlen(text), padding = 0;
	uint8_t *data;

	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	/* EVP_DecodeBlock skips blanks at both ends; nothing we wrote holds any. */
	if (length % 4 != 0 || length > INT_MAX || strpbrk(text, " \t\r\n"))
		return MINT_SYNTAX;
	data = malloc(length / 4 * 3 + 1);
	if (!data)
		return MINT_MEMORY;
	if (length && EVP_DecodeBlock(data, (const unsigned char *)text, (int)length) < 0) {
		free(data);
		return MINT_SYNTAX;
	}
	*out = data;
	*bytes = length / 4 * 3 - padding;
	return 0;
}
