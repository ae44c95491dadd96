#include "hostd/ca/passphrase.h"
#include "hostd/ca/encode.h"
#include "hostd/ca/file.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
read_line(struct passphrase *out, int fd, const char *what, struct reason *reason)
{
	ssize_t got;
	char *end;

	out->bytes = 0;
	while (out->bytes < sizeof out->text) {
		got = read(fd, out->text + out->bytes, sizeof out->text - out->bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return reason_set(reason, MINT_NOT_FOUND, "%s: %s", what, strerror(errno));
		if (got == 0)
			break;
		out->bytes += (size_t)got;
	}
	end = memchr(out->text, '\n', out->bytes);
	if (end)
		out->bytes = (size_t)(end - out->text);
	if (out->bytes < PASSPHRASE_MIN || out->bytes > PASSPHRASE_MAX)
		return reason_set(reason, MINT_CONFIG, "%s: the passphrase must have %d to %d bytes in its first line", what,
		    PASSPHRASE_MIN, PASSPHRASE_MAX);
	out->text[out->bytes] = '\0';
	return 0;
}

static int
read_file(struct passphrase *out, const char *path, struct reason *reason)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		r = reason_set(reason, MINT_NOT_FOUND, "%s: %s: name the file with the CA's passphrase", path, strerror(errno));
	else if (status.st_mode & S_IRWXO)
		r = reason_set(reason, MINT_CONFIG, "%s: everybody may read it: chmod 600", path);
	else
		r = read_line(out, fd, path, reason);
	if (fd >= 0)
		close(fd);
	return r;
}

int
passphrase_read(struct passphrase *out, int fd, const char *path, struct reason *reason)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char *joined = NULL;
	int r;

	memset(out, 0, sizeof *out);
	if (fd >= 0) {
		r = read_line(out, fd, "the passphrase's descriptor", reason);
	} else if (path && *path) {
		r = read_file(out, path, reason);
	} else if (!credentials) {
		r = reason_set(reason, MINT_NOT_FOUND, "no passphrase: give --passphrase-file, ca_passphrase in the configuration, or "
		    "the credential " PASSPHRASE_CREDENTIAL);
	} else if (asprintf(&joined, "%s/" PASSPHRASE_CREDENTIAL, credentials) < 0) {
		joined = NULL;
		r = reason_set(reason, MINT_MEMORY, "out of memory");
	} else {
		r = read_file(out, joined, reason);
	}
	free(joined);
	if (r != 0)
		passphrase_clear(out);
	return r;
}

int
passphrase_make(struct passphrase *out, int directory, const char *name, struct reason *reason)
{
	uint8_t random[32];
	int r;

	memset(out, 0, sizeof *out);
	if (RAND_priv_bytes(random, sizeof random) != 1)
		return reason_set_openssl(reason, MINT_CRYPTO, "random bytes");
	hex_put(out->text, random, sizeof random);
	OPENSSL_cleanse(random, sizeof random);
	out->bytes = strlen(out->text);
	r = file_create(directory, name, out->text, out->bytes, 0600);
	return r == 0 ? 0 : reason_set(reason, r, "%s: %s", name, strerror(errno));
}

void
passphrase_clear(struct passphrase *passphrase)
{
	OPENSSL_cleanse(passphrase, sizeof *passphrase);
}
