/* Where things stand on a page: read once from data/labels/NAME.conf (libconfuse syntax, described in docs/labels.md). */
#ifndef MINT_LABEL_LAYOUT_H
#define MINT_LABEL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "hostd/label/raster.h"

enum item_kind { ITEM_FILL, ITEM_FRAME, ITEM_TEXT, ITEM_LIST, ITEM_CODE128, ITEM_QR };
enum item_align { ALIGN_START, ALIGN_MIDDLE, ALIGN_END };

/* One thing on the page. Lengths are whole dots: the reader has converted millimetres and points. */
struct item {
	enum item_kind  kind;
	char           *name;               /* the section's title, for messages */
	struct box      box;
	int             when, unless;       /* drawn only when this field has (no) value; -1: always */
	/* text and list */
	char           *value;              /* template of hostd/label/fields.h; symbols have one too */
	char           *font;
	bool            bold, white;
	int             size_max, size_min; /* height of the em; the largest that fits is taken */
	double          leading;            /* distance of base lines, in em */
	int             lines;              /* at most */
	enum item_align align, valign;      /* align holds for symbols too */
	/* list of the tokens */
	int             columns;            /* at most */
	int             group;              /* characters of a serial between gaps, 0: none */
	bool            tick;               /* a box to tick before each */
	/* symbols */
	int             module_max, module_min;
	/* frame */
	int             thickness, dash;
};

struct layout {
	int          width, height, dpi;    /* dots, dots, dots an inch */
	struct item *items;                 /* in the order of drawing */
	size_t       count;
};

/* Reads a layout from text. 0, MINT_MEMORY, or MINT_CONFIG after `why` was filled: "line N: what is wrong: what to do", without
 * "line N: " where no line is to blame.
 * Refused are unknown names, sizes out of range, boxes that leave the page, things that overlap a symbol or its quiet zone, and a
 * layout without the application number in Code 128 or without a list of the tokens. Free with layout_free. Not re-entrant. */
int layout_parse(const char *text, size_t length, struct layout **layout, char *why, size_t why_size);

/* The same from a file, at most 64 KiB; logs "FILE:N: what is wrong: what to do". Also MINT_NOT_FOUND, MINT_SYSTEM. */
int layout_load(const char *path, struct layout **layout);

void layout_free(struct layout **layout);

/* The list of the tokens; never NULL in a layout that was read. */
const struct item *layout_list(const struct layout *layout);

#endif
