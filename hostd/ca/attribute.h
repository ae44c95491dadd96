/* What X.520 and RFC 5280, appendix A.1 say about the attributes of a name: string type and upper bound. */
#ifndef MINT_CA_ATTRIBUTE_H
#define MINT_CA_ATTRIBUTE_H

#include <openssl/objects.h>

struct attribute_rules {
	int string_type;    /* V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING */
	int chars_max;      /* characters, not bytes */
};

/* UTF8String of 64 characters for a type that the standard does not know. */
struct attribute_rules attribute_rules(const ASN1_OBJECT *type);

#endif
