#include "hostd/ca/name.h"
#include "hostd/ca/attribute.h"
#include "hostd/ca/text.h"
#include "schemas/errors.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

int
name_add(X509_NAME *name, const ASN1_OBJECT *type, int string_type, const char *value, int location, struct reason *reason)
{
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_OBJ(NULL, type, string_type, (const unsigned char *)value,
	    (int)strlen(value));
	int good = entry && X509_NAME_add_entry(name, entry, location, 0) == 1;

	X509_NAME_ENTRY_free(entry);
	return good ? 0 : reason_set_openssl(reason, MINT_CRYPTO, "an attribute cannot be added to the name");
}

/* Takes the next "KEY=value" out of *line, resolving backslashes in place; what follows is left in *line. */
static int
next_part(char **line, char **key, char **value)
{
	char *from, *to;

	*key = *line;
	from = strchr(*line, '=');
	if (!from)
		return MINT_FIELD;
	*from++ = '\0';
	*value = to = from;
	for (; *from && *from != ','; *to++ = *from++)
		if (*from == '\\' && from[1])
			from++;
	*line = *from ? from + 1 : from;
	*to = '\0';
	return 0;
}

static int
add_part(X509_NAME *name, const char *key, const char *value, struct reason *reason)
{
	struct attribute_rules rules;
	ASN1_OBJECT *type = OBJ_txt2obj(key, 0);
	const char *wrong;
	int r;

	ERR_clear_error();
	if (!type)
		return reason_set(reason, MINT_FIELD, "subject: \"%s\" is no attribute: write C, ST, L, O, OU, CN", key);
	rules = attribute_rules(type);
	wrong = text_wrong(value, rules.string_type, rules.chars_max);
	r = wrong ? reason_set(reason, MINT_FIELD, "subject: %s %s", key, wrong)
	          : name_add(name, type, rules.string_type, value, -1, reason);
	ASN1_OBJECT_free(type);
	return r;
}

int
name_parse(X509_NAME **out, const char *line, struct reason *reason)
{
	char *copy = strdup(line), *at = copy, *key, *value;
	X509_NAME *name = X509_NAME_new();
	int r = 0;

	if (!copy || !name)
		r = reason_set(reason, MINT_MEMORY, "out of memory");
	while (r == 0 && at && *at) {
		if (next_part(&at, &key, &value) != 0)
			r = reason_set(reason, MINT_FIELD, "subject: write it as C=CN,O=…,CN=… (a comma in a value as \\,)");
		else
			r = add_part(name, key, value, reason);
	}
	if (r == 0 && X509_NAME_get_index_by_NID(name, NID_commonName, -1) < 0)
		r = reason_set(reason, MINT_FIELD, "subject: has no CN: add one");
	free(copy);
	if (r == 0)
		*out = name;
	else
		X509_NAME_free(name);
	return r;
}

int
name_mark(X509_NAME *name, const char *mark, struct reason *reason)
{
	return name_add(name, OBJ_nid2obj(NID_organizationalUnitName), V_ASN1_UTF8STRING, mark,
	    X509_NAME_get_index_by_NID(name, NID_commonName, -1), reason);
}

char *
name_line(const X509_NAME *name)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *bytes, *line = NULL;
	long length;

	if (memory && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		length = BIO_get_mem_data(memory, &bytes);
		line = strndup(bytes, (size_t)length);
	}
	BIO_free(memory);
	return line;
}
