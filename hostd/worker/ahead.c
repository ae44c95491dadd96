#include "hostd/worker/ahead.h"
#include "pkcs11/module.h"

#include <dirent.h>
#include <locale.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* An algorithm is looked up among the providers at its first use: a key, a signature and a sealed byte have each used here. */
static void
use_algorithms(void)
{
	static const uint8_t nothing[32];
	uint8_t signature[256], out[64];
	size_t signature_bytes = sizeof signature;
	int used;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t *der = NULL;
	int length = key ? i2d_PUBKEY(key, &der) : 0;
	const uint8_t *at = der;
	EVP_PKEY *again = length > 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;

	if (again && digest && EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(digest, signature, &signature_bytes, nothing, sizeof nothing) == 1 && EVP_MD_CTX_reset(digest) == 1 &&
	    EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, again) == 1)
		EVP_DigestVerify(digest, signature, signature_bytes, nothing, sizeof nothing);
	if (cipher && EVP_EncryptInit_ex2(cipher, EVP_aes_256_gcm(), nothing, nothing, NULL) == 1)
		EVP_EncryptUpdate(cipher, out, &used, nothing, sizeof nothing);
	OPENSSL_free(der);
	EVP_CIPHER_CTX_free(cipher);
	EVP_MD_CTX_free(digest);
	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
}

void
ahead_load(const char *module)
{
	/* A process that ends gives its memory back as a whole: what OpenSSL would do at exit(3) first is work for nothing. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_CONFIG, NULL);
	setlocale(LC_ALL, ""); /* OpenSC does it in any case */
	use_algorithms();
	if (*module)
		module_preload(module);
}

int
ahead_is_alone(void)
{
	DIR *threads = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *entry = threads ? readdir(threads) : NULL; entry; entry = readdir(threads))
		count += entry->d_name[0] != '.';
	if (threads)
		closedir(threads);
	return count <= 1;
}
