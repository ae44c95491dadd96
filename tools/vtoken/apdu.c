#include "tools/vtoken/apdu.h"

#include "schemas/errors.h"

#define HEADER_LEN 4
#define SHORT_LE_MAX 256u
#define EXTENDED_LE_MAX 65536u

static uint32_t
be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* `rest` starts behind the header and is not empty. */
static int
parse_short(struct apdu *apdu, const uint8_t *rest, size_t len)
{
	if (len == 1) {
		apdu->le = rest[0] ? rest[0] : SHORT_LE_MAX;
		return 0;
	}
	apdu->data = rest + 1;
	apdu->data_len = rest[0];
	if (apdu->data_len == 0 || len < 1 + apdu->data_len || len > 2 + apdu->data_len)
		return MINT_PROTOCOL;
	if (len == 2 + apdu->data_len)
		apdu->le = rest[len - 1] ? rest[len - 1] : SHORT_LE_MAX;
	return 0;
}

/* `rest` starts with the byte 00 that announces three-byte lengths, and has at least three bytes. */
static int
parse_extended(struct apdu *apdu, const uint8_t *rest, size_t len)
{
	uint32_t first = be16(rest + 1);

	if (len == 3) {
		apdu->le = first ? first : EXTENDED_LE_MAX;
		return 0;
	}
	apdu->data = rest + 3;
	apdu->data_len = first;
	if (first == 0 || (len != 3 + first && len != 5 + first))
		return MINT_PROTOCOL;
	if (len == 5 + first)
		apdu->le = be16(rest + len - 2) ? be16(rest + len - 2) : EXTENDED_LE_MAX;
	return 0;
}

int
apdu_parse(struct apdu *apdu, const uint8_t *bytes, size_t len)
{
	if (len < HEADER_LEN)
		return MINT_PROTOCOL;
	*apdu = (struct apdu){ .cla = bytes[0], .ins = bytes[1], .p1 = bytes[2], .p2 = bytes[3] };
	bytes += HEADER_LEN;
	len -= HEADER_LEN;
	if (len == 0)
		return 0;
	if (len >= 3 && bytes[0] == 0)
		return parse_extended(apdu, bytes, len);
	return parse_short(apdu, bytes, len);
}

/* Reads a BER length of one to three bytes at *at. */
static int
read_length(const uint8_t **at, const uint8_t *end, size_t *len)
{
	size_t more, value = 0;

	if (*at == end)
		return MINT_PROTOCOL;
	if (**at < 0x80) {
		*len = *(*at)++;
		return 0;
	}
	more = *(*at)++ & 0x7fu;
	if (more < 1 || more > 2 || (size_t)(end - *at) < more)
		return MINT_PROTOCOL;
	while (more--)
		value = value << 8 | *(*at)++;
	*len = value;
	return 0;
}

int
tlv_next(const uint8_t **at, const uint8_t *end, uint8_t *tag, const uint8_t **value, size_t *len)
{
	int error;

	while (*at < end && **at == 0)
		++*at;
	if (*at == end)
		return 0;
	*tag = *(*at)++;
	error = read_length(at, end, len);
	if (error)
		return error;
	if ((size_t)(end - *at) < *len)
		return MINT_PROTOCOL;
	*value = *at;
	*at += *len;
	return 1;
}

const uint8_t *
tlv_find(const uint8_t *bytes, size_t bytes_len, uint8_t tag, size_t *len)
{
	const uint8_t *at = bytes, *end = bytes + bytes_len, *value;
	uint8_t found;

	while (tlv_next(&at, end, &found, &value, len) == 1)
		if (found == tag)
			return value;
	return NULL;
}
