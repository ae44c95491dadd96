/* Looking at a label without a station. */
#include "hostd/label/preview.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hostd/base/log.h"
#include "hostd/label/label_json.h"
#include "hostd/label/png.h"
#include "hostd/label/raster.h"
#include "hostd/label/render.h"
#include "hostd/label/zpl.h"
#include "schemas/errors.h"

enum { JSON_BYTES_MAX = 64 * 1024 };

static int
read_document(const char *path, struct label_document *document)
{
	char *text = malloc(JSON_BYTES_MAX + 1), why[256];
	FILE *file = fopen(path, "re");
	size_t length = 0;
	int result = MINT_SYSTEM;

	if (!file || !text) {
		log_error("%s: %s: name a file with a label as JSON", path, strerror(errno));
		goto out;
	}
	length = fread(text, 1, JSON_BYTES_MAX + 1, file);
	if (length > JSON_BYTES_MAX) {
		log_error("%s: larger than 64 KiB: one label a file is expected", path);
		goto out;
	}
	result = label_document_read(text, length, document, why, sizeof why);
	if (result < 0)
		log_error("%s: %s: see docs/labels.md", path, why);
out:
	if (file)
		fclose(file);
	free(text);
	return result;
}

static int
write_file(const char *path, const void *data, size_t length)
{
	FILE *file = fopen(path, "we");
	int result = MINT_SYSTEM;

	if (file && fwrite(data, 1, length, file) == length)
		result = 0;
	if (file && fclose(file) != 0)
		result = MINT_SYSTEM;
	if (result < 0)
		log_error("%s: %s: name a directory in which you may write with --out", path, strerror(errno));
	else
		printf("%s\n", path);
	return result;
}

static int
write_page(const struct raster *page, size_t number, const char *application, const char *directory)
{
	char path[4096], suffix[32] = "";
	uint8_t *png = NULL;
	char *zpl = NULL;
	size_t length;
	int result = png_make(page, &png, &length);

	if (number > 1)
		snprintf(suffix, sizeof suffix, ".page-%zu", number);
	snprintf(path, sizeof path, "%s/%s%s.png", directory, application, suffix);
	if (result == 0)
		result = write_file(path, png, length);
	if (result == 0)
		result = zpl_make(page, &zpl, &length);
	snprintf(path, sizeof path, "%s/%s%s.zpl", directory, application, suffix);
	if (result == 0)
		result = write_file(path, zpl, length);
	free(png);
	free(zpl);
	return result;
}

int
preview(struct renderer *renderer, const char *json_path, const char *directory)
{
	struct label_document document;
	struct pages pages;
	char why[256];
	int result = read_document(json_path, &document);

	if (result < 0)
		return result;
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		log_warning("%s: %s", directory, strerror(errno));
	result = render_label(renderer, &document.label, &pages, why, sizeof why);
	if (result < 0)
		log_error("%s: %s: %s", json_path, why, error_info(result)->next[MINT_EN]);
	for (size_t i = 0; i < pages.count && result == 0; i++)
		result = write_page(pages.page[i], i + 1, document.label.application, directory);
	pages_free(&pages);
	label_document_clear(&document);
	return result;
}
