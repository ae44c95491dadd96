/* A page as PNG: signature, IHDR, pHYs, one IDAT, IEND. */
#include "hostd/label/png.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hostd/label/raster.h"
#include "schemas/errors.h"

enum { CHUNK_FRAME = 12 /* length, type, CRC */, IHDR_BYTES = 13, PHYS_BYTES = 9, ZLIB_LEVEL = 6 };

static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

static void
put_u32(uint8_t *out, uint32_t value)
{
	out[0] = (uint8_t)(value >> 24);
	out[1] = (uint8_t)(value >> 16);
	out[2] = (uint8_t)(value >> 8);
	out[3] = (uint8_t)value;
}

/* `data` may already stand where it belongs. Returns where the next chunk begins. */
static uint8_t *
put_chunk(uint8_t *out, const char type[4], const uint8_t *data, size_t length)
{
	put_u32(out, (uint32_t)length);
	memcpy(out + 4, type, 4);
	if (data != out + 8 && length)
		memcpy(out + 8, data, length);
	put_u32(out + 8 + length, (uint32_t)crc32(0, out + 4, (uInt)(length + 4)));
	return out + CHUNK_FRAME + length;
}

/* Each row behind its filter byte 0; in PNG 1 is white, in the raster 1 is ink. */
static uint8_t *
scanlines(const struct raster *raster, size_t *length)
{
	size_t row = raster->stride + 1;
	uint8_t *lines = malloc(row * (size_t)raster->height);

	if (!lines)
		return NULL;
	for (int y = 0; y < raster->height; y++) {
		uint8_t *out = lines + (size_t)y * row;
		*out++ = 0;
		for (size_t i = 0; i < raster->stride; i++)
			out[i] = (uint8_t)~raster->bits[(size_t)y * raster->stride + i];
	}
	*length = row * (size_t)raster->height;
	return lines;
}

int
png_make(const struct raster *raster, uint8_t **png, size_t *length)
{
	uint8_t header[IHDR_BYTES] = { 0 }, resolution[PHYS_BYTES] = { 0 };
	uint32_t dots_per_metre = (uint32_t)(raster->dpi / 0.0254 + 0.5);
	uint8_t *lines = NULL, *file = NULL, *at;
	size_t lines_length;
	uLongf packed;
	int result = MINT_MEMORY;

	lines = scanlines(raster, &lines_length);
	packed = lines ? compressBound(lines_length) : 0;
	file = malloc(sizeof signature + 4 * CHUNK_FRAME + IHDR_BYTES + PHYS_BYTES + packed);
	if (!lines || !file)
		goto out;
	put_u32(header, (uint32_t)raster->width);
	put_u32(header + 4, (uint32_t)raster->height);
	header[8] = 1; /* bit depth; colour type 0 is greyscale */
	put_u32(resolution, dots_per_metre);
	put_u32(resolution + 4, dots_per_metre);
	resolution[8] = 1; /* the unit is the metre */
	memcpy(file, signature, sizeof signature);
	at = put_chunk(file + sizeof signature, "IHDR", header, sizeof header);
	at = put_chunk(at, "pHYs", resolution, sizeof resolution);
	if (compress2(at + 8, &packed, lines, lines_length, ZLIB_LEVEL) != Z_OK)
		goto out;
	at = put_chunk(at, "IDAT", at + 8, packed);
	at = put_chunk(at, "IEND", NULL, 0);
	*png = file;
	*length = (size_t)(at - file);
	file = NULL;
	result = 0;
out:
	free(lines);
	free(file);
	return result;
}
