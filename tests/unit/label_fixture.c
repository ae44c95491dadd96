/* What the tests of labels share. */
#include "tests/unit/label_fixture.h"

#include <cairo.h>
#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { SERIALS = 200 };

struct label
fixture_label(size_t tokens)
{
	static char text[SERIALS][24];
	static const char *serials[SERIALS];

	for (unsigned int i = 0; i < SERIALS; i++) {
		snprintf(text[i], sizeof text[i], "3A0010F2C4D7%04X", i);
		serials[i] = text[i];
	}
	return (struct label){
		.kind = LABEL_SHIPPING, .application = "MB20261123-000042", .organisation = "福建省南安市某某建设工程有限公司",
		.name = "欧阳娜娜", .phone = "13800138000", .address = "北京市海淀区中关村南大街甲12号寰太大厦B座1806室",
		.serials = serials, .serial_count = tokens, .collection_point = "", .waybill = "", .routing = "", .hub = "", .product = "",
		.sender_name = "", .sender_phone = "", .sender_address = "", .printed_at = INT64_C(1795400000000000),
	};
}

struct picture
fixture_read_png(const char *path)
{
	cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
	struct picture picture;
	int stride;

	assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
	assert_int_equal(cairo_image_surface_get_format(surface), CAIRO_FORMAT_RGB24);
	picture.width = cairo_image_surface_get_width(surface);
	picture.height = cairo_image_surface_get_height(surface);
	stride = cairo_image_surface_get_stride(surface);
	picture.dot = malloc((size_t)picture.width * (size_t)picture.height);
	assert_non_null(picture.dot);
	for (int y = 0; y < picture.height; y++) {
		const uint8_t *row = cairo_image_surface_get_data(surface) + (ptrdiff_t)y * stride;
		for (int x = 0; x < picture.width; x++)
			picture.dot[y * picture.width + x] = row[4 * x] == 0;
	}
	cairo_surface_destroy(surface);
	return picture;
}

static size_t
base64_decode(const char *text, size_t length, uint8_t *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t count = 0, used = 0;

	for (size_t i = 0; i < length && text[i] != '='; i++) {
		const char *at = strchr(alphabet, text[i]);
		assert_non_null(at);
		bits = bits << 6 | (uint32_t)(at - alphabet);
		count += 6;
		if (count >= 8)
			out[used++] = (uint8_t)(bits >> (count -= 8));
	}
	return used;
}

/* CRC-16/XMODEM of the catalogue of parametrised CRC algorithms, as division of the bit string by x^16 + x^12 + x^5 + 1. */
static unsigned int
crc16_by_division(const char *text, size_t length)
{
	unsigned int rest = 0;

	for (size_t bit = 0; bit < length * 8 + 16; bit++) {
		unsigned int in = bit < length * 8 ? (unsigned char)text[bit / 8] >> (7 - bit % 8) & 1 : 0;
		rest = rest << 1 | in;
		if (rest & 0x10000)
			rest ^= 0x11021;
	}
	return rest;
}

struct picture
fixture_read_zpl(const char *zpl, size_t length, int width, const char **next)
{
	const char *graphic = strstr(zpl, "^GFA,"), *data, *end;
	size_t sent, memory, stride;
	uLongf unpacked;
	unsigned int crc;
	uint8_t *packed = malloc(length), *bits;
	struct picture picture = { .width = width };
	int head;

	assert_memory_equal(zpl, "^XA", 3);
	assert_non_null(graphic);
	assert_int_equal(sscanf(graphic, "^GFA,%zu,%zu,%zu,:Z64:%n", &sent, &memory, &stride, &head), 3);
	data = graphic + head;
	end = strchr(data, ':');
	assert_non_null(end);
	assert_int_equal(sscanf(end, ":%4X", &crc), 1);
	assert_int_equal(crc, crc16_by_division(data, (size_t)(end - data)));
	assert_memory_equal(end + 5, "^FS", 3);
	assert_int_equal(sent, memory);
	picture.height = (int)(memory / stride);
	unpacked = memory;
	bits = malloc(memory);
	picture.dot = malloc((size_t)width * (size_t)picture.height);
	assert_true(packed && bits && picture.dot);
	assert_int_equal(uncompress(bits, &unpacked, packed, base64_decode(data, (size_t)(end - data), packed)), Z_OK);
	assert_int_equal(unpacked, memory);
	for (int y = 0; y < picture.height; y++)
		for (int x = 0; x < width; x++)
			picture.dot[y * width + x] = bits[(size_t)y * stride + (size_t)x / 8] >> (7 - x % 8) & 1;
	end = strstr(end, "^XZ");
	assert_non_null(end);
	if (next)
		*next = end + 4;
	free(packed);
	free(bits);
	return picture;
}

bool
fixture_same(const struct picture *a, const struct picture *b)
{
	return a->width == b->width && a->height == b->height &&
	    memcmp(a->dot, b->dot, (size_t)a->width * (size_t)a->height) == 0;
}

static char *
slurp_stream(FILE *stream, size_t *length)
{
	char *text = NULL;
	size_t used = 0, got;

	do {
		char *longer = realloc(text, used + 65536 + 1);

		assert_non_null(longer);
		text = longer;
		got = fread(text + used, 1, 65536, stream);
		used += got;
	} while (got > 0);
	text[used] = '\0';
	if (length)
		*length = used;
	return text;
}

char *
fixture_slurp(const char *path, size_t *length)
{
	FILE *file = fopen(path, "re");
	char *text;

	assert_non_null(file);
	text = slurp_stream(file, length);
	fclose(file);
	return text;
}

char *
fixture_scan(const char *png_path)
{
	char command[512], *text;
	FILE *pipe;

	/* zbarimg looks for a D-Bus that tests do not need, and says so. */
	snprintf(command, sizeof command, "zbarimg -q '%s' 2>/dev/null", png_path);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	text = slurp_stream(pipe, NULL);
	assert_int_equal(pclose(pipe), 0);
	return text;
}

char *
fixture_directory(void)
{
	char pattern[] = "/tmp/mint-label-XXXXXX";

	assert_non_null(mkdtemp(pattern));
	return strdup(pattern);
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_remove(char *directory)
{
	assert_int_equal(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(directory);
}

size_t
fixture_count(const char *directory)
{
	DIR *stream = opendir(directory);
	size_t count = 0;

	assert_non_null(stream);
	for (struct dirent *entry; (entry = readdir(stream));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}
