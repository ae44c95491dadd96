#include "tools/pinoffice/content.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>

static const char *const code_texts[] = {
	[CODE_user_pin] = "user-pin", [CODE_user_puk] = "user-puk", [CODE_so_pin] = "so-pin", [CODE_so_puk] = "so-puk",
};

const char *
code_text(enum code_name code)
{
	return code_texts[code];
}

/* Visible characters of ASCII and, in names, blanks: a letter or a terminal shows them as they are. */
static int
is_plain(const char *text, int blanks)
{
	for (; *text; text++)
		if (*text < (blanks ? ' ' : '!') || *text > '~')
			return 0;
	return 1;
}

static int
take_name(const json_t *value, char *out)
{
	const char *text = json_string_value(value);

	if (!text || !*text || strlen(text) >= CONTENT_NAME_BYTES || !is_plain(text, 1))
		return -1;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int
take_code(const json_t *value, char *out)
{
	const char *text = json_string_value(value);
	size_t length = text ? strlen(text) : 0;

	if (length < CONTENT_CODE_MIN || length >= CONTENT_CODE_BYTES || !is_plain(text, 0))
		return -1;
	memcpy(out, text, length + 1);
	return 0;
}

static int
code_by_text(const char *name)
{
	for (int i = 0; i < CODE_COUNT; i++)
		if (strcmp(name, code_texts[i]) == 0)
			return i;
	return -1;
}

/* One member; the reason it is refused, or NULL. */
static const char *
take_member(const char *name, const json_t *value, struct content *content)
{
	int code = code_by_text(name);

	if (code >= 0)
		return take_code(value, content->codes[code]) == 0 ? NULL : "a code is no text of 4 to 16 visible characters";
	if (strcmp(name, "version") == 0)
		return json_is_integer(value) && json_integer_value(value) == 1 ? NULL : "the version is not 1";
	if (strcmp(name, "model") == 0)
		return take_name(value, content->model) == 0 ? NULL : "the model is no plain name";
	if (strcmp(name, "serial") == 0)
		return take_name(value, content->serial) == 0 ? NULL : "the serial number is no plain name";
	if (strcmp(name, "label") == 0)
		return take_name(value, content->label) == 0 ? NULL : "the label is no plain name";
	return "a member is unknown";
}

/* What every envelope must have. A PUK without its PIN would be of no known time. */
static const char *
find_missing(const json_t *object, const struct content *content)
{
	if (!json_object_get(object, "version") || !*content->model || !*content->serial || !*content->label)
		return "version, model, serial number or label is missing";
	if ((*content->codes[CODE_user_puk] && !content_has(content, SEAT_user)) ||
	    (*content->codes[CODE_so_puk] && !content_has(content, SEAT_so)))
		return "a PUK stands without its PIN";
	return content_has(content, SEAT_user) || content_has(content, SEAT_so) ? NULL : "it holds no code";
}

int
content_read(const char *text, size_t length, struct content *content, const char **why)
{
	json_t *object = length <= CONTENT_TEXT_MAX ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *name;
	json_t *value;

	memset(content, 0, sizeof *content);
	*why = json_is_object(object) ? NULL : "it is no JSON object";
	json_object_foreach(object, name, value)
		if (!*why)
			*why = take_member(name, value, content);
	if (!*why)
		*why = find_missing(object, content);
	json_decref(object);
	return *why ? -1 : 0;
}

int
content_has(const struct content *content, enum seat seat)
{
	return *content->codes[seat == SEAT_user ? CODE_user_pin : CODE_so_pin] != '\0';
}

void
content_wipe(struct content *content)
{
	OPENSSL_cleanse(content, sizeof *content);
}
