/* The commands of mintctl, once: parsing, --help and completion come from the table in command.c. */
#ifndef MINTCTL_COMMAND_H
#define MINTCTL_COMMAND_H

#include <jansson.h>
#include <stdio.h>

struct client;

enum option {
	OPTION_AFTER, OPTION_AGAIN, OPTION_AS, OPTION_CERTIFICATE_SIZE, OPTION_COUNT_OF, OPTION_KEY_TYPE, OPTION_LOT, OPTION_EVERY_SO_PIN, OPTION_FOLLOW, OPTION_KEEP, OPTION_KEYS,
	OPTION_MODEL, OPTION_PROFILE, OPTION_LATE, OPTION_LIMIT, OPTION_OUT, OPTION_REFERENCE, OPTION_SINCE, OPTION_SO_PIN_FILE, OPTION_STATE,
	OPTION_TIMEOUT, OPTION_UNTIL_IDLE, OPTION_URGENT, OPTION_WHY,
	/* of every command */
	OPTION_CONFIG, OPTION_HELP, OPTION_JSON, OPTION_LANG, OPTION_SOCKET,
	OPTION_COUNT
};

enum { GROUP_BYTES = 64 };

struct command;

/* One run: what was asked for and how to answer. */
struct run {
	const struct command *command;
	char        group[GROUP_BYTES];    /* first words of longer names, when the last is missing; only help can be asked then */
	const char *options[OPTION_COUNT]; /* value, "" for a flag given, NULL when not given */
	char      **arguments;             /* positional */
	int         argument_count;
	int         json;
	const char *config_path;           /* NULL when none was named */
	const char *socket_path;
	struct client *client;             /* NULL for offline commands */
};

enum command_place { PLACE_CLIENT, PLACE_OFFLINE, PLACE_VERBATIM /* all that follows belongs to another program */ };

struct command {
	const char *name;        /* one word, or several with a blank between them */
	const char *arguments;   /* for people: "FILE"; the kind of object of an order */
	int         least, most; /* positional arguments; most −1: any number */
	enum command_place place;
	unsigned    options;     /* 1u << enum option */
	const char *summary[2];
	int       (*run)(struct run *run); /* 0, or a negative error it has already told */
};

/* Whether it gives an order of schemas/commands.def. */
int command_gives_order(const struct command *command);

/* The order that a command gives: its last word. And the command that gives an order, NULL when none does. */
const char *command_verb(const struct command *command);
const struct command *command_by_verb(const char *verb);

/* What an order of schemas/commands.def takes besides its object. */
struct order_argument {
	const char *verb, *name;
	int         required;
	const char *text[2];
};
/* The arguments of an order, one after the other: start with NULL; NULL at the end. */
const struct order_argument *order_argument_next(const char *verb, const struct order_argument *before);
/* The option that carries it, −1: the positional arguments behind the first do. */
int order_option(const struct order_argument *argument);

/* NULL at the end. */
const struct command *command_at(size_t index);
const struct command *command_by_name(const char *name);

/* How many of the `count` words the name takes when it is made of the leading ones; 0 when it is not. */
int command_words(const char *name, char *const *words, int count);

/* Fills in `run` from argv (argv[0] is the program). 0; MINT_ARGUMENT with what is wrong in `fault`. With --help, or no
 * command at all, run->options[OPTION_HELP] is set. */
int command_parse(int argc, char **argv, struct run *run, char *fault, size_t fault_bytes);

/* Help of one command, or of all when NULL. */
void command_help(const struct command *command, FILE *out);
/* Help of the commands that begin with this word. */
void command_group_help(const char *group, FILE *out);

/* A completion script for bash. */
void command_completion(FILE *out);

/* Tells an error: with --json the object on standard output, else a sentence on standard error. Takes the reference. Returns `error`. */
int command_fail(const struct run *run, int error, json_t *object);
/* The same for an error of mintctl's own. */
int command_fail_with(const struct run *run, int error, const char *detail);
/* And with other advice than the list of errors has, in both languages. */
int command_fail_next(const struct run *run, int error, const char *detail, const char *const next[2]);

/* With --json: prints the answer and returns 1. The reference stays the caller's. */
int command_print_json(const struct run *run, json_t *answer);

/* The commands of the other files. */
int run_backup(struct run *run);
int run_bays(struct run *run);
int run_stock(struct run *run);
int run_ca(struct run *run);
int run_certs(struct run *run);
int run_completion(struct run *run);
int run_doctor(struct run *run);
int run_events(struct run *run);
int run_forecast(struct run *run);
int run_import(struct run *run);
int run_learn(struct run *run);
int run_list(struct run *run);
int run_order(struct run *run);
int run_pins_export(struct run *run);
int run_pins_list(struct run *run);
int run_restore(struct run *run);
int run_show(struct run *run);
int run_status(struct run *run);
int run_summary(struct run *run);
int run_token_model_check(struct run *run);
int run_token_try(struct run *run);
int run_token_list(struct run *run);
int run_token_show(struct run *run);
int run_watch(struct run *run);

#endif
