#include "hostd/ca/attribute.h"

#include <openssl/asn1.h>

static const struct {
	int nid;
	struct attribute_rules rules;
} rows[] = {
	{ NID_countryName, { V_ASN1_PRINTABLESTRING, 2 } },
	{ NID_stateOrProvinceName, { V_ASN1_UTF8STRING, 128 } },
	{ NID_localityName, { V_ASN1_UTF8STRING, 128 } },
	{ NID_organizationName, { V_ASN1_UTF8STRING, 64 } },
	{ NID_organizationalUnitName, { V_ASN1_UTF8STRING, 64 } },
	{ NID_commonName, { V_ASN1_UTF8STRING, 64 } },
	{ NID_title, { V_ASN1_UTF8STRING, 64 } },
	{ NID_serialNumber, { V_ASN1_PRINTABLESTRING, 64 } },
	{ NID_pkcs9_emailAddress, { V_ASN1_IA5STRING, 255 } },
	{ NID_organizationIdentifier, { V_ASN1_UTF8STRING, 256 } },
};

struct attribute_rules
attribute_rules(const ASN1_OBJECT *type)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (OBJ_obj2nid(type) == rows[i].nid)
			return rows[i].rules;
	return (struct attribute_rules){ V_ASN1_UTF8STRING, 64 };
}
