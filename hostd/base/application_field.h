/* The list of an application's fields as a table, for the code that reads, writes, compares and publishes records.
 *
 * Only files named application*.c include this header.
 */
#ifndef MINT_BASE_APPLICATION_FIELD_H
#define MINT_BASE_APPLICATION_FIELD_H

#include <stdbool.h>
#include <stddef.h>

enum field_object {
#define OBJECT(name, ...) OBJECT_##name,
#include "schemas/application.def"
	OBJECT_COUNT,
	OBJECT_DELIVERY = OBJECT_COUNT /* POST or ON_SITE */
};

enum field_list { LIST_KIND, LIST_MEDIUM, LIST_KEY, LIST_DELIVERY, LIST_ROLE, LIST_COUNT };

enum field_form {
#define FORM(name, ...) FORM_##name,
#include "schemas/application.def"
	FORM_COUNT
};

enum field_type { FIELD_TEXT, FIELD_COUNT, FIELD_FLAG, FIELD_TIME, FIELD_CHOICE, FIELD_OBJECT, FIELD_LIST };

/* A word of a list; its value is its place, from 1. */
struct field_choice {
	const char *text;
	const char *title[2]; /* by enum mint_language */
};

struct field_form_info {
	const char *pattern;
	const char *format; /* "" for none */
};

struct field_object_info {
	const char *title[2];
	const char *description[2];
};

struct field {
	enum field_object object;
	const char *name;
	enum field_type type;
	bool     required;
	unsigned minimum, maximum; /* characters, value or items; the default of a flag is `minimum` */
	unsigned max_bytes;
	int      detail; /* enum field_form, field_list or field_object, by type */
	bool     personal;
	size_t   offset; /* in struct application, or in struct application_credential for OBJECT_CREDENTIAL */
	const char *title[2];
	const char *description[2];
};

/* All rows in the order of the list; *count is set. */
const struct field *field_rows(size_t *count);

/* The row of a field by object and name, NULL when there is none. */
const struct field *field_by_name(enum field_object object, const char *name);

const struct field_object_info *field_object_info(enum field_object object);
const struct field_form_info *field_form_info(enum field_form form);

/* The words of a list; *count is set. */
const struct field_choice *field_choices(enum field_list list, size_t *count);

/* The value of a word (from 1), or 0 when it is not in the list. */
unsigned field_choice_value(enum field_list list, const char *text);

/* The word of a value, NULL when there is none. */
const char *field_choice_text(enum field_list list, unsigned value);

/* The object a DELIVERY is, by its method. */
enum field_object field_delivery_object(unsigned method);

#endif
