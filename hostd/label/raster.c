/* One page as dots. */
#include "hostd/label/raster.h"

#include <stdlib.h>

struct raster *
raster_new(int width, int height, int dpi)
{
	struct raster *raster = malloc(sizeof *raster);
	size_t stride = ((size_t)width + 7) / 8;

	if (!raster)
		return NULL;
	*raster = (struct raster){ .width = width, .height = height, .dpi = dpi, .stride = stride };
	raster->bits = calloc((size_t)height, stride);
	if (!raster->bits)
		raster_free(&raster);
	return raster;
}

void
raster_free(struct raster **raster)
{
	if (!*raster)
		return;
	free((*raster)->bits);
	free(*raster);
	*raster = NULL;
}

static struct box
clip(const struct raster *raster, struct box box)
{
	int right = box.x + box.width, bottom = box.y + box.height;

	box.x = box.x < 0 ? 0 : box.x;
	box.y = box.y < 0 ? 0 : box.y;
	box.width = (right < raster->width ? right : raster->width) - box.x;
	box.height = (bottom < raster->height ? bottom : raster->height) - box.y;
	return box;
}

void
raster_fill(struct raster *raster, struct box box, bool ink)
{
	box = clip(raster, box);
	for (int y = box.y; y < box.y + box.height; y++) {
		uint8_t *row = raster->bits + (size_t)y * raster->stride;
		for (int x = box.x; x < box.x + box.width; x++) {
			uint8_t dot = (uint8_t)(0x80 >> (x & 7));
			row[x >> 3] = ink ? row[x >> 3] | dot : row[x >> 3] & (uint8_t)~dot;
		}
	}
}

static void
line(struct raster *raster, struct box box, int dash)
{
	bool lying = box.width >= box.height;
	int length = lying ? box.width : box.height;

	if (dash == 0) {
		raster_fill(raster, box, true);
		return;
	}
	for (int at = 0; at < length; at += 2 * dash) {
		int part = length - at < dash ? length - at : dash;
		raster_fill(raster, lying ? (struct box){ box.x + at, box.y, part, box.height }
		                          : (struct box){ box.x, box.y + at, box.width, part }, true);
	}
}

void
raster_frame(struct raster *raster, struct box box, int thickness, int dash)
{
	line(raster, (struct box){ box.x, box.y, box.width, thickness }, dash);
	line(raster, (struct box){ box.x, box.y + box.height - thickness, box.width, thickness }, dash);
	line(raster, (struct box){ box.x, box.y, thickness, box.height }, dash);
	line(raster, (struct box){ box.x + box.width - thickness, box.y, thickness, box.height }, dash);
}

bool
raster_dot(const struct raster *raster, int x, int y)
{
	return raster->bits[(size_t)y * raster->stride + (size_t)(x >> 3)] >> (7 - (x & 7)) & 1;
}
