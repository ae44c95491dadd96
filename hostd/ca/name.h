/* Distinguished names from one line: "C=CN,ST=北京市,O=…,CN=…", a comma within a value written "\,". */
#ifndef MINT_CA_NAME_H
#define MINT_CA_NAME_H

#include "hostd/ca/reason.h"

#include <openssl/x509.h>

/* Adds one attribute, checked against the string rules of its type. MINT_FIELD, MINT_CRYPTO. `location` as of
 * X509_NAME_add_entry_by_OBJ(3): −1 for the end. */
int name_add(X509_NAME *name, const ASN1_OBJECT *type, int string_type, const char *value, int location, struct reason *reason);

/* A new name, the caller's to free. MINT_FIELD. */
int name_parse(X509_NAME **name, const char *line, struct reason *reason);

/* Adds OU=`mark` in front of the common name. */
int name_mark(X509_NAME *name, const char *mark, struct reason *reason);

/* One line for people, RFC 2253's order and UTF-8; the caller frees it. NULL when out of memory. */
char *name_line(const X509_NAME *name);

#endif
