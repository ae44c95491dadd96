/* Reading a layout: libconfuse knows the syntax, layout_item.c each thing by itself, this file what makes sense together. */
#include "hostd/label/layout.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/comment.h"
#include "hostd/base/log.h"
#include "hostd/label/layout_item.h"
#include "schemas/errors.h"

enum { FILE_BYTES_MAX = 64 * 1024, ITEMS_MAX = 200 };

enum { SECTION = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES };

static cfg_opt_t page_options[] = {
	CFG_FLOAT("width_mm", 0, CFGF_NONE),
	CFG_FLOAT("height_mm", 0, CFGF_NONE),
	CFG_INT("dpi", 203, CFGF_NONE),
	CFG_STR("font", "Noto Sans CJK SC", CFGF_NONE),
	CFG_SEC("fill", layout_fill_options, SECTION),
	CFG_SEC("frame", layout_frame_options, SECTION),
	CFG_SEC("text", layout_text_options, SECTION),
	CFG_SEC("list", layout_list_options, SECTION),
	CFG_SEC("code128", layout_symbol_options, SECTION),
	CFG_SEC("qr", layout_symbol_options, SECTION),
	CFG_END(),
};

/* --- the page as a whole */

static bool
is_symbol(const struct item *item)
{
	return item->kind == ITEM_CODE128 || item->kind == ITEM_QR;
}

static bool
never_together(const struct item *a, const struct item *b)
{
	return (a->when >= 0 && a->when == b->unless) || (b->when >= 0 && b->when == a->unless);
}

static bool
overlap(struct box a, struct box b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/* A frame disturbs a symbol only where its lines are. */
static bool
inside_frame(const struct item *frame, struct box box)
{
	int line = frame->thickness;

	return frame->kind == ITEM_FRAME && box.x >= frame->box.x + line && box.y >= frame->box.y + line &&
	    box.x + box.width <= frame->box.x + frame->box.width - line &&
	    box.y + box.height <= frame->box.y + frame->box.height - line;
}

static int
check_symbols(const cfg_t *cfg, const struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct item *symbol = &layout->items[i];
		for (size_t j = 0; j < layout->count && is_symbol(symbol); j++) {
			const struct item *other = &layout->items[j];
			if (j == i || never_together(symbol, other) || inside_frame(other, symbol->box))
				continue;
			if (overlap(symbol->box, other->box))
				return layout_refuse(cfg, symbol, "overlaps %s \"%.40s\", so scanners may not read it: move one of the two",
				    layout_kind_names[other->kind], other->name);
		}
	}
	return 0;
}

static int
check_whole(const cfg_t *cfg, const struct layout *layout)
{
	size_t lists = 0, numbers = 0;

	for (size_t i = 0; i < layout->count; i++) {
		const struct item *item = &layout->items[i];
		bool always = item->when < 0 && item->unless < 0;
		lists += item->kind == ITEM_LIST && always;
		numbers += item->kind == ITEM_CODE128 && always && strcmp(item->value, "{application}") == 0;
	}
	if (lists != 1)
		return layout_refuse(cfg, NULL, "%zu lists: write one list without when and unless, for the tokens", lists);
	if (numbers == 0)
		return layout_refuse(cfg, NULL, "the application number is missing: write a code128 with value = \"{application}\"");
	return check_symbols(cfg, layout);
}

static int
read_page(cfg_t *cfg, struct layout *layout)
{
	double width = cfg_getfloat(cfg, "width_mm"), height = cfg_getfloat(cfg, "height_mm");
	long dpi = cfg_getint(cfg, "dpi");

	if (!(width >= 20 && width <= 300) || !(height >= 20 && height <= 400))
		return layout_refuse(cfg, NULL, "the page is too small or too large: write width_mm 20 to 300, height_mm 20 to 400");
	if (dpi < 100 || dpi > 1200)
		return layout_refuse(cfg, NULL, "dpi is out of range: write what the printer has, such as 203 or 300");
	layout->dpi = (int)dpi;
	layout->width = (int)lround(width * layout->dpi / 25.4);
	layout->height = (int)lround(height * layout->dpi / 25.4);
	return 0;
}

static int
read_items(cfg_t *cfg, struct layout *layout)
{
	size_t total = 0;
	int result = 0;

	for (int kind = 0; kind < LAYOUT_KINDS; kind++)
		total += cfg_size(cfg, layout_kind_names[kind]);
	if (total == 0 || total > ITEMS_MAX)
		return layout_refuse(cfg, NULL, "%zu things on the page: write 1 to 200", total);
	layout->items = calloc(total, sizeof *layout->items);
	if (!layout->items)
		return MINT_MEMORY;
	for (int kind = 0; kind < LAYOUT_KINDS && result == 0; kind++) {
		for (unsigned int i = 0; i < cfg_size(cfg, layout_kind_names[kind]) && result == 0; i++) {
			cfg_t *section = cfg_getnsec(cfg, layout_kind_names[kind], i);
			struct item *item = &layout->items[layout->count++];
			item->kind = (enum item_kind)kind;
			item->name = strdup(cfg_title(section));
			result = item->name ? layout_item_read(section, layout, item) : MINT_MEMORY;
		}
	}
	return result;
}

/* Items without a font of their own take the page's. */
static int
spread_font(cfg_t *cfg, struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		struct item *item = &layout->items[i];
		if (!item->font || *item->font)
			continue;
		free(item->font);
		item->font = strdup(cfg_getstr(cfg, "font"));
		if (!item->font)
			return MINT_MEMORY;
	}
	return 0;
}

static int
build(cfg_t *cfg, struct layout *layout)
{
	int result = read_page(cfg, layout);

	if (result == 0)
		result = read_items(cfg, layout);
	if (result == 0)
		result = spread_font(cfg, layout);
	if (result == 0)
		result = check_whole(cfg, layout);
	return result;
}

int
layout_parse(const char *text, size_t length, struct layout **layout, char *why, size_t why_size)
{
	char *copy = strndup(text, length);
	struct layout *made = calloc(1, sizeof *made);
	cfg_t *cfg = cfg_init(page_options, CFGF_NONE);
	int result = MINT_MEMORY;

	*layout = NULL;
	layout_reason_begin(why, why_size);
	if (!copy || !made || !cfg)
		goto out;
	cfg_set_error_function(cfg, layout_reason_keep);
	comment_blank(copy);
	result = MINT_CONFIG;
	if (length > FILE_BYTES_MAX)
		layout_refuse(cfg, NULL, "the file is larger than 64 KiB: split off what is no layout");
	else if (strlen(copy) != length)
		layout_refuse(cfg, NULL, "a NUL byte: save the file as plain UTF-8 text");
	else if (cfg_parse_buf(cfg, copy) == CFG_SUCCESS)
		result = build(cfg, made);
	else if (*why == '\0') /* libconfuse gives up on some misplaced words without saying so */
		layout_refuse(cfg, NULL, "a name, a value or a brace is not where one is expected: compare with docs/labels.md");
	if (result < 0)
		goto out;
	*layout = made;
	made = NULL;
out:
	layout_free(&made);
	if (cfg)
		cfg_free(cfg);
	free(copy);
	return result;
}

int
layout_load(const char *path, struct layout **layout)
{
	char text[FILE_BYTES_MAX + 1], why[256];
	FILE *file = fopen(path, "re");
	size_t length;
	int result;

	*layout = NULL;
	if (!file) {
		result = errno == ENOENT ? MINT_NOT_FOUND : MINT_SYSTEM;
		log_error("%s: %s: name the directory of the layouts with --layouts", path, strerror(errno));
		return result;
	}
	length = fread(text, 1, sizeof text, file);
	fclose(file);
	result = layout_parse(text, length, layout, why, sizeof why);
	if (result < 0)
		log_error("%s: %s", path, result == MINT_CONFIG ? why : "out of memory: close other programs");
	return result;
}

void
layout_free(struct layout **layout)
{
	if (!*layout)
		return;
	for (size_t i = 0; i < (*layout)->count; i++) {
		free((*layout)->items[i].name);
		free((*layout)->items[i].value);
		free((*layout)->items[i].font);
	}
	free((*layout)->items);
	free(*layout);
	*layout = NULL;
}

const struct item *
layout_list(const struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->items[i].kind == ITEM_LIST)
			return &layout->items[i];
	return NULL;
}
