/* The rules of an application record beyond types and lengths: the forms of texts, and what lies between fields. */
#include "hostd/base/application_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/date.h"
#include "hostd/base/identity.h"

void
rules_add_number(struct reading *reading, enum finding_rule rule, const char *path, size_t number)
{
	char argument[24];

	snprintf(argument, sizeof argument, "%zu", number);
	findings_add(reading->findings, rule, path, argument);
}

void
rules_list_words(enum field_list list, unsigned mask, char *text, size_t size)
{
	size_t count, used = 0;
	const struct field_choice *choices = field_choices(list, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++)
		if (mask & (1U << (i + 1)))
			used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", choices[i].text);
}

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

void
rules_check_form(struct reading *reading, enum field_form form, const char *path, const char *text)
{
	form_checks[form](reading, path, text);
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
			rules_add_number(reading, RULE_QUANTITY, "credentials", application->quantity);
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
		rules_list_words(LIST_MEDIUM, reading->policy->media, words, sizeof words);
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
		rules_list_words(LIST_KIND, reading->policy->kinds, words, sizeof words);
		findings_add(reading->findings, RULE_KIND_ELSEWHERE, "kind", words);
	}
}

void
rules_check_whole(struct reading *reading, bool has_delivery, bool has_previous)
{
	fill_credentials(reading);
	check_holders(reading);
	check_division_agrees(reading);
	check_medium(reading, has_delivery);
	check_kind(reading, has_previous);
}
