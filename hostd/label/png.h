/* A page as PNG (ISO/IEC 15948): greyscale, one bit a dot, resolution in pHYs. The same raster gives the same bytes. */
#ifndef MINT_LABEL_PNG_H
#define MINT_LABEL_PNG_H

#include <stddef.h>
#include <stdint.h>

struct raster;

/* *png is the caller's to free. 0 or MINT_MEMORY. */
int png_make(const struct raster *raster, uint8_t **png, size_t *length);

#endif
