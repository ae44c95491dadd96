/* Reading one application record: text to JSON, JSON by the table of fields, then what lies between fields. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/application.h"
#include "hostd/base/application_field.h"
#include "hostd/base/date.h"
#include "hostd/base/identity.h"
#include "hostd/base/json_place.h"
#include "hostd/base/text.h"

/* Years an approval can bear: the platform is not older, and instants stay far from the ends of the calendar. */
#define APPROVED_YEAR_FIRST 2015
#define APPROVED_YEAR_LAST  2100

struct reading {
	const struct application_policy *policy;
	struct findings *findings;
	struct application *application;
	bool out_of_memory;
};

static void read_object(struct reading *, enum field_object, const json_t *, void *base, const char *prefix);

/* ---------------------------------------------------------------- forms of text */

static void
check_plain(struct reading *reading, const char *path, const char *text)
{
	(void)reading, (void)path, (void)text; /* what every text must keep is all it must keep */
}

static void
check_reference(struct reading *reading, const char *path, const char *text)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (!strchr(first, text[0]) || text[strspn(text, other)] != '\0')
		findings_add(reading->findings, RULE_REFERENCE, path, NULL);
}

static void
check_uscc(struct reading *reading, const char *path, const char *text)
{
	static const enum finding_rule rules[] = {
		[USCC_LENGTH] = RULE_USCC_LENGTH,
		[USCC_CHARACTER] = RULE_USCC_CHARACTER,
		[USCC_DIVISION] = RULE_USCC_DIVISION,
		[USCC_CHECK] = RULE_USCC_CHECK,
		[USCC_ORGANISATION] = RULE_USCC_ORGANISATION,
		[USCC_DIGITS] = RULE_USCC_DIGITS,
	};
	enum uscc_fault fault = uscc_check(text);

	if (fault != USCC_OK)
		findings_add(reading->findings, rules[fault], path, NULL);
}

static void
check_division(struct reading *reading, const char *path, const char *text)
{
	enum division_fault fault = division_check(text);

	if (fault != DIVISION_OK)
		findings_add(reading->findings, fault == DIVISION_FORM ? RULE_DIVISION_FORM : RULE_DIVISION_PROVINCE, path, NULL);
}

static void
check_id_card(struct reading *reading, const char *path, const char *text)
{
	static const enum finding_rule rules[] = {
		[ID_CARD_LENGTH] = RULE_ID_CARD_LENGTH,
		[ID_CARD_CHARACTER] = RULE_ID_CARD_CHARACTER,
		[ID_CARD_DATE] = RULE_ID_CARD_DATE,
		[ID_CARD_CHECK] = RULE_ID_CARD_CHECK,
	};
	enum id_card_fault fault = id_card_check(text, date_local_day(reading->policy->now_us));

	if (fault != ID_CARD_OK)
		findings_add(reading->findings, rules[fault], path, NULL);
}

static void
check_phone(struct reading *reading, const char *path, const char *text)
{
	if (phone_kind(text) == PHONE_INVALID)
		findings_add(reading->findings, RULE_PHONE, path, NULL);
}

static void
check_email(struct reading *reading, const char *path, const char *text)
{
	if (!email_valid(text))
		findings_add(reading->findings, RULE_EMAIL, path, NULL);
}

/* Times are checked where they are read: read_time. */
static void (*const form_checks[FORM_COUNT])(struct reading *, const char *, const char *) = {
	[FORM_PLAIN] = check_plain,
	[FORM_REFERENCE] = check_reference,
	[FORM_USCC] = check_uscc,
	[FORM_DIVISION] = check_division,
	[FORM_ID_CARD] = check_id_card,
	[FORM_PHONE] = check_phone,
	[FORM_EMAIL] = check_email,
	[FORM_INSTANT] = check_plain,
};

/* ---------------------------------------------------------------- values */

static void
add_number(struct reading *reading, enum finding_rule rule, const char *path, size_t number)
{
	char argument[24];

	snprintf(argument, sizeof argument, "%zu", number);
	findings_add(reading->findings, rule, path, argument);
}

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
		add_number(reading, RULE_TOO_LONG, path, field->maximum);
	else if (characters < field->minimum)
		add_number(reading, RULE_TOO_SHORT, path, field->minimum);
	else if (strlen(text) > field->max_bytes)
		add_number(reading, RULE_TOO_MANY_BYTES, path, field->max_bytes);
	else
		return true;
	return false;
}

static void
read_text(struct reading *reading, const struct field *field, const json_t *json, void *member, const char *path)
{
	const char *text = json_string_value(json);
	char *copy;

	if (!text) {
		findings_add(reading->findings, RULE_TYPE_TEXT, path, NULL);
		return;
	}
	if (!check_characters(reading, path, text) || !check_length(reading, field, path, text))
		return;
	form_checks[field->detail](reading, path, text);
	copy = strdup(text);
	memcpy(member, &copy, sizeof copy);
	reading->out_of_memory = reading->out_of_memory || !copy;
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

/* The words of the list that are in the mask (bits 1 << value), "new, renew". */
static void
list_words(enum field_list list, unsigned mask, char *text, size_t size)
{
	size_t count, used = 0;
	const struct field_choice *choices = field_choices(list, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++)
		if (mask & (1U << (i + 1)))
			used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", choices[i].text);
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
		list_words(list, ~0U, words, sizeof words);
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

/* ---------------------------------------------------------------- between fields */

static void
check_division_agrees(struct reading *reading)
{
	const struct application_organisation *organisation = &reading->application->organisation;
	enum uscc_fault fault = organisation->uscc ? uscc_check(organisation->uscc) : USCC_LENGTH;
	bool has_division = fault == USCC_OK || fault >= USCC_CHECK;

	if (has_division && organisation->division && division_check(organisation->division) == DIVISION_OK &&
	    !uscc_names_division(organisation->uscc, organisation->division))
		findings_add(reading->findings, RULE_DIVISION_DIFFERS, "organisation.division", NULL);
}

static void
check_holders(struct reading *reading)
{
	const struct application *application = reading->application;

	for (unsigned i = 0; i < application->credential_count; i++) {
		const struct application_credential *credential = &application->credentials[i];
		char path[FINDING_PATH_SIZE];

		snprintf(path, sizeof path, "credentials[%u].holder", i);
		if (credential->role == APPLICATION_ROLE_UNIT && credential->holder)
			findings_add(reading->findings, RULE_HOLDER_EXTRA, path, NULL);
		if (credential->role > APPLICATION_ROLE_UNIT && !credential->holder)
			findings_add(reading->findings, RULE_HOLDER_MISSING, path, NULL);
	}
}

/* All of them are the organisation's own when the record lists none. */
static void
fill_credentials(struct reading *reading)
{
	struct application *application = reading->application;

	if (application->quantity == 0)
		return;
	if (application->credentials) {
		if (application->credential_count != application->quantity)
			add_number(reading, RULE_QUANTITY, "credentials", application->quantity);
		return;
	}
	application->credentials = calloc(application->quantity, sizeof *application->credentials);
	if (!application->credentials) {
		reading->out_of_memory = true;
		return;
	}
	application->credential_count = application->quantity;
	for (unsigned i = 0; i < application->quantity; i++)
		application->credentials[i].role = APPLICATION_ROLE_UNIT;
}

static void
check_medium(struct reading *reading, bool has_delivery)
{
	const struct application *application = reading->application;
	char words[FINDING_ARGUMENT_SIZE];

	if (application->medium == APPLICATION_MEDIUM_TOKEN && !has_delivery)
		findings_add(reading->findings, RULE_DELIVERY_MISSING, "delivery", NULL);
	if (application->medium == APPLICATION_MEDIUM_MOBILE) {
		if (has_delivery)
			findings_add(reading->findings, RULE_DELIVERY_EXTRA, "delivery", NULL);
		if (application->person.phone && phone_kind(application->person.phone) == PHONE_LANDLINE)
			findings_add(reading->findings, RULE_PHONE_MOBILE, "person.phone", NULL);
	}
	if (application->medium != APPLICATION_MEDIUM_NONE && !(reading->policy->media & (1U << application->medium))) {
		list_words(LIST_MEDIUM, reading->policy->media, words, sizeof words);
		findings_add(reading->findings, RULE_MEDIUM_ELSEWHERE, "medium", words);
	}
}

static void
check_kind(struct reading *reading, bool has_previous)
{
	const struct application *application = reading->application;
	char words[FINDING_ARGUMENT_SIZE];

	if (application->kind == APPLICATION_KIND_NONE)
		return;
	if (application->kind == APPLICATION_KIND_NEW && has_previous)
		findings_add(reading->findings, RULE_PREVIOUS_EXTRA, "previous_reference", NULL);
	if (application->kind != APPLICATION_KIND_NEW && !has_previous)
		findings_add(reading->findings, RULE_PREVIOUS_MISSING, "previous_reference", NULL);
	if (!(reading->policy->kinds & (1U << application->kind))) {
		list_words(LIST_KIND, reading->policy->kinds, words, sizeof words);
		findings_add(reading->findings, RULE_KIND_ELSEWHERE, "kind", words);
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
	fill_credentials(&reading);
	check_holders(&reading);
	check_division_agrees(&reading);
	check_medium(&reading, json_object_get(json, "delivery") != NULL);
	check_kind(&reading, json_object_get(json, "previous_reference") != NULL);
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
