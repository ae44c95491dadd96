/* Reading one application record: text to JSON, JSON to the struct by the table of fields. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/application.h"
#include "hostd/base/application_field.h"
#include "hostd/base/application_rules.h"
#include "hostd/base/date.h"
#include "hostd/base/json_place.h"
#include "hostd/base/text.h"

/* Years an approval can bear: the platform is not older, and instants stay far from the ends of the calendar. */
#define APPROVED_YEAR_FIRST 2015
#define APPROVED_YEAR_LAST  2100

static void read_object(struct reading *, enum field_object, const json_t *, void *base, const char *prefix);

/* ---------------------------------------------------------------- values */

static bool
check_characters(struct reading *reading, const char *path, const char *text)
{
	static const enum finding_rule rules[] = {
		[TEXT_BLANK] = RULE_BLANK,
		[TEXT_EDGE] = RULE_EDGE,
		[TEXT_CONTROL] = RULE_CONTROL,
		[TEXT_LOST] = RULE_LOST,
		[TEXT_PRIVATE_USE] = RULE_PRIVATE_USE,
	};
	uint32_t character;
	enum text_fault fault = text_check(text, &character);
	char name[16];

	if (fault == TEXT_OK)
		return true;
	snprintf(name, sizeof name, "U+%04X", (unsigned)character & 0x1fffff);
	findings_add(reading->findings, rules[fault], path, name);
	return false;
}

/* Fields of one fixed length say so in words of their own form. */
static bool
check_length(struct reading *reading, const struct field *field, const char *path, const char *text)
{
	size_t characters = text_length(text);

	if (field->minimum == field->maximum)
		return true;
	if (characters > field->maximum)
		rules_add_number(reading, RULE_TOO_LONG, path, field->maximum);
	else if (characters < field->minimum)
		rules_add_number(reading, RULE_TOO_SHORT, path, field->minimum);
	else if (strlen(text) > field->max_bytes)
		rules_add_number(reading, RULE_TOO_MANY_BYTES, path, field->max_bytes);
	else
		return true;
	return false;
}

static void
read_text(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	const char *text = json_string_value(json);
	char **copy = member;

	if (!text) {
		findings_add(reading->findings, RULE_TYPE_TEXT, path, NULL);
		return;
	}
	if (!check_characters(reading, path, text) || !check_length(reading, field, path, text))
		return;
	rules_check_form(reading, (enum field_form)field->detail, path, text);
	*copy = strdup(text);
	reading->out_of_memory = reading->out_of_memory || !*copy;
}

static void
read_count(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	json_int_t value = json_integer_value(json);
	unsigned number = (unsigned)value;
	char range[32];

	if (!json_is_integer(json)) {
		findings_add(reading->findings, RULE_TYPE_COUNT, path, NULL);
	} else if (value < field->minimum || value > field->maximum) {
		snprintf(range, sizeof range, "%u–%u", field->minimum, field->maximum);
		findings_add(reading->findings, RULE_RANGE, path, range);
	} else {
		memcpy(member, &number, sizeof number);
	}
}

static void
read_flag(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	bool value = json_is_true(json);

	(void)field;
	if (json_is_boolean(json))
		memcpy(member, &value, sizeof value);
	else
		findings_add(reading->findings, RULE_TYPE_FLAG, path, NULL);
}

static void
check_approval(struct reading *reading, int64_t instant, const char *path)
{
	char range[32];

	if (instant < date_day(APPROVED_YEAR_FIRST, 1, 1) * DATE_DAY_US ||
	    instant >= date_day(APPROVED_YEAR_LAST + 1, 1, 1) * DATE_DAY_US) {
		snprintf(range, sizeof range, "%d–%d", APPROVED_YEAR_FIRST, APPROVED_YEAR_LAST);
		findings_add(reading->findings, RULE_TIME_RANGE, path, range);
	} else if (instant > reading->policy->now_us + DATE_DAY_US) {
		findings_add(reading->findings, RULE_TIME_FUTURE, path, NULL);
	}
}

static void
read_time(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	const char *text = json_string_value(json);
	int64_t instant;

	(void)field;
	if (!text) {
		findings_add(reading->findings, RULE_TYPE_TEXT, path, NULL);
		return;
	}
	switch (date_parse_instant(text, &instant)) {
	case DATE_OK:
		memcpy(member, &instant, sizeof instant);
		check_approval(reading, instant, path);
		break;
	case DATE_FORM:
		findings_add(reading->findings, RULE_TIME_FORM, path, NULL);
		break;
	case DATE_NO_DAY:
		findings_add(reading->findings, RULE_TIME_DAY, path, NULL);
		break;
	}
}

static void
read_choice(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	enum field_list list = (enum field_list)field->detail;
	const char *text = json_string_value(json);
	unsigned value = text ? field_choice_value(list, text) : 0;
	char words[FINDING_ARGUMENT_SIZE];

	if (!text) {
		findings_add(reading->findings, RULE_TYPE_TEXT, path, NULL);
	} else if (value == 0) {
		rules_list_words(list, ~0U, words, sizeof words);
		findings_add(reading->findings, RULE_CHOICE, path, words);
	} else {
		memcpy(member, &value, sizeof value);
	}
}

/* A delivery is read by the fields of its method; without a good one only the method is complained about. */
static void
read_delivery(struct reading *reading, const json_t *json, void *base, const char *prefix)
{
	const struct field *field = field_by_name(OBJECT_POST, "method");
	const json_t *method = json_object_get(json, field->name);
	char path[FINDING_PATH_SIZE];

	snprintf(path, sizeof path, "%.60s%.30s", prefix, field->name);
	if (!method)
		findings_add(reading->findings, RULE_MISSING, path, NULL);
	else if (!json_is_string(method) || !field_choice_value(LIST_DELIVERY, json_string_value(method)))
		read_choice(reading, field, method, (char *)base + field->offset, path);
	else
		read_object(reading, field_delivery_object(field_choice_value(LIST_DELIVERY, json_string_value(method))), json,
		            base, prefix);
}

/* The members of a nested object lie in the same struct; their offsets say where. */
static void
read_nested(struct reading *reading, const struct field *field, const json_t *json, void *base, const char *path)
{
	char prefix[FINDING_PATH_SIZE];

	snprintf(prefix, sizeof prefix, "%.90s.", path);
	if (!json_is_object(json))
		findings_add(reading->findings, RULE_TYPE_OBJECT, path, NULL);
	else if (field->detail == OBJECT_DELIVERY)
		read_delivery(reading, json, base, prefix);
	else
		read_object(reading, (enum field_object)field->detail, json, base, prefix);
}

static void
read_credentials(struct reading *reading, const struct field *field, const json_t *json, const char *path)
{
	struct application *application = reading->application;
	size_t count = json_array_size(json);
	char range[32];

	if (!json_is_array(json)) {
		findings_add(reading->findings, RULE_TYPE_LIST, path, NULL);
		return;
	}
	if (count < field->minimum || count > field->maximum) {
		snprintf(range, sizeof range, "%u–%u", field->minimum, field->maximum);
		findings_add(reading->findings, RULE_ITEMS, path, range);
		return;
	}
	application->credentials = calloc(count, sizeof *application->credentials);
	if (!application->credentials) {
		reading->out_of_memory = true;
		return;
	}
	application->credential_count = (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(json, i);
		char prefix[FINDING_PATH_SIZE];

		snprintf(prefix, sizeof prefix, "%.60s[%zu]", path, i);
		if (!json_is_object(item)) {
			findings_add(reading->findings, RULE_TYPE_OBJECT, prefix, NULL);
			continue;
		}
		snprintf(prefix, sizeof prefix, "%.60s[%zu].", path, i);
		read_object(reading, (enum field_object)field->detail, item, &application->credentials[i], prefix);
	}
}

static void
read_value(struct reading *reading, const struct field *field, const json_t *json, void *base, const char *path)
{
	static void (*const readers[])(struct reading *, const struct field *, const json_t *, void *, const char *) = {
		[FIELD_TEXT] = read_text,
		[FIELD_COUNT] = read_count,
		[FIELD_FLAG] = read_flag,
		[FIELD_TIME] = read_time,
		[FIELD_CHOICE] = read_choice,
	};

	if (field->type == FIELD_OBJECT)
		read_nested(reading, field, json, base, path);
	else if (field->type == FIELD_LIST)
		read_credentials(reading, field, json, path);
	else
		readers[field->type](reading, field, json, (char *)base + field->offset, path);
}

static void
find_unknown_keys(struct reading *reading, enum field_object object, const json_t *json, const char *prefix)
{
	const char *key;
	json_t *value;

	/* jansson iterates a const object through the same calls. */
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		char path[256];

		if (field_by_name(object, key))
			continue;
		snprintf(path, sizeof path, "%s%.100s", prefix, key);
		findings_add(reading->findings, RULE_UNKNOWN_KEY, path, NULL);
	}
}

static void
read_object(struct reading *reading, enum field_object object, const json_t *json, void *base, const char *prefix)
{
	size_t count;
	const struct field *rows = field_rows(&count);

	find_unknown_keys(reading, object, json, prefix);
	for (size_t i = 0; i < count; i++) {
		const json_t *value;
		char path[FINDING_PATH_SIZE];
		bool is_default = rows[i].minimum != 0;

		if (rows[i].object != object)
			continue;
		snprintf(path, sizeof path, "%.60s%.30s", prefix, rows[i].name);
		value = json_object_get(json, rows[i].name);
		if (value)
			read_value(reading, &rows[i], value, base, path);
		else if (rows[i].required)
			findings_add(reading->findings, RULE_MISSING, path, NULL);
		else if (rows[i].type == FIELD_FLAG)
			memcpy((char *)base + rows[i].offset, &is_default, sizeof is_default);
	}
}

static void
note_reference(struct findings *findings, const json_t *json)
{
	const char *reference = json_string_value(json_object_get(json, "reference"));

	if (reference)
		text_copy(findings->reference, sizeof findings->reference, reference, strlen(reference));
}

static int
read_record(const json_t *json, const struct application_policy *policy, struct findings *findings,
            struct application **application)
{
	struct reading reading = { .policy = policy, .findings = findings };

	if (!json_is_object(json)) {
		findings_add(findings, RULE_NOT_OBJECT, NULL, NULL);
		return MINT_FIELD;
	}
	note_reference(findings, json);
	reading.application = calloc(1, sizeof *reading.application);
	if (!reading.application)
		return MINT_MEMORY;
	read_object(&reading, OBJECT_ROOT, json, reading.application, "");
	rules_check_whole(&reading, json_object_get(json, "delivery") != NULL,
	                  json_object_get(json, "previous_reference") != NULL);
	if (!reading.out_of_memory && !findings_have(findings, FINDING_ERROR)) {
		*application = reading.application;
		return 0;
	}
	application_free(&reading.application);
	return reading.out_of_memory ? MINT_MEMORY : MINT_FIELD;
}

/* ---------------------------------------------------------------- text */

/* Adds what jansson could not take; 0 when the record's end is certain all the same, so that others can follow. */
static int
add_text_fault(struct findings *findings, const char *text, size_t length, const json_error_t *error)
{
	size_t offset = error->position > 0 ? (size_t)error->position - 1 : 0;
	size_t line = error->line > 0 ? (size_t)error->line : 1, column = error->column > 0 ? (size_t)error->column : 1;
	enum json_error_code code = json_error_code(error);
	enum finding_rule rule = RULE_JSON_SYNTAX;
	char path[FINDING_PATH_SIZE];

	if (code == json_error_out_of_memory)
		return MINT_MEMORY;
	if (code == json_error_duplicate_key)
		rule = RULE_DUPLICATE_KEY;
	else if (code == json_error_invalid_utf8)
		rule = RULE_UTF8;
	else if (code == json_error_null_character || code == json_error_null_byte_in_key)
		rule = RULE_CONTROL;
	else if (code == json_error_numeric_overflow)
		rule = RULE_TYPE_COUNT;
	else if (code == json_error_stack_overflow)
		rule = RULE_TOO_DEEP;
	json_place(text, length, offset, path, sizeof path);
	/* The only control that JSON can spell and jansson does not take. */
	findings_add_at(findings, rule, path, rule == RULE_CONTROL ? "U+0000" : NULL, line, column);
	return rule == RULE_JSON_SYNTAX ? MINT_SYNTAX : 0;
}

int
application_parse(const char *text, size_t length, const struct application_policy *policy, struct findings *findings,
                  struct application **application)
{
	json_error_t error;
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	int result;

	if (!json) {
		result = add_text_fault(findings, text, length, &error);
		if (result != 0)
			return result;
		/* The rest of the record may still be judged when only a key stood twice. */
		json = json_loadb(text, length, JSON_DECODE_ANY, &error);
		if (!json)
			return MINT_FIELD;
	}
	result = read_record(json, policy, findings, application);
	json_decref(json);
	return result;
}
