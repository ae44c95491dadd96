/* A label as JSON. */
#include "hostd/label/label_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/errors.h"

static int
read_kind(const char *kind, struct label *label, char *why, size_t why_size)
{
	if (strcmp(kind, "shipping") == 0)
		label->kind = LABEL_SHIPPING;
	else if (strcmp(kind, "collection") == 0)
		label->kind = LABEL_COLLECTION;
	else {
		snprintf(why, why_size, "kind: shipping or collection is expected");
		return MINT_FIELD;
	}
	return 0;
}

static int
read_serials(json_t *tokens, struct label_document *document, char *why, size_t why_size)
{
	size_t count = json_array_size(tokens);

	document->serials = calloc(count + 1, sizeof *document->serials);
	if (!document->serials)
		return MINT_MEMORY;
	for (size_t i = 0; i < count; i++) {
		document->serials[i] = json_string_value(json_array_get(tokens, i));
		if (!document->serials[i]) {
			snprintf(why, why_size, "tokens: an array of strings is expected");
			return MINT_FIELD;
		}
	}
	document->label.serials = document->serials;
	document->label.serial_count = count;
	return 0;
}

/* jansson's text may quote a value, so only key and place are taken from it. */
static int
explain_unpack(const json_error_t *error, char *why, size_t why_size)
{
	enum json_error_code code = json_error_code(error);

	if (code == json_error_item_not_found || code == json_error_end_of_input_expected)
		snprintf(why, why_size, "%s", error->text); /* names keys */
	else
		snprintf(why, why_size, "%s: a value has the wrong type", error->source);
	return MINT_FIELD;
}

static int
read_members(struct label_document *document, char *why, size_t why_size)
{
	struct label *label = &document->label;
	json_error_t error;
	json_t *tokens;
	const char *kind;
	json_int_t printed_at;
	int copy = 0, urgent = 0, freight_collect = 0, result;

	if (json_unpack_ex(document->json, &error, 0,
	        "{s:s, s:s, s:s, s:s, s?s, s?s, s:o, s:I, s?i, s?b, s?b,"
	        " s?{s?s, s?s, s?s, s?s !}, s?{s:s, s?s, s?s !} !}",
	        "kind", &kind, "application", &label->application, "organisation", &label->organisation,
	        "name", &label->name, "phone", &label->phone, "address", &label->address, "tokens", &tokens,
	        "printed_at", &printed_at, "copy", &copy, "urgent", &urgent, "freight_collect", &freight_collect,
	        "courier", "waybill", &label->waybill, "routing", &label->routing, "hub", &label->hub, "product", &label->product,
	        "sender", "name", &label->sender_name, "phone", &label->sender_phone, "address", &label->sender_address) < 0)
		return explain_unpack(&error, why, why_size);
	if (copy < 0 || copy > 99 || printed_at < 0 || printed_at > INT64_C(253370764800000000)) {
		snprintf(why, why_size, "copy: 0 to 99, printed_at: UTC microseconds before the year 9999 are expected");
		return MINT_FIELD;
	}
	label->copy = (unsigned int)copy;
	label->printed_at = printed_at;
	label->urgent = urgent;
	label->freight_collect = freight_collect;
	result = read_kind(kind, label, why, why_size);
	return result < 0 ? result : read_serials(tokens, document, why, why_size);
}

int
label_document_read(const char *text, size_t length, struct label_document *document, char *why, size_t why_size)
{
	json_error_t error;
	int result;

	*document = (struct label_document){ .label = {
		.phone = "", .address = "", .waybill = "", .routing = "", .hub = "", .product = "",
		.sender_name = "", .sender_phone = "", .sender_address = "",
	} };
	snprintf(why, why_size, "out of memory");
	document->json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!document->json) {
		snprintf(why, why_size, "line %d, column %d: no well-formed JSON object", error.line, error.column);
		return json_error_code(&error) == json_error_out_of_memory ? MINT_MEMORY : MINT_SYNTAX;
	}
	result = read_members(document, why, why_size);
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
