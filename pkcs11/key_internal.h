/* The struct behind a key, and reading public halves: inside pkcs11/ only. */
#ifndef MINT_PKCS11_KEY_INTERNAL_H
#define MINT_PKCS11_KEY_INTERNAL_H

#include "pkcs11/internal.h"
#include "pkcs11/key.h"
#include "pkcs11/key_types.h"

struct key {
	struct session        *session; /* borrowed */
	CK_OBJECT_HANDLE       private;
	EVP_PKEY              *public;
	const struct key_type *type;
	int64_t                generation_us;
	bool                   login_each_use; /* a login for each signature */
};

/* An empty key of the session. The caller frees *out with key_free. */
int key_new(struct key **out, struct session *session);

/* What follows from the halves once both are there: type, logins. */
void key_learn(struct key *key, int64_t deadline_ms);

/* The public key that an object of class CKO_PUBLIC_KEY is, or one of class CKO_PRIVATE_KEY tells. The caller frees with
 * EVP_PKEY_free. MINT_NOT_FOUND when the object does not tell it. */
int public_key_read(struct session *session, CK_OBJECT_HANDLE object, EVP_PKEY **out, int64_t deadline_ms);

/* Its row; NULL when the table has none. */
const struct key_type *public_key_type(const EVP_PKEY *public);

#endif
