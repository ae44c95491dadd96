/* One section of a layout becomes one item: names, ranges and units. */
#include "hostd/label/layout_item.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/label/fields.h"
#include "schemas/errors.h"

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

cfg_opt_t layout_fill_options[] = { COMMON_OPTIONS, CFG_END() };

cfg_opt_t layout_frame_options[] = {
	COMMON_OPTIONS,
	CFG_FLOAT("thickness", 0.25, CFGF_NONE),
	CFG_FLOAT("dash", 0, CFGF_NONE),
	CFG_END(),
};

cfg_opt_t layout_text_options[] = {
	TEXT_OPTIONS,
	CFG_STR("align", "left", CFGF_NONE),
	CFG_STR("valign", "top", CFGF_NONE),
	CFG_INT("lines", 1, CFGF_NONE),
	CFG_END(),
};

cfg_opt_t layout_list_options[] = {
	TEXT_OPTIONS,
	CFG_INT("columns", 1, CFGF_NONE),
	CFG_INT("group", 0, CFGF_NONE),
	CFG_BOOL("tick", cfg_false, CFGF_NONE),
	CFG_END(),
};

cfg_opt_t layout_symbol_options[] = { SYMBOL_OPTIONS, CFG_END() };

const char *const layout_kind_names[LAYOUT_KINDS] = { "fill", "frame", "text", "list", "code128", "qr" };

static struct conf_file *reading;

void
layout_reading(struct conf_file *file)
{
	reading = file;
}

int
layout_refuse(const cfg_t *section, const char *key, const struct item *item, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return item ? conf_file_refuse(reading, section, key, "%s \"%.40s\": %s", layout_kind_names[item->kind], item->name, text)
	            : conf_file_refuse(reading, section, key, "%s", text);
}

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
		return layout_refuse(section, "box", item, "box needs four numbers: write box = {left, top, width, height} in mm");
	for (unsigned int i = 0; i < 4; i++) {
		mm[i] = cfg_getnfloat(section, "box", i);
		if (!(mm[i] >= 0 && mm[i] <= 1000))
			return layout_refuse(section, "box", item, "box has a number below 0 or above 1000: give mm from the top left corner");
	}
	box->x = (int)lround(mm[0] * scale);
	box->y = (int)lround(mm[1] * scale);
	box->width = extent(mm[0], mm[2], scale);
	box->height = extent(mm[1], mm[3], scale);
	if (box->width < 1 || box->height < 1)
		return layout_refuse(section, "box", item, "box is smaller than one dot: make it wider or higher");
	if (box->x + box->width > layout->width || box->y + box->height > layout->height)
		return layout_refuse(section, "box", item, "box leaves the page: keep left + width and top + height inside");
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
	return *field >= 0 ? 0 : layout_refuse(section, option, item, "%s names no field: take one of the list in docs/labels.md", option);
}

/* One of up to three words; *choice becomes its place. */
static int
read_word(cfg_t *section, const struct item *item, const char *option, const char *const words[3], int *choice)
{
	const char *given = cfg_getstr(section, option);

	for (*choice = 0; *choice < 3; ++*choice)
		if (words[*choice] && strcmp(given, words[*choice]) == 0)
			return 0;
	return layout_refuse(section, option, item, "%s is unknown: write %s, %s%s%s", option, words[0], words[1],
	    words[2] ? " or " : "", words[2] ? words[2] : "");
}

static int
read_int(cfg_t *section, const struct item *item, const char *option, long low, long high, int *value)
{
	long given = cfg_getint(section, option);

	if (given < low || given > high)
		return layout_refuse(section, option, item, "%s is out of range: write %ld to %ld", option, low, high);
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
		return layout_refuse(section, option, item, "%s is out of range: write %g to %g", option, low, high);
	*dots = (int)lround(given / per_inch * layout->dpi);
	return 0;
}

static int
read_value(cfg_t *section, struct item *item)
{
	const char *value = cfg_getstr(section, "value"), *bad = template_check(value);

	if (*value == '\0')
		return layout_refuse(section, "value", item, "value is missing: write value = \"…\"");
	if (bad)
		return layout_refuse(section, "value", item, "value names no field at \"%.20s\": take one of the list in docs/labels.md", bad);
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
		return layout_refuse(section, "leading", item, "leading is out of range: write 1 to 3");
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
		result = layout_refuse(section, "module_min", item, "module_min is above module: make it smaller");
	if (result == 0 && has(section, "thickness"))
		result = read_length(section, layout, item, "thickness", 25.4, 0.1, 10, &item->thickness);
	if (result == 0 && has(section, "dash"))
		result = read_length(section, layout, item, "dash", 25.4, 0, 20, &item->dash);
	item->tick = has(section, "tick") && cfg_getbool(section, "tick");
	return result;
}

int
layout_item_read(cfg_t *section, const struct layout *layout, struct item *item)
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

