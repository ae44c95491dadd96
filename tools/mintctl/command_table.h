/* The table of commands as parsing, help and completion see it; nobody else needs more than command.h. */
#ifndef MINTCTL_COMMAND_TABLE_H
#define MINTCTL_COMMAND_TABLE_H

#include "tools/mintctl/command.h"

/* Those of every command, as bits. */
#define OPTIONS_COMMON \
	(1u << OPTION_CONFIG | 1u << OPTION_HELP | 1u << OPTION_JSON | 1u << OPTION_LANG | 1u << OPTION_SOCKET)

struct option_row {
	const char *name;
	const char *value;   /* NULL for a flag */
	const char *summary[2];
};

extern const struct option_row option_rows[OPTION_COUNT];

/* −1 when there is none of this name of `length` bytes. */
int option_by_name(const char *name, size_t length);

/* The options that a command takes, as bits; NULL: mintctl without one. */
unsigned command_options(const struct command *command);

/* How many positional arguments it takes, those of its order included; most −1: any number. */
int command_least(const struct command *command);
int command_most(const struct command *command);

/* Its positional arguments for people. */
void command_arguments(const struct command *command, char *text, size_t text_bytes);

/* The row that takes most of the leading words; *used says how many. NULL, and 0, without one. */
const struct command *command_by_words(char *const *words, int count, int *used);

/* 1 when the words of `group` are the first of a longer name; of the name of any command. */
int command_is_in_group(const char *name, const char *group);
int command_is_group(const char *words);

/* 1 when no row before `index` begins with the same `length` bytes of whole words. */
int command_is_first(size_t index, size_t length);

/* The words that may follow a group's, each once, with `between` them. */
void command_next_words(const char *group, const char *between, FILE *out);

#endif
