#include "tools/vtoken/pool.h"

#include "schemas/errors.h"
#include "tools/vtoken/durable.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".key"
#define KEY_FILE_MAX 4096
#define RANDOM_LEN 16

struct pool {
	int directory;
};

static const struct pool_type types[] = {
	{ "p256", KEY_EC, 256 },
	{ "rsa2048", KEY_RSA, 2048 },
};

const struct pool_type *
pool_type(size_t n)
{
	return n < sizeof types / sizeof types[0] ? &types[n] : NULL;
}

const struct pool_type *
pool_type_by_name(const char *name)
{
	for (size_t n = 0; pool_type(n); n++)
		if (strcmp(types[n].name, name) == 0)
			return &types[n];
	return NULL;
}

const struct pool_type *
pool_type_of(enum key_type type, unsigned bits)
{
	for (size_t n = 0; pool_type(n); n++)
		if (types[n].type == type && types[n].bits == bits)
			return &types[n];
	return NULL;
}

int
pool_open(struct pool **pool, const char *path)
{
	struct pool *opened = calloc(1, sizeof *opened);

	*pool = NULL;
	if (!opened)
		return MINT_MEMORY;
	opened->directory = durable_directory(path);
	if (opened->directory < 0) {
		free(opened);
		return MINT_STORAGE;
	}
	*pool = opened;
	return 0;
}

void
pool_close(struct pool **pool)
{
	if (*pool) {
		close((*pool)->directory);
		free(*pool);
	}
	*pool = NULL;
}

static bool
is_of(const char *name, const struct pool_type *type)
{
	size_t len = strlen(name), type_len = strlen(type->name), suffix_len = strlen(SUFFIX);

	return len > type_len + 1 + suffix_len && memcmp(name, type->name, type_len) == 0 && name[type_len] == '-' &&
	       strcmp(name + len - suffix_len, SUFFIX) == 0;
}

/* A stream of its own, so that threads do not share a position. NULL when out of memory or descriptors. */
static DIR *
list(const struct pool *pool)
{
	int fd = openat(pool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !stream)
		close(fd);
	return stream;
}

/* Reads, then removes: only if the removal was ours is the key ours. A file that holds no key goes as well. */
static int
take_file(const struct pool *pool, const char *name, const struct pool_type *type, struct key **key)
{
	uint8_t der[KEY_FILE_MAX];
	int len = durable_read(pool->directory, name, der, sizeof der), error;

	if (len < 0)
		return len;
	error = durable_remove(pool->directory, name);
	if (!error && (key_from_der(key, der, (size_t)len) || key_type(*key) != type->type ||
		       key_bits(*key) != type->bits)) {
		key_free(key);
		error = MINT_NOT_FOUND;
	}
	OPENSSL_cleanse(der, sizeof der);
	return error;
}

int
pool_take(struct pool *pool, const struct pool_type *type, struct key **key)
{
	DIR *stream = list(pool);
	struct dirent *entry;
	int error = MINT_NOT_FOUND;

	*key = NULL;
	if (!stream)
		return MINT_STORAGE;
	while (error == MINT_NOT_FOUND && (entry = readdir(stream)))
		if (is_of(entry->d_name, type))
			error = take_file(pool, entry->d_name, type, key);
	closedir(stream);
	return error;
}

static int
make_name(const struct pool_type *type, char *name, size_t size)
{
	uint8_t random[RANDOM_LEN];
	int used = snprintf(name, size, "%s-", type->name);

	if (RAND_bytes(random, sizeof random) != 1)
		return MINT_CRYPTO;
	for (size_t i = 0; i < sizeof random; i++)
		used += snprintf(name + used, size - (size_t)used, "%02x", random[i]);
	snprintf(name + used, size - (size_t)used, SUFFIX);
	return 0;
}

int
pool_add(struct pool *pool, const struct pool_type *type)
{
	char name[NAME_MAX];
	struct key *key;
	const uint8_t *der;
	size_t len;
	int error = make_name(type, name, sizeof name);

	if (!error)
		error = key_generate(&key, type->type, type->bits);
	if (error)
		return error;
	error = key_to_der(key, &der, &len);
	if (!error)
		error = durable_replace(pool->directory, name, der, len);
	key_free(&key);
	return error;
}

size_t
pool_count(struct pool *pool, const struct pool_type *type)
{
	DIR *stream = list(pool);
	struct dirent *entry;
	size_t count = 0;

	while (stream && (entry = readdir(stream)))
		count += is_of(entry->d_name, type);
	if (stream)
		closedir(stream);
	return count;
}
