/* Where in a JSON text a byte is. */
#include "hostd/base/json_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hostd/base/text.h"

/* Deeper levels are not named: records are refused there anyway. */
#define LEVELS_MAX 10

struct level {
	bool is_list;
	size_t index;      /* of the present item, in a list */
	const char *key;   /* of the present member, in an object; NULL before it is known */
	size_t key_length; /* without quotes */
	bool in_value;     /* behind the colon */
};

struct place {
	struct level levels[LEVELS_MAX];
	size_t depth;
};

/* From the opening quote to behind the closing one, or to the end. */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

static void
enter(struct place *place, bool is_list)
{
	if (place->depth < LEVELS_MAX)
		place->levels[place->depth] = (struct level){ .is_list = is_list };
	place->depth++;
}

static struct level *
innermost(struct place *place)
{
	return place->depth >= 1 && place->depth <= LEVELS_MAX ? &place->levels[place->depth - 1] : NULL;
}

static void
note_string(struct place *place, const char *from, const char *behind)
{
	struct level *level = innermost(place);

	if (!level || level->is_list || level->in_value)
		return;
	level->key = from + 1;
	level->key_length = (size_t)(behind - from) >= 2 ? (size_t)(behind - from) - 2 : 0;
}

static void
note_mark(struct place *place, char mark)
{
	struct level *level = innermost(place);

	if (mark == '{' || mark == '[') {
		enter(place, mark == '[');
	} else if ((mark == '}' || mark == ']') && place->depth > 0) {
		place->depth--;
	} else if (level && mark == ':') {
		level->in_value = true;
	} else if (level && mark == ',') {
		level->index++;
		level->in_value = false;
		level->key = NULL;
	}
}

static void
write_path(const struct place *place, char *path, size_t size)
{
	char whole[512], key[64];
	size_t used = 0;

	whole[0] = '\0';
	for (size_t i = 0; i < place->depth && i < LEVELS_MAX && used < sizeof whole - 80; i++) {
		const struct level *level = &place->levels[i];
		size_t room = sizeof whole - used;

		if (level->is_list) {
			used += (size_t)snprintf(whole + used, room, "[%zu]", level->index);
		} else if (level->key) {
			text_copy(key, sizeof key, level->key, level->key_length);
			used += (size_t)snprintf(whole + used, room, "%s%s", used > 0 ? "." : "", key);
		}
	}
	text_copy(path, size, whole, strlen(whole));
}

void
json_place(const char *text, size_t length, size_t offset, char *path, size_t size)
{
	const char *at = text, *end = text + length;
	const char *target = offset < length ? text + offset : end;
	struct place place = { .depth = 0 };

	while (at < target) {
		if (*at == '"') {
			const char *behind = skip_string(at, end);

			note_string(&place, at, behind);
			at = behind;
		} else {
			note_mark(&place, *at++);
		}
	}
	write_path(&place, path, size);
}
