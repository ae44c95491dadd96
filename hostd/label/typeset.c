/* Text onto dots. Sizes are whole dots of the em, so that the same few sizes of a font stay in cairo's cache. */
#include "hostd/label/typeset.h"

#include <cairo.h>
#include <pango/pangocairo.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/label/layout.h"
#include "schemas/errors.h"

/* Of 255: a little below the half, since thin strokes of small type would break. */
enum { THRESHOLD = 112 };

/* Where the base line stands below the top of the em, for Chinese type (the em box of the ideographs). */
static const double base_line_em = 0.87;

struct typeset {
	PangoFontMap         *map;
	PangoContext         *context;
	PangoLayout          *layout;
	PangoFontDescription *font;
	cairo_surface_t      *surface; /* A8, as large as the largest page so far; clean between texts */
	cairo_t              *cairo;
};

/* LeakSanitizer asks for this. It cannot follow fontconfig's patterns, which hold offsets where others hold pointers; and FcFini
 * may not be called to free them, because threads of pango may still be reading them when a program ends early. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfontconfig\n";
}

struct typeset *
typeset_new(void)
{
	struct typeset *typeset = calloc(1, sizeof *typeset);
	cairo_font_options_t *options;

	if (!typeset)
		return NULL;
	typeset->map = pango_cairo_font_map_new();
	typeset->context = pango_font_map_create_context(typeset->map);
	options = cairo_font_options_create();
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	pango_cairo_context_set_font_options(typeset->context, options);
	cairo_font_options_destroy(options);
	/* Han characters have other shapes in Japan and Korea: these are ours. */
	pango_context_set_language(typeset->context, pango_language_from_string("zh-cn"));
	typeset->layout = pango_layout_new(typeset->context);
	pango_layout_set_single_paragraph_mode(typeset->layout, TRUE);
	pango_layout_set_wrap(typeset->layout, PANGO_WRAP_WORD_CHAR);
	typeset->font = pango_font_description_new();
	return typeset;
}

void
typeset_free(struct typeset **typeset)
{
	if (!*typeset)
		return;
	cairo_destroy((*typeset)->cairo);
	cairo_surface_destroy((*typeset)->surface);
	pango_font_description_free((*typeset)->font);
	g_object_unref((*typeset)->layout);
	g_object_unref((*typeset)->context);
	g_object_unref((*typeset)->map);
	free(*typeset);
	*typeset = NULL;
}

static void
set_size(struct typeset *typeset, const struct item *item, int size, int width)
{
	pango_font_description_set_family(typeset->font, item->font);
	pango_font_description_set_weight(typeset->font, item->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
	pango_font_description_set_absolute_size(typeset->font, (double)size * PANGO_SCALE);
	pango_layout_set_font_description(typeset->layout, typeset->font);
	pango_layout_set_width(typeset->layout, width < 0 ? -1 : width * PANGO_SCALE);
}

/* The first character that no font has; 0 when there is none. Pango keeps the code point in the glyph that stands for it. */
static uint32_t
missing_character(PangoLayout *layout)
{
	if (pango_layout_get_unknown_glyphs_count(layout) == 0)
		return 0;
	for (GSList *line = pango_layout_get_lines_readonly(layout); line; line = line->next) {
		for (GSList *run = ((PangoLayoutLine *)line->data)->runs; run; run = run->next) {
			const PangoGlyphString *glyphs = ((PangoLayoutRun *)run->data)->glyphs;
			for (int i = 0; i < glyphs->num_glyphs; i++)
				if (glyphs->glyphs[i].glyph & PANGO_GLYPH_UNKNOWN_FLAG)
					return glyphs->glyphs[i].glyph & ~PANGO_GLYPH_UNKNOWN_FLAG;
		}
	}
	return 0xFFFD;
}

int
typeset_width(struct typeset *typeset, const struct item *item, const char *text, int size, int *width, uint32_t *missing)
{
	set_size(typeset, item, size, -1);
	pango_layout_set_text(typeset->layout, text, -1);
	pango_layout_get_size(typeset->layout, width, NULL);
	*width = PANGO_PIXELS_CEIL(*width);
	*missing = missing_character(typeset->layout);
	return *missing ? MINT_LABEL_GLYPH : 0;
}

static int
pitch_of(const struct item *item, int size)
{
	return (int)(item->leading * size + 0.5);
}

/* Lays the text out at this size, and says whether it stays within the box. */
static bool
fits(struct typeset *typeset, struct box box, const struct item *item, int size)
{
	int width, lines;

	set_size(typeset, item, size, item->lines > 1 ? box.width : -1);
	lines = pango_layout_get_line_count(typeset->layout);
	pango_layout_get_size(typeset->layout, &width, NULL);
	return lines <= item->lines && PANGO_PIXELS_CEIL(width) <= box.width &&
	    (lines - 1) * pitch_of(item, size) + size <= box.height;
}

/* The largest size that fits, left laid out; 0 when none does. */
static int
fit(struct typeset *typeset, struct box box, const struct item *item)
{
	int low = item->size_min, high = item->size_max;

	if (fits(typeset, box, item, high))
		return high;
	if (!fits(typeset, box, item, low))
		return 0;
	while (high - low > 1) { /* low fits, high does not */
		int middle = (low + high) / 2;
		if (fits(typeset, box, item, middle))
			low = middle;
		else
			high = middle;
	}
	fits(typeset, box, item, low);
	return low;
}

static int
prepare_surface(struct typeset *typeset, const struct raster *page)
{
	if (typeset->surface && cairo_image_surface_get_width(typeset->surface) >= page->width &&
	    cairo_image_surface_get_height(typeset->surface) >= page->height)
		return 0;
	cairo_destroy(typeset->cairo);
	cairo_surface_destroy(typeset->surface);
	typeset->surface = cairo_image_surface_create(CAIRO_FORMAT_A8, page->width, page->height);
	typeset->cairo = cairo_create(typeset->surface);
	return cairo_status(typeset->cairo) == CAIRO_STATUS_SUCCESS ? 0 : MINT_MEMORY;
}

static int
aligned(enum item_align align, int space)
{
	return align == ALIGN_START ? 0 : align == ALIGN_MIDDLE ? space / 2 : space;
}

/* Paints the laid-out lines; returns the part of the surface that may have been painted on. */
static struct box
paint(struct typeset *typeset, struct box box, const struct item *item, int size)
{
	int lines = pango_layout_get_line_count(typeset->layout), pitch = pitch_of(item, size);
	int height = (lines - 1) * pitch + size, top = box.y + aligned(item->valign, box.height - height);

	for (int i = 0; i < lines; i++) {
		PangoLayoutLine *line = pango_layout_get_line_readonly(typeset->layout, i);
		PangoRectangle extents;
		pango_layout_line_get_extents(line, NULL, &extents);
		cairo_move_to(typeset->cairo, box.x + aligned(item->align, box.width - PANGO_PIXELS(extents.width)),
		    top + i * pitch + (int)(base_line_em * size + 0.5));
		pango_cairo_show_layout_line(typeset->cairo, line);
	}
	return (struct box){ box.x - size / 2, top - size / 2, box.width + size, height + size };
}

/* Moves what was painted from the surface to the page, and leaves the surface clean. */
static void
transfer(struct typeset *typeset, struct raster *page, struct box part, bool ink)
{
	int left = part.x < 0 ? 0 : part.x, top = part.y < 0 ? 0 : part.y;
	int right = MIN(part.x + part.width, page->width), bottom = MIN(part.y + part.height, page->height);
	int stride = cairo_image_surface_get_stride(typeset->surface);
	uint8_t *pixels;

	cairo_surface_flush(typeset->surface);
	pixels = cairo_image_surface_get_data(typeset->surface);
	for (int y = top; y < bottom; y++) {
		uint8_t *from = pixels + (ptrdiff_t)y * stride, *to = page->bits + (size_t)y * page->stride;
		for (int x = left; x < right; x++) {
			uint8_t dot = (uint8_t)(from[x] >= THRESHOLD ? 0x80 >> (x & 7) : 0);
			to[x >> 3] = ink ? to[x >> 3] | dot : to[x >> 3] & (uint8_t)~dot;
		}
		memset(from + left, 0, (size_t)(right - left));
	}
	cairo_surface_mark_dirty_rectangle(typeset->surface, left, top, right - left, bottom - top);
}

int
typeset_draw(struct typeset *typeset, struct raster *page, struct box box, const struct item *item, const char *text,
    uint32_t *missing)
{
	struct box painted;
	int size;

	*missing = 0;
	if (prepare_surface(typeset, page) < 0)
		return MINT_MEMORY;
	pango_layout_set_text(typeset->layout, text, -1);
	size = fit(typeset, box, item);
	*missing = missing_character(typeset->layout);
	if (*missing)
		return MINT_LABEL_GLYPH;
	if (size == 0)
		return MINT_LABEL_TOO_LONG;
	painted = paint(typeset, box, item, size);
	transfer(typeset, page, painted, !item->white);
	return cairo_status(typeset->cairo) == CAIRO_STATUS_SUCCESS ? 0 : MINT_MEMORY;
}
