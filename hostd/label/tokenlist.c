/* The tokens of a parcel as a list in columns. */
#include "hostd/label/tokenlist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/label/fields.h"
#include "hostd/label/label.h"
#include "hostd/label/layout.h"
#include "hostd/label/typeset.h"
#include "schemas/errors.h"

/* In em: the box to tick with the space behind it, the tick box itself, the space between columns. */
static const double tick_em = 1.25, tick_box_em = 0.85, gutter_em = 0.8;

/* A serial in groups is read without losing one's place; only plain letters and digits are grouped, by their own marks others are. */
static int
set_serial(struct fields *fields, const char *serial, int group)
{
	char spaced[2 * LABEL_SERIAL_MAX + 1];
	size_t used = 0;

	for (const char *at = serial; *at; at++)
		if (!isalnum((unsigned char)*at))
			return fields_set_text(fields, FIELD_serial, serial);
	for (size_t i = 0; serial[i] && i < LABEL_SERIAL_MAX; i++) {
		if (group > 0 && i > 0 && i % (size_t)group == 0)
			spaced[used++] = ' ';
		spaced[used++] = serial[i];
	}
	spaced[used] = '\0';
	return fields_set_text(fields, FIELD_serial, spaced);
}

/* What stands in the list for one token; the caller's to free. */
static char *
entry(const struct tokenlist *list, struct fields *fields, size_t index)
{
	if (fields_set_number(fields, FIELD_index, index + 1) < 0 ||
	    set_serial(fields, list->label->serials[index], list->item->group) < 0)
		return NULL;
	return template_expand(list->item->value, fields, NULL);
}

static int
widest_entry(const struct tokenlist *list, struct typeset *typeset, struct fields *fields, double *widest_em, uint32_t *missing)
{
	*widest_em = 0;
	for (size_t i = list->first; i < list->label->serial_count; i++) {
		char *text = entry(list, fields, i);
		double width_em;
		int result = text ? typeset_width(typeset, list->item, text, &width_em, missing) : MINT_MEMORY;
		free(text);
		if (result < 0)
			return result;
		*widest_em = width_em > *widest_em ? width_em : *widest_em;
	}
	*widest_em += list->item->tick ? tick_em : 0;
	return 0;
}

static int
pitch_of(const struct item *item, int size)
{
	return (int)(item->leading * size + 0.5);
}

static int
rows_at(const struct item *item, int size)
{
	return item->box.height < size ? 0 : 1 + (item->box.height - size) / pitch_of(item, size);
}

static int
columns_at(const struct item *item, int size, double widest_em)
{
	double one = widest_em * size + 1, gutter = gutter_em * size;
	int columns = item->box.width < one ? 0 : 1 + (int)((item->box.width - one) / (one + gutter));

	return columns < item->columns ? columns : item->columns;
}

int
tokenlist_plan(struct tokenlist *list, struct typeset *typeset, struct fields *fields, uint32_t *missing)
{
	size_t left = list->label->serial_count - list->first;
	const struct item *item = list->item;
	double widest_em;
	int result = widest_entry(list, typeset, fields, &widest_em, missing);

	if (result < 0)
		return result;
	for (list->size = item->size_max; list->size >= item->size_min; list->size--) {
		int columns = columns_at(item, list->size, widest_em), rows = rows_at(item, list->size);
		size_t room = (size_t)columns * (size_t)rows;
		if (room == 0 || (room < left && list->size > item->size_min))
			continue;
		list->count = left < room ? left : room;
		/* No more columns than needed, and all of about the same length. */
		list->columns = (int)((list->count + (size_t)rows - 1) / (size_t)rows);
		list->rows = (int)((list->count + (size_t)list->columns - 1) / (size_t)list->columns);
		return 0;
	}
	return MINT_LABEL_TOO_LONG;
}

static int
draw_entry(const struct tokenlist *list, struct typeset *typeset, struct raster *page, const char *text, struct box cell,
    uint32_t *missing)
{
	struct item style = *list->item;
	int tick = (int)(tick_box_em * list->size + 0.5);

	style.size_max = style.size_min = list->size;
	style.lines = 1;
	style.align = style.valign = ALIGN_START;
	if (style.tick) {
		int indent = (int)(tick_em * list->size + 0.5), line = list->size >= 32 ? 3 : 2;
		raster_frame(page, (struct box){ cell.x, cell.y + (list->size - tick) / 2, tick, tick }, line, 0);
		cell.x += indent;
		cell.width -= indent;
	}
	return typeset_draw(typeset, page, cell, &style, text, missing);
}

int
tokenlist_draw(const struct tokenlist *list, struct typeset *typeset, struct raster *page, struct fields *fields, uint32_t *missing)
{
	const struct box area = list->item->box;
	int gutter = (int)(gutter_em * list->size), width = (area.width - (list->columns - 1) * gutter) / list->columns;
	int result = 0;

	for (size_t i = 0; i < list->count && result == 0; i++) {
		int column = (int)i / list->rows, row = (int)i % list->rows;
		struct box cell = {
			area.x + column * (width + gutter), area.y + row * pitch_of(list->item, list->size), width, list->size,
		};
		char *text = entry(list, fields, list->first + i);
		result = text ? draw_entry(list, typeset, page, text, cell, missing) : MINT_MEMORY;
		free(text);
	}
	return result;
}
