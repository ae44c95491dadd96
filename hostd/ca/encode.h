/* Bytes as text: lower-case hexadecimal and base64 (RFC 4648, section 4, with padding, one line). */
#ifndef MINT_CA_ENCODE_H
#define MINT_CA_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Writes 2 × `bytes` digits and a NUL. */
void hex_put(char *text, const uint8_t *data, size_t bytes);

/* Reads exactly 2 × `bytes` digits that end with NUL. 0 or MINT_SYNTAX. */
int hex_get(uint8_t *data, size_t bytes, const char *text);

/* Reads 1 to `room` bytes, an even number of digits. Their number, or MINT_SYNTAX. */
int hex_get_some(uint8_t *data, size_t room, const char *text);

/* The text is the caller's to free; NULL when out of memory. */
char *base64_put(const uint8_t *data, size_t bytes);

/* *data is the caller's to free. 0, MINT_SYNTAX or MINT_MEMORY. */
int base64_get(uint8_t **data, size_t *bytes, const char *text);

#endif
