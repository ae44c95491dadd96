#include "tools/vtoken/store.h"

#include "schemas/errors.h"
#include "tools/vtoken/durable.h"
#include "tools/vtoken/wire.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "MBTOKEN1"
#define MAGIC_LEN 8
#define HASH_LEN 32
#define HEAD_LEN 52
#define HASHED_HEAD_LEN (HEAD_LEN - HASH_LEN)
#define STATE_MAX (STORE_HALF - HEAD_LEN)

struct store {
	int fd;
	int current; /* the half that counts: 0 or 1 */
	uint64_t sequence;
};

static int
hash_record(const uint8_t head[HASHED_HEAD_LEN], const uint8_t *state, size_t len, uint8_t hash[HASH_LEN])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good;

	good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(context, head, HASHED_HEAD_LEN) && EVP_DigestUpdate(context, state, len) &&
	       EVP_DigestFinal_ex(context, hash, NULL);
	EVP_MD_CTX_free(context);
	return good ? 0 : MINT_CRYPTO;
}

/* The record as it stands in a half. */
static int
put_record(struct wire_out *out, uint64_t sequence, const uint8_t *state, size_t len)
{
	uint8_t hash[HASH_LEN];

	if (len > STATE_MAX)
		return MINT_STORAGE;
	wire_put_bytes(out, MAGIC, MAGIC_LEN);
	wire_put_u32(out, (uint32_t)sequence);
	wire_put_u32(out, (uint32_t)(sequence >> 32));
	wire_put_u32(out, (uint32_t)len);
	if (out->failed || hash_record(out->bytes, state, len, hash))
		return MINT_MEMORY;
	wire_put_bytes(out, hash, HASH_LEN);
	wire_put_bytes(out, state, len);
	return out->failed ? MINT_MEMORY : 0;
}

/* `half` has `half_len` bytes, the last half of a file perhaps fewer than STORE_HALF. 0 when the record is sound. */
static int
get_record(const uint8_t *half, size_t half_len, uint64_t *sequence, const uint8_t **state, size_t *len)
{
	struct wire_in in = { .at = half, .end = half + half_len };
	const uint8_t *magic = wire_take(&in, MAGIC_LEN), *hash;
	uint8_t expected[HASH_LEN];

	*sequence = wire_get_u32(&in);
	*sequence |= (uint64_t)wire_get_u32(&in) << 32;
	*len = wire_get_u32(&in);
	hash = wire_take(&in, HASH_LEN);
	*state = wire_take(&in, *len);
	if (in.failed || memcmp(magic, MAGIC, MAGIC_LEN) || hash_record(half, *state, *len, expected))
		return MINT_SYNTAX;
	return memcmp(hash, expected, HASH_LEN) ? MINT_SYNTAX : 0;
}

int
store_create(int directory, const char *name, const uint8_t *state, size_t len)
{
	struct wire_out record = { 0 };
	int error;

	if (faccessat(directory, name, F_OK, 0) == 0)
		return MINT_EXISTS;
	error = put_record(&record, 1, state, len);
	if (!error)
		error = durable_replace(directory, name, record.bytes, record.len);
	wire_clear(&record);
	return error;
}

/* Finds the half that counts in the file's bytes; copies its state. */
static int
choose_half(struct store *store, const uint8_t *bytes, size_t bytes_len, uint8_t **state, size_t *len)
{
	const uint8_t *found, *best = NULL;
	size_t found_len, best_len = 0, start;
	uint64_t sequence;

	for (int half = 0; half < 2; half++) {
		start = (size_t)half * STORE_HALF;
		if (start >= bytes_len ||
		    get_record(bytes + start, bytes_len - start, &sequence, &found, &found_len))
			continue;
		if (best && sequence <= store->sequence)
			continue;
		best = found;
		best_len = found_len;
		store->current = half;
		store->sequence = sequence;
	}
	if (!best)
		return MINT_SYNTAX;
	*state = OPENSSL_memdup(best, best_len);
	*len = best_len;
	return *state ? 0 : MINT_MEMORY;
}

int
store_open(struct store **store, int directory, const char *name, uint8_t **state, size_t *len)
{
	uint8_t *bytes = malloc(2 * STORE_HALF);
	struct store *opened = calloc(1, sizeof *opened);
	int got, error = MINT_MEMORY;

	*store = NULL;
	if (!bytes || !opened)
		goto out;
	opened->fd = -1;
	got = durable_read(directory, name, bytes, 2 * STORE_HALF);
	error = got;
	if (got < 0)
		goto out;
	opened->fd = openat(directory, name, O_RDWR | O_CLOEXEC);
	error = opened->fd < 0 ? MINT_STORAGE : choose_half(opened, bytes, (size_t)got, state, len);
	OPENSSL_cleanse(bytes, (size_t)got);
	if (error)
		goto out;
	*store = opened;
	opened = NULL;
out:
	store_close(&opened);
	free(bytes);
	return error;
}

int
store_save(struct store *store, const uint8_t *state, size_t len)
{
	struct wire_out record = { 0 };
	int half = !store->current;
	int error = put_record(&record, store->sequence + 1, state, len);

	if (!error)
		error = durable_write_at(store->fd, record.bytes, record.len, (size_t)half * STORE_HALF);
	/* Until here the other half counts, whatever of this one has reached the disk. */
	if (!error && fdatasync(store->fd))
		error = MINT_STORAGE;
	if (!error) {
		store->current = half;
		store->sequence++;
	}
	wire_clear(&record);
	return error;
}

void
store_close(struct store **store)
{
	if (*store) {
		if ((*store)->fd >= 0)
			close((*store)->fd);
		free(*store);
	}
	*store = NULL;
}
