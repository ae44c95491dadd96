/* The rows of mechanism.c: inside pkcs11/ only. */
#ifndef MINT_PKCS11_KEY_TYPES_H
#define MINT_PKCS11_KEY_TYPES_H

#include "pkcs11/internal.h"
#include "pkcs11/mechanism.h"

struct key_type {
	const char          *name;
	CK_KEY_TYPE          kind;
	CK_MECHANISM_TYPE    generate;
	unsigned             bits;
	const unsigned char *parameters; /* CKA_EC_PARAMS, DER; NULL for RSA */
	size_t               parameters_len;
	int                  curve_nid;
	int                  digest_nid; /* what its signatures are made over */
};

enum signature_input { INPUT_WHOLE, INPUT_DIGEST, INPUT_DIGEST_INFO };
enum signature_output { OUTPUT_AS_IS, OUTPUT_R_S };

/* One way to make a signature with a kind of key: what goes in, what comes out. */
struct signature_way {
	CK_KEY_TYPE           kind;
	int                   digest_nid;
	CK_MECHANISM_TYPE     mechanism;
	enum signature_input  input;
	enum signature_output output; /* r || s as in PKCS#11, wanted as DER (RFC 3279, section 2.2.3) */
};

/* By what a public key says of itself; NULL when the table has none. */
const struct key_type *key_type_of(CK_KEY_TYPE kind, unsigned bits);

/* The first that the model profile names, or the first of the table, that the token offers. MINT_TOKEN_MECHANISM when it
 * offers none that may be used. */
int signature_way_choose(struct token *token, const struct key_type *type, const struct signature_way **out,
    int64_t deadline_ms);

#endif
