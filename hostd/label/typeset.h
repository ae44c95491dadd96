/* Text onto dots: pango chooses glyphs and breaks lines, cairo paints them, a threshold makes dots of them.
 *
 * One typesetter is kept warm for the life of the program: opening a Chinese font takes longer than a whole label may.
 */
#ifndef MINT_LABEL_TYPESET_H
#define MINT_LABEL_TYPESET_H

#include <stdint.h>

struct item;
struct raster;
struct box;
struct typeset;

/* NULL when out of memory. */
struct typeset *typeset_new(void);
void typeset_free(struct typeset **typeset);

/* Draws `text` into `box` of the page in the largest size of the item (size_max to size_min) at which it fits, wrapped to at most
 * item->lines lines, ink or paper as item->white says.
 * 0; MINT_LABEL_GLYPH when no font has a character (*missing is its code point); MINT_LABEL_TOO_LONG when it does not fit at
 * size_min; nothing is drawn then. MINT_MEMORY. */
int typeset_draw(struct typeset *typeset, struct raster *page, struct box box, const struct item *item, const char *text,
    uint32_t *missing);

/* The width in dots of `text` on one line with an em of `size` dots. 0, MINT_LABEL_GLYPH. */
int typeset_width(struct typeset *typeset, const struct item *item, const char *text, int size, int *width, uint32_t *missing);

#endif
