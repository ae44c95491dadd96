#include "tools/pinoffice/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PASSPHRASE_BYTES = 1024 };

struct asked {
	const char *path; /* NULL: the terminal */
	int         used; /* the key wanted a passphrase */
	int         failed;
};

/* Unbuffered, so that no copy stays behind in the C library. */
static int
read_passphrase(const char *path, char *text, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), used = 0;
	ssize_t got = 1;
	char *end;

	while (fd >= 0 && used < size && got > 0) {
		got = read(fd, text + used, (size_t)(size - used));
		if (got > 0)
			used += (int)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (fd >= 0)
		close(fd);
	if (fd < 0 || got < 0)
		return -1;
	end = memchr(text, '\n', (size_t)used);
	return end ? (int)(end - text) : used;
}

static int
on_passphrase(char *text, int size, int writing, void *argument)
{
	struct asked *asked = argument;
	int length;

	(void)writing;
	asked->used = 1;
	if (asked->path) {
		length = read_passphrase(asked->path, text, size);
		asked->failed = length < 0;
		return length;
	}
	if (EVP_read_pw_string_min(text, 0, size < PASSPHRASE_BYTES ? size : PASSPHRASE_BYTES, fault_say("Passphrase of the office's key: ", "口令管理方私钥的密码短语："), 0) != 0)
		return -1;
	return (int)strlen(text);
}

static int
read_key(const struct key_source *source, struct office_key *key, struct faults *faults)
{
	BIO *in = BIO_new_file(source->key_path, "r");
	struct asked asked = { .path = source->passphrase_path };

	if (in)
		key->key = PEM_read_bio_PrivateKey(in, NULL, on_passphrase, &asked);
	BIO_free(in);
	ERR_clear_error();
	if (key->key && (EVP_PKEY_is_a(key->key, "RSA") || EVP_PKEY_is_a(key->key, "EC")))
		return 0;
	if (asked.failed)
		fault_tell(faults, FAULT_unreadable, source->passphrase_path, NULL);
	else
		fault_tell(faults, !in ? FAULT_unreadable : !key->key && asked.used ? FAULT_passphrase : FAULT_key, source->key_path, NULL);
	return -1;
}

static int
read_certificate(const struct key_source *source, struct office_key *key, struct faults *faults)
{
	BIO *in = BIO_new_file(source->certificate_path, "r");
	enum fault fault = FAULT_none;

	if (in)
		key->certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
	BIO_free(in);
	if (!key->certificate)
		fault = in ? FAULT_certificate : FAULT_unreadable;
	else if (X509_check_private_key(key->certificate, key->key) != 1)
		fault = FAULT_other_key;
	ERR_clear_error();
	if (fault == FAULT_none)
		return 0;
	fault_tell(faults, fault, source->certificate_path, NULL);
	return -1;
}

int
office_key_open(const struct key_source *source, struct office_key *key, struct faults *faults)
{
	*key = (struct office_key){ .key = NULL };
	if (read_key(source, key, faults) == 0 && (!source->certificate_path || read_certificate(source, key, faults) == 0))
		return 0;
	office_key_close(key);
	return -1;
}

void
office_key_close(struct office_key *key)
{
	EVP_PKEY_free(key->key);
	X509_free(key->certificate);
	*key = (struct office_key){ .key = NULL };
}
