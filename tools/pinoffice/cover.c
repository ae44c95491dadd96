#include "tools/pinoffice/cover.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS_MAX = 18 };

struct cover {
	json_t *lines; /* by file */
};

static int
read_lines(struct cover *cover, FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	while (r == 0 && (length = getline(&text, &size, file)) >= 0) {
		json_t *line = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
		const char *name = json_string_value(json_object_get(line, "file"));

		r = name ? json_object_set(cover->lines, name, line) : -1;
		json_decref(line);
	}
	free(text);
	return ferror(file) ? -1 : r;
}

int
cover_open(const char *directory, struct cover **out)
{
	struct cover *cover = calloc(1, sizeof *cover);
	char path[4096];
	FILE *file;
	int r = -1;

	*out = NULL;
	snprintf(path, sizeof path, "%s/manifest.jsonl", directory);
	file = fopen(path, "re");
	if (!file) {
		free(cover);
		return errno == ENOENT ? 0 : -1;
	}
	if (cover && (cover->lines = json_object()))
		r = read_lines(cover, file);
	fclose(file);
	if (r == 0)
		*out = cover;
	else
		cover_close(&cover);
	return r;
}

void
cover_close(struct cover **cover)
{
	if (*cover)
		json_decref((*cover)->lines);
	free(*cover);
	*cover = NULL;
}

static const char *
text_of(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	return text ? text : "";
}

static int
holds(const json_t *line, const char *name)
{
	const json_t *code;
	size_t i;

	json_array_foreach(json_object_get(line, "codes"), i, code)
		if (json_is_string(code) && strcmp(json_string_value(code), name) == 0)
			return 1;
	return 0;
}

static void
read_line(const json_t *line, struct cover_line *out)
{
	*out = (struct cover_line){ .model = text_of(line, "model"), .serial = text_of(line, "token"), .label = text_of(line, "marker"),
		.application = text_of(line, "application"), .credential = text_of(line, "credential"),
		.number = json_integer_value(json_object_get(line, "envelope")), .user = holds(line, "user"), .so = holds(line, "so") };
}

int
cover_find(const struct cover *cover, const char *file, struct cover_line *found)
{
	const json_t *line = cover ? json_object_get(cover->lines, file) : NULL;

	read_line(line, found);
	return line != NULL;
}

void
cover_each(const struct cover *cover, void (*each)(const struct cover_line *, void *), void *argument)
{
	const char *file;
	json_t *line;

	json_object_foreach(cover ? cover->lines : NULL, file, line) {
		struct cover_line one;

		(void)file;
		read_line(line, &one);
		each(&one, argument);
	}
}

long long
cover_number(const char *file)
{
	const char *dash = strrchr(file, '-');
	size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;

	if (digits == 0 || digits > NUMBER_DIGITS_MAX || strcmp(dash + 1 + digits, ".p7m") != 0)
		return 0;
	return strtoll(dash + 1, NULL, 10);
}
