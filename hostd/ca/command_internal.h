/* Between the files of the subcommands: command_run.c (the CA itself), command_signed.c (what it signed). */
#ifndef MINT_CA_COMMAND_INTERNAL_H
#define MINT_CA_COMMAND_INTERNAL_H

#include "hostd/ca/command.h"
#include "hostd/ca/issuelog.h"
#include "hostd/ca/ledger.h"

#include <openssl/x509.h>

enum { CRL_DAYS = 7 };

/* The CA's directory, made if need be. A descriptor that the caller closes, or a negative error with its reason. */
int command_directory(const char *path, int make, struct reason *reason);

/* The log and the ledger as the log has it now, without its lock; *torn (may be NULL) bytes at its end are no record. The caller frees
 * both, after an error too. */
int command_open_log(struct issuelog **log, struct ledger **ledger, int directory, uint64_t *torn, struct reason *reason);

/* What stands in answers: UTC of microseconds, bytes in hex, a name on one line. New references. */
json_t *command_time(int64_t at);
json_t *command_hex(const uint8_t *data, size_t bytes);
json_t *command_name(const X509_NAME *name);

#endif
