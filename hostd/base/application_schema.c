/* The published JSON Schema, made from the list of fields. */
#include "hostd/base/application_schema.h"

#include <stdbool.h>

#include "hostd/base/application.h"
#include "hostd/base/application_field.h"

/* Names of the objects under $defs; the root is the schema itself. */
static const char *const object_names[OBJECT_COUNT] = {
	[OBJECT_ROOT] = "application",
	[OBJECT_ORGANISATION] = "organisation",
	[OBJECT_PERSON] = "person",
	[OBJECT_POST] = "post",
	[OBJECT_ON_SITE] = "on_site",
	[OBJECT_CREDENTIAL] = "credential",
};

/* Adds members to an object; a NULL anywhere shows in the end as NULL. */
static json_t *
with(json_t *object, const char *key, json_t *value)
{
	if (object && value && json_object_set_new(object, key, value) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *
titled(const char *const title[2], const char *const description[2])
{
	json_t *object = with(json_object(), "title", json_sprintf("%s / %s", title[MINT_EN], title[MINT_ZH]));

	return with(object, "description", json_sprintf("%s\n%s", description[MINT_EN], description[MINT_ZH]));
}

static json_t *
with_reference(json_t *schema, enum field_object object)
{
	return with(schema, "$ref", json_sprintf("#/$defs/%s", object_names[object]));
}

static json_t *
text_schema(const struct field *field, json_t *schema)
{
	const struct field_form_info *form = field_form_info((enum field_form)field->detail);

	schema = with(schema, "type", json_string("string"));
	if (field->type == FIELD_TEXT) {
		schema = with(schema, "minLength", json_integer(field->minimum));
		schema = with(schema, "maxLength", json_integer(field->maximum));
		schema = with(schema, "x-maxBytes", json_integer(field->max_bytes));
	}
	schema = with(schema, "pattern", json_string(form->pattern));
	return form->format[0] ? with(schema, "format", json_string(form->format)) : schema;
}

static json_t *
choice_schema(const struct field *field, json_t *schema)
{
	size_t count;
	const struct field_choice *choices = field_choices((enum field_list)field->detail, &count);
	json_t *words = json_array();

	/* In either kind of delivery only its own method stands. */
	if (field->object == OBJECT_POST || field->object == OBJECT_ON_SITE) {
		json_decref(words);
		return with(schema, "const", json_string(object_names[field->object]));
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(words, json_pack("{s:s, s:o}", "const", choices[i].text, "title",
		                                       json_sprintf("%s / %s", choices[i].title[MINT_EN], choices[i].title[MINT_ZH])));
	return with(schema, "oneOf", words);
}

static json_t *
object_field_schema(const struct field *field, json_t *schema)
{
	if (field->detail != OBJECT_DELIVERY)
		return with_reference(schema, (enum field_object)field->detail);
	return with(schema, "oneOf", json_pack("[o, o]", with_reference(json_object(), OBJECT_POST),
	                                       with_reference(json_object(), OBJECT_ON_SITE)));
}

static json_t *
field_schema(const struct field *field)
{
	json_t *schema = titled(field->title, field->description);

	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_TIME:
		return text_schema(field, schema);
	case FIELD_COUNT:
		schema = with(schema, "type", json_string("integer"));
		schema = with(schema, "minimum", json_integer(field->minimum));
		return with(schema, "maximum", json_integer(field->maximum));
	case FIELD_FLAG:
		schema = with(schema, "type", json_string("boolean"));
		return with(schema, "default", json_boolean(field->minimum != 0));
	case FIELD_CHOICE:
		return choice_schema(field, schema);
	case FIELD_OBJECT:
		return object_field_schema(field, schema);
	case FIELD_LIST:
		schema = with(schema, "type", json_string("array"));
		schema = with(schema, "minItems", json_integer(field->minimum));
		schema = with(schema, "maxItems", json_integer(field->maximum));
		return with(schema, "items", with_reference(json_object(), (enum field_object)field->detail));
	}
	return NULL;
}

static json_t *
object_schema(enum field_object object, json_t *schema)
{
	size_t count;
	const struct field *rows = field_rows(&count);
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < count; i++) {
		if (rows[i].object != object)
			continue;
		properties = with(properties, rows[i].name, field_schema(&rows[i]));
		if (rows[i].required)
			json_array_append_new(required, json_string(rows[i].name));
	}
	schema = with(schema, "type", json_string("object"));
	schema = with(schema, "additionalProperties", json_false());
	schema = with(schema, "required", required);
	return with(schema, "properties", properties);
}

/* Where `key` has `value`, `field` must stand; elsewhere it must not; or the other way round. */
static json_t *
condition(const char *key, const char *value, const char *field, bool must)
{
	json_t *stands = json_pack("{s:[s]}", "required", field);
	json_t *absent = json_pack("{s:{s:b}}", "properties", field, 0);

	return json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:o, s:o}", "if", "properties", key, "const", value, "required", key,
	                 "then", must ? stands : absent, "else", must ? absent : stands);
}

static json_t *
root_conditions(void)
{
	return json_pack("[o, o]",
	                 condition("medium", application_medium_text(APPLICATION_MEDIUM_TOKEN), "delivery", true),
	                 condition("kind", application_kind_text(APPLICATION_KIND_NEW), "previous_reference", false));
}

static json_t *
definitions(void)
{
	json_t *all = json_object();

	for (unsigned i = OBJECT_ROOT + 1; i < OBJECT_COUNT; i++) {
		const struct field_object_info *info = field_object_info((enum field_object)i);
		json_t *schema = object_schema((enum field_object)i, titled(info->title, info->description));

		if (i == OBJECT_CREDENTIAL)
			schema = with(schema, "allOf", json_pack("[o]", condition("role", application_role_text(APPLICATION_ROLE_UNIT),
			                                                         "holder", false)));
		all = with(all, object_names[i], schema);
	}
	return all;
}

json_t *
application_schema(void)
{
	const struct field_object_info *info = field_object_info(OBJECT_ROOT);
	json_t *schema = json_object();
	json_t *head = titled(info->title, info->description);

	schema = with(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	schema = with(schema, "$id", json_string("urn:mintbench:application:1"));
	if (schema && head)
		json_object_update(schema, head);
	json_decref(head);
	schema = object_schema(OBJECT_ROOT, schema);
	schema = with(schema, "allOf", root_conditions());
	return with(schema, "$defs", definitions());
}
