/* Objects on a token: list, find, delete (PKCS#11 2.40, section 11.7).
 *
 * What a process reads after it has written may come from the module's cache without the token being asked. A read-back
 * that is to prove something is done by a fresh process.
 *
 * CKA_IDs: one id for a key pair and its certificate, never used twice on a token. Two keys under one id make modules
 * sign with the wrong one, so finding two is an error here.
 */
#ifndef MINT_PKCS11_OBJECT_H
#define MINT_PKCS11_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECT_ID_MAX 32 /* bytes of a CKA_ID that we handle */

struct session;

enum object_class {
	OBJECT_PRIVATE_KEY,
	OBJECT_PUBLIC_KEY,
	OBJECT_CERTIFICATE,
	OBJECT_DATA,
	OBJECT_CLASSES
};

/* One object as it appears in a list. Longer ids and labels are cut (id_len says the true length). */
struct object_facts {
	enum object_class class;
	unsigned char id[OBJECT_ID_MAX];
	char          label[65];
	bool          local; /* CKA_LOCAL: what the host library claims; no evidence of generation on the token */
	size_t        id_len;
};

/* "private key", for texts. */
const char *object_class_name(enum object_class class);

/* Writes up to `max` token objects of the class to `list` and the true number to *count. Private objects show only
 * after a login of the user. */
int object_list(struct session *session, enum object_class class, struct object_facts *list, size_t max,
    size_t *count, int64_t deadline_ms);

/* Whether exactly one object of the class has this CKA_ID. MINT_NOT_FOUND: none. MINT_EXISTS: more than one. */
int object_find(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    int64_t deadline_ms);

/* Chooses an id that no object of the token has: one byte where possible, counted up from `first`. MINT_TOKEN_FULL
 * when all 255 are taken. The user must be logged in, or private keys are not seen. */
int object_unused_id(struct session *session, unsigned char first, unsigned char *out, int64_t deadline_ms);

/* Deletes every object of the class with this id; *deleted (may be NULL) says how many. 0 when there were none. */
int object_delete(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    size_t *deleted, int64_t deadline_ms);

#endif
