/* The subcommands of mint-ca, which `mintctl ca` passes on: init, show, crl, list, lookup, revoke, clock, profiles. One table; help follows
 * it. */
#ifndef MINT_CA_COMMAND_H
#define MINT_CA_COMMAND_H

#include "hostd/ca/reason.h"
#include "schemas/errors.h"

#include <jansson.h>
#include <stdint.h>

struct command_options {
	const char *directory;                  /* --dir, or of the configuration */
	const char *profiles;                   /* --profiles, or of the configuration */
	const char *passphrase_file, *root_passphrase_file;
	int         passphrase_fd;              /* −1 for none */
	const char *subject, *key_type;
	const char *request, *serial, *spki, *reason;
	const char *why;
	uint64_t    from;                       /* byte of the issue log */
	int         demonstration, json, pem;
};

/* A command answers with a JSON object (its caller's to decref), from which text for people is made as well. */
typedef int command_run(const struct command_options *options, json_t **answer, struct reason *reason);

command_run command_init, command_show, command_crl, command_list, command_lookup, command_revoke, command_clock, command_profiles;

/* 1 when argv names a subcommand (or help): it has run, and *status is the exit status. */
int command_main(int argc, char **argv, int *status);

#endif
