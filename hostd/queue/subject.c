#include "hostd/queue/subject.h"
#include "hostd/base/identity.h"

#include <jansson.h>
#include <string.h>

static const char *
text_in(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
say(json_t *subject, const char *name, const char *value)
{
	if (value && value[0])
		json_object_set_new(subject, name, json_string(value));
}

static void
say_organisation(json_t *subject, const json_t *organisation)
{
	const char *division = text_in(organisation, "division");

	say(subject, "province", division && strlen(division) == 6 ? division_province(division) : NULL);
	say(subject, "organisation", text_in(organisation, "name"));
	say(subject, "uscc", text_in(organisation, "uscc"));
	say(subject, "division", division);
}

/* A certificate of the unit bears the unit's name, any other that of its holder. */
static void
say_holder(json_t *subject, const json_t *record, int ordinal)
{
	const json_t *credential = json_array_get(json_object_get(record, "credentials"), (size_t)ordinal - 1);
	const char *holder = text_in(credential, "holder");
	const json_t *person = json_object_get(record, "person");

	say(subject, "common_name", holder ? holder : text_in(json_object_get(record, "organisation"), "name"));
	say(subject, "holder", holder);
	say(subject, "role", text_in(credential, "role"));
	say(subject, "person_name", text_in(person, "name"));
	say(subject, "person_id", text_in(person, "id_card"));
}

char *
subject_make(const char *record_text, int ordinal, const char *reference, const char *credential)
{
	json_t *record = json_loads(record_text, JSON_REJECT_DUPLICATES, NULL);
	json_t *subject = json_object();
	char *text = NULL;

	if (record && subject) {
		say_organisation(subject, json_object_get(record, "organisation"));
		say_holder(subject, record, ordinal);
		say(subject, "application", reference);
		say(subject, "credential", credential);
		text = json_dumps(subject, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(record);
	json_decref(subject);
	return text;
}

enum { ATTRIBUTE_BYTES = 16, SHORT_FIELDS_BYTES = 64 };

static size_t
length_in(const json_t *object, const char *name)
{
	const char *text = text_in(object, name);

	return text ? strlen(text) : 0;
}

uint32_t
subject_bytes(const char *record_text)
{
	json_t *record = json_loads(record_text, JSON_REJECT_DUPLICATES, NULL);
	size_t unit = length_in(json_object_get(record, "organisation"), "name"), holder = unit, i;
	json_t *credential;

	json_array_foreach(json_object_get(record, "credentials"), i, credential)
		if (length_in(credential, "holder") > holder)
			holder = length_in(credential, "holder");
	json_decref(record);
	return (uint32_t)(unit + holder + (size_t)2 * ATTRIBUTE_BYTES + SHORT_FIELDS_BYTES);
}
