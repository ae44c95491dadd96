#include "tools/vtoken/wire.h"

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

void
wire_put_bytes(struct wire_out *out, const void *bytes, size_t len)
{
	size_t capacity = out->capacity ? out->capacity : 4096;
	uint8_t *larger;

	if (out->failed || len == 0)
		return;
	while (capacity < out->len + len)
		capacity *= 2;
	if (capacity != out->capacity) {
		/* Not realloc: the old bytes hold private keys and must not stay behind in the heap. */
		larger = OPENSSL_clear_realloc(out->bytes, out->capacity, capacity);
		if (!larger) {
			out->failed = 1;
			return;
		}
		out->bytes = larger;
		out->capacity = capacity;
	}
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

void
wire_put_u8(struct wire_out *out, uint8_t value)
{
	wire_put_bytes(out, &value, 1);
}

void
wire_put_u16(struct wire_out *out, uint16_t value)
{
	uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	wire_put_bytes(out, bytes, sizeof bytes);
}

void
wire_put_u32(struct wire_out *out, uint32_t value)
{
	wire_put_u16(out, (uint16_t)value);
	wire_put_u16(out, (uint16_t)(value >> 16));
}

const uint8_t *
wire_take(struct wire_in *in, size_t len)
{
	const uint8_t *at = in->at;

	if (in->failed || (size_t)(in->end - in->at) < len) {
		in->failed = 1;
		return NULL;
	}
	in->at += len;
	return at;
}

void
wire_get_bytes(struct wire_in *in, void *bytes, size_t len)
{
	const uint8_t *at = wire_take(in, len);

	if (at)
		memcpy(bytes, at, len);
	else
		memset(bytes, 0, len);
}

uint8_t
wire_get_u8(struct wire_in *in)
{
	uint8_t value;

	wire_get_bytes(in, &value, 1);
	return value;
}

uint16_t
wire_get_u16(struct wire_in *in)
{
	uint8_t bytes[2];

	wire_get_bytes(in, bytes, sizeof bytes);
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t
wire_get_u32(struct wire_in *in)
{
	uint32_t low = wire_get_u16(in);

	return low | (uint32_t)wire_get_u16(in) << 16;
}

void
wire_clear(struct wire_out *out)
{
	OPENSSL_clear_free(out->bytes, out->capacity);
	*out = (struct wire_out){ 0 };
}
