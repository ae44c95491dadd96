#include "tools/mintctl/manifest.h"
#include "hostd/base/keep.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct manifest {
	json_t *lines; /* by file */
};

static int
read_lines(struct manifest *manifest, FILE *file, char *detail, size_t detail_bytes)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	for (int number = 1; r == 0 && (length = getline(&text, &size, file)) >= 0; number++) {
		json_t *line = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);

		if (json_is_string(json_object_get(line, "file"))) {
			r = manifest_add(manifest, line);
			continue;
		}
		json_decref(line);
		snprintf(detail, detail_bytes, "%s: line %d is none of mintctl's", MANIFEST_NAME, number);
		r = MINT_SYNTAX;
	}
	if (r == 0 && ferror(file))
		r = MINT_STORAGE;
	free(text);
	return r;
}

int
manifest_open(int directory, struct manifest **out, char *detail, size_t detail_bytes)
{
	struct manifest *manifest = calloc(1, sizeof *manifest);
	int fd = openat(directory, MANIFEST_NAME, O_RDONLY | O_CLOEXEC), r = 0;
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	snprintf(detail, detail_bytes, "%s: %s", MANIFEST_NAME, strerror(errno));
	if (fd < 0 && errno != ENOENT)
		r = MINT_STORAGE;
	if (!manifest || !(manifest->lines = json_object()))
		r = MINT_MEMORY;
	if (r == 0 && file)
		r = read_lines(manifest, file, detail, detail_bytes);
	if (file)
		fclose(file);
	if (r != 0) {
		manifest_close(&manifest);
	} else {
		*detail = '\0';
	}
	*out = manifest;
	return r;
}

int
manifest_add(struct manifest *manifest, json_t *line)
{
	const char *file = json_string_value(json_object_get(line, "file"));

	return json_object_set_new(manifest->lines, file ? file : "", line) == 0 ? 0 : MINT_MEMORY;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
print_lines(const struct manifest *manifest, FILE *out)
{
	size_t count = json_object_size(manifest->lines), n = 0;
	const char **names = calloc(count + 1, sizeof *names);
	const char *name;
	json_t *line;
	int failed = !names;

	if (!names)
		return MINT_MEMORY;
	json_object_foreach(manifest->lines, name, line)
		names[n++] = name;
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++)
		failed |= json_dumpf(json_object_get(manifest->lines, names[i]), out, JSON_COMPACT) != 0 || putc('\n', out) == EOF;
	free(names);
	return failed ? MINT_MEMORY : 0;
}

int
manifest_write(const struct manifest *manifest, int directory)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int r = out ? print_lines(manifest, out) : MINT_MEMORY;

	if (out && fclose(out) != 0)
		r = MINT_MEMORY;
	if (r == 0)
		r = keep_instead(directory, MANIFEST_NAME, text, length);
	free(text);
	return r;
}

void
manifest_close(struct manifest **manifest)
{
	if (*manifest)
		json_decref((*manifest)->lines);
	free(*manifest);
	*manifest = NULL;
}
