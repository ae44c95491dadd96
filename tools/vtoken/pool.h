/* A directory of key pairs made ahead, so that a virtual token's key generation costs the machine no processor time
 * while something is being measured.
 *
 * Each key is a file "<type>-<random>.key" (type: rsa2048, p256) holding a PrivateKeyInfo in DER. Taking one removes
 * its file, and syncs the directory, before the key is used: whoever removed the file owns the key. After a kill in
 * between the key is lost, never used twice. Several programs may share a directory.
 */
#ifndef MINT_VTOKEN_POOL_H
#define MINT_VTOKEN_POOL_H

#include "tools/vtoken/keys.h"

#include <stdbool.h>
#include <stddef.h>

struct pool; /* may be used by several threads */

/* A kind of key the pool keeps. */
struct pool_type {
	const char   *name;
	enum key_type type;
	unsigned      bits;
};

/* By name, NULL when there is none; pool_type(n) is the n-th, NULL after the last. */
const struct pool_type *pool_type_by_name(const char *name);
const struct pool_type *pool_type(size_t n);
/* The kind that such keys belong to, NULL when the pool does not keep them. */
const struct pool_type *pool_type_of(enum key_type type, unsigned bits);

/* Opens (and makes) the directory. MINT_STORAGE, MINT_MEMORY. */
int  pool_open(struct pool **pool, const char *path);
void pool_close(struct pool **pool);

/* Takes a key that nobody else will get. MINT_NOT_FOUND when there is none, MINT_STORAGE. */
int pool_take(struct pool *pool, const struct pool_type *type, struct key **key);

/* Makes one key and puts it in; returns when it is on the disk. Takes as long as a generation. */
int pool_add(struct pool *pool, const struct pool_type *type);

/* How many keys of this kind are there. */
size_t pool_count(struct pool *pool, const struct pool_type *type);

#endif
