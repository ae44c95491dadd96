/* The list of an application's fields as a table. */
#include "hostd/base/application_field.h"

#include <assert.h>
#include <string.h>

#include "hostd/base/application.h"

/* The detail of a field is named by what its type looks it up in. */
enum {
	TEXT_NONE,
	COUNT_NONE,
	FLAG_NONE,
#define FORM(name, ...) TEXT_##name = FORM_##name, TIME_##name = FORM_##name,
#include "schemas/application.def"
	CHOICE_KIND = LIST_KIND,
	CHOICE_MEDIUM = LIST_MEDIUM,
	CHOICE_KEY = LIST_KEY,
	CHOICE_DELIVERY = LIST_DELIVERY,
	CHOICE_ROLE = LIST_ROLE,
	OBJECT_DETAIL_ORGANISATION = OBJECT_ORGANISATION,
	OBJECT_DETAIL_PERSON = OBJECT_PERSON,
	OBJECT_DETAIL_DELIVERY = OBJECT_DELIVERY,
	LIST_DETAIL_CREDENTIAL = OBJECT_CREDENTIAL,
};
#define DETAIL_TEXT(name)   (int)TEXT_##name
#define DETAIL_TIME(name)   (int)TIME_##name
#define DETAIL_COUNT(name)  (int)COUNT_##name
#define DETAIL_FLAG(name)   (int)FLAG_##name
#define DETAIL_CHOICE(name) (int)CHOICE_##name
#define DETAIL_OBJECT(name) (int)OBJECT_DETAIL_##name
#define DETAIL_LIST(name)   (int)LIST_DETAIL_##name

#define STRUCT_ROOT         struct application
#define STRUCT_ORGANISATION struct application
#define STRUCT_PERSON       struct application
#define STRUCT_POST         struct application
#define STRUCT_ON_SITE      struct application
#define STRUCT_CREDENTIAL   struct application_credential

static const struct field rows[] = {
#define FIELD(object, member, name, type, required, minimum, maximum, bytes, detail, personal, t_en, t_zh, d_en, d_zh) \
	{ OBJECT_##object, name, FIELD_##type, required, minimum, maximum, bytes, DETAIL_##type(detail), personal, \
	  offsetof(STRUCT_##object, member), { t_en, t_zh }, { d_en, d_zh } },
#include "schemas/application.def"
};

static const struct field_object_info objects[] = {
#define OBJECT(name, t_en, t_zh, d_en, d_zh) { { t_en, t_zh }, { d_en, d_zh } },
#include "schemas/application.def"
};

static const struct field_form_info forms[] = {
#define FORM(name, pattern, format) { pattern, format },
#include "schemas/application.def"
};

#define WORD(name, text, en, zh) { text, { en, zh } },
static const struct field_choice kinds[] = {
#define KIND WORD
#include "schemas/application.def"
};
static const struct field_choice media[] = {
#define MEDIUM WORD
#include "schemas/application.def"
};
static const struct field_choice keys[] = {
#define KEY WORD
#include "schemas/application.def"
};
static const struct field_choice deliveries[] = {
#define DELIVERY WORD
#include "schemas/application.def"
};
static const struct field_choice roles[] = {
#define ROLE WORD
#include "schemas/application.def"
};

#define WORDS(list) { list, sizeof list / sizeof list[0] }
static const struct {
	const struct field_choice *words;
	size_t count;
} lists[LIST_COUNT] = {
	[LIST_KIND] = WORDS(kinds),
	[LIST_MEDIUM] = WORDS(media),
	[LIST_KEY] = WORDS(keys),
	[LIST_DELIVERY] = WORDS(deliveries),
	[LIST_ROLE] = WORDS(roles),
};

const struct field *
field_rows(size_t *count)
{
	*count = sizeof rows / sizeof rows[0];
	return rows;
}

const struct field *
field_by_name(enum field_object object, const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].object == object && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct field_object_info *
field_object_info(enum field_object object)
{
	assert(object < OBJECT_COUNT);
	return &objects[object];
}

const struct field_form_info *
field_form_info(enum field_form form)
{
	assert(form < FORM_COUNT);
	return &forms[form];
}

const struct field_choice *
field_choices(enum field_list list, size_t *count)
{
	assert(list < LIST_COUNT);
	*count = lists[list].count;
	return lists[list].words;
}

unsigned
field_choice_value(enum field_list list, const char *text)
{
	assert(list < LIST_COUNT);
	for (unsigned i = 0; i < lists[list].count; i++)
		if (strcmp(lists[list].words[i].text, text) == 0)
			return i + 1;
	return 0;
}

const char *
field_choice_text(enum field_list list, unsigned value)
{
	assert(list < LIST_COUNT);
	return value >= 1 && value <= lists[list].count ? lists[list].words[value - 1].text : NULL;
}

enum field_object
field_delivery_object(unsigned method)
{
	return method == APPLICATION_DELIVERY_ON_SITE ? OBJECT_ON_SITE : OBJECT_POST;
}
