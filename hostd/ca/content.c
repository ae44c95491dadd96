#include "hostd/ca/content.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int
content_serial(uint8_t serial[SERIAL_BYTES], struct blob blob, struct reason *reason)
{
	size_t skip = 0;

	while (skip < blob.length && blob.data[skip] == 0)
		skip++;
	if (blob.length - skip < 8 || blob.length - skip > SERIAL_BYTES ||
	    (blob.length - skip == SERIAL_BYTES && blob.data[skip] & 0x80))
		return reason_set(reason, MINT_ARGUMENT, "the serial number must be positive, of 64 to 159 bits");
	memset(serial, 0, SERIAL_BYTES);
	memcpy(serial + SERIAL_BYTES - (blob.length - skip), blob.data + skip, blob.length - skip);
	return 0;
}

int
content_digest(uint8_t digest[DIGEST_BYTES], const char *profile, const uint8_t serial[SERIAL_BYTES], json_t *subject,
    const uint8_t spki[DIGEST_BYTES], struct reason *reason)
{
	char *canonical = json_dumps(subject, JSON_COMPACT | JSON_SORT_KEYS);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good = canonical && context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(context, profile, strlen(profile) + 1) == 1 && EVP_DigestUpdate(context, serial, SERIAL_BYTES) == 1 &&
	    EVP_DigestUpdate(context, spki, DIGEST_BYTES) == 1 &&
	    EVP_DigestUpdate(context, canonical, strlen(canonical)) == 1 && EVP_DigestFinal_ex(context, digest, NULL) == 1;

	if (canonical)
		OPENSSL_cleanse(canonical, strlen(canonical));
	EVP_MD_CTX_free(context);
	free(canonical);
	return good ? 0 : reason_set_openssl(reason, MINT_CRYPTO, "SHA-256");
}
