/* A page in Zebra's language (ZPL II Programming Guide: ^GF, and "ZB64 encoding and compression"). */
#ifndef MINT_LABEL_ZPL_H
#define MINT_LABEL_ZPL_H

#include <stddef.h>
#include <stdint.h>

struct raster;

/* One format ^XA … ^XZ that prints the page once, as one graphic with :Z64: data. Speed, darkness and media stay as the printer is
 * set. *zpl is the caller's to free; it is NUL-terminated, `length` does not count that. 0 or MINT_MEMORY. */
int zpl_make(const struct raster *raster, char **zpl, size_t *length);

/* CRC-16 with polynomial 0x1021, initial value 0, as the printer computes it over the Base64 text. */
uint16_t zpl_crc16(const uint8_t *data, size_t length);

#endif
