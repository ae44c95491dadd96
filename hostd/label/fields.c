/* Values of a label's fields, and templates that name them. */
#include "hostd/label/fields.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostd/label/label.h"
#include "hostd/label/mask.h"
#include "schemas/errors.h"

/* China has had one zone and no summer time since 1991: no zone file is needed to print its time. */
enum { CHINA_OFFSET_S = 8 * 3600 };

static const char *const names[FIELD_COUNT] = {
#define FIELD(name) #name,
	LABEL_FIELDS
#undef FIELD
};

const char *
field_name(enum field field)
{
	return field < FIELD_COUNT ? names[field] : "text";
}

int
field_by_name(const char *name, size_t length)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return i;
	return -1;
}

static void
take(struct fields *fields, enum field field, char *value)
{
	if (fields->value[field])
		OPENSSL_cleanse(fields->value[field], strlen(fields->value[field]));
	free(fields->value[field]);
	fields->value[field] = value;
}

int
fields_set_text(struct fields *fields, enum field field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return MINT_MEMORY;
	take(fields, field, copy);
	return 0;
}

int
fields_set_number(struct fields *fields, enum field field, size_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%zu", number);
	return fields_set_text(fields, field, text);
}

static int
set_printed(struct fields *fields, int64_t printed_at)
{
	time_t local = (time_t)(printed_at / 1000000) + CHINA_OFFSET_S;
	struct tm tm;
	char text[32] = "";

	if (gmtime_r(&local, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
	return fields_set_text(fields, FIELD_printed, text);
}

/* What is a person's goes through its mask, and there is no way around it. */
static int
set_masked(const struct label *label, struct fields *fields)
{
	take(fields, FIELD_name, mask_name(label->name));
	take(fields, FIELD_phone, mask_phone(label->phone));
	take(fields, FIELD_address, mask_address(label->address));
	return fields->value[FIELD_name] && fields->value[FIELD_phone] && fields->value[FIELD_address] ? 0 : MINT_MEMORY;
}

int
fields_make(const struct label *label, struct fields *fields)
{
	const struct {
		enum field field;
		const char *text;
	} texts[] = {
		{ FIELD_application, label->application },
		{ FIELD_organisation, label->organisation },
		{ FIELD_collection_point, label->collection_point },
		{ FIELD_waybill, label->waybill },
		{ FIELD_routing, label->routing },
		{ FIELD_hub, label->hub },
		{ FIELD_product, label->product },
		{ FIELD_freight_collect, label->freight_collect ? "1" : "" },
		{ FIELD_urgent, label->urgent ? "1" : "" },
		{ FIELD_sender_name, label->sender_name },
		{ FIELD_sender_phone, label->sender_phone },
		{ FIELD_sender_address, label->sender_address },
	};

	*fields = (struct fields){ { NULL } };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (fields_set_text(fields, texts[i].field, texts[i].text) < 0)
			return MINT_MEMORY;
	if (label->copy > 0 && fields_set_number(fields, FIELD_copy, label->copy) < 0)
		return MINT_MEMORY;
	if (set_masked(label, fields) < 0 || set_printed(fields, label->printed_at) < 0)
		return MINT_MEMORY;
	return fields_set_number(fields, FIELD_tokens, label->serial_count);
}

void
fields_clear(struct fields *fields)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		take(fields, (enum field)i, NULL);
}

/* --- templates */

/* The next piece: literal text, or one field. Both stay where they are in the template. */
struct piece {
	const char *text;
	size_t      length;
	int         field; /* -1 for literal text */
};

/* Takes one piece off *at. False at the end; then *at is at the NUL, or at a brace that makes no sense. */
static bool
next_piece(const char **at, struct piece *piece)
{
	const char *from = *at, *end;

	*piece = (struct piece){ .text = from, .field = -1 };
	if (*from == '\0')
		return false;
	if (*from != '{') {
		piece->length = strcspn(from, "{");
	} else if (from[1] == '{') {
		piece->length = 1;
		from++;
	} else {
		end = strchr(from, '}');
		piece->field = end ? field_by_name(from + 1, (size_t)(end - from - 1)) : -1;
		if (piece->field < 0)
			return false;
		*at = end + 1;
		return true;
	}
	*at = from + piece->length;
	return true;
}

const char *
template_check(const char *template)
{
	struct piece piece;

	while (next_piece(&template, &piece))
		;
	return *template ? template : NULL;
}

static const char *
piece_text(const struct piece *piece, const struct fields *fields, size_t *length)
{
	const char *value = piece->field < 0 ? piece->text : fields->value[piece->field];

	*length = piece->field < 0 ? piece->length : value ? strlen(value) : 0;
	return value ? value : "";
}

char *
template_expand(const char *template, const struct fields *fields, enum field *only)
{
	struct piece piece;
	size_t total = 0, used = 0, length, named = 0;
	const char *at = template;
	char *text;

	if (only)
		*only = FIELD_COUNT;
	while (next_piece(&at, &piece)) {
		piece_text(&piece, fields, &length);
		total += length;
		if (piece.field >= 0 && only)
			*only = ++named == 1 ? (enum field)piece.field : FIELD_COUNT;
	}
	text = malloc(total + 1);
	if (!text)
		return NULL;
	for (at = template; next_piece(&at, &piece); used += length) {
		const char *from = piece_text(&piece, fields, &length);
		memcpy(text + used, from, length);
	}
	text[used] = '\0';
	return text;
}
