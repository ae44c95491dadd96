/* A label becomes pages. */
#include "hostd/label/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/log.h"
#include "hostd/label/fields.h"
#include "hostd/label/label.h"
#include "hostd/label/layout.h"
#include "hostd/label/symbol.h"
#include "hostd/label/tokenlist.h"
#include "hostd/label/typeset.h"
#include "schemas/errors.h"

enum sheet { SHEET_PARCEL, SHEET_COLLECTION, SHEET_PACKING_LIST, SHEET_COUNT };

static const char *const sheet_files[SHEET_COUNT] = { "parcel.conf", "collection.conf", "packing-list.conf" };

struct renderer {
	struct typeset *typeset;
	struct layout  *sheets[SHEET_COUNT];
};

/* One label on its way. */
struct drawing {
	struct renderer    *renderer;
	const struct label *label;
	struct fields       fields;
	char               *why;
	size_t              why_size;
};

/* --- one page */

/* `what` names a field or the item; the text itself may be personal. */
static int
explain(const struct drawing *drawing, int result, const char *what, uint32_t missing)
{
	if (result == MINT_LABEL_GLYPH)
		snprintf(drawing->why, drawing->why_size, "%s: no font has U+%04X", what, missing);
	else if (result == MINT_LABEL_TOO_LONG)
		snprintf(drawing->why, drawing->why_size, "%s: does not fit at the smallest size", what);
	else if (result < 0)
		snprintf(drawing->why, drawing->why_size, "%s: %s", what, error_info(result)->what[MINT_EN]);
	return result;
}

static bool
has_value(const struct fields *fields, int field)
{
	return fields->value[field] && *fields->value[field];
}

static bool
is_wanted(const struct item *item, const struct fields *fields)
{
	return (item->when < 0 || has_value(fields, item->when)) && (item->unless < 0 || !has_value(fields, item->unless));
}

/* Text and symbols: what stands in braces becomes what it stands for. */
static int
draw_value(struct drawing *drawing, struct raster *page, const struct item *item)
{
	enum field only;
	uint32_t missing = 0;
	char *text = template_expand(item->value, &drawing->fields, &only);
	int result = 0;

	if (!text)
		return MINT_MEMORY;
	if (item->kind != ITEM_TEXT)
		result = symbol_draw(page, item, text);
	else if (*text)
		result = typeset_draw(drawing->renderer->typeset, page, item->box, item, text, &missing);
	free(text);
	return explain(drawing, result, only < FIELD_COUNT ? field_name(only) : item->name, missing);
}

static int
draw_item(struct drawing *drawing, struct raster *page, const struct item *item, const struct tokenlist *list)
{
	uint32_t missing = 0;

	if (!is_wanted(item, &drawing->fields))
		return 0;
	switch (item->kind) {
	case ITEM_FILL:
		raster_fill(page, item->box, true);
		return 0;
	case ITEM_FRAME:
		raster_frame(page, item->box, item->thickness, item->dash);
		return 0;
	case ITEM_LIST:
		return explain(drawing, tokenlist_draw(list, drawing->renderer->typeset, page, &drawing->fields, &missing),
		    "tokens", missing);
	case ITEM_TEXT:
	case ITEM_CODE128:
	case ITEM_QR:
		return draw_value(drawing, page, item);
	}
	return 0;
}

static int
draw_page(struct drawing *drawing, const struct layout *layout, const struct tokenlist *list, struct raster **page)
{
	int result = 0;

	*page = raster_new(layout->width, layout->height, layout->dpi);
	if (!*page)
		return MINT_MEMORY;
	for (size_t i = 0; i < layout->count && result == 0; i++)
		result = draw_item(drawing, *page, &layout->items[i], list);
	return result;
}

/* --- all pages */

static const struct layout *
sheet_of(const struct drawing *drawing, size_t page)
{
	enum sheet first = drawing->label->kind == LABEL_SHIPPING ? SHEET_PARCEL : SHEET_COLLECTION;

	return drawing->renderer->sheets[page == 0 ? first : SHEET_PACKING_LIST];
}

/* Which tokens stand on which page. */
static int
plan_pages(struct drawing *drawing, struct tokenlist lists[RENDER_PAGES_MAX], size_t *count)
{
	size_t listed = 0;
	uint32_t missing = 0;
	int result;

	for (*count = 0; listed < drawing->label->serial_count; ++*count) {
		if (*count == RENDER_PAGES_MAX)
			return explain(drawing, MINT_LABEL_TOO_LONG, "tokens", 0);
		lists[*count] = (struct tokenlist){
			.item = layout_list(sheet_of(drawing, *count)),
			.label = drawing->label,
			.first = listed,
		};
		result = tokenlist_plan(&lists[*count], drawing->renderer->typeset, &drawing->fields, &missing);
		if (result < 0)
			return explain(drawing, result, "tokens", missing);
		listed += lists[*count].count;
	}
	return 0;
}

static int
number_page(struct fields *fields, size_t page, size_t count)
{
	int result = fields_set_number(fields, FIELD_page, page + 1);

	if (result == 0 && count > 1)
		result = fields_set_number(fields, FIELD_pages, count);
	if (result == 0)
		result = page + 1 < count ? fields_set_number(fields, FIELD_more, page + 2) : fields_set_text(fields, FIELD_more, "");
	return result;
}

static int
draw_pages(struct drawing *drawing, struct pages *pages)
{
	struct tokenlist lists[RENDER_PAGES_MAX];
	size_t count;
	int result = plan_pages(drawing, lists, &count);

	for (size_t i = 0; i < count && result == 0; i++) {
		result = number_page(&drawing->fields, i, count);
		if (result == 0)
			result = draw_page(drawing, sheet_of(drawing, i), &lists[i], &pages->page[pages->count++]);
	}
	return result;
}

int
render_label(struct renderer *renderer, const struct label *label, struct pages *pages, char *why, size_t why_size)
{
	struct drawing drawing = { .renderer = renderer, .label = label, .why = why, .why_size = why_size };
	int result;

	*pages = (struct pages){ .count = 0 };
	snprintf(why, why_size, "out of memory");
	result = label_check(label, why, why_size);
	if (result < 0)
		return result;
	result = fields_make(label, &drawing.fields);
	if (result == 0)
		result = draw_pages(&drawing, pages);
	fields_clear(&drawing.fields);
	if (result < 0)
		pages_free(pages);
	else
		*why = '\0';
	return result;
}

void
pages_free(struct pages *pages)
{
	for (size_t i = 0; i < pages->count; i++)
		raster_free(&pages->page[i]);
	pages->count = 0;
}

/* --- opening */

/* Opens every font a label may need (both weights, the mono-spaced one of the serials, the one with characters beyond the basic
 * plane) and puts the digits of the usual sizes into cairo's cache. */
#define HEX "0123456789ABCDEF"

static int
warm(struct renderer *renderer, enum label_kind kind, size_t tokens)
{
	static const char *const serials[] = {
		HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX,
	};
	const struct label trial = {
		.kind = kind, .application = "0", .organisation = "预热", .name = "王\u4DAE\u36C3\U0002B361", .phone = "13800138000",
		.address = "北京市海淀区", .serials = serials, .serial_count = tokens, .collection_point = "", .waybill = "", .routing = "", .hub = "",
		.product = "", .sender_name = "\u4DAE\u36C3\U0002B361", .sender_phone = "", .sender_address = "",
	};
	struct pages pages;
	char why[160];
	int result = render_label(renderer, &trial, &pages, why, sizeof why);

	if (result < 0)
		log_error("trial label: %s: install the packages fonts-noto-cjk and fonts-hanazono", why);
	pages_free(&pages);
	return result;
}

static int
warm_all(struct renderer *renderer)
{
	static const size_t tokens[] = { 1, 20 };
	int result = 0;

	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0] && result == 0; i++) {
		result = warm(renderer, LABEL_SHIPPING, tokens[i]);
		if (result == 0)
			result = warm(renderer, LABEL_COLLECTION, tokens[i]);
	}
	return result;
}

int
renderer_open(const char *directory, struct renderer **renderer)
{
	struct renderer *made = calloc(1, sizeof *made);
	char path[4096];
	int result = MINT_MEMORY;

	*renderer = NULL;
	if (!made || !(made->typeset = typeset_new()))
		goto out;
	for (int i = 0; i < SHEET_COUNT; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, sheet_files[i]);
		result = layout_load(path, &made->sheets[i]);
		if (result < 0)
			goto out;
	}
	result = warm_all(made);
	if (result < 0)
		goto out;
	*renderer = made;
	made = NULL;
out:
	renderer_free(&made);
	return result;
}

void
renderer_free(struct renderer **renderer)
{
	if (!*renderer)
		return;
	for (int i = 0; i < SHEET_COUNT; i++)
		layout_free(&(*renderer)->sheets[i]);
	typeset_free(&(*renderer)->typeset);
	free(*renderer);
	*renderer = NULL;
}
