/* Key pairs on a token: generate, open, public half, sign (PKCS#11 2.40, sections 11.14 and 11.10).
 *
 * The private half never leaves the token: it is generated there, sensitive and not extractable. That it was generated
 * there is not proven by CKA_LOCAL, which host libraries set before they ask the card.
 */
#ifndef MINT_PKCS11_KEY_H
#define MINT_PKCS11_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

struct key;
struct key_type;
struct session;

struct key_order {
	const struct key_type *type;
	const unsigned char   *id; /* CKA_ID, used by no other object of the token */
	size_t                 id_len;
	const char            *label;
};

/* Generates a pair; takes seconds on real tokens. The user must be logged in. The caller frees *out with key_free,
 * before the session. MINT_EXISTS when the id is taken; MINT_TOKEN_MECHANISM, MINT_TOKEN_FULL, MINT_TOKEN_GONE.
 * A module that refuses attributes in the template is asked again with less of them, which never costs the secret: a key
 * that says that it can be taken out, that shows its secret, or that says nothing where it could not be ordered is
 * destroyed, MINT_TOKEN_ERROR. */
int key_generate(struct key **out, struct session *session, const struct key_order *order, int64_t deadline_ms);

/* Opens the pair with this id: private key (the user must be logged in) and public key as of key_public_find.
 * MINT_NOT_FOUND, MINT_EXISTS (two under one id). */
int key_open(struct key **out, struct session *session, const unsigned char *id, size_t id_len, int64_t deadline_ms);

/* The public half alone: the public key object, else (some cards keep none) the certificate's key, else what the private
 * key tells, which alone needs a login. The caller frees with EVP_PKEY_free. MINT_NOT_FOUND, MINT_EXISTS (two under one
 * id). */
int key_public_find(struct session *session, const unsigned char *id, size_t id_len, EVP_PKEY **public,
    int64_t deadline_ms);

/* How long C_GenerateKeyPair took, microseconds; 0 for a key that was opened. */
int64_t key_generation_us(const struct key *key);

/* Accepts NULL. */
void key_free(struct key **key);

/* Static; NULL for a kind that is not in the table. */
const struct key_type *key_type(const struct key *key);

/* Borrowed; lives as long as the key. */
EVP_PKEY *key_public(const struct key *key);

/* SubjectPublicKeyInfo in DER (RFC 5280, section 4.1). The caller frees with OPENSSL_free. */
int key_public_der(const struct key *key, unsigned char **der, size_t *der_len);

/* The OpenSSL NID of the signatures that key_sign makes, e.g. NID_ecdsa_with_SHA256. */
int key_signature_nid(const struct key *key);

/* Signs `data` (the digest of the key's type is taken over it): PKCS#1 v1.5 for RSA, ECDSA as DER for EC. Logs in again
 * where the key wants a login for each use: it says so, or the model profile does, or the token does by refusing (then
 * the signature is asked for once more, which changes nothing on the token). Where the token offers only the mechanism
 * without a digest, the digest is made here. The caller frees *sig with OPENSSL_free.
 * MINT_TOKEN_MECHANISM: the token offers no mechanism for it that may be used. */
int key_sign(struct key *key, const unsigned char *data, size_t data_len, unsigned char **sig, size_t *sig_len,
    int64_t deadline_ms);

/* Makes the token sign `challenge` and checks it with `expected`, the public key that others know the token by.
 * MINT_PROOF_KEY when the token shows another public key, MINT_PROOF_CHALLENGE when the signature does not verify.
 * *sig (may be NULL) is the evidence; the caller frees it with OPENSSL_free. */
int key_challenge(struct key *key, EVP_PKEY *expected, const unsigned char *challenge, size_t challenge_len,
    unsigned char **sig, size_t *sig_len, int64_t deadline_ms);

#endif
