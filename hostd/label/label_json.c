/* A label as JSON. */
#include "hostd/label/label_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/errors.h"

/* What may stand in an object, by key. `place` is that of the member in struct label. */
struct member {
	const char *key;
	enum { TEXT, FLAG, KIND, COPY, TIME, SERIALS, COURIER, SENDER } type;
	bool        needed;
	size_t      place;
};

#define IN_LABEL(member) offsetof(struct label, member)

static const struct member label_members[] = {
	{ "kind", KIND, true, 0 },
	{ "application", TEXT, true, IN_LABEL(application) },
	{ "organisation", TEXT, true, IN_LABEL(organisation) },
	{ "name", TEXT, true, IN_LABEL(name) },
	{ "phone", TEXT, false, IN_LABEL(phone) },
	{ "address", TEXT, false, IN_LABEL(address) },
	{ "collection_point", TEXT, false, IN_LABEL(collection_point) },
	{ "tokens", SERIALS, true, 0 },
	{ "printed_at", TIME, true, 0 },
	{ "copy", COPY, false, 0 },
	{ "urgent", FLAG, false, IN_LABEL(urgent) },
	{ "freight_collect", FLAG, false, IN_LABEL(freight_collect) },
	{ "courier", COURIER, false, 0 },
	{ "sender", SENDER, false, 0 },
	{ NULL, TEXT, false, 0 },
};

static const struct member courier_members[] = {
	{ "waybill", TEXT, false, IN_LABEL(waybill) },
	{ "routing", TEXT, false, IN_LABEL(routing) },
	{ "hub", TEXT, false, IN_LABEL(hub) },
	{ "product", TEXT, false, IN_LABEL(product) },
	{ NULL, TEXT, false, 0 },
};

static const struct member sender_members[] = {
	{ "name", TEXT, true, IN_LABEL(sender_name) },
	{ "phone", TEXT, false, IN_LABEL(sender_phone) },
	{ "address", TEXT, false, IN_LABEL(sender_address) },
	{ NULL, TEXT, false, 0 },
};

struct reading {
	struct label_document *document;
	char                  *why;
	size_t                 why_size;
};

/* 31 December 9999, so that the time can be printed. */
static const json_int_t time_max = INT64_C(253402214400000000);

static int
refuse(const struct reading *reading, const char *key, const char *what)
{
	snprintf(reading->why, reading->why_size, "%.40s: %s", key, what);
	return MINT_FIELD;
}

static int
read_serials(const struct reading *reading, json_t *tokens)
{
	struct label_document *document = reading->document;
	size_t count = json_array_size(tokens);

	document->serials = calloc(count + 1, sizeof *document->serials);
	if (!document->serials)
		return MINT_MEMORY;
	for (size_t i = 0; i < count; i++) {
		document->serials[i] = json_string_value(json_array_get(tokens, i));
		if (!document->serials[i])
			return refuse(reading, "tokens", "an array of strings is expected");
	}
	document->label.serials = document->serials;
	document->label.serial_count = count;
	return json_is_array(tokens) ? 0 : refuse(reading, "tokens", "an array of strings is expected");
}

static int
read_kind(const struct reading *reading, const char *kind)
{
	if (kind && strcmp(kind, "shipping") == 0)
		reading->document->label.kind = LABEL_SHIPPING;
	else if (kind && strcmp(kind, "collection") == 0)
		reading->document->label.kind = LABEL_COLLECTION;
	else
		return refuse(reading, "kind", "shipping or collection is expected");
	return 0;
}

static int
read_number(const struct reading *reading, const char *key, json_t *value, json_int_t high, json_int_t *number)
{
	*number = json_integer_value(value);
	if (!json_is_integer(value) || *number < 0 || *number > high)
		return refuse(reading, key, "no whole number, or out of range");
	return 0;
}

static int read_object(const struct reading *, const struct member *, const char *, json_t *);

static int
read_member(const struct reading *reading, const struct member *member, json_t *value)
{
	struct label *label = &reading->document->label;
	char *place = (char *)label + member->place;
	const char *text = json_string_value(value);
	json_int_t number;
	int result = 0;

	switch (member->type) {
	case TEXT:
		if (!text)
			return refuse(reading, member->key, "a string is expected");
		memcpy(place, &text, sizeof text);
		break;
	case FLAG:
		if (!json_is_boolean(value))
			return refuse(reading, member->key, "true or false is expected");
		*(bool *)place = json_is_true(value);
		break;
	case KIND:
		return read_kind(reading, text);
	case COPY:
		result = read_number(reading, member->key, value, 99, &number);
		label->copy = (unsigned int)number;
		break;
	case TIME:
		result = read_number(reading, member->key, value, time_max, &number);
		label->printed_at = number;
		break;
	case SERIALS:
		return read_serials(reading, value);
	case COURIER:
		return read_object(reading, courier_members, member->key, value);
	case SENDER:
		return read_object(reading, sender_members, member->key, value);
	}
	return result;
}

static int
read_object(const struct reading *reading, const struct member *members, const char *name, json_t *object)
{
	size_t known = 0;
	int result;

	if (!json_is_object(object))
		return refuse(reading, name, "an object is expected");
	for (const struct member *member = members; member->key; member++) {
		json_t *value = json_object_get(object, member->key);
		known += value != NULL;
		if (!value && member->needed)
			return refuse(reading, member->key, "is missing");
		result = value ? read_member(reading, member, value) : 0;
		if (result < 0)
			return result;
	}
	if (json_object_size(object) != known)
		return refuse(reading, name, "has a key that is not known: see docs/labels.md");
	return 0;
}

int
label_document_read(const char *text, size_t length, struct label_document *document, char *why, size_t why_size)
{
	json_error_t error;
	int result;

	*document = (struct label_document){ .label = {
		.phone = "", .address = "", .collection_point = "", .waybill = "", .routing = "", .hub = "", .product = "",
		.sender_name = "", .sender_phone = "", .sender_address = "",
	} };
	snprintf(why, why_size, "out of memory");
	document->json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!document->json) {
		snprintf(why, why_size, "line %d, column %d: no well-formed JSON object", error.line, error.column);
		return json_error_code(&error) == json_error_out_of_memory ? MINT_MEMORY : MINT_SYNTAX;
	}
	result = read_object(&(struct reading){ document, why, why_size }, label_members, "label", document->json);
	if (result < 0)
		label_document_clear(document);
	return result;
}

void
label_document_clear(struct label_document *document)
{
	json_decref(document->json);
	free(document->serials);
	*document = (struct label_document){ .json = NULL };
}
