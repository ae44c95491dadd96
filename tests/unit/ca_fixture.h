/* What the CA's tests share: a directory of their own, requests made by OpenSSL (not by the code under test), a shell. */
#ifndef MINT_TESTS_CA_FIXTURE_H
#define MINT_TESTS_CA_FIXTURE_H

#include "schemas/messages.h"

#include <openssl/evp.h>
#include <stdint.h>

enum { FIXTURE_TEXT = 16384 };

/* mkdtemp under $TMPDIR or /tmp; the caller's string lives until fixture_remove. */
const char *fixture_directory(void);
void fixture_remove(void);

/* Runs a shell command in the fixture's directory, its output (both streams) in `text`. The exit status. */
int fixture_run(char text[FIXTURE_TEXT], const char *format, ...) __attribute__((format(printf, 2, 3)));

void fixture_write(const char *name, const void *bytes, size_t length);

/* The file's content, the caller's to free. */
uint8_t *fixture_read(const char *name, size_t *length);

/* A request signed with `digest` by `signer` for the public key of `key`; OPENSSL_free its data. */
struct blob fixture_request(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest);

#endif
