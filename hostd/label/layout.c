/* Reading a layout: libconfuse knows the syntax, layout_item.c each thing by itself, this file what makes sense together. */
#include "hostd/label/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/conf_file.h"
#include "hostd/base/log.h"
#include "hostd/label/layout_item.h"
#include "schemas/errors.h"

enum { ITEMS_MAX = 200 };

static const char manual[] = "compare with docs/labels.md";

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

static const cfg_t *
section_of(cfg_t *cfg, const struct item *item)
{
	return cfg_gettsec(cfg, layout_kind_names[item->kind], item->name);
}

static int
check_symbols(cfg_t *cfg, const struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct item *symbol = &layout->items[i];
		for (size_t j = 0; j < layout->count && is_symbol(symbol); j++) {
			const struct item *other = &layout->items[j];
			if (j == i || never_together(symbol, other) || inside_frame(other, symbol->box))
				continue;
			if (overlap(symbol->box, other->box))
				return layout_refuse(section_of(cfg, symbol), "box", symbol,
				    "overlaps %s \"%.40s\", so scanners may not read it: move one of the two",
				    layout_kind_names[other->kind], other->name);
		}
	}
	return 0;
}

static int
check_whole(cfg_t *cfg, const struct layout *layout)
{
	size_t lists = 0, numbers = 0;

	for (size_t i = 0; i < layout->count; i++) {
		const struct item *item = &layout->items[i];
		bool always = item->when < 0 && item->unless < 0;
		lists += item->kind == ITEM_LIST && always;
		numbers += item->kind == ITEM_CODE128 && always && strcmp(item->value, "{application}") == 0;
	}
	if (lists != 1)
		return layout_refuse(cfg, NULL, NULL, "%zu lists: write one list without when and unless, for the tokens", lists);
	if (numbers == 0)
		return layout_refuse(cfg, NULL, NULL, "the application number is missing: write a code128 with value = \"{application}\"");
	return check_symbols(cfg, layout);
}

static int
read_page(cfg_t *cfg, struct layout *layout)
{
	double width = cfg_getfloat(cfg, "width_mm"), height = cfg_getfloat(cfg, "height_mm");
	bool wide = width >= 20 && width <= 300, high = height >= 20 && height <= 400;
	long dpi = cfg_getint(cfg, "dpi");

	if (!wide || !high)
		return layout_refuse(cfg, wide ? "height_mm" : "width_mm", NULL,
		    "the page is too small or too large: write width_mm 20 to 300, height_mm 20 to 400");
	if (dpi < 100 || dpi > 1200)
		return layout_refuse(cfg, "dpi", NULL, "dpi is out of range: write what the printer has, such as 203 or 300");
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
		return layout_refuse(cfg, NULL, NULL, "%zu things on the page: write 1 to 200", total);
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

/* `read` is what reading the file's text has come to; `why` is filled after MINT_CONFIG and what else conf_file says. */
static int
take_file(struct conf_file *file, int read, struct layout **layout, char *why, size_t why_size)
{
	struct layout *made = calloc(1, sizeof *made);
	cfg_t *cfg = cfg_init(page_options, CFGF_NONE);
	int result = made && cfg ? read : MINT_MEMORY;

	layout_reading(file);
	if (result == 0)
		result = conf_file_parse(file, cfg);
	if (result == 0)
		result = build(cfg, made);
	layout_reading(NULL);
	conf_file_why(file, manual, why, why_size);
	if (result == 0) {
		*layout = made;
		made = NULL;
	}
	layout_free(&made);
	if (cfg)
		cfg_free(cfg);
	return result;
}

int
layout_parse(const char *text, size_t length, struct layout **layout, char *why, size_t why_size)
{
	struct conf_file *file = conf_file_new(NULL);
	int result = MINT_MEMORY;

	*layout = NULL;
	*why = '\0';
	if (file)
		result = take_file(file, conf_file_take(file, text, length), layout, why, why_size);
	conf_file_free(&file);
	return result;
}

int
layout_load(const char *path, struct layout **layout)
{
	struct conf_file *file = conf_file_new(path);
	char why[512] = "";
	int result = MINT_MEMORY;

	*layout = NULL;
	if (file)
		result = take_file(file, conf_file_load(file), layout, why, sizeof why);
	conf_file_free(&file);
	if (result == MINT_NOT_FOUND)
		log_error("%s, and the directory given with --layouts", why);
	else if (result < 0)
		log_error("%s", *why ? why : "layout: out of memory: close other programs");
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
