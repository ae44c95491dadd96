/* The words of a command line, read by the table of commands. */
#include "schemas/errors.h"
#include "tools/mintctl/command_table.h"
#include "tools/mintctl/screen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int fault_is(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
fault_is(char *fault, size_t fault_bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault, fault_bytes, format, arguments);
	va_end(arguments);
	return MINT_ARGUMENT;
}

/* One --name, --name=value or --name value. *index moves on when the value is the next word. */
static int
parse_option(int argc, char **argv, int *index, struct run *run, char *fault, size_t fault_bytes)
{
	const char *word = argv[*index] + 2, *equals = strchr(word, '=');
	int option = option_by_name(word, equals ? (size_t)(equals - word) : strlen(word));

	if (option < 0)
		return fault_is(fault, fault_bytes, "%s: %s", argv[*index], say("not an option", "没有此选项"));
	if (run->options[option])
		return fault_is(fault, fault_bytes, "--%s: %s", option_rows[option].name, say("given twice", "重复给出"));
	if (!option_rows[option].value && equals)
		return fault_is(fault, fault_bytes, "--%s: %s", option_rows[option].name, say("takes no value", "不带参数值"));
	if (!option_rows[option].value)
		run->options[option] = "";
	else if (equals)
		run->options[option] = equals + 1;
	else if (*index + 1 < argc)
		run->options[option] = argv[++*index];
	else
		return fault_is(fault, fault_bytes, "--%s: %s %s", option_rows[option].name, say("needs a value:", "需要参数值："), option_rows[option].value);
	return 0;
}

static int
check_options(const struct run *run, char *fault, size_t fault_bytes)
{
	unsigned allowed = command_options(run->command);

	for (int i = 0; i < OPTION_COUNT; i++)
		if (run->options[i] && !(allowed & 1u << i))
			return fault_is(fault, fault_bytes, "--%s: %s %s", option_rows[i].name, say("not an option of", "不适用于"),
			    run->command ? run->command->name : "mintctl");
	return 0;
}

static int
check_arguments(const struct run *run, char *fault, size_t fault_bytes)
{
	const struct command *command = run->command;
	char text[128];

	command_arguments(command, text, sizeof text);
	if (run->argument_count < command_least(command))
		return fault_is(fault, fault_bytes, "%s: %s %s", command->name, say("needs", "需要"), text);
	if (command_most(command) >= 0 && run->argument_count > command_most(command))
		return fault_is(fault, fault_bytes, "%s: %s", run->arguments[command_most(command)], say("one argument too many", "多余的参数"));
	if (!command_gives_order(command))
		return 0;
	for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
		if (a->required && order_option(a) >= 0 && !run->options[order_option(a)])
			return fault_is(fault, fault_bytes, "%s: --%s %s %s", command->name, a->name, say("is needed:", "为必填："), a->text[screen_language()]);
	return 0;
}

/* A word behind those of a group: one more of a group, or the last of a command. */
static int
take_in_group(const char *word, struct run *run, char *fault, size_t fault_bytes)
{
	size_t used = strlen(run->group);

	snprintf(run->group + used, sizeof run->group - used, " %s", word);
	run->command = command_by_name(run->group);
	if (!run->command && !command_is_group(run->group))
		return fault_is(fault, fault_bytes, "%s: %s", run->group, say("not a command", "没有此命令"));
	if (run->command)
		run->group[0] = '\0';
	return 0;
}

/* The words at *index as a command, a group, or `help`. *index moves to the last word taken. */
static int
take_command(int argc, char **argv, int *index, struct run *run, char *fault, size_t fault_bytes)
{
	const char *word = argv[*index];
	int used;

	if (run->group[0])
		return take_in_group(word, run, fault, fault_bytes);
	run->command = command_by_words(argv + *index, argc - *index, &used);
	if (run->command)
		*index += used - 1;
	else if (command_is_group(word))
		snprintf(run->group, sizeof run->group, "%s", word);
	else if (strcmp(word, "help") == 0)
		run->options[OPTION_HELP] = ""; /* `help`, `help COMMAND` */
	else
		return fault_is(fault, fault_bytes, "%s: %s", word, say("not a command", "没有此命令"));
	return 0;
}

/* A group alone can only be asked for help. */
static int
check_group(const struct run *run, char *fault, size_t fault_bytes)
{
	char *next = NULL;
	size_t length;
	FILE *out;

	if (!run->group[0] || run->options[OPTION_HELP])
		return 0;
	out = open_memstream(&next, &length);
	if (!out)
		return MINT_MEMORY;
	command_next_words(run->group, "|", out);
	fclose(out);
	fault_is(fault, fault_bytes, "%s: %s %s", run->group, say("needs", "需要"), next);
	free(next);
	return MINT_ARGUMENT;
}

int
command_parse(int argc, char **argv, struct run *run, char *fault, size_t fault_bytes)
{
	int r = 0, only_arguments = 0;

	run->arguments = argv; /* positional ones move to the front, behind nothing that is still to be read */
	for (int i = 1; i < argc && r == 0; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = 1;
		} else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
			r = parse_option(argc, argv, &i, run, fault, fault_bytes);
		} else if (run->command) {
			argv[run->argument_count++] = argv[i];
		} else {
			r = take_command(argc, argv, &i, run, fault, fault_bytes);
			if (run->command && run->command->place == PLACE_VERBATIM) {
				run->arguments = argv + i + 1;
				run->argument_count = argc - i - 1;
				return 0;
			}
		}
	}
	run->json |= run->options[OPTION_JSON] != NULL; /* asked for is asked for, also where the line is wrong behind it */
	if (r == 0)
		r = check_options(run, fault, fault_bytes);
	if (r == 0)
		r = check_group(run, fault, fault_bytes);
	if (r == 0 && !run->command)
		run->options[OPTION_HELP] = "";
	if (r == 0 && !run->options[OPTION_HELP])
		r = check_arguments(run, fault, fault_bytes);
	return r;
}
