/* pkcs11/ on a real module: SoftHSM2 with tokens in a directory of its own. Where a token must misbehave, a copy of the
 * module's function list has one entry replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

#include "pkcs11/certificate.h"
#include "pkcs11/key.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/module.h"
#include "pkcs11/object.h"
#include "pkcs11/request.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#define LABEL  "bench token"
#define PIN    "314159"
#define SO_PIN "27182818"
#define NEVER  MODULE_NO_DEADLINE

static char              directory[] = "/tmp/test-pkcs11-XXXXXX";
static void             *library;
static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST  altered;

struct bench {
	struct module  *module;
	struct token   *token;
	struct session *session;
};

static const unsigned char id_1[] = { 0x45 };

/* ---------------------------------------------------------------- the world around */

/* Exit status; what the program says on standard output would disturb the test report. */
static int
run(const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	pid_t                      pid = -1;
	int                        status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
write_file(const char *name, const void *data, size_t len, char *path, size_t path_size)
{
	FILE *file;

	snprintf(path, path_size, "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static const char *
softhsm_path(void)
{
	const char *given = getenv("SOFTHSM2_MODULE");

	return given != NULL ? given : "/usr/lib/softhsm/libsofthsm2.so";
}

static int
make_softhsm(void **state)
{
	static const char *const  init[] = { "softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin",
		SO_PIN, "--pin", PIN, NULL };
	CK_C_GetFunctionList      get;
	char                      text[256], path[256];

	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
	    directory);
	write_file("softhsm2.conf", text, strlen(text), path, sizeof path);
	setenv("SOFTHSM2_CONF", path, 1);
	if (run(init) != 0)
		return -1;
	library = dlopen(softhsm_path(), RTLD_NOW);
	if (library == NULL)
		return -1;
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	return get(&real) == CKR_OK ? 0 : -1;
}

static int
remove_softhsm(void **state)
{
	const char *const rm[] = { "rm", "-rf", directory, NULL };

	(void)state;
	dlclose(library);
	return run(rm);
}

static void
bench_open_with(struct bench *bench, CK_FUNCTION_LIST *list)
{
	const struct token_where where = { .label = LABEL };

	memset(bench, 0, sizeof *bench);
	assert_int_equal(module_adopt(&bench->module, list, NULL), 0);
	assert_int_equal(token_open(&bench->token, bench->module, &where, NEVER), 0);
	assert_int_equal(session_open(&bench->session, bench->token, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), 0);
}

static void
bench_close(struct bench *bench)
{
	session_free(&bench->session);
	token_free(&bench->token);
	module_free(&bench->module);
	assert_null(bench->module);
}

static void
delete_all(struct session *session)
{
	for (enum object_class c = OBJECT_PRIVATE_KEY; c <= OBJECT_CERTIFICATE; c++)
		assert_int_equal(object_delete(session, c, NULL, 0, NULL, NEVER), 0);
}

static int
open_bench(void **state)
{
	static struct bench bench;

	altered = *real;
	bench_open_with(&bench, &altered);
	*state = &bench;
	return 0;
}

static int
close_bench(void **state)
{
	struct bench *bench = *state;

	altered = *real;
	delete_all(bench->session);
	bench_close(bench);
	return 0;
}

static struct key *
generate(struct bench *bench, const char *type)
{
	struct key_order order = { key_type_by_name(type), id_1, sizeof id_1, "credential 1" };
	struct key      *key = NULL;

	assert_non_null(order.type);
	assert_int_equal(key_generate(&key, bench->session, &order, NEVER), 0);
	assert_string_equal(key_type_name(key_type(key)), type);
	return key;
}

/* A certificate for the key by a throw-away issuer. The caller frees with OPENSSL_free. */
static unsigned char *
certify(EVP_PKEY *public, size_t *len)
{
	EVP_PKEY      *issuer = EVP_EC_gen("P-256");
	X509          *certificate = X509_new();
	unsigned char *der = NULL;

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
	    (const unsigned char *)"测试", -1, -1, 0);
	X509_set_pubkey(certificate, public);
	assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
	*len = (size_t)i2d_X509(certificate, &der);
	X509_free(certificate);
	EVP_PKEY_free(issuer);
	return der;
}

/* ---------------------------------------------------------------- return values */

/* The list of values is the standard's header, read as text. */
static void
every_return_value_of_the_standard_is_mapped_by_its_name(void **state)
{
	FILE         *header = fopen("/usr/include/p11-kit-1/p11-kit/pkcs11.h", "r");
	char          line[256], name[64];
	unsigned long value;
	int           seen = 0;

	(void)state;
	assert_non_null(header);
	while (fgets(line, sizeof line, header) != NULL) {
		if (sscanf(line, "#define %63s (%liUL)", name, (long *)&value) != 2 ||
		    strncmp(name, "CKR_", 4) != 0)
			continue;
		assert_string_equal(rv_info(value)->name, name);
		assert_true(strlen(rv_info(value)->text) > 3);
		assert_true((value == 0) == (rv_info(value)->error == 0));
		seen++;
	}
	fclose(header);
	assert_true(seen > 85);
}

/* What came after the header: pkcs11t.h of OASIS 3.2, with the versions in which each appeared. */
static void
return_values_of_versions_3_are_mapped_by_their_names(void **state)
{
	static const struct {
		unsigned long value;
		const char   *name;
	} later[] = {
		{ 0x42, "CKR_AEAD_DECRYPT_FAILED" },            /* 3.0 */
		{ 0x201, "CKR_TOKEN_RESOURCE_EXCEEDED" },       /* 3.0 */
		{ 0x202, "CKR_OPERATION_CANCEL_FAILED" },       /* 3.0 */
		{ 0x203, "CKR_KEY_EXHAUSTED" },                 /* 3.1 */
		{ 0x204, "CKR_PENDING" },                       /* 3.2 and on */
		{ 0x205, "CKR_SESSION_ASYNC_NOT_SUPPORTED" },
		{ 0x206, "CKR_SEED_RANDOM_REQUIRED" },
		{ 0x207, "CKR_OPERATION_NOT_VALIDATED" },
		{ 0x208, "CKR_TOKEN_NOT_INITIALIZED" },
		{ 0x209, "CKR_PARAMETER_SET_NOT_SUPPORTED" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		assert_string_equal(rv_info(later[i].value)->name, later[i].name);
		assert_true(rv_info(later[i].value)->error < 0);
	}
}

static void
unknown_return_value_counts_as_token_error(void **state)
{
	(void)state;
	assert_int_equal(rv_info(CKR_VENDOR_DEFINED | 7)->error, MINT_TOKEN_ERROR);
	assert_int_equal(rv_info(0x7777)->error, MINT_TOKEN_ERROR);
}

/* ---------------------------------------------------------------- module and token */

static void
module_that_is_no_module_is_refused(void **state)
{
	struct module *module = NULL;
	char           path[256];

	(void)state;
	assert_int_equal(module_open(&module, "/nonexistent.so", NULL), MINT_MODULE);
	write_file("text.so", "text", 4, path, sizeof path);
	assert_int_equal(module_open(&module, path, NULL), MINT_MODULE);
	assert_int_equal(module_open(&module, "libcrypto.so.3", NULL), MINT_MODULE);
	assert_null(module);
}

static void
module_is_loaded_by_path_and_says_who_it_is(void **state)
{
	struct module      *module = NULL;
	struct module_facts facts;

	(void)state;
	assert_int_equal(module_open(&module, softhsm_path(), NULL), 0);
	assert_int_equal(module_facts(module, &facts), 0);
	assert_string_equal(facts.manufacturer, "SoftHSM");
	module_free(&module);
	module_free(&module);
}

static void
token_is_found_by_label_serial_and_reader(void **state)
{
	struct bench       *bench = *state;
	struct token_facts  facts = *token_facts(bench->token);
	struct token_where  where = { .reader = facts.reader, .serial = facts.serial };
	struct token       *token = NULL;

	assert_string_equal(facts.label, LABEL);
	assert_true(facts.flags & TOKEN_INITIALISED);
	assert_true(facts.flags & TOKEN_PIN_SET);
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	assert_string_equal(token_facts(token)->label, LABEL);
	token_free(&token);
	where.label = "another";
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
	assert_string_equal(token_failure(bench->token)->text, "no slot fits the reader or token");
	where = (struct token_where){ .reader = "no such reader" };
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
	assert_null(token);
}

/* SoftHSM shows its initialised token and one more that is not. */
static void
token_is_found_by_nothing_by_pattern_and_by_slot(void **state)
{
	struct bench      *bench = *state;
	struct token_where where = { .reader = NULL };
	struct token      *token = NULL;
	CK_SLOT_ID         slots[2], blank;
	CK_ULONG           count = 2;

	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	assert_string_equal(token_facts(token)->label, LABEL);
	token_free(&token);
	where.description = "SoftHSM *?";
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	assert_string_equal(token_facts(token)->label, LABEL);
	token_free(&token);
	where.description = "SoftHSM";
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
	assert_int_equal(real->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	assert_int_equal(count, 2);
	blank = slots[1]; /* it shows the one that is not initialised last */
	where = (struct token_where){ .slot = &blank };
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	assert_false(token_facts(token)->flags & TOKEN_INITIALISED);
	token_free(&token);
	blank = 0x7777;
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
}

#define LONG_READER \
	"Very Long Vendor Name Very Long Product Name [CCID Interface 001] (0123456789) 07 00"

static CK_RV
long_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	CK_RV rv = real->C_GetSlotInfo(slot, info);

	memcpy(info->slotDescription, LONG_READER, sizeof info->slotDescription);
	return rv;
}

static void
reader_name_longer_than_a_slot_description_fits_its_first_64_bytes(void **state)
{
	struct bench      *bench = *state;
	struct token_where where = { .reader = LONG_READER, .label = LABEL };
	struct token      *token = NULL;

	altered.C_GetSlotInfo = long_slot_info;
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	token_free(&token);
	/* SoftHSM shows two slots, both with this description now: which one is meant cannot be told. */
	where.label = NULL;
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
	assert_string_equal(token_failure(bench->token)->text, "more than one slot fits");
	where.reader = "Very Long Vendor Name";
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER);
}

static CK_RV
failing_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *handle)
{
	(void)slot, (void)flags, (void)application, (void)notify, (void)handle;
	return CKR_GENERAL_ERROR;
}

static CK_RV
empty_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	CK_RV rv = real->C_GetSlotInfo(slot, info);

	info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	return rv;
}

static void
vague_error_of_a_token_taken_out_is_reported_as_gone(void **state)
{
	struct bench   *bench = *state;
	struct session *session = NULL;

	altered.C_OpenSession = failing_open_session;
	assert_int_equal(session_open(&session, bench->token, NEVER), MINT_TOKEN_ERROR);
	altered.C_GetSlotInfo = empty_slot_info;
	assert_int_equal(session_open(&session, bench->token, NEVER), MINT_TOKEN_GONE);
	assert_string_equal(token_failure(bench->token)->function, "C_OpenSession");
	assert_string_equal(token_failure(bench->token)->name, "CKR_GENERAL_ERROR");
	assert_null(session);
}

/* ---------------------------------------------------------------- PINs */

static void
wrong_pin_is_told_and_shows_in_the_flags(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(session_logout(bench->session, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, "000000", 6, NEVER), MINT_PIN_WRONG);
	assert_string_equal(token_failure(bench->token)->name, "CKR_PIN_INCORRECT");
	assert_int_equal(token_refresh(bench->token, NEVER), 0);
	assert_true(token_facts(bench->token)->flags & TOKEN_PIN_LOW);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), 0);
	assert_int_equal(token_refresh(bench->token, NEVER), 0);
	assert_false(token_facts(bench->token)->flags & TOKEN_PIN_LOW);
}

static void
pin_change_takes_the_new_pin_only(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(session_change_pin(bench->session, "999999", 6, "555555", 6, NEVER), MINT_PIN_WRONG);
	assert_int_equal(session_change_pin(bench->session, PIN, strlen(PIN), "555555", 6, NEVER), 0);
	assert_int_equal(session_logout(bench->session, NEVER), 0);
	assert_int_equal(session_logout(bench->session, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), MINT_PIN_WRONG);
	assert_int_equal(session_login(bench->session, SESSION_USER, "555555", 6, NEVER), 0);
	assert_int_equal(session_change_pin(bench->session, "555555", 6, PIN, strlen(PIN), NEVER), 0);
}

static void
so_sets_a_user_pin_that_was_forgotten(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(session_logout(bench->session, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_SO, SO_PIN, strlen(SO_PIN), NEVER), 0);
	assert_int_equal(session_set_user_pin(bench->session, "777777", 6, NEVER), 0);
	assert_int_equal(session_set_user_pin(bench->session, PIN, strlen(PIN), NEVER), 0);
	assert_int_equal(session_logout(bench->session, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), 0);
}

/* ---------------------------------------------------------------- initialisation */

/* SoftHSM's uninitialised token, which gets a PIN and a key, and is initialised once more, which takes both. */
static void
token_is_initialised_used_and_initialised_again(void **state)
{
	struct bench      *bench = *state;
	CK_SLOT_ID         slots[2];
	CK_ULONG           count = 2;
	struct token_where where = { .slot = &slots[1] };
	struct token      *token = NULL;
	struct session    *session = NULL;

	session_free(&bench->session); /* the PIN of one token at a time */
	assert_int_equal(real->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(token_initialise(token, SO_PIN, strlen(SO_PIN), "制证 2", NEVER), 0);
		assert_string_equal(token_facts(token)->label, "制证 2");
		assert_false(token_facts(token)->flags & TOKEN_PIN_SET);
		assert_int_equal(session_open(&session, token, NEVER), 0);
		assert_int_equal(session_login(session, SESSION_SO, SO_PIN, strlen(SO_PIN), NEVER), 0);
		assert_int_equal(session_set_user_pin(session, "123456", 6, NEVER), 0);
		assert_int_equal(token_initialise(token, SO_PIN, strlen(SO_PIN), "制证 2", NEVER), MINT_BUSY);
		session_free(&session);
	}
	assert_int_equal(token_initialise(token, "0000000", 7, "other", NEVER), MINT_PIN_WRONG);
	assert_int_equal(token_refresh(token, NEVER), 0);
	assert_string_equal(token_facts(token)->label, "制证 2");
	token_free(&token);
	where = (struct token_where){ .reader = NULL };
	assert_int_equal(token_open(&token, bench->module, &where, NEVER), MINT_READER); /* two initialised ones now */
	token_free(&bench->token);
	where.label = LABEL;
	assert_int_equal(token_open(&bench->token, bench->module, &where, NEVER), 0);
	assert_int_equal(session_open(&bench->session, bench->token, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), 0);
}

static void
mechanisms_of_softhsm_are_listed_by_the_names_of_the_standard(void **state)
{
	struct bench          *bench = *state;
	struct mechanism_facts list[200];
	size_t                 count;
	unsigned               seen = 0;

	assert_int_equal(token_mechanisms(bench->token, list, 200, &count, NEVER), 0);
	assert_in_range(count, 40, 200);
	for (size_t i = 0; i < count; i++) {
		assert_string_not_equal(list[i].name, "");
		if (strcmp(list[i].name, "EC_KEY_PAIR_GEN") == 0)
			seen |= list[i].flags & MECHANISM_GENERATE_KEY_PAIR;
		if (strcmp(list[i].name, "ECDSA") == 0)
			seen |= list[i].flags & MECHANISM_SIGN;
	}
	assert_int_equal(seen, MECHANISM_GENERATE_KEY_PAIR | MECHANISM_SIGN);
}

/* ---------------------------------------------------------------- keys, requests, certificates */

static X509_NAME *
subject(void)
{
	X509_NAME *name = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const unsigned char *)"䶮测试有限公司", -1, -1, 0), 1);
	return name;
}

/* Makes the request and lets the openssl program judge it. */
static void
check_request(struct key *key)
{
	X509_NAME     *name = subject();
	unsigned char *der = NULL;
	size_t         len;
	char           path[256];

	assert_int_equal(request_make(key, name, &der, &len, NEVER), 0);
	write_file("request.der", der, len, path, sizeof path);
	const char *const verify[] = { "openssl", "req", "-verify", "-noout", "-inform", "DER", "-in", path, NULL };
	assert_int_equal(run(verify), 0);
	OPENSSL_free(der);
	X509_NAME_free(name);
}

static void
check_signature(struct key *key)
{
	static const unsigned char data[] = "a fresh challenge";
	unsigned char             *sig = NULL, *spki = NULL;
	size_t                     sig_len, spki_len;
	char                       key_path[256], data_path[256], sig_path[256];
	const char                *type = key_type_name(key_type(key));
	const char                *digest = strcmp(type, "p384") == 0 ? "-sha384" :
	                   strcmp(type, "p521") == 0                  ? "-sha512" :
	                                                                "-sha256";

	assert_int_equal(key_sign(key, data, sizeof data, &sig, &sig_len, NEVER), 0);
	assert_int_equal(key_public_der(key, &spki, &spki_len), 0);
	write_file("key.der", spki, spki_len, key_path, sizeof key_path);
	write_file("data", data, sizeof data, data_path, sizeof data_path);
	write_file("sig", sig, sig_len, sig_path, sizeof sig_path);
	const char *const verify[] = { "openssl", "dgst", digest, "-keyform", "DER", "-verify", key_path, "-signature",
		sig_path, data_path, NULL };
	assert_int_equal(run(verify), 0);
	OPENSSL_free(sig);
	OPENSSL_free(spki);
}

static void
openssl_accepts_requests_and_signatures_of(struct bench *bench, const char *type)
{
	struct key *key = generate(bench, type);

	check_request(key);
	check_signature(key);
	key_free(&key);
}

static void
openssl_accepts_what_an_rsa_2048_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "rsa2048");
}

static void
openssl_accepts_what_a_p256_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "p256");
}

static void
openssl_accepts_what_a_p384_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "p384");
}

static void
openssl_accepts_what_a_p521_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "p521");
}

static void
openssl_accepts_what_an_rsa_3072_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "rsa3072");
}

static void
openssl_accepts_what_an_rsa_4096_key_signs(void **state)
{
	openssl_accepts_requests_and_signatures_of(*state, "rsa4096");
}

static CK_RV
no_sha256_rsa(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	if (type == CKM_SHA256_RSA_PKCS)
		return CKR_MECHANISM_INVALID;
	return real->C_GetMechanismInfo(slot, type, info);
}

static CK_MECHANISM_TYPE last_sign_mechanism;

static CK_RV
noting_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	last_sign_mechanism = mechanism->mechanism;
	return real->C_SignInit(session, mechanism, key);
}

static void
host_makes_the_digest_info_where_the_token_only_pads(void **state)
{
	altered.C_SignInit = noting_sign_init;
	altered.C_GetMechanismInfo = no_sha256_rsa;
	openssl_accepts_requests_and_signatures_of(*state, "rsa2048");
	assert_int_equal(last_sign_mechanism, CKM_RSA_PKCS);
}

static CK_RV
no_plain_ecdsa(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	CK_RV rv = real->C_GetMechanismInfo(slot, type, info);

	if (type == CKM_EC_KEY_PAIR_GEN)
		info->ulMaxKeySize = 256;
	return type == CKM_ECDSA ? CKR_MECHANISM_INVALID : rv;
}

static void
key_type_or_mechanism_not_offered_is_refused_before_the_token_works(void **state)
{
	struct bench    *bench = *state;
	struct key_order order = { key_type_by_name("p384"), id_1, sizeof id_1, "credential 1" };
	struct key      *key = NULL;
	unsigned char   *sig = NULL;
	size_t           sig_len;

	altered.C_GetMechanismInfo = no_plain_ecdsa;
	assert_int_equal(key_type_offered(bench->token, order.type, NEVER), MINT_TOKEN_MECHANISM);
	assert_int_equal(key_generate(&key, bench->session, &order, NEVER), MINT_TOKEN_MECHANISM);
	assert_null(key);
	key = generate(bench, "p256");
	/* SoftHSM has no combined ECDSA mechanism to fall back on. */
	assert_int_equal(key_sign(key, id_1, sizeof id_1, &sig, &sig_len, NEVER), MINT_TOKEN_MECHANISM);
	assert_null(sig);
	key_free(&key);
	assert_null(key_type_by_name("dsa-1024"));
}

static void
id_that_is_taken_is_refused(void **state)
{
	struct bench    *bench = *state;
	struct key_order order = { key_type_by_name("p256"), id_1, sizeof id_1, "credential 2" };
	struct key      *key = generate(bench, "p256"), *second = NULL;
	unsigned char    unused = 0;

	assert_int_equal(key_generate(&second, bench->session, &order, NEVER), MINT_EXISTS);
	assert_null(second);
	assert_int_equal(object_unused_id(bench->session, id_1[0], &unused, NEVER), 0);
	assert_int_equal(unused, id_1[0] + 1);
	order.id = &unused;
	assert_int_equal(key_generate(&second, bench->session, &order, NEVER), 0);
	assert_int_equal(EVP_PKEY_eq(key_public(key), key_public(second)), 0);
	key_free(&key);
	key_free(&second);
}

static void
certificate_is_read_back_byte_for_byte_after_the_module_was_reloaded(void **state)
{
	struct bench  *bench = *state;
	struct key    *key = generate(bench, "p256");
	unsigned char *der, *back = NULL;
	size_t         len, back_len;

	der = certify(key_public(key), &len);
	assert_int_equal(certificate_write(bench->session, id_1, 1, "c", der, len - 1, NEVER), MINT_SYNTAX);
	assert_int_equal(certificate_write(bench->session, id_1, 1, "c", der, len, NEVER), 0);
	assert_int_equal(certificate_write(bench->session, id_1, 1, "c", der, len, NEVER), MINT_EXISTS);
	key_free(&key);
	bench_close(bench);
	bench_open_with(bench, &altered);
	assert_int_equal(certificate_read(bench->session, id_1, 1, &back, &back_len, NEVER), 0);
	assert_int_equal(back_len, len);
	assert_memory_equal(back, der, len);
	OPENSSL_free(der);
	OPENSSL_free(back);
}

static void
challenge_proves_the_key_and_refuses_another(void **state)
{
	struct bench  *bench = *state;
	struct key    *key = generate(bench, "rsa2048"), *again = NULL;
	EVP_PKEY      *other = EVP_EC_gen("P-256");
	unsigned char *sig = NULL;
	size_t         sig_len;

	assert_int_equal(key_open(&again, bench->session, id_1, 1, NEVER), 0);
	assert_int_equal(key_challenge(again, key_public(key), id_1, 1, &sig, &sig_len, NEVER), 0);
	assert_true(sig_len == 256);
	OPENSSL_free(sig);
	assert_int_equal(key_challenge(again, other, id_1, 1, &sig, &sig_len, NEVER), MINT_PROOF_KEY);
	assert_null(sig);
	EVP_PKEY_free(other);
	key_free(&again);
	key_free(&key);
}

static CK_RV
spoiling_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *sig, CK_ULONG *sig_len)
{
	CK_RV rv = real->C_Sign(session, data, data_len, sig, sig_len);

	sig[*sig_len / 2] ^= 1;
	return rv;
}

static void
wrong_signature_of_the_token_is_never_given_out(void **state)
{
	struct bench  *bench = *state;
	struct key    *key = generate(bench, "p256");
	X509_NAME     *name = subject();
	unsigned char *out = NULL;
	size_t         len;

	altered.C_Sign = spoiling_sign;
	assert_int_equal(key_challenge(key, key_public(key), id_1, 1, &out, &len, NEVER), MINT_PROOF_CHALLENGE);
	assert_null(out);
	assert_int_equal(request_make(key, name, &out, &len, NEVER), MINT_PROOF_CHALLENGE);
	assert_null(out);
	X509_NAME_free(name);
	key_free(&key);
}

static void
public_key_comes_from_the_certificate_where_the_token_keeps_none(void **state)
{
	struct bench  *bench = *state;
	struct key    *key = generate(bench, "p256"), *again = NULL;
	unsigned char *der;
	size_t         len, deleted = 0;

	der = certify(key_public(key), &len);
	assert_int_equal(object_delete(bench->session, OBJECT_PUBLIC_KEY, id_1, 1, &deleted, NEVER), 0);
	assert_int_equal(deleted, 1);
	assert_int_equal(key_open(&again, bench->session, id_1, 1, NEVER), MINT_NOT_FOUND);
	assert_int_equal(certificate_write(bench->session, id_1, 1, "c", der, len, NEVER), 0);
	assert_int_equal(key_open(&again, bench->session, id_1, 1, NEVER), 0);
	assert_int_equal(EVP_PKEY_eq(key_public(again), key_public(key)), 1);
	OPENSSL_free(der);
	key_free(&again);
	key_free(&key);
}

static void
objects_are_listed_with_id_and_label(void **state)
{
	struct bench       *bench = *state;
	struct key         *key = generate(bench, "p256");
	struct object_facts list[4];
	size_t              count;

	assert_int_equal(object_list(bench->session, OBJECT_PRIVATE_KEY, list, 4, &count, NEVER), 0);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].id_len, 1);
	assert_int_equal(list[0].id[0], id_1[0]);
	assert_string_equal(list[0].label, "credential 1");
	assert_int_equal(object_list(bench->session, OBJECT_CERTIFICATE, list, 4, &count, NEVER), 0);
	assert_int_equal(count, 0);
	key_free(&key);
}

static CK_RV
every_object_wants_a_login(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *list, CK_ULONG count)
{
	if (count != 1 || list[0].type != CKA_ALWAYS_AUTHENTICATE)
		return real->C_GetAttributeValue(session, object, list, count);
	*(CK_BBOOL *)list[0].pValue = CK_TRUE;
	list[0].ulValueLen = sizeof(CK_BBOOL);
	return CKR_OK;
}

static int context_logins;

static CK_RV
counting_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
	if (user != CKU_CONTEXT_SPECIFIC)
		return real->C_Login(session, user, pin, pin_len);
	assert_int_equal(pin_len, sizeof PIN - 1);
	assert_memory_equal(pin, PIN, sizeof PIN - 1);
	context_logins++;
	return CKR_OK;
}

static void
key_that_wants_a_login_for_each_use_gets_one_for_each(void **state)
{
	struct bench *bench = *state;
	struct key   *key;

	altered.C_GetAttributeValue = every_object_wants_a_login;
	altered.C_Login = counting_login;
	context_logins = 0;
	key = generate(bench, "p256");
	check_signature(key);
	check_signature(key);
	assert_int_equal(context_logins, 2);
	key_free(&key);
}

/* ---------------------------------------------------------------- deadlines, logout */

static int generations;

static CK_RV
counting_generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG public_count,
    CK_ATTRIBUTE *private, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	generations++;
	return real->C_GenerateKeyPair(session, mechanism, public, public_count, private, private_count, public_key,
	    private_key);
}

static void
nothing_is_called_after_the_deadline(void **state)
{
	struct bench    *bench = *state;
	struct key_order order = { key_type_by_name("p256"), id_1, sizeof id_1, "late" };
	struct key      *key = NULL;
	int64_t          now = module_now_ms(bench->module);

	altered.C_GenerateKeyPair = counting_generate;
	generations = 0;
	assert_int_equal(key_generate(&key, bench->session, &order, now), MINT_TIMEOUT);
	assert_int_equal(generations, 0);
	assert_non_null(strstr(token_failure(bench->token)->text, "deadline"));
	assert_int_equal(key_generate(&key, bench->session, &order, now + 60000), 0);
	assert_int_equal(generations, 1);
	key_free(&key);
}

static int logouts;

static CK_RV
counting_logout(CK_SESSION_HANDLE session)
{
	logouts++;
	return real->C_Logout(session);
}

static void
session_that_is_freed_has_logged_out(void **state)
{
	struct bench *bench = *state;

	altered.C_Logout = counting_logout;
	logouts = 0;
	session_free(&bench->session);
	assert_int_equal(logouts, 1);
	assert_int_equal(session_open(&bench->session, bench->token, NEVER), 0);
	assert_int_equal(session_login(bench->session, SESSION_USER, PIN, strlen(PIN), NEVER), 0);
}

#define on_bench(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_return_value_of_the_standard_is_mapped_by_its_name),
		cmocka_unit_test(return_values_of_versions_3_are_mapped_by_their_names),
		cmocka_unit_test(unknown_return_value_counts_as_token_error),
		cmocka_unit_test(module_that_is_no_module_is_refused),
		cmocka_unit_test(module_is_loaded_by_path_and_says_who_it_is),
		on_bench(token_is_found_by_label_serial_and_reader),
		on_bench(token_is_found_by_nothing_by_pattern_and_by_slot),
		on_bench(reader_name_longer_than_a_slot_description_fits_its_first_64_bytes),
		on_bench(vague_error_of_a_token_taken_out_is_reported_as_gone),
		on_bench(wrong_pin_is_told_and_shows_in_the_flags),
		on_bench(pin_change_takes_the_new_pin_only),
		on_bench(so_sets_a_user_pin_that_was_forgotten),
		on_bench(openssl_accepts_what_an_rsa_2048_key_signs),
		on_bench(openssl_accepts_what_a_p256_key_signs),
		on_bench(openssl_accepts_what_a_p384_key_signs),
		on_bench(openssl_accepts_what_a_p521_key_signs),
		on_bench(openssl_accepts_what_an_rsa_3072_key_signs),
		on_bench(openssl_accepts_what_an_rsa_4096_key_signs),
		on_bench(host_makes_the_digest_info_where_the_token_only_pads),
		on_bench(key_type_or_mechanism_not_offered_is_refused_before_the_token_works),
		on_bench(id_that_is_taken_is_refused),
		on_bench(certificate_is_read_back_byte_for_byte_after_the_module_was_reloaded),
		on_bench(challenge_proves_the_key_and_refuses_another),
		on_bench(wrong_signature_of_the_token_is_never_given_out),
		on_bench(public_key_comes_from_the_certificate_where_the_token_keeps_none),
		on_bench(objects_are_listed_with_id_and_label),
		on_bench(key_that_wants_a_login_for_each_use_gets_one_for_each),
		on_bench(nothing_is_called_after_the_deadline),
		on_bench(session_that_is_freed_has_logged_out),
		on_bench(mechanisms_of_softhsm_are_listed_by_the_names_of_the_standard),
		on_bench(token_is_initialised_used_and_initialised_again), /* last: it leaves a second token */
	};

	return cmocka_run_group_tests(tests, make_softhsm, remove_softhsm);
}
