/* The parts of a certificate that a profile fixes once: usages, policies, addresses (RFC 5280, 4.2). Each function makes one
 * extension, the caller's to free; NULL when a word of the list is not known or memory is out. */
#ifndef MINT_CA_EXTENSION_H
#define MINT_CA_EXTENSION_H

#include <openssl/x509v3.h>
#include <stddef.h>

/* A list of words as it stands in a profile. */
struct words {
	const char *const *list;
	size_t             count;
};

/* Names of RFC 5280, 4.2.1.3: "digitalSignature" … Critical. */
X509_EXTENSION *extension_key_usage(struct words usages);

/* Short names ("clientAuth") or dotted OIDs; 4.2.1.12. */
X509_EXTENSION *extension_extended_key_usage(struct words purposes);

/* Dotted OIDs, each with the address of the practice statement unless `cps` is NULL or ""; 4.2.1.4. */
X509_EXTENSION *extension_policies(struct words oids, const char *cps);

/* Addresses that extension_is_address accepts; 4.2.1.13 and 4.2.2.1. */
X509_EXTENSION *extension_crl_addresses(struct words addresses);
X509_EXTENSION *extension_authority_addresses(struct words ca_issuers, struct words ocsp);

/* http:, https: or ldap:, printable ASCII, without what OpenSSL's configuration language would read as its own. */
int extension_is_address(const char *address);

int extension_is_key_usage(const char *usage);

/* An object of its own (ASN1_OBJECT_free) from a dotted OID. NULL when it is none. */
ASN1_OBJECT *oid_from_dotted(const char *text);

#endif
