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
state_unknown(const struct run *run, const char *const *machines)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int r;

	if (!out)
		return command_fail_with(run, MINT_MEMORY, "--state");
	fprintf(out, "--state %s%s", run->options[OPTION_STATE], say(": there are:", "：可用："));
	while (*machines)
		states_print(*machines++, out);
	fclose(out);
	r = command_fail_with(run, MINT_ARGUMENT, text);
	free(text);
	return r;
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

int
look_at_pages(struct run *run, const char *path, long long limit, int (*take)(void *, const json_t *), void *argument)
{
	json_t *page = NULL;
	char next[LOOK_PATH_BYTES];
	int r;

	do {
		snprintf(next, sizeof next, "%s", path);
		r = page ? add_query(next, "cursor", text_of(page, "cursor")) : 0;
		json_decref(page);
		page = NULL;
		if (r == 0)
			r = add_query(next, "limit", limit && limit < 500 ? NULL : "500");
		if (r == 0)
			r = look(run, next, &page);
		if (r == 0)
			r = take(argument, page);
	} while (r == 0 && json_is_string(json_object_get(page, "cursor")));
	json_decref(page);
	return r < 0 ? r : 0;
}

struct collected {
	json_t     *rows;
	const char *list;
	size_t      limit; /* 0: all */
};

/* Moves the rows of one page over, as many as still are wanted. 1: that was enough. */
static int
take_page(void *argument, const json_t *page)
{
	struct collected *all = argument;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, all->list), i, row) {
		if (all->limit && json_array_size(all->rows) >= all->limit)
			return 1;
		json_array_append(all->rows, row);
	}
	return 0;
}

int
look_at_all(struct run *run, const char *path, const char *list, long long limit, json_t **answer)
{
	struct collected all = { json_array(), list, (size_t)limit };
	int r = look_at_pages(run, path, limit, take_page, &all);

	*answer = r == 0 ? json_pack("{s:O}", list, all.rows) : NULL;
	json_decref(all.rows);
	return r;
}
