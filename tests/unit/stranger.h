/* A PKCS#11 module in a function table: a token of no make at all, whose oddities a test sets before it uses it. */
#ifndef MINT_TESTS_STRANGER_H
#define MINT_TESTS_STRANGER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

#define STRANGER_PIN "271828"

struct stranger_slot {
	CK_SLOT_ID id;
	char       description[65];
	bool       present;
	CK_RV      token_rv; /* what C_GetTokenInfo answers */
	bool       initialised;
	char       label[33];
	char       serial[17];
};

struct stranger_attribute {
	CK_ATTRIBUTE_TYPE type;
	CK_RV             rv; /* what asking for it answers */
	unsigned char     value[600];
	size_t            len; /* (size_t)−1: CK_UNAVAILABLE_INFORMATION */
};

struct stranger_object {
	CK_OBJECT_HANDLE          handle; /* 0: deleted */
	CK_OBJECT_CLASS           class;
	struct stranger_attribute attributes[16];
	size_t                    count;
};

enum stranger_signature { SIGNATURE_R_S, SIGNATURE_DER, SIGNATURE_ODD, SIGNATURE_LONG };

/* All that can be odd, and what was seen. */
extern struct stranger {
	/* set by tests */
	struct stranger_slot    slots[5];
	size_t                  slot_count;
	CK_RV                   initialize_rv;      /* to C_Initialize with arguments */
	CK_RV                   bare_initialize_rv; /* to C_Initialize with NULL */
	CK_ATTRIBUTE_TYPE       refused[8];         /* in the template of a key pair; ended by 0 */
	CK_RV                   refusal;
	bool                    makes_before_refusing; /* the pair, and then it answers with the refusal */
	CK_BBOOL                extractable;        /* where the template does not say */
	bool                    tells_secrecy;      /* CKA_SENSITIVE and its like can be asked for */
	CK_MECHANISM_TYPE       mechanisms[8];      /* offered; ended by CK_UNAVAILABLE_INFORMATION */
	enum stranger_signature signature;
	bool                    login_each_use;     /* C_Sign wants a login of its own and CKA_ALWAYS_AUTHENTICATE is not shown */
	bool                    sign_init_wants_login;
	CK_RV                   login_rv;           /* to the first C_Login */
	CK_RV                   logout_rv;
	bool                    moves_slots;        /* C_InitToken shows the token in another slot */

	/* seen by tests */
	int                     initializes, finalizes, logins, context_logins, logouts, generations, init_tokens, sign_inits;
	unsigned char           init_label[32];
	struct stranger_object  objects[8];
	CK_MECHANISM_TYPE       signed_with;
	EVP_PKEY               *key;
} stranger;

/* A table with nothing odd about it: one slot, an initialised token, P-256. Forgets everything before. The caller may
 * change entries; it is one, static. */
CK_FUNCTION_LIST *stranger_new(void);

/* Frees what it holds. */
void stranger_end(void);

/* The first object of a class that is not deleted; NULL when there is none. */
struct stranger_object *stranger_object(CK_OBJECT_CLASS class);

/* Sets or adds an attribute. */
void stranger_set(struct stranger_object *object, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);

/* The attribute; NULL when the object has none. */
struct stranger_attribute *stranger_get(struct stranger_object *object, CK_ATTRIBUTE_TYPE type);

void stranger_drop(struct stranger_object *object, CK_ATTRIBUTE_TYPE type);

#endif
