/* The rules of an application record beyond types and lengths; only application_read.c calls them. */
#ifndef MINT_BASE_APPLICATION_RULES_H
#define MINT_BASE_APPLICATION_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "hostd/base/application.h"
#include "hostd/base/application_field.h"

/* A record while it is read. Fields that could not be read are zero or NULL in `application`. */
struct reading {
	const struct application_policy *policy;
	struct findings *findings;
	struct application *application;
	bool out_of_memory; /* something was not kept: the record is not whole */
};

/* Adds what is wrong with a text of this form; its characters and length are right already. */
void rules_check_form(struct reading *reading, enum field_form form, const char *path, const char *text);

/* Adds what does not fit together in the whole record, and fills in the credentials where none were listed. Whether
 * `delivery` and `previous_reference` stand in the record is said by the caller: a faulty one stands there too. */
void rules_check_whole(struct reading *reading, bool has_delivery, bool has_previous);

/* Adds a finding whose argument is a number. */
void rules_add_number(struct reading *reading, enum finding_rule rule, const char *path, size_t number);

/* The words of the list that are in the mask (bits 1 << value): "new, renew". Cut to size. */
void rules_list_words(enum field_list list, unsigned mask, char *text, size_t size);

#endif
