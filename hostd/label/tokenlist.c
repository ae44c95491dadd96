/* The tokens of a parcel as a list in columns. */
#include "hostd/label/tokenlist.h"

#include <ctype.h>
#include <stdio.h>
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
	for (size_t i = 0; i < LABEL_SERIAL_MAX && serial[i]; i++) {
		if (group > 0 && i > 0 && i % (size_t)group == 0)
			spaced[used++] = ' ';
		spaced[used++] = serial[i];
	}
	spaced[used] = '\0';
	return fields_set_text(fields, FIELD_serial, spaced);
}

/* All numbers as wide as that of the last token, so that serials stand under each other. */
static int
set_index(struct fields *fields, size_t number, size_t last)
{
	char text[24];

	snprintf(text, sizeof text, "%*zu", snprintf(NULL, 0, "%zu", last), number);
	return fields_set_text(fields, FIELD_index, text);
}

/* What stands in the list for one token; the caller's to free. */
static char *
entry(const struct tokenlist *list, struct fields *fields, size_t index)
{
	if (set_index(fields, index + 1, list->label->serial_count) < 0 ||
	    set_serial(fields, list->label->serials[index], list->item->group) < 0)
		return NULL;
	return template_expand(list->item->value, fields, NULL);
}

/* The entry that is widest at the largest size; the caller's to free. */
static int
widest_entry(const struct tokenlist *list, struct typeset *typeset, struct fields *fields, char **widest, uint32_t *missing)
{
	int most = -1, width, result = 0;

	*widest = NULL;
	for (size_t i = list->first; i < list->label->serial_count && result == 0; i++) {
		char *text = entry(list, fields, i);
		result = text ? typeset_width(typeset, list->item, text, list->item->size_max, &width, missing) : MINT_MEMORY;
		if (result == 0 && width > most) {
			free(*widest);
			*widest = text;
			text = NULL;
			most = width;
		}
		free(text);
	}
	if (result < 0) {
		free(*widest);
		*widest = NULL;
	}
	return result;
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
gutter_at(int size)
{
	return (int)(gutter_em * size + 0.5);
}

static int
indent_at(const struct item *item, int size)
{
	return item->tick ? (int)(tick_em * size + 0.5) : 0;
}

static int
columns_at(const struct item *item, int size, int width)
{
	int columns = (item->box.width + gutter_at(size)) / (width + gutter_at(size));

	return columns < item->columns ? columns : item->columns;
}

/* Takes what fits at this size; false when that is not all, unless the size is the smallest. */
static bool
plan_at(struct tokenlist *list, int size, int width)
{
	size_t left = list->label->serial_count - list->first;
	size_t rows = (size_t)rows_at(list->item, size), room = rows * (size_t)columns_at(list->item, size, width);

	if (room == 0 || (room < left && size > list->item->size_min))
		return false;
	list->size = size;
	list->count = left < room ? left : room;
	/* No more columns than needed, and all of about the same length. */
	list->columns = (int)((list->count + rows - 1) / rows);
	list->rows = (int)((list->count + (size_t)list->columns - 1) / (size_t)list->columns);
	return true;
}

int
tokenlist_plan(struct tokenlist *list, struct typeset *typeset, struct fields *fields, uint32_t *missing)
{
	const struct item *item = list->item;
	bool planned = false;
	char *widest;
	int width, result = widest_entry(list, typeset, fields, &widest, missing);

	for (int size = item->size_max; size >= item->size_min && result == 0 && !planned; size--) {
		/* Glyphs stand on whole dots, so the width does not quite grow with the size. */
		result = typeset_width(typeset, item, widest, size, &width, missing);
		planned = result == 0 && plan_at(list, size, width + indent_at(item, size));
	}
	free(widest);
	return result < 0 ? result : planned ? 0 : MINT_LABEL_TOO_LONG;
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
		int indent = indent_at(&style, list->size), line = list->size >= 32 ? 3 : 2;
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
	int gutter = gutter_at(list->size), width = (area.width - (list->columns - 1) * gutter) / list->columns;
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
