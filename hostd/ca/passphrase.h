/* Where the passphrase of a CA key comes from: a file, a credential of systemd.exec(5), or an open descriptor. Never argv. */
#ifndef MINT_CA_PASSPHRASE_H
#define MINT_CA_PASSPHRASE_H

#include "hostd/base/config.h"
#include "hostd/ca/reason.h"

#include <stddef.h>

#define PASSPHRASE_CREDENTIAL "ca-passphrase"

struct passphrase {
	char   text[PASSPHRASE_MAX + 1];
	size_t bytes;
};

/* Reads the first line of what is named: `fd` unless −1, else `path` unless NULL or "", else the credential. The file must not be
 * readable by everybody. The caller wipes with passphrase_clear. MINT_NOT_FOUND, MINT_CONFIG. */
int passphrase_read(struct passphrase *passphrase, int fd, const char *path, struct reason *reason);

/* 32 random bytes as hexadecimal text, written to a new file of `directory`, readable by its owner alone. */
int passphrase_make(struct passphrase *passphrase, int directory, const char *name, struct reason *reason);

void passphrase_clear(struct passphrase *passphrase);

#endif
