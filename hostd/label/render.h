/* A label becomes pages: the layout says where, the fields say what. */
#ifndef MINT_LABEL_RENDER_H
#define MINT_LABEL_RENDER_H

#include <stddef.h>

struct label;
struct raster;
struct renderer;

enum { RENDER_PAGES_MAX = 64 };

struct pages {
	struct raster *page[RENDER_PAGES_MAX];
	size_t         count;
};

/* Reads parcel.conf, collection.conf and packing-list.conf from `directory` and warms the fonts by drawing a label, so that the
 * first real one is as quick as the next. 0, MINT_CONFIG, MINT_NOT_FOUND, MINT_SYSTEM, MINT_MEMORY, or what drawing the
 * trial label gave (MINT_LABEL_GLYPH: the fonts are missing); all have been logged. Free with renderer_free. */
int renderer_open(const char *directory, struct renderer **renderer);
void renderer_free(struct renderer **renderer);

/* Draws the label; tokens that do not fit on its first page go on on packing lists. The same label gives the same dots.
 * 0; MINT_FIELD; MINT_LABEL_GLYPH; MINT_LABEL_TOO_LONG; MINT_MEMORY; `why` then names the field (and the missing character
 * as a code point), never personal data, and there is nothing to free. Free the pages with pages_free. */
int render_label(struct renderer *renderer, const struct label *label, struct pages *pages, char *why, size_t why_size);

void pages_free(struct pages *pages);

#endif
