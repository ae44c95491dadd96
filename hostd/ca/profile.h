/* Certificate profiles as data: what a certificate says, apart from the key. docs/certificate-profiles.md is their manual.
 *
 * One file (libconfuse's syntax) holds one or more profiles. The reader is strict: an unknown key, a bad OID, a text that is too
 * long, a usage nobody knows are refused with file, line and what to do.
 */
#ifndef MINT_CA_PROFILE_H
#define MINT_CA_PROFILE_H

#include "hostd/base/conf_file.h"
#include "hostd/ca/reason.h"

#include <openssl/x509v3.h>
#include <stdio.h>

enum { PROFILE_FILE_MAX = CONF_FILE_BYTES_MAX };

/* One attribute of the subject's name, or one extension whose value is a field of the application. */
struct profile_field {
	ASN1_OBJECT *type;
	char        *field;         /* name in the subject data; NULL for a constant */
	char        *value;         /* the constant; NULL for a field */
	int          optional;      /* leave it out when the subject data has no such field, or "" */
	int          string_type;   /* V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING or V_ASN1_IA5STRING */
	int          chars_max;     /* characters, not bytes (X.520 upper bounds) */
	int          critical;      /* extensions only */
};

struct profile {
	char                    *name;          /* "institution" */
	char                    *title;         /* for people */
	int                      validity_days;
	int                      backdate_minutes;
	unsigned                 key_types;     /* bits of enum key_type */
	struct profile_field    *names;         /* in the order of the DN */
	size_t                   name_count;
	struct profile_field    *values;        /* extensions from fields */
	size_t                   value_count;
	STACK_OF(X509_EXTENSION) *fixed;        /* the same in each certificate: usages, policies, addresses */
};

struct profiles {
	struct profile *list;
	size_t          count;
};

/* Reads one file to its end and adds its profiles. `file_name` is for messages. MINT_CONFIG, MINT_MEMORY. */
int profiles_read(struct profiles *profiles, FILE *stream, const char *file_name, struct reason *reason);

/* Reads every *.conf of a directory in the order of their names. MINT_NOT_FOUND when there is none. */
int profiles_read_directory(struct profiles *profiles, const char *path, struct reason *reason);

void profiles_clear(struct profiles *profiles);

/* NULL when there is none of that name. */
const struct profile *profile_find(const struct profiles *profiles, const char *name);

#endif
