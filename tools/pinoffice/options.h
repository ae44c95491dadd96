/* The command line of mint-pins, once: parsing and --help come from one table. */
#ifndef PINOFFICE_OPTIONS_H
#define PINOFFICE_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

enum option {
	OPTION_KEY, OPTION_CERTIFICATE, OPTION_PASSPHRASE_FILE, OPTION_LETTERS, OPTION_TEMPLATE, OPTION_SHOW, OPTION_JSON, OPTION_LANG,
	OPTION_HELP, OPTION_VERSION, OPTION_COUNT
};

struct options {
	const char *values[OPTION_COUNT]; /* "" for a flag, NULL when not given */
	char      **arguments;
	int         argument_count;
};

/* Fills in from argv (argv[0] the program, argv[1] `open`). 0; −1 with the word that is wrong in *word, 1 with what is
 * missing in it. */
int options_parse(int argc, char **argv, struct options *options, const char **word);

void options_help(FILE *out);

#endif
