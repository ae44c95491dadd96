#include "tests/unit/ca_fixture.h"

#include <limits.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[PATH_MAX];

const char *
fixture_directory(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(directory, sizeof directory, "%s/mint-test-ca-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(directory))
		abort();
	return directory;
}

void
fixture_remove(void)
{
	char text[FIXTURE_TEXT];

	(void)fixture_run(text, "rm -rf -- \"$PWD\"");
}

int
fixture_run(char text[FIXTURE_TEXT], const char *format, ...)
{
	char command[4096], whole[sizeof command + PATH_MAX + 64];
	va_list arguments;
	size_t length;
	FILE *pipe;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof whole, "cd '%s' && { %s\n} 2>&1", directory, command);
	pipe = popen(whole, "r");
	if (!pipe)
		abort();
	length = fread(text, 1, FIXTURE_TEXT - 1, pipe);
	text[length] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static FILE *
open_named(const char *name, const char *mode)
{
	char path[PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, mode);
	if (!file)
		abort();
	return file;
}

void
fixture_write(const char *name, const void *bytes, size_t length)
{
	FILE *file = open_named(name, "we");

	if (fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		abort();
}

uint8_t *
fixture_read(const char *name, size_t *length)
{
	enum { MAX = 1 << 20 };
	FILE *file = open_named(name, "re");
	uint8_t *bytes = malloc(MAX);

	if (!bytes)
		abort();
	*length = fread(bytes, 1, MAX, file);
	fclose(file);
	return bytes;
}

struct blob
fixture_request(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest)
{
	X509_REQ *request = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	int length;

	if (!request || !name || X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"asked for", -1, -1, 0) != 1 ||
	    X509_REQ_set_subject_name(request, name) != 1 || X509_REQ_set_pubkey(request, key) != 1 ||
	    X509_REQ_sign(request, signer, digest) <= 0)
		abort();
	length = i2d_X509_REQ(request, &der);
	X509_REQ_free(request);
	X509_NAME_free(name);
	if (length <= 0)
		abort();
	return (struct blob){ der, (uint32_t)length };
}
