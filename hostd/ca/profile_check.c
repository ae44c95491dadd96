#include "hostd/ca/profile_check.h"
#include "hostd/ca/attribute.h"
#include "hostd/ca/extension.h"
#include "hostd/ca/record.h"
#include "hostd/ca/request.h"
#include "hostd/ca/text.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { CHARS_LIMIT = 256, DAYS_MAX = 3660, BACKDATE_MAX = 2880, FIELD_NAME_BYTES = 32 };

static const char *
last_of(cfg_opt_t *option)
{
	return cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
}

static int
check_days(cfg_t *cfg, cfg_opt_t *option)
{
	long days = cfg_opt_getnint(option, 0);

	if (days >= 1 && days <= DAYS_MAX)
		return 0;
	cfg_error(cfg, "%s = %ld: give a number from 1 to %d", cfg_opt_name(option), days, DAYS_MAX);
	return -1;
}

static int
check_backdate(cfg_t *cfg, cfg_opt_t *option)
{
	long minutes = cfg_opt_getnint(option, 0);

	if (minutes >= 0 && minutes <= BACKDATE_MAX)
		return 0;
	cfg_error(cfg, "%s = %ld: give a number from 0 to %d", cfg_opt_name(option), minutes, BACKDATE_MAX);
	return -1;
}

static int
check_chars(cfg_t *cfg, cfg_opt_t *option)
{
	long chars = cfg_opt_getnint(option, 0);

	if (chars >= 1 && chars <= CHARS_LIMIT)
		return 0;
	cfg_error(cfg, "%s = %ld: give a number from 1 to %d", cfg_opt_name(option), chars, CHARS_LIMIT);
	return -1;
}

static int
check_key_type(cfg_t *cfg, cfg_opt_t *option)
{
	if (key_type_by_name(last_of(option)))
		return 0;
	cfg_error(cfg, "keys: \"%s\" is no key type: rsa2048, rsa3072, rsa4096, p256 and p384 are", last_of(option));
	return -1;
}

static int
check_usage(cfg_t *cfg, cfg_opt_t *option)
{
	if (extension_is_key_usage(last_of(option)))
		return 0;
	cfg_error(cfg, "key_usage: \"%s\" is none for an end entity: see RFC 5280, 4.2.1.3 (digitalSignature, nonRepudiation, …)",
	    last_of(option));
	return -1;
}

static int
check_oid(cfg_t *cfg, cfg_opt_t *option)
{
	ASN1_OBJECT *object = oid_from_dotted(last_of(option));

	if (object) {
		ASN1_OBJECT_free(object);
		return 0;
	}
	cfg_error(cfg, "%s: \"%s\" is no object identifier: write it with dots, as in \"1.2.156.10260.4.1.4\"", cfg_opt_name(option),
	    last_of(option));
	return -1;
}

static int
check_purpose(cfg_t *cfg, cfg_opt_t *option)
{
	ASN1_OBJECT *object = OBJ_txt2obj(last_of(option), 0);

	ERR_clear_error();
	if (object) {
		ASN1_OBJECT_free(object);
		return 0;
	}
	cfg_error(cfg, "extended_key_usage: \"%s\" is not known: write a name such as clientAuth, or an OID with dots", last_of(option));
	return -1;
}

static int
check_address(cfg_t *cfg, cfg_opt_t *option)
{
	if (extension_is_address(last_of(option)))
		return 0;
	cfg_error(cfg, "%s: \"%s\" is no address: http://, https:// or ldap://, ASCII, at most 256 characters, no blank, quote, "
	    "comma or semicolon", cfg_opt_name(option), last_of(option));
	return -1;
}

static int
is_identifier(const char *name, size_t bytes_max)
{
	return *name && strlen(name) <= bytes_max && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

static const char *const string_names[] = {
	[V_ASN1_UTF8STRING] = "utf8", [V_ASN1_PRINTABLESTRING] = "printable", [V_ASN1_IA5STRING] = "ia5",
};

/* 0 for none of that name. */
static int
string_type_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof string_names / sizeof string_names[0]; i++)
		if (string_names[i] && strcmp(string_names[i], name) == 0)
			return (int)i;
	return 0;
}

void
profile_string_rules(cfg_t *section, const ASN1_OBJECT *type, struct profile_field *field)
{
	struct attribute_rules rules = attribute_rules(type);
	const char *name = cfg_getstr(section, "string");

	field->string_type = name ? string_type_by_name(name) : rules.string_type;
	field->chars_max = cfg_size(section, "chars") ? (int)cfg_getint(section, "chars") : rules.chars_max;
}

static int
check_string(cfg_t *cfg, cfg_opt_t *option)
{
	if (string_type_by_name(last_of(option)))
		return 0;
	cfg_error(cfg, "string: \"%s\" is not known: utf8, printable or ia5", last_of(option));
	return -1;
}

/* A field or a constant, and the constant must be one that a certificate can carry. */
static int
check_value(cfg_t *cfg, cfg_t *section, const ASN1_OBJECT *type)
{
	const char *field = cfg_getstr(section, "field"), *value = cfg_getstr(section, "value"), *title = cfg_title(section);
	struct profile_field rules = { .type = NULL };
	const char *wrong;

	if (!field == !value) {
		cfg_error(cfg, "\"%s\" needs either a field (of the application) or a value (a constant)", title);
		return -1;
	}
	if (field && !is_identifier(field, FIELD_NAME_BYTES)) {
		cfg_error(cfg, "\"%s\": field \"%s\": lower-case letters, digits and _, at most %d", title, field, FIELD_NAME_BYTES);
		return -1;
	}
	profile_string_rules(section, type, &rules);
	wrong = value ? text_wrong(value, rules.string_type, rules.chars_max) : NULL;
	if (wrong)
		cfg_error(cfg, "\"%s\": value %s", title, wrong);
	return wrong ? -1 : 0;
}

static cfg_t *
last_section(cfg_opt_t *option)
{
	return cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
}

static int
check_subject(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = last_section(option);
	ASN1_OBJECT *type = OBJ_txt2obj(cfg_title(section), 0);
	int r;

	ERR_clear_error();
	if (!type) {
		cfg_error(cfg, "subject \"%s\" is no attribute: write C, ST, L, O, OU, CN, serialNumber or an OID with dots",
		    cfg_title(section));
		return -1;
	}
	r = check_value(cfg, section, type);
	ASN1_OBJECT_free(type);
	return r;
}

/* What certificate.c and the fixed part set themselves must not come a second time. */
static int
is_ours(const char *oid)
{
	return strncmp(oid, "2.5.29.", 7) == 0 || strncmp(oid, "1.3.6.1.5.5.7.1.", 16) == 0;
}

static int
check_extension(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = last_section(option);
	ASN1_OBJECT *type = oid_from_dotted(cfg_title(section));
	int r;

	if (!type || is_ours(cfg_title(section))) {
		cfg_error(cfg, type ? "extension \"%s\" has a key of its own, or none here: see docs/certificate-profiles.md"
		    : "extension \"%s\" is no object identifier: write it with dots, as in \"1.2.156.10260.4.1.4\"", cfg_title(section));
		ASN1_OBJECT_free(type);
		return -1;
	}
	r = check_value(cfg, section, type);
	ASN1_OBJECT_free(type);
	return r;
}

static int
check_lists(cfg_t *cfg, cfg_t *section)
{
	static const char *const lists[] = { "keys", "key_usage", "extended_key_usage", "policies", "crl", "ca_issuers", "ocsp" };

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		if (cfg_size(section, lists[i]) > PROFILE_WORDS_MAX) {
			cfg_error(cfg, "%s has more than %d entries: shorten it", lists[i], PROFILE_WORDS_MAX);
			return -1;
		}
	}
	return 0;
}

static int
check_profile(cfg_t *cfg, cfg_opt_t *option)
{
	static const char *const needed[] = { "validity_days", "keys", "key_usage", "subject" };
	cfg_t *section = last_section(option);

	if (!is_identifier(cfg_title(section), PROFILE_NAME_BYTES)) {
		cfg_error(cfg, "profile \"%s\": name it with lower-case letters, digits, - and _, at most %d", cfg_title(section),
		    PROFILE_NAME_BYTES);
		return -1;
	}
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (cfg_size(section, needed[i]) == 0) {
			cfg_error(cfg, "profile \"%s\" has no %s: add it", cfg_title(section), needed[i]);
			return -1;
		}
	}
	return check_lists(cfg, section);
}

static const struct {
	const char *option;
	cfg_validate_callback_t check;
} checks[] = {
	{ "profile", check_profile },
	{ "profile|validity_days", check_days },
	{ "profile|backdate_minutes", check_backdate },
	{ "profile|keys", check_key_type },
	{ "profile|key_usage", check_usage },
	{ "profile|extended_key_usage", check_purpose },
	{ "profile|policies", check_oid },
	{ "profile|cps", check_address },
	{ "profile|crl", check_address },
	{ "profile|ca_issuers", check_address },
	{ "profile|ocsp", check_address },
	{ "profile|subject", check_subject },
	{ "profile|subject|chars", check_chars },
	{ "profile|subject|string", check_string },
	{ "profile|extension", check_extension },
	{ "profile|extension|chars", check_chars },
	{ "profile|extension|string", check_string },
};

void
profile_check_all(cfg_t *cfg)
{
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		cfg_set_validate_func(cfg, checks[i].option, checks[i].check);
}
