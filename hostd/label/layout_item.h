/* Sections of a layout: what layout.c and layout_item.c share. */
#ifndef MINT_LABEL_LAYOUT_ITEM_H
#define MINT_LABEL_LAYOUT_ITEM_H

#include "hostd/base/conf_file.h"
#include "hostd/label/layout.h"

enum { LAYOUT_KINDS = 6 };

/* By enum item_kind; the order is that of drawing. */
extern const char *const layout_kind_names[LAYOUT_KINDS];

/* What may stand in each kind of section. */
extern cfg_opt_t layout_fill_options[], layout_frame_options[], layout_text_options[], layout_list_options[], layout_symbol_options[];

/* The file that layout_refuse speaks about until the next call. */
void layout_reading(struct conf_file *file);

/* A complaint at `key` of `section` (see conf_file_refuse), which begins with the item where there is one: it may be NULL.
 * Returns MINT_CONFIG. */
int layout_refuse(const cfg_t *section, const char *key, const struct item *item, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills the item, whose kind and name are set, for a layout whose page is known. 0, MINT_CONFIG, MINT_MEMORY. */
int layout_item_read(cfg_t *section, const struct layout *layout, struct item *item);

#endif
