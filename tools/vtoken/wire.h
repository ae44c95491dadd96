/* Little-endian bytes of a token's state: a growing writer and a bounded reader. */
#ifndef MINT_VTOKEN_WIRE_H
#define MINT_VTOKEN_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* A writer; start with zeroes. After a failed allocation it stays failed and later writes do nothing. */
struct wire_out {
	uint8_t *bytes;
	size_t   len, capacity;
	int      failed;
};

/* A reader over borrowed bytes. After a read past the end it stays failed and reads give zeroes. */
struct wire_in {
	const uint8_t *at, *end;
	int            failed;
};

void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u16(struct wire_out *out, uint16_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_bytes(struct wire_out *out, const void *bytes, size_t len);

uint8_t  wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
void     wire_get_bytes(struct wire_in *in, void *bytes, size_t len);

/* `len` bytes in place, NULL when there are not that many. */
const uint8_t *wire_take(struct wire_in *in, size_t len);

/* Wipes and frees what the writer holds. */
void wire_clear(struct wire_out *out);

#endif
