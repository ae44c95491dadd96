#include "tools/mintctl/look.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/screen.h"

#include <stdlib.h>
#include <string.h>

const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

long long
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

const char *
words_of(const json_t *object, const char *name)
{
	return text_of(json_object_get(object, name), say("en", "zh"));
}

long long
number_option(const struct run *run, int option)
{
	const char *text = run->options[option];
	char *end;
	long long number;

	if (!text)
		return 0;
	number = strtoll(text, &end, 10);
	return *text && !*end ? number : -1;
}

int
look(struct run *run, const char *path, json_t **answer)
{
	int r = client_get(run->client, path, LOOK_TIMEOUT_MS, answer);

	if (r != 0) {
		command_fail(run, r, *answer);
		*answer = NULL;
	}
	return r;
}

int
add_query(char *path, const char *name, const char *value)
{
	size_t used = strlen(path);

	if (!value)
		return 0;
	if (used + strlen(name) + 3 > LOOK_PATH_BYTES)
		return MINT_ARGUMENT;
	snprintf(path + used, LOOK_PATH_BYTES - used, "%c%s=", strchr(path, '?') ? '&' : '?', name);
	return client_escape(path, LOOK_PATH_BYTES, value);
}

/* Moves the rows of one page over, as many as still are wanted. 1: there is more. */
static int
take_page(json_t *rows, const json_t *page, const char *list, long long limit)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, list), i, row) {
		if (limit && json_array_size(rows) >= (size_t)limit)
			return 0;
		json_array_append(rows, row);
	}
	return json_is_string(json_object_get(page, "cursor"));
}

int
look_at_all(struct run *run, const char *path, const char *list, long long limit, json_t **answer)
{
	json_t *rows = json_array(), *page = NULL;
	char next[LOOK_PATH_BYTES];
	int r, more;

	*answer = NULL;
	do {
		snprintf(next, sizeof next, "%s", path);
		r = page ? add_query(next, "cursor", text_of(page, "cursor")) : 0;
		json_decref(page);
		page = NULL;
		if (r == 0)
			r = add_query(next, "limit", limit && limit < 500 ? NULL : "500");
		if (r == 0)
			r = look(run, next, &page);
		more = r == 0 && take_page(rows, page, list, limit);
	} while (more);
	json_decref(page);
	if (r == 0)
		*answer = json_pack("{s:o}", list, rows);
	else
		json_decref(rows);
	return r;
}
