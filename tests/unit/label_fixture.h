/* What the tests of labels share: a label to start from, and independent readers of what was drawn. */
#ifndef MINT_TESTS_LABEL_FIXTURE_H
#define MINT_TESTS_LABEL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/label/label.h"
#include "hostd/label/render.h"

/* A parcel by post with `tokens` tokens (at most 200); serials are static. */
struct label fixture_label(size_t tokens);

/* A picture as bytes, 1 = black, whoever read it. `dot` is the test's to free. */
struct picture {
	int      width, height;
	uint8_t *dot;
};

/* Reads a PNG by cairo (libpng), which shares no code with png.c. Fails the test when it cannot. */
struct picture fixture_read_png(const char *path);

/* Reads the graphic of the first ^GFA … :Z64: of a ZPL file of known width, checking header, CRC and end; Base64 and CRC are
 * written out here again. *next (may be NULL) becomes the place behind its ^XZ. Fails the test when something is wrong. */
struct picture fixture_read_zpl(const char *zpl, size_t length, int width, const char **next);

bool fixture_same(const struct picture *a, const struct picture *b);

/* The whole file, NUL-terminated; the test's to free. */
char *fixture_slurp(const char *path, size_t *length);

/* What zbarimg reads, "TYPE:data" a line; the test's to free. */
char *fixture_scan(const char *png_path);

/* A fresh directory, and its end with all that is in it. */
char *fixture_directory(void);
void fixture_remove(char *directory);

/* How many entries a directory has besides . and .. */
size_t fixture_count(const char *directory);

#endif
