/* Sections of a layout: what layout.c and layout_item.c share. */
#ifndef MINT_LABEL_LAYOUT_ITEM_H
#define MINT_LABEL_LAYOUT_ITEM_H

#include <confuse.h>
#include <stdarg.h>

#include "hostd/label/layout.h"

enum { LAYOUT_KINDS = 6 };

/* By enum item_kind; the order is that of drawing. */
extern const char *const layout_kind_names[LAYOUT_KINDS];

/* What may stand in each kind of section. */
extern cfg_opt_t layout_fill_options[], layout_frame_options[], layout_text_options[], layout_list_options[], layout_symbol_options[];

/* Where the first thing that is wrong is written until the next call: libconfuse hands its error function no argument of ours. */
void layout_reason_begin(char *why, size_t why_size);

/* The error function for libconfuse. */
void layout_reason_keep(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* Writes "line N: item: …" and returns MINT_CONFIG; `item` may be NULL. */
int layout_refuse(const cfg_t *section, const struct item *item, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills the item, whose kind and name are set, for a layout whose page is known. 0, MINT_CONFIG, MINT_MEMORY. */
int layout_item_read(cfg_t *section, const struct layout *layout, struct item *item);

#endif
