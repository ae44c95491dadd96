/* Object handles by class and id: inside pkcs11/ only. */
#ifndef MINT_PKCS11_FIND_H
#define MINT_PKCS11_FIND_H

#include "pkcs11/internal.h"
#include "pkcs11/object.h"

/* Up to `max` handles of token objects; id NULL: any. *count: how many were written. */
int find_objects(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    CK_OBJECT_HANDLE *handles, size_t max, size_t *count, int64_t deadline_ms);

/* The only one. MINT_NOT_FOUND, MINT_EXISTS (more than one). */
int find_one(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    CK_OBJECT_HANDLE *handle, int64_t deadline_ms);

#endif
