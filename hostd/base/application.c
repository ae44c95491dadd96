/* The application record: memory, canonical form, comparison. */
#include "hostd/base/application.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/application_field.h"
#include "hostd/base/date.h"
#include "hostd/base/text.h"

struct application_policy
application_policy_bench(int64_t now_us)
{
	return (struct application_policy){
		.now_us = now_us,
		.kinds = 1U << APPLICATION_KIND_NEW,
		.media = 1U << APPLICATION_MEDIUM_TOKEN,
	};
}

static void
free_texts(void *base, bool of_credential)
{
	size_t count;
	const struct field *rows = field_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].type == FIELD_TEXT && (rows[i].object == OBJECT_CREDENTIAL) == of_credential) {
			char **text = (char **)(void *)((char *)base + rows[i].offset);

			free(*text);
			*text = NULL;
		}
}

void
application_free(struct application **application)
{
	struct application *a = *application;

	if (!a)
		return;
	for (unsigned i = 0; a->credentials && i < a->credential_count; i++)
		free_texts(&a->credentials[i], true);
	free(a->credentials);
	free_texts(a, false);
	free(a);
	*application = NULL;
}

/* ---------------------------------------------------------------- writing */

static json_t *object_json(enum field_object object, const void *base);

static json_t *
credentials_json(const struct application *application)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < application->credential_count; i++)
		if (json_array_append_new(list, object_json(OBJECT_CREDENTIAL, &application->credentials[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *
time_json(int64_t instant_us)
{
	char text[DATE_TEXT_SIZE];

	date_format_instant(instant_us, text);
	return json_string(text);
}

/* Sets *absent instead of a value for what was not given. */
static json_t *
value_json(const struct field *field, const void *base, bool *absent)
{
	const void *member = (const char *)base + field->offset;
	const struct application *application = base;
	unsigned number;
	const char *text;

	*absent = false;
	switch (field->type) {
	case FIELD_TEXT:
		memcpy(&text, member, sizeof text);
		*absent = !text;
		return text ? json_string(text) : NULL;
	case FIELD_COUNT:
		memcpy(&number, member, sizeof number);
		return json_integer(number);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)member);
	case FIELD_TIME:
		return time_json(*(const int64_t *)member);
	case FIELD_CHOICE:
		memcpy(&number, member, sizeof number);
		return json_string(field_choice_text((enum field_list)field->detail, number));
	case FIELD_OBJECT:
		if (field->detail != OBJECT_DELIVERY)
			return object_json((enum field_object)field->detail, base);
		*absent = application->delivery.method == APPLICATION_DELIVERY_NONE;
		return *absent ? NULL : object_json(field_delivery_object(application->delivery.method), base);
	case FIELD_LIST:
		return credentials_json(application);
	}
	return NULL;
}

static json_t *
object_json(enum field_object object, const void *base)
{
	size_t count;
	const struct field *rows = field_rows(&count);
	json_t *json = json_object();

	for (size_t i = 0; json && i < count; i++) {
		bool absent;
		json_t *value;

		if (rows[i].object != object)
			continue;
		value = value_json(&rows[i], base, &absent);
		if (!absent && json_object_set_new(json, rows[i].name, value) != 0) {
			json_decref(json);
			json = NULL;
		}
	}
	return json;
}

json_t *
application_json(const struct application *application)
{
	return object_json(OBJECT_ROOT, application);
}

char *
application_canonical(const struct application *application)
{
	json_t *json = application_json(application);
	/* Keys are ASCII and strings hold no controls, so this is RFC 8785 without further work. */
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(json);
	return text;
}

int
application_digest(const struct application *application, unsigned char digest[APPLICATION_DIGEST_BYTES])
{
	char *text = application_canonical(application);
	int good;

	if (!text)
		return MINT_MEMORY;
	good = EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	free(text);
	return good == 1 ? 0 : MINT_CRYPTO;
}

/* ---------------------------------------------------------------- comparing */

struct comparison {
	json_t *changes;
	bool failed;
};

/* The value as people may see it; a new reference. */
static json_t *
shown(const json_t *value, bool personal)
{
	char mask[32];

	if (!value)
		return json_null();
	if (!personal)
		return json_deep_copy(value);
	if (!json_is_string(value)) /* a list or object that is there or not */
		return json_string("***");
	text_mask(mask, sizeof mask, json_string_value(value));
	return json_string(mask);
}

static void
add_change(struct comparison *comparison, const struct field *field, const char *path, const json_t *old, const json_t *new)
{
	json_t *change = json_pack("{s:s, s:{s:s, s:s}, s:o, s:o}", "path", path,
	                           "title", "en", field->title[MINT_EN], "zh", field->title[MINT_ZH],
	                           "old", shown(old, field->personal), "new", shown(new, field->personal));

	if (json_array_append_new(comparison->changes, change) != 0)
		comparison->failed = true;
}

static void compare_objects(struct comparison *, enum field_object, const char *prefix, const json_t *, const json_t *);

/* Entries of a list stand for themselves: the third credential is compared with the third. */
static void
compare_lists(struct comparison *comparison, const struct field *field, const char *path, const json_t *old, const json_t *new)
{
	size_t count = json_array_size(old) > json_array_size(new) ? json_array_size(old) : json_array_size(new);

	for (size_t i = 0; i < count; i++) {
		char item[FINDING_PATH_SIZE];

		snprintf(item, sizeof item, "%.60s[%zu].", path, i);
		compare_objects(comparison, (enum field_object)field->detail, item, json_array_get(old, i), json_array_get(new, i));
	}
}

/* A delivery's two objects are compared field by field even when the method changed: what is not there is null. */
static void
compare_deliveries(struct comparison *comparison, const char *path, const json_t *old, const json_t *new)
{
	compare_objects(comparison, OBJECT_POST, path, old, new);
	compare_objects(comparison, OBJECT_ON_SITE, path, old, new);
}

static void
compare_values(struct comparison *comparison, const struct field *field, const char *prefix, const json_t *old,
               const json_t *new)
{
	char path[FINDING_PATH_SIZE];

	if (json_equal(old, new) || (!old && !new))
		return;
	snprintf(path, sizeof path, "%.60s%.30s%s", prefix, field->name, field->type == FIELD_OBJECT ? "." : "");
	if (field->type == FIELD_LIST)
		compare_lists(comparison, field, path, old, new);
	else if (field->type != FIELD_OBJECT)
		add_change(comparison, field, path, old, new);
	else if (field->detail == OBJECT_DELIVERY)
		compare_deliveries(comparison, path, old, new);
	else
		compare_objects(comparison, (enum field_object)field->detail, path, old, new);
}

static void
compare_objects(struct comparison *comparison, enum field_object object, const char *prefix, const json_t *old,
                const json_t *new)
{
	size_t count;
	const struct field *rows = field_rows(&count);

	for (size_t i = 0; i < count; i++) {
		/* Both kinds of delivery have a method: it is compared once. */
		bool seen = object == OBJECT_ON_SITE && field_by_name(OBJECT_POST, rows[i].name);

		if (rows[i].object == object && !seen)
			compare_values(comparison, &rows[i], prefix, json_object_get(old, rows[i].name),
			               json_object_get(new, rows[i].name));
	}
}

json_t *
application_diff(const struct application *old, const struct application *new)
{
	struct comparison comparison = { json_array(), false };
	json_t *old_json = application_json(old), *new_json = application_json(new);

	if (comparison.changes && old_json && new_json)
		compare_objects(&comparison, OBJECT_ROOT, "", old_json, new_json);
	else
		comparison.failed = true;
	json_decref(old_json);
	json_decref(new_json);
	if (comparison.failed) {
		json_decref(comparison.changes);
		return NULL;
	}
	return comparison.changes;
}

/* ---------------------------------------------------------------- words */

const char *
application_kind_text(enum application_kind kind)
{
	return field_choice_text(LIST_KIND, kind);
}

const char *
application_medium_text(enum application_medium medium)
{
	return field_choice_text(LIST_MEDIUM, medium);
}

const char *
application_key_text(enum application_key key)
{
	return field_choice_text(LIST_KEY, key);
}

const char *
application_delivery_text(enum application_delivery_method method)
{
	return field_choice_text(LIST_DELIVERY, method);
}

const char *
application_role_text(enum application_role role)
{
	return field_choice_text(LIST_ROLE, role);
}
