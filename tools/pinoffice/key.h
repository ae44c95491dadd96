/* The office's private key, and its certificate where it was named. */
#ifndef PINOFFICE_KEY_H
#define PINOFFICE_KEY_H

#include "tools/pinoffice/fault.h"

#include <openssl/types.h>

struct office_key {
	EVP_PKEY *key;
	X509     *certificate; /* NULL: none was named */
};

struct key_source {
	const char *key_path, *certificate_path, *passphrase_path; /* the last two may be NULL */
};

/* Reads them. An encrypted key (PKCS #8, RFC 5958) takes the first line of `passphrase_path`; without one the terminal is asked, without echo.
 * 0; −1 when it told why not. */
int office_key_open(const struct key_source *source, struct office_key *key, struct faults *faults);
void office_key_close(struct office_key *key);

#endif
