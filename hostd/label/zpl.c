/* A page in Zebra's language: the whole raster as one compressed graphic, so that the printer's own fonts play no part. */
#include "hostd/label/zpl.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hostd/label/raster.h"
#include "schemas/errors.h"

enum { HEAD_BYTES = 160, TAIL_BYTES = 40, ZLIB_LEVEL = 6 };

uint16_t
zpl_crc16(const uint8_t *data, size_t length)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < length; i++) {
		crc ^= (uint16_t)(data[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

int
zpl_make(const struct raster *raster, char **zpl, size_t *length)
{
	size_t total = raster->stride * (size_t)raster->height;
	uLongf packed = compressBound(total);
	uint8_t *compressed = malloc(packed);
	char *text = malloc(HEAD_BYTES + TAIL_BYTES + 4 * ((packed + 2) / 3) + 1);
	int result = MINT_MEMORY, head, encoded;

	if (!compressed || !text || compress2(compressed, &packed, raster->bits, total, ZLIB_LEVEL) != Z_OK)
		goto out;
	/* ^GFA wants the size of the graphic twice: as it would be sent in plain form, and as it is in memory. */
	head = snprintf(text, HEAD_BYTES, "^XA^PW%d^LL%d^LH0,0^LS0^FO0,0^GFA,%zu,%zu,%zu,:Z64:",
	    raster->width, raster->height, total, total, raster->stride);
	encoded = EVP_EncodeBlock((uint8_t *)text + head, compressed, (int)packed);
	*length = (size_t)head + (size_t)encoded;
	*length += (size_t)snprintf(text + *length, TAIL_BYTES, ":%04X^FS^PQ1^XZ\n",
	    zpl_crc16((const uint8_t *)text + head, (size_t)encoded));
	*zpl = text;
	text = NULL;
	result = 0;
out:
	free(compressed);
	free(text);
	return result;
}
