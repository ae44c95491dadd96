/* The fields a layout may name in braces, and their values for one label: masked where they are a person's. */
#ifndef MINT_LABEL_FIELDS_H
#define MINT_LABEL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct label;

/* FIELD(name): in the order of docs/labels.md. Flags are "1" or "", so that a layout can ask with `when` and `unless`. */
#define LABEL_FIELDS \
	FIELD(application) \
	FIELD(organisation) \
	FIELD(name)            /* masked */ \
	FIELD(phone)           /* masked */ \
	FIELD(address)         /* masked */ \
	FIELD(collection_point) \
	FIELD(tokens)          /* how many */ \
	FIELD(waybill) \
	FIELD(routing) \
	FIELD(hub) \
	FIELD(product) \
	FIELD(freight_collect) /* flag */ \
	FIELD(urgent)          /* flag */ \
	FIELD(sender_name) \
	FIELD(sender_phone) \
	FIELD(sender_address) \
	FIELD(copy)            /* number of the reprint, "" on the first print */ \
	FIELD(printed)         /* 2026-01-31 14:05, time of China */ \
	FIELD(page) \
	FIELD(pages)           /* "" when there is but one */ \
	FIELD(more)            /* number of the next page, "" on the last */ \
	FIELD(index)           /* in lists: number of the token in the parcel */ \
	FIELD(serial)          /* in lists: its serial */

enum field {
#define FIELD(name) FIELD_##name,
	LABEL_FIELDS
#undef FIELD
	FIELD_COUNT
};

struct fields {
	char *value[FIELD_COUNT]; /* owned; NULL counts as "" */
};

/* "address"; the names that messages use. */
const char *field_name(enum field field);

/* The field of that name, or -1. */
int field_by_name(const char *name, size_t length);

/* Fills all but page, pages, more, index and serial. Free with fields_clear, also after MINT_MEMORY. */
int fields_make(const struct label *label, struct fields *fields);

/* Sets one to a number. 0 or MINT_MEMORY. */
int fields_set_number(struct fields *fields, enum field field, size_t number);

/* Sets one to a copy of a text. 0 or MINT_MEMORY. */
int fields_set_text(struct fields *fields, enum field field, const char *text);

/* Wipes and frees the values. */
void fields_clear(struct fields *fields);

/* Is the template well-formed: each {name} a field of the list, braces closed, "{{" for a brace? NULL when it is, else where it
 * stops making sense. */
const char *template_check(const char *template);

/* The template with the values put in; the caller's to free. NULL when out of memory. *only (may be NULL) becomes the field when
 * the template holds exactly one, else FIELD_COUNT: messages name it. */
char *template_expand(const char *template, const struct fields *fields, enum field *only);

#endif
