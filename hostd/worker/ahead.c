#include "hostd/worker/ahead.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <locale.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* In the environment: instead of the module these are loaded, A:B; of "" none. */
#define INSTEAD "MINT_INSTEAD_OF_MODULE"

enum { LIST_BYTES = 16384 };

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

/* It stays, whoever else opens and closes it. */
static void
keep_loaded(const char *library)
{
	dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

void
ahead_load_module(const char *module)
{
	if (*module)
		keep_loaded(module);
}

static void
load_libraries(const char *module)
{
	const char *instead = getenv(INSTEAD);
	char *list = instead ? strdup(instead) : NULL, *rest = list;

	if (!instead)
		ahead_load_module(module);
	for (char *library = strsep(&rest, ":"); library; library = strsep(&rest, ":"))
		if (*library)
			keep_loaded(library);
	free(list);
}

void
ahead_load(const char *module)
{
	/* A process that ends gives its memory back as a whole: what OpenSSL would do at exit(3) first is work for nothing. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_CONFIG, NULL);
	setlocale(LC_ALL, ""); /* OpenSC does it in any case */
	use_algorithms();
	load_libraries(module);
}

static int
is_alone(void)
{
	DIR *threads = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *entry = threads ? readdir(threads) : NULL; entry; entry = readdir(threads))
		count += entry->d_name[0] != '.';
	if (threads)
		closedir(threads);
	return count <= 1;
}

/* What is in memory but for the module itself, A:B; "" when it does not fit. */
static void
list_libraries(const char *module, char list[LIST_BYTES])
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_NOLOAD);
	struct link_map *own = NULL, *at;
	size_t used = 0;

	list[0] = '\0';
	if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0)
		return;
	for (at = own; at->l_prev; at = at->l_prev)
		;
	for (; at && used < LIST_BYTES; at = at->l_next)
		if (at != own && at->l_name[0] == '/')
			used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s:", at->l_name);
	if (used >= LIST_BYTES)
		list[0] = '\0';
}

void
ahead_stand_alone(const char *module, char **arguments)
{
	const char *instead = getenv(INSTEAD);
	char list[LIST_BYTES] = "";

	if (is_alone() || (instead && !*instead)) {
		prctl(PR_SET_NAME, program_invocation_short_name); /* after execv: "exe" */
		unsetenv(INSTEAD);
		return;
	}
	if (!instead)
		list_libraries(module, list);
	if (setenv(INSTEAD, list, 1) != 0)
		return;
	log_info("%s starts threads when it is loaded: each worker loads it for itself", instead ? "what the module needs" : "the module");
	execv("/proc/self/exe", arguments);
	log_error("cannot start again without it: %s", strerror(errno));
	_exit(error_info(MINT_SYSTEM)->exit_status);
}
