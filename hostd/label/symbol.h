/* Barcodes on whole dots, quiet zones kept: Code 128 (ISO/IEC 15417) and QR (ISO/IEC 18004), encoded by libzint. */
#ifndef MINT_LABEL_SYMBOL_H
#define MINT_LABEL_SYMBOL_H

struct item;
struct raster;

/* Draws `payload` into the item's box: modules of module_max dots, or as many fewer (down to module_min) as let symbol and quiet
 * zone fit; Code 128 takes the whole height of the box.
 * 0; MINT_LABEL_TOO_LONG when it does not fit or cannot be encoded; MINT_MEMORY. */
int symbol_draw(struct raster *page, const struct item *item, const char *payload);

#endif
