/* `mint-ca init`: a root, an issuing CA below it, an empty issue log. */
#include "hostd/ca/authority.h"
#include "hostd/ca/file.h"
#include "hostd/ca/issuelog.h"
#include "hostd/ca/name.h"
#include "hostd/ca/request.h"
#include "hostd/ca/text.h"
#include "schemas/errors.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEMONSTRATION_SUBJECT "C=CN,O=Mintbench 演示,CN=Mintbench 演示签发 DEMONSTRATION CA"

static const char *const made[] = { "root.pem", "issuing.pem", "root.key", "issuing.key", "ca.pem", ISSUELOG_NAME, "crl.der", "crl.pem" };

/* One CA while it is being made. */
struct level {
	X509_NAME *name;
	EVP_PKEY  *key;
	X509      *certificate;
};

static void
level_clear(struct level *level)
{
	X509_NAME_free(level->name);
	EVP_PKEY_free(level->key);
	X509_free(level->certificate);
}

static EVP_PKEY *
key_make(const char *type)
{
	switch (key_type_by_name(type)) {
	case KEY_RSA2048:
		return EVP_RSA_gen(2048);
	case KEY_RSA3072:
		return EVP_RSA_gen(3072);
	case KEY_RSA4096:
		return EVP_RSA_gen(4096);
	case KEY_P384:
		return EVP_EC_gen("P-384");
	default:
		return EVP_EC_gen("P-256");
	}
}

static int
root_name(X509_NAME **out, const X509_NAME *issuing, struct reason *reason)
{
	X509_NAME *name = X509_NAME_dup(issuing);
	int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1, r;
	X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_delete_entry(name, at) : NULL;
	ASN1_STRING *value = entry ? X509_NAME_ENTRY_get_data(entry) : NULL;
	char *text = NULL;

	if (!value || asprintf(&text, "%.*s Root", ASN1_STRING_length(value), ASN1_STRING_get0_data(value)) < 0)
		r = reason_set(reason, MINT_MEMORY, "out of memory");
	else if (text_wrong(text, V_ASN1_UTF8STRING, 64))
		r = reason_set(reason, MINT_FIELD, "subject: CN is too long: at most 59 characters, the root's adds \" Root\"");
	else
		r = name_add(name, OBJ_nid2obj(NID_commonName), V_ASN1_UTF8STRING, text, at, reason);
	free(text);
	X509_NAME_ENTRY_free(entry);
	if (r == 0)
		*out = name;
	else
		X509_NAME_free(name);
	return r;
}

/* 159 random bits: at most 20 octets, positive (RFC 5280, 4.1.2.2). */
static int
set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	int good;

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return 0;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return good;
}

static int
set_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int good;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	good = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return good;
}

static int
certificate_make(struct level *level, const struct level *above, int days, int64_t now, struct reason *reason)
{
	X509 *x = level->certificate = X509_new(), *issuer = above->certificate;
	time_t begin = (time_t)(now / 1000000);
	const EVP_MD *digest = EVP_PKEY_is_a(above->key, "EC") && EVP_PKEY_get_bits(above->key) > 256 ? EVP_sha384() : EVP_sha256();

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && X509_set_issuer_name(x, above->name) &&
	    X509_set_subject_name(x, level->name) && X509_set_pubkey(x, level->key) && ASN1_TIME_set(X509_getm_notBefore(x), begin) &&
	    ASN1_TIME_adj(X509_getm_notAfter(x), begin, days, 0) &&
	    set_extension(x, issuer, NID_basic_constraints, level == above ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0") &&
	    set_extension(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    set_extension(x, issuer, NID_subject_key_identifier, "hash") &&
	    set_extension(x, issuer, NID_authority_key_identifier, "keyid:always") && X509_sign(x, above->key, digest) > 0)
		return 0;
	return reason_set_openssl(reason, MINT_CRYPTO, "a CA certificate cannot be made");
}

static int
levels_make(struct level *root, struct level *issuing, const struct authority_plan *plan, struct reason *reason)
{
	int r = name_parse(&issuing->name, plan->subject ? plan->subject : DEMONSTRATION_SUBJECT, reason);

	if (r == 0 && plan->demonstration)
		r = name_mark(issuing->name, AUTHORITY_MARK, reason);
	if (r == 0)
		r = root_name(&root->name, issuing->name, reason);
	if (r != 0)
		return r;
	root->key = key_make(plan->key_type);
	issuing->key = key_make(plan->key_type);
	if (!root->key || !issuing->key)
		return reason_set_openssl(reason, MINT_CRYPTO, "a key pair cannot be made");
	r = certificate_make(root, root, AUTHORITY_ROOT_DAYS, plan->now, reason);
	return r == 0 ? certificate_make(issuing, root, AUTHORITY_ISSUING_DAYS, plan->now, reason) : r;
}

static int
write_pem(int directory, const char *name, BIO *pem, mode_t mode, struct reason *reason)
{
	char *bytes;
	long length = BIO_get_mem_data(pem, &bytes);
	int r = file_replace(directory, name, bytes, (size_t)length, mode);

	return r == 0 ? 0 : reason_set(reason, r, "%s: %s: check free space and permissions", name, strerror(errno));
}

/* PBES2 with scrypt (N 16384, r 8, p 1: OpenSSL's own figures, 16 MB and some 50 ms for each guess). */
static int
write_key(int directory, const char *name, EVP_PKEY *key, const struct passphrase *passphrase, struct reason *reason)
{
	PKCS8_PRIV_KEY_INFO *clear = EVP_PKEY2PKCS8(key);
	X509_ALGOR *algorithm = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 16384, 8, 1);
	X509_SIG *sealed = clear && algorithm ? PKCS8_set0_pbe(passphrase->text, (int)passphrase->bytes, clear, algorithm) : NULL;
	BIO *pem = BIO_new(BIO_s_mem());
	int r;

	if (sealed && pem && PEM_write_bio_PKCS8(pem, sealed) == 1)
		r = write_pem(directory, name, pem, 0600, reason);
	else
		r = reason_set_openssl(reason, MINT_CRYPTO, "a CA key cannot be encrypted");
	if (!sealed)
		X509_ALGOR_free(algorithm);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(clear);
	BIO_free(pem);
	return r;
}

/* `second` may be NULL. */
static int
write_certificates(int directory, const char *name, X509 *first, X509 *second, struct reason *reason)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int r;

	if (pem && PEM_write_bio_X509(pem, first) == 1 && (!second || PEM_write_bio_X509(pem, second) == 1))
		r = write_pem(directory, name, pem, 0644, reason);
	else
		r = reason_set_openssl(reason, MINT_CRYPTO, "a certificate cannot be written out");
	BIO_free(pem);
	return r;
}

/* What is in the directory decides: nothing of ours, an unfinished CA (swept away), or one that stays. */
static int
claim_directory(int directory, struct reason *reason)
{
	int unfinished = faccessat(directory, AUTHORITY_UNFINISHED, F_OK, 0) == 0;

	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		if (unfinished)
			(void)unlinkat(directory, made[i], 0);
		if (faccessat(directory, made[i], F_OK, 0) == 0)
			return reason_set(reason, MINT_EXISTS, "%s is there already: a CA is never overwritten; name another directory",
			    made[i]);
	}
	if (!unfinished && file_create(directory, AUTHORITY_UNFINISHED, "", 0, 0600) != 0)
		return reason_set(reason, MINT_STORAGE, "the CA's directory cannot be written: %s", strerror(errno));
	return 0;
}

static int
write_all(int directory, const struct level *root, const struct level *issuing, int64_t now,
    const struct passphrase *root_passphrase, const struct passphrase *issuing_passphrase, struct reason *reason)
{
	uint8_t sha256[DIGEST_BYTES];
	int r = write_key(directory, "root.key", root->key, root_passphrase, reason);

	if (r == 0)
		r = write_key(directory, "issuing.key", issuing->key, issuing_passphrase, reason);
	if (r == 0)
		r = write_certificates(directory, "root.pem", root->certificate, NULL, reason);
	if (r == 0)
		r = write_certificates(directory, "issuing.pem", issuing->certificate, NULL, reason);
	if (r == 0)
		r = write_certificates(directory, AUTHORITY_UNFINISHED, issuing->certificate, root->certificate, reason);
	if (r == 0 && X509_digest(issuing->certificate, EVP_sha256(), sha256, NULL) != 1)
		r = reason_set_openssl(reason, MINT_CRYPTO, "SHA-256");
	return r == 0 ? issuelog_create(directory, sha256, now, reason) : r;
}

int
authority_make(int directory, const struct authority_plan *plan, const struct passphrase *root_passphrase,
    const struct passphrase *issuing_passphrase, struct reason *reason)
{
	struct level root = { .name = NULL }, issuing = { .name = NULL };
	int r;

	if (!key_type_by_name(plan->key_type))
		return reason_set(reason, MINT_ARGUMENT, "%s is no key type: p256, p384, rsa2048, rsa3072 and rsa4096 are", plan->key_type);
	if (!plan->subject && !plan->demonstration)
		return reason_set(reason, MINT_ARGUMENT, "give --subject \"C=CN,O=…,CN=…\", or --demonstration");
	r = levels_make(&root, &issuing, plan, reason);
	if (r == 0)
		r = claim_directory(directory, reason);
	if (r == 0)
		r = write_all(directory, &root, &issuing, plan->now, root_passphrase, issuing_passphrase, reason);
	/* Power may fail anywhere above: the mark is still there, and the next call begins anew. It becomes ca.pem in one step. */
	if (r == 0 && (renameat(directory, AUTHORITY_UNFINISHED, directory, "ca.pem") != 0 || fsync(directory) != 0))
		r = reason_set(reason, MINT_STORAGE, "ca.pem: %s", strerror(errno));
	level_clear(&root);
	level_clear(&issuing);
	return r;
}
