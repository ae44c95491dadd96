#include "hostd/worker/codes.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { VERSION = 1, NONCE = 12, TAG = 16, PLAIN_MAX = CODES * (MODEL_CODE_MAX + 1) };

/* A number below `bound`, every one equally likely: the last, incomplete run of remainders is thrown away. */
static int
random_below(unsigned bound, unsigned *out)
{
	uint8_t byte;

	do
		if (RAND_priv_bytes(&byte, 1) != 1)
			return MINT_CRYPTO;
	while (byte >= 256 / bound * bound);
	*out = byte % bound;
	return 0;
}

/* One code; `text` has room for it. */
static int
make_one(const struct model_code *rule, char *text)
{
	unsigned letters = rule->length ? (unsigned)strlen(rule->alphabet) : 0, n;

	for (int i = 0; i < rule->length; i++) {
		if (random_below(letters, &n) != 0)
			return MINT_CRYPTO;
		text[i] = rule->alphabet[n];
	}
	return 0;
}

int
codes_make(const struct model *model, struct codes *codes)
{
	memset(codes, 0, sizeof *codes);
	for (enum code code = 0; code < CODES; code++)
		if (make_one(&model->codes[code], codes->text[code]) != 0) {
			codes_wipe(codes);
			return MINT_CRYPTO;
		}
	return 0;
}

void
codes_fill_factory(const struct model *model, struct codes *codes)
{
	for (enum code code = 0; code < CODES; code++)
		if (!codes->text[code][0] && model->codes[code].factory)
			snprintf(codes->text[code], sizeof codes->text[code], "%s", model->codes[code].factory);
}

void
codes_wipe(struct codes *codes)
{
	OPENSSL_cleanse(codes, sizeof *codes);
}

static size_t
plain_put(const struct codes *codes, uint8_t *plain)
{
	size_t at = 0;

	for (int code = 0; code < CODES; code++) {
		size_t length = strlen(codes->text[code]);

		plain[at++] = (uint8_t)length;
		memcpy(plain + at, codes->text[code], length);
		at += length;
	}
	return at;
}

static int
plain_get(struct codes *codes, const uint8_t *plain, size_t plain_length)
{
	size_t at = 0;

	memset(codes, 0, sizeof *codes);
	for (int code = 0; code < CODES; code++) {
		size_t length = at < plain_length ? plain[at++] : SIZE_MAX;

		if (length > MODEL_CODE_MAX || length > plain_length - at) {
			codes_wipe(codes);
			return MINT_CRYPTO;
		}
		memcpy(codes->text[code], plain + at, length);
		at += length;
	}
	return at == plain_length ? 0 : MINT_CRYPTO;
}

int
codes_seal(const struct codes *codes, const uint8_t *key, const char *serial, uint8_t *sealed, size_t *length)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t plain[PLAIN_MAX];
	size_t plain_length = plain_put(codes, plain);
	int used, rest, good;

	sealed[0] = VERSION;
	good = context && RAND_bytes(sealed + 1, NONCE) == 1 &&
	    EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, sealed + 1, NULL) == 1 &&
	    EVP_EncryptUpdate(context, NULL, &used, (const uint8_t *)serial, (int)strlen(serial)) == 1 &&
	    EVP_EncryptUpdate(context, sealed + 1 + NONCE, &used, plain, (int)plain_length) == 1 &&
	    EVP_EncryptFinal_ex(context, sealed + 1 + NONCE + used, &rest) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, sealed + 1 + NONCE + plain_length) == 1;
	OPENSSL_cleanse(plain, sizeof plain);
	EVP_CIPHER_CTX_free(context);
	*length = good ? 1 + NONCE + plain_length + TAG : 0;
	return good ? 0 : MINT_CRYPTO;
}

int
codes_open(struct codes *codes, const uint8_t *key, const char *serial, const uint8_t *sealed, size_t length)
{
	EVP_CIPHER_CTX *context;
	uint8_t plain[PLAIN_MAX], tag[TAG];
	size_t plain_length = length - 1 - NONCE - TAG;
	int used, rest, good, r = MINT_CRYPTO;

	memset(codes, 0, sizeof *codes);
	if (length < 1 + NONCE + CODES + TAG || plain_length > sizeof plain || sealed[0] != VERSION)
		return MINT_CRYPTO;
	memcpy(tag, sealed + length - TAG, TAG);
	context = EVP_CIPHER_CTX_new();
	good = context && EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, sealed + 1, NULL) == 1 &&
	    EVP_DecryptUpdate(context, NULL, &used, (const uint8_t *)serial, (int)strlen(serial)) == 1 &&
	    EVP_DecryptUpdate(context, plain, &used, sealed + 1 + NONCE, (int)plain_length) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
	    EVP_DecryptFinal_ex(context, plain + used, &rest) == 1;
	if (good)
		r = plain_get(codes, plain, plain_length);
	OPENSSL_cleanse(plain, sizeof plain);
	EVP_CIPHER_CTX_free(context);
	return r;
}

int
codes_read_key(const char *path, uint8_t *key)
{
	FILE *file = fopen(path, "re");
	size_t got;

	if (!file) {
		log_error("%s: %s: `station_key` in the configuration must be a file of %d random bytes", path, strerror(errno),
		    CODES_KEY_BYTES);
		return MINT_CONFIG;
	}
	setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer */
	got = fread(key, 1, CODES_KEY_BYTES, file);
	if (got == CODES_KEY_BYTES && fgetc(file) == EOF) {
		fclose(file);
		return 0;
	}
	fclose(file);
	OPENSSL_cleanse(key, CODES_KEY_BYTES);
	log_error("%s: is not %d bytes long: make the bench's key anew", path, CODES_KEY_BYTES);
	return MINT_CONFIG;
}
