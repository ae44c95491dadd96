/* The embedded CA's keys and certificates: a root above an issuing CA. Only the issuing key is ever loaded by the service; the
 * root's may be carried away after `mint-ca init`.
 *
 * In the CA's directory: root.pem, issuing.pem (certificates), root.key, issuing.key (PKCS#8, PBES2 with scrypt and AES-256-CBC:
 * RFC 8018, RFC 7914), ca.pem (issuing, then root: what verifiers are given), issued.log, crl.der, crl.pem.
 */
#ifndef MINT_CA_AUTHORITY_H
#define MINT_CA_AUTHORITY_H

#include "hostd/ca/passphrase.h"
#include "hostd/ca/reason.h"
#include "hostd/ca/record.h"

#include <openssl/x509.h>

#define AUTHORITY_MARK "演示 DEMONSTRATION — NOT FOR USE"

/* Stands in the directory while a CA is being made: what is there beside it has never signed anything. Becomes ca.pem. */
#define AUTHORITY_UNFINISHED "ca.pem.unfinished"

enum { AUTHORITY_ROOT_DAYS = 7305, AUTHORITY_ISSUING_DAYS = 3652 };

struct authority;

struct authority_plan {
	const char *subject;                    /* "C=CN,O=…,CN=…" of the issuing CA; NULL for the demonstration's own */
	const char *key_type;                   /* "p256", "p384", "rsa2048", "rsa3072", "rsa4096" */
	int         demonstration;              /* every name carries AUTHORITY_MARK */
	int64_t     now;                        /* UTC microseconds */
};

/* Makes everything of a new CA in an open directory. What an unfinished call left behind is replaced (nothing can have been signed
 * with it); a finished CA never is: MINT_EXISTS. MINT_FIELD for a bad subject, MINT_ARGUMENT for a key type, MINT_STORAGE. */
int authority_make(int directory, const struct authority_plan *plan, const struct passphrase *root_passphrase,
    const struct passphrase *issuing_passphrase, struct reason *reason);

/* Loads the issuing certificate, and its key unless `passphrase` is NULL. MINT_NOT_FOUND, MINT_CONFIG (wrong passphrase, or the two
 * do not belong together). */
int authority_open(struct authority **authority, int directory, const struct passphrase *passphrase, struct reason *reason);
void authority_free(struct authority **authority);

/* Belong to the authority. */
X509 *authority_certificate(const struct authority *authority);
const uint8_t *authority_sha256(const struct authority *authority);      /* of the certificate, DER; DIGEST_BYTES */

int authority_is_demonstration(const struct authority *authority);

/* Signs with the issuing key. MINT_CRYPTO. */
int authority_sign(const struct authority *authority, X509 *certificate, struct reason *reason);
int authority_sign_crl(const struct authority *authority, X509_CRL *crl, struct reason *reason);

#endif
