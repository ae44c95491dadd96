/* Command APDUs and BER-TLV as the card reads them (ISO/IEC 7816-3:2006, 12.1.3; ISO/IEC 7816-4:2020, 6.3). */
#ifndef MINT_VTOKEN_APDU_H
#define MINT_VTOKEN_APDU_H

#include <stddef.h>
#include <stdint.h>

#define APDU_MAX 65544 /* longest extended command: header 4, Lc 3, data 65535, Le 2 */
#define APDU_CLA_CHAIN 0x10 /* not the last command of a chain */

/* A parsed command. `data` points into the bytes given to apdu_parse. */
struct apdu {
	uint8_t        cla, ins, p1, p2;
	const uint8_t *data;
	size_t         data_len;
	uint32_t       le; /* bytes wanted, 1 … 65536; 0 when the command wants none */
};

/* All four cases, short and extended. MINT_PROTOCOL when the lengths do not fit together. */
int apdu_parse(struct apdu *apdu, const uint8_t *bytes, size_t len);

/* One data object at *at (moved behind it); one-byte tags, lengths up to two bytes, padding bytes 00 skipped.
 * 1 when one was read, 0 at the end, MINT_PROTOCOL when it is cut off. */
int tlv_next(const uint8_t **at, const uint8_t *end, uint8_t *tag, const uint8_t **value, size_t *len);

/* The value of the first object with this tag in the sequence; NULL when there is none. */
const uint8_t *tlv_find(const uint8_t *bytes, size_t bytes_len, uint8_t tag, size_t *len);

#endif
