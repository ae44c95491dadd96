/* One page as dots: the master from which PNG and printer languages are derived. */
#ifndef MINT_LABEL_RASTER_H
#define MINT_LABEL_RASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rectangle in dots, from the top left corner of the page. */
struct box {
	int x, y, width, height;
};

/* 1 bit a dot, 1 = ink, the leftmost dot in the highest bit; bits behind the last dot of a row are 0. */
struct raster {
	int      width, height; /* dots */
	int      dpi;
	size_t   stride;        /* bytes a row */
	uint8_t *bits;          /* stride × height */
};

/* A white page. NULL when out of memory. */
struct raster *raster_new(int width, int height, int dpi);
void raster_free(struct raster **raster);

/* Dots outside the page are left out by all of these. */
void raster_fill(struct raster *raster, struct box box, bool ink);

/* The outline inside `box`; dash 0 for a solid line, else dots of ink and of gap in turn. */
void raster_frame(struct raster *raster, struct box box, int thickness, int dash);

bool raster_dot(const struct raster *raster, int x, int y);

#endif
