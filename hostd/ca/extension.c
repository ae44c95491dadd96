#include "hostd/ca/extension.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5280, 4.2.1.3. keyCertSign and cRLSign are missing on purpose: profiles are for end entities. */
static const struct {
	const char *name;
	int         bit;
} usage_bits[] = {
	{ "digitalSignature", 0 }, { "nonRepudiation", 1 }, { "contentCommitment", 1 }, { "keyEncipherment", 2 },
	{ "dataEncipherment", 3 }, { "keyAgreement", 4 }, { "encipherOnly", 7 }, { "decipherOnly", 8 },
};

static int
usage_bit(const char *usage)
{
	for (size_t i = 0; i < sizeof usage_bits / sizeof usage_bits[0]; i++)
		if (strcmp(usage_bits[i].name, usage) == 0)
			return usage_bits[i].bit;
	return -1;
}

int
extension_is_key_usage(const char *usage)
{
	return usage_bit(usage) >= 0;
}

X509_EXTENSION *
extension_key_usage(struct words usages)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	X509_EXTENSION *extension = NULL;
	int good = bits != NULL;

	for (size_t i = 0; good && i < usages.count; i++)
		good = usage_bit(usages.list[i]) >= 0 && ASN1_BIT_STRING_set_bit(bits, usage_bit(usages.list[i]), 1);
	if (good)
		extension = X509V3_EXT_i2d(NID_key_usage, 1, bits);
	ASN1_BIT_STRING_free(bits);
	return extension;
}

ASN1_OBJECT *
oid_from_dotted(const char *text)
{
	ASN1_OBJECT *object;

	if (strspn(text, "0123456789.") != strlen(text) || strlen(text) > 128)
		return NULL;
	object = OBJ_txt2obj(text, 1);
	ERR_clear_error();
	return object;
}

X509_EXTENSION *
extension_extended_key_usage(struct words purposes)
{
	EXTENDED_KEY_USAGE *list = sk_ASN1_OBJECT_new_null();
	X509_EXTENSION *extension = NULL;
	int good = list != NULL;

	for (size_t i = 0; good && i < purposes.count; i++) {
		ASN1_OBJECT *purpose = OBJ_txt2obj(purposes.list[i], 0);

		good = purpose && sk_ASN1_OBJECT_push(list, purpose) > 0;
		if (!good)
			ASN1_OBJECT_free(purpose);
	}
	if (good)
		extension = X509V3_EXT_i2d(NID_ext_key_usage, 0, list);
	sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
	return extension;
}

/* RFC 5280, 4.2.1.4: CPSuri is an IA5String behind id-qt-cps. */
static POLICYQUALINFO *
qualifier_new(const char *cps)
{
	POLICYQUALINFO *qualifier = POLICYQUALINFO_new();

	if (!qualifier)
		return NULL;
	qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
	qualifier->d.cpsuri = ASN1_IA5STRING_new();
	if (qualifier->d.cpsuri && ASN1_STRING_set(qualifier->d.cpsuri, cps, (int)strlen(cps)))
		return qualifier;
	POLICYQUALINFO_free(qualifier);
	return NULL;
}

static POLICYINFO *
policy_new(const char *oid, const char *cps)
{
	POLICYINFO *policy = POLICYINFO_new();
	POLICYQUALINFO *qualifier = NULL;

	if (!policy)
		return NULL;
	policy->policyid = oid_from_dotted(oid);
	if (!policy->policyid)
		goto failed;
	if (!cps || !*cps)
		return policy;
	qualifier = qualifier_new(cps);
	policy->qualifiers = sk_POLICYQUALINFO_new_null();
	if (qualifier && policy->qualifiers && sk_POLICYQUALINFO_push(policy->qualifiers, qualifier) > 0)
		return policy;
failed:
	POLICYQUALINFO_free(qualifier);
	POLICYINFO_free(policy);
	return NULL;
}

X509_EXTENSION *
extension_policies(struct words oids, const char *cps)
{
	CERTIFICATEPOLICIES *list = sk_POLICYINFO_new_null();
	X509_EXTENSION *extension = NULL;
	int good = list != NULL;

	for (size_t i = 0; good && i < oids.count; i++) {
		POLICYINFO *policy = policy_new(oids.list[i], cps);

		good = policy && sk_POLICYINFO_push(list, policy) > 0;
		if (!good)
			POLICYINFO_free(policy);
	}
	if (good)
		extension = X509V3_EXT_i2d(NID_certificate_policies, 0, list);
	sk_POLICYINFO_pop_free(list, POLICYINFO_free);
	return extension;
}

int
extension_is_address(const char *address)
{
	static const char *const schemes[] = { "http://", "https://", "ldap://" };

	for (const char *c = address; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\",;'\\<>^`{|}", *c))
			return 0;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (strncmp(address, schemes[i], strlen(schemes[i])) == 0)
			return address[strlen(schemes[i])] != '\0' && strlen(address) <= 256;
	return 0;
}

static GENERAL_NAME *
address_name(const char *address)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (name && text && ASN1_STRING_set(text, address, (int)strlen(address))) {
		GENERAL_NAME_set0_value(name, GEN_URI, text);
		return name;
	}
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	return NULL;
}

static DIST_POINT *
distribution_point(const char *address)
{
	DIST_POINT *point = DIST_POINT_new();
	GENERAL_NAME *name = address_name(address);

	if (point && name && (point->distpoint = DIST_POINT_NAME_new()) != NULL) {
		point->distpoint->type = 0; /* fullName */
		point->distpoint->name.fullname = sk_GENERAL_NAME_new_null();
		if (point->distpoint->name.fullname && sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) > 0)
			return point;
	}
	GENERAL_NAME_free(name);
	DIST_POINT_free(point);
	return NULL;
}

X509_EXTENSION *
extension_crl_addresses(struct words addresses)
{
	CRL_DIST_POINTS *list = sk_DIST_POINT_new_null();
	X509_EXTENSION *extension = NULL;
	int good = list != NULL;

	for (size_t i = 0; good && i < addresses.count; i++) {
		DIST_POINT *point = distribution_point(addresses.list[i]);

		good = point && sk_DIST_POINT_push(list, point) > 0;
		if (!good)
			DIST_POINT_free(point);
	}
	if (good)
		extension = X509V3_EXT_i2d(NID_crl_distribution_points, 0, list);
	sk_DIST_POINT_pop_free(list, DIST_POINT_free);
	return extension;
}

static int
add_access(AUTHORITY_INFO_ACCESS *list, int method, struct words addresses)
{
	for (size_t i = 0; i < addresses.count; i++) {
		ACCESS_DESCRIPTION *access = ACCESS_DESCRIPTION_new();

		if (!access)
			return 0;
		GENERAL_NAME_free(access->location);
		access->method = OBJ_nid2obj(method);
		access->location = address_name(addresses.list[i]);
		if (!access->location || sk_ACCESS_DESCRIPTION_push(list, access) <= 0) {
			ACCESS_DESCRIPTION_free(access);
			return 0;
		}
	}
	return 1;
}

X509_EXTENSION *
extension_authority_addresses(struct words ca_issuers, struct words ocsp)
{
	AUTHORITY_INFO_ACCESS *list = sk_ACCESS_DESCRIPTION_new_null();
	X509_EXTENSION *extension = NULL;

	if (list && add_access(list, NID_ad_ca_issuers, ca_issuers) && add_access(list, NID_ad_OCSP, ocsp))
		extension = X509V3_EXT_i2d(NID_info_access, 0, list);
	sk_ACCESS_DESCRIPTION_pop_free(list, ACCESS_DESCRIPTION_free);
	return extension;
}
