/* Reading a layout: libconfuse knows the syntax and the names, this file what makes sense on a page. */
#include "hostd/label/layout.h"

#include <confuse.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/log.h"
#include "hostd/label/fields.h"
#include "schemas/errors.h"

enum { FILE_BYTES_MAX = 64 * 1024, ITEMS_MAX = 200 };

#define COMMON_OPTIONS \
	CFG_FLOAT_LIST("box", NULL, CFGF_NONE), \
	CFG_STR("when", "", CFGF_NONE), \
	CFG_STR("unless", "", CFGF_NONE)

#define TEXT_OPTIONS \
	COMMON_OPTIONS, \
	CFG_STR("value", "", CFGF_NONE), \
	CFG_STR("font", "", CFGF_NONE), \
	CFG_STR("weight", "regular", CFGF_NONE), \
	CFG_STR("ink", "black", CFGF_NONE), \
	CFG_FLOAT("size", 10, CFGF_NONE), \
	CFG_FLOAT("size_min", 6, CFGF_NONE), \
	CFG_FLOAT("leading", 1.25, CFGF_NONE)

#define SYMBOL_OPTIONS \
	COMMON_OPTIONS, \
	CFG_STR("value", "", CFGF_NONE), \
	CFG_STR("align", "left", CFGF_NONE), \
	CFG_INT("module", 3, CFGF_NONE), \
	CFG_INT("module_min", 2, CFGF_NONE)

static cfg_opt_t fill_options[] = { COMMON_OPTIONS, CFG_END() };

static cfg_opt_t frame_options[] = {
	COMMON_OPTIONS,
	CFG_FLOAT("thickness", 0.25, CFGF_NONE),
	CFG_FLOAT("dash", 0, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t text_options[] = {
	TEXT_OPTIONS,
	CFG_STR("align", "left", CFGF_NONE),
	CFG_STR("valign", "top", CFGF_NONE),
	CFG_INT("lines", 1, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t list_options[] = {
	TEXT_OPTIONS,
	CFG_INT("columns", 1, CFGF_NONE),
	CFG_INT("group", 0, CFGF_NONE),
	CFG_BOOL("tick", cfg_false, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t symbol_options[] = { SYMBOL_OPTIONS, CFG_END() };

enum { SECTION = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES };

static cfg_opt_t page_options[] = {
	CFG_FLOAT("width_mm", 0, CFGF_NONE),
	CFG_FLOAT("height_mm", 0, CFGF_NONE),
	CFG_INT("dpi", 203, CFGF_NONE),
	CFG_STR("font", "Noto Sans CJK SC", CFGF_NONE),
	CFG_SEC("fill", fill_options, SECTION),
	CFG_SEC("frame", frame_options, SECTION),
	CFG_SEC("text", text_options, SECTION),
	CFG_SEC("list", list_options, SECTION),
	CFG_SEC("code128", symbol_options, SECTION),
	CFG_SEC("qr", symbol_options, SECTION),
	CFG_END(),
};

/* In the order of drawing: enum item_kind. */
static const char *const kind_names[] = { "fill", "frame", "text", "list", "code128", "qr" };
enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0] };

/* --- telling what is wrong: once, the first thing */

/* libconfuse gives its error function no argument of ours. */
static char *reason;
static size_t reason_size;

static void
keep_reason(cfg_t *cfg, const char *format, va_list arguments)
{
	int used;

	if (*reason)
		return;
	used = snprintf(reason, reason_size, "line %d: ", cfg->line);
	if (used > 0 && (size_t)used < reason_size)
		vsnprintf(reason + used, reason_size - (size_t)used, format, arguments);
	if (strlen(reason) + 40 < reason_size)
		strcat(reason, ": compare with docs/labels.md");
}

static int refuse(const cfg_t *, const struct item *, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
refuse(const cfg_t *section, const struct item *item, const char *format, ...)
{
	va_list arguments;
	int used;

	used = snprintf(reason, reason_size, "line %d: ", section->line);
	if (item && (size_t)used < reason_size)
		used += snprintf(reason + used, reason_size - (size_t)used, "%s \"%.40s\": ", kind_names[item->kind], item->name);
	va_start(arguments, format);
	if ((size_t)used < reason_size)
		vsnprintf(reason + used, reason_size - (size_t)used, format, arguments);
	va_end(arguments);
	return MINT_CONFIG;
}

/* --- values of one section */

static bool
has(cfg_t *section, const char *name)
{
	return cfg_getopt(section, name) != NULL;
}

/* Both edges are rounded, so that neighbours meet; but rules of one thickness look alike wherever they are. */
static int
extent(double from, double length, double scale)
{
	return length < 1 ? (int)lround(length * scale) : (int)(lround((from + length) * scale) - lround(from * scale));
}

static int
read_box(cfg_t *section, const struct layout *layout, struct item *item)
{
	double scale = layout->dpi / 25.4, mm[4];
	struct box *box = &item->box;

	if (cfg_size(section, "box") != 4)
		return refuse(section, item, "box needs four numbers: write box = {left, top, width, height} in mm");
	for (unsigned int i = 0; i < 4; i++) {
		mm[i] = cfg_getnfloat(section, "box", i);
		if (!(mm[i] >= 0 && mm[i] <= 1000))
			return refuse(section, item, "box has a number below 0 or above 1000: give mm from the top left corner");
	}
	box->x = (int)lround(mm[0] * scale);
	box->y = (int)lround(mm[1] * scale);
	box->width = extent(mm[0], mm[2], scale);
	box->height = extent(mm[1], mm[3], scale);
	if (box->width < 1 || box->height < 1)
		return refuse(section, item, "box is smaller than one dot: make it wider or higher");
	if (box->x + box->width > layout->width || box->y + box->height > layout->height)
		return refuse(section, item, "box leaves the page: keep left + width and top + height inside");
	return 0;
}

static int
read_condition(cfg_t *section, const struct item *item, const char *option, int *field)
{
	const char *name = cfg_getstr(section, option);

	*field = -1;
	if (*name == '\0')
		return 0;
	*field = field_by_name(name, strlen(name));
	return *field >= 0 ? 0 : refuse(section, item, "%s names no field: take one of the list in docs/labels.md", option);
}

/* One of up to three words; *choice becomes its place. */
static int
read_word(cfg_t *section, const struct item *item, const char *option, const char *const words[3], int *choice)
{
	const char *given = cfg_getstr(section, option);

	for (*choice = 0; *choice < 3; ++*choice)
		if (words[*choice] && strcmp(given, words[*choice]) == 0)
			return 0;
	return refuse(section, item, "%s is unknown: write %s, %s%s%s", option, words[0], words[1],
	    words[2] ? " or " : "", words[2] ? words[2] : "");
}

static int
read_int(cfg_t *section, const struct item *item, const char *option, long low, long high, int *value)
{
	long given = cfg_getint(section, option);

	if (given < low || given > high)
		return refuse(section, item, "%s is out of range: write %ld to %ld", option, low, high);
	*value = (int)given;
	return 0;
}

/* A length in `unit`s of which `per_inch` make an inch, as dots. */
static int
read_length(cfg_t *section, const struct layout *layout, const struct item *item, const char *option, double per_inch,
    double low, double high, int *dots)
{
	double given = cfg_getfloat(section, option);

	if (!(given >= low && given <= high))
		return refuse(section, item, "%s is out of range: write %g to %g", option, low, high);
	*dots = (int)lround(given / per_inch * layout->dpi);
	return 0;
}

static int
read_value(cfg_t *section, struct item *item)
{
	const char *value = cfg_getstr(section, "value"), *bad = template_check(value);

	if (*value == '\0')
		return refuse(section, item, "value is missing: write value = \"…\"");
	if (bad)
		return refuse(section, item, "value names no field at \"%.20s\": take one of the list in docs/labels.md", bad);
	item->value = strdup(value);
	return item->value ? 0 : MINT_MEMORY;
}

static int
read_type(cfg_t *section, const struct layout *layout, struct item *item)
{
	static const char *const weights[3] = { "regular", "bold" }, *const inks[3] = { "black", "white" };
	const char *font = cfg_getstr(section, "font");
	int bold, white, result;

	if ((result = read_word(section, item, "weight", weights, &bold)) < 0 ||
	    (result = read_word(section, item, "ink", inks, &white)) < 0 ||
	    (result = read_length(section, layout, item, "size", 72, 4, 144, &item->size_max)) < 0 ||
	    (result = read_length(section, layout, item, "size_min", 72, 4, 144, &item->size_min)) < 0)
		return result;
	item->bold = bold;
	item->white = white;
	item->leading = cfg_getfloat(section, "leading");
	if (!(item->leading >= 1 && item->leading <= 3))
		return refuse(section, item, "leading is out of range: write 1 to 3");
	/* A size below the usual smallest means just that size. */
	if (item->size_min > item->size_max)
		item->size_min = item->size_max;
	item->font = strdup(*font ? font : "");
	return item->font ? 0 : MINT_MEMORY;
}

static int
read_align(cfg_t *section, const struct item *item, const char *option, const char *const words[3], enum item_align *align)
{
	int choice, result = read_word(section, item, option, words, &choice);

	if (result == 0)
		*align = (enum item_align)choice;
	return result;
}

static int
read_numbers(cfg_t *section, const struct layout *layout, struct item *item)
{
	static const char *const aligns[3] = { "left", "middle", "right" }, *const valigns[3] = { "top", "middle", "bottom" };
	int result = 0;

	if (has(section, "align"))
		result = read_align(section, item, "align", aligns, &item->align);
	if (result == 0 && has(section, "valign"))
		result = read_align(section, item, "valign", valigns, &item->valign);
	if (result == 0 && has(section, "lines"))
		result = read_int(section, item, "lines", 1, 20, &item->lines);
	if (result == 0 && has(section, "columns"))
		result = read_int(section, item, "columns", 1, 8, &item->columns);
	if (result == 0 && has(section, "group"))
		result = read_int(section, item, "group", 0, 32, &item->group);
	if (result == 0 && has(section, "module"))
		result = read_int(section, item, "module", 1, 20, &item->module_max);
	if (result == 0 && has(section, "module_min"))
		result = read_int(section, item, "module_min", 1, 20, &item->module_min);
	if (result == 0 && item->module_min > item->module_max)
		result = refuse(section, item, "module_min is above module: make it smaller");
	if (result == 0 && has(section, "thickness"))
		result = read_length(section, layout, item, "thickness", 25.4, 0.1, 10, &item->thickness);
	if (result == 0 && has(section, "dash"))
		result = read_length(section, layout, item, "dash", 25.4, 0, 20, &item->dash);
	item->tick = has(section, "tick") && cfg_getbool(section, "tick");
	return result;
}

static int
read_item(cfg_t *section, const struct layout *layout, struct item *item)
{
	int result = read_box(section, layout, item);

	if (result == 0)
		result = read_condition(section, item, "when", &item->when);
	if (result == 0)
		result = read_condition(section, item, "unless", &item->unless);
	if (result == 0 && has(section, "value"))
		result = read_value(section, item);
	if (result == 0 && has(section, "size"))
		result = read_type(section, layout, item);
	if (result == 0)
		result = read_numbers(section, layout, item);
	return result;
}

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
				return refuse(cfg, symbol, "overlaps %s \"%.40s\", so scanners may not read it: move one of the two",
				    kind_names[other->kind], other->name);
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
		return refuse(cfg, NULL, "%zu lists: write one list without when and unless, for the tokens", lists);
	if (numbers == 0)
		return refuse(cfg, NULL, "the application number is missing: write a code128 with value = \"{application}\"");
	return check_symbols(cfg, layout);
}

static int
read_page(cfg_t *cfg, struct layout *layout)
{
	double width = cfg_getfloat(cfg, "width_mm"), height = cfg_getfloat(cfg, "height_mm");
	long dpi = cfg_getint(cfg, "dpi");

	if (!(width >= 20 && width <= 300) || !(height >= 20 && height <= 400))
		return refuse(cfg, NULL, "the page is too small or too large: write width_mm 20 to 300, height_mm 20 to 400");
	if (dpi < 100 || dpi > 1200)
		return refuse(cfg, NULL, "dpi is out of range: write what the printer has, such as 203 or 300");
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

	for (int kind = 0; kind < KIND_COUNT; kind++)
		total += cfg_size(cfg, kind_names[kind]);
	if (total == 0 || total > ITEMS_MAX)
		return refuse(cfg, NULL, "%zu things on the page: write 1 to 200", total);
	layout->items = calloc(total, sizeof *layout->items);
	if (!layout->items)
		return MINT_MEMORY;
	for (int kind = 0; kind < KIND_COUNT && result == 0; kind++) {
		for (unsigned int i = 0; i < cfg_size(cfg, kind_names[kind]) && result == 0; i++) {
			cfg_t *section = cfg_getnsec(cfg, kind_names[kind], i);
			struct item *item = &layout->items[layout->count++];
			item->kind = (enum item_kind)kind;
			item->name = strdup(cfg_title(section));
			result = item->name ? read_item(section, layout, item) : MINT_MEMORY;
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
	*why = '\0';
	reason = why;
	reason_size = why_size;
	if (!copy || !made || !cfg)
		goto out;
	cfg_set_error_function(cfg, keep_reason);
	result = MINT_CONFIG;
	if (length > FILE_BYTES_MAX)
		refuse(cfg, NULL, "the file is larger than 64 KiB: split off what is no layout");
	else if (strlen(copy) != length)
		refuse(cfg, NULL, "a NUL byte: save the file as plain UTF-8 text");
	else if (cfg_parse_buf(cfg, copy) == CFG_SUCCESS)
		result = build(cfg, made);
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
