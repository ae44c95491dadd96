/* mintctl's table of commands: parsing, help, completion. */
#include "schemas/errors.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char fault[256];
static struct run run;
static char *words[16];

/* Parses "mintctl" and the words of `line`, split at blanks. */
static int
parse(const char *line)
{
	static char copy[512];
	char *save = NULL, *word;
	int count = 1;

	screen_open("en");
	memset(&run, 0, sizeof run);
	memset(words, 0, sizeof words);
	fault[0] = '\0';
	snprintf(copy, sizeof copy, "%s", line);
	words[0] = (char[]){ "mintctl" };
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return command_parse(count, words, &run, fault, sizeof fault);
}

static void
options_may_stand_before_and_behind_the_command(void **state)
{
	(void)state;
	assert_int_equal(parse("--socket /s import file --json"), 0);
	assert_string_equal(run.command->name, "import");
	assert_string_equal(run.options[OPTION_SOCKET], "/s");
	assert_int_equal(run.json, 1);
	assert_int_equal(run.argument_count, 1);
	assert_string_equal(run.arguments[0], "file");
	assert_int_equal(parse("list --state=parked --limit 3"), 0);
	assert_string_equal(run.options[OPTION_STATE], "parked");
	assert_string_equal(run.options[OPTION_LIMIT], "3");
}

static void
wrong_usage_is_refused_with_the_word_at_fault(void **state)
{
	static const struct {
		const char *line, *fault;
	} rows[] = {
		{ "fly", "fly: not a command" },
		{ "status --nope", "--nope: not an option" },
		{ "status extra", "extra: one argument too many" },
		{ "import", "import: needs FILE" },
		{ "status --state x", "--state: not an option of status" },
		{ "list --state", "--state: needs a value: STATE" },
		{ "list --json --json", "--json: given twice" },
		{ "list --urgent=1", "--urgent: takes no value" },
		{ "pack A-1", "pack: needs REFERENCE SERIAL\xe2\x80\xa6" },
		{ "hold A-1", "hold: --why is needed: reason" },
		{ "hold --why x", "hold: needs REFERENCE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(parse(rows[i].line), MINT_ARGUMENT);
		assert_string_equal(fault, rows[i].fault);
	}
}

static void
orders_take_what_the_list_of_commands_says(void **state)
{
	(void)state;
	assert_int_equal(parse("pack A-1 S1 S2 S3"), 0);
	assert_int_equal(run.argument_count, 4);
	assert_string_equal(run.arguments[3], "S3");
	assert_int_equal(parse("resolve A-1-01 --as redo --why broken"), 0);
	assert_string_equal(run.options[OPTION_AS], "redo");
	assert_int_equal(parse("release A-1"), 0);
	assert_int_equal(parse("resolve A-1-01 --as redo"), MINT_ARGUMENT);
	assert_int_equal(parse("token erase AA01 --why said --so-pin-file -"), 0);
	assert_string_equal(command_verb(run.command), "erase");
	assert_string_equal(run.options[OPTION_SO_PIN_FILE], "-");
	assert_int_equal(parse("token erase AA01 --why said 12345678"), MINT_ARGUMENT);
}

static void
two_dashes_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(parse("show -- --odd-name"), 0);
	assert_string_equal(run.arguments[0], "--odd-name");
}

static void
everything_behind_ca_belongs_to_mint_ca(void **state)
{
	(void)state;
	assert_int_equal(parse("ca init --dir x --json --whatever"), 0);
	assert_int_equal(run.argument_count, 5);
	assert_string_equal(run.arguments[4], "--whatever");
	assert_int_equal(run.json, 0);
}

static void
no_command_asks_for_help(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_non_null(run.options[OPTION_HELP]);
	assert_int_equal(parse("import --help"), 0);
	assert_non_null(run.options[OPTION_HELP]);
}

static void
a_name_takes_as_many_leading_words_as_it_has(void **state)
{
	char *const line[] = { (char[]){ "token" }, (char[]){ "show" }, (char[]){ "AA01" } };

	(void)state;
	assert_int_equal(command_words("token", line, 3), 1);
	assert_int_equal(command_words("token show", line, 3), 2);
	assert_int_equal(command_words("token show", line, 1), 0);
	assert_int_equal(command_words("token sho", line, 3), 0);
	assert_int_equal(command_words("tok", line, 3), 0);
	assert_int_equal(command_words("show", line, 3), 0);
	assert_int_equal(command_words("show", line + 1, 2), 1);
	assert_int_equal(command_words("show", line, 0), 0);
}

static void
commands_of_two_words_are_found_and_their_first_word_alone_is_not_enough(void **state)
{
	(void)state;
	assert_int_equal(parse("--json pins list --limit 3"), 0);
	assert_string_equal(run.command->name, "pins list");
	assert_int_equal(run.argument_count, 0);
	assert_int_equal(parse("pins --json export --out d"), 0);
	assert_string_equal(run.command->name, "pins export");
	assert_int_equal(parse("help pins export"), 0);
	assert_string_equal(run.command->name, "pins export");
	assert_int_equal(parse("pins"), MINT_ARGUMENT);
	assert_string_equal(fault, "pins: needs list|export");
	assert_int_equal(parse("pins fly"), MINT_ARGUMENT);
	assert_string_equal(fault, "pins fly: not a command");
	assert_int_equal(parse("list pins"), MINT_ARGUMENT);
	assert_string_equal(fault, "pins: one argument too many");
	assert_int_equal(parse("pins --help"), 0);
	assert_string_equal(run.group, "pins");
}

static void
commands_of_three_words_are_found_in_one_go_or_word_by_word(void **state)
{
	(void)state;
	assert_int_equal(parse("token model check a.conf b.conf"), 0);
	assert_string_equal(run.command->name, "token model check");
	assert_int_equal(run.argument_count, 2);
	assert_int_equal(parse("token --json model --lang en check a.conf"), 0);
	assert_string_equal(run.command->name, "token model check");
	assert_int_equal(parse("token model"), MINT_ARGUMENT);
	assert_string_equal(fault, "token model: needs check");
	assert_int_equal(parse("token model fly"), MINT_ARGUMENT);
	assert_string_equal(fault, "token model fly: not a command");
	assert_int_equal(parse("token model check"), MINT_ARGUMENT);
	assert_int_equal(parse("token model --help"), 0);
	assert_string_equal(run.group, "token model");
}

static char *
written(const struct command *command, int completion)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (completion)
		command_completion(out);
	else
		command_help(command, out);
	fclose(out);
	return text;
}

static void
help_and_completion_know_every_command_in_both_languages(void **state)
{
	static const char *const languages[] = { "en", "zh" };

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		char *all, *completion;

		screen_open(languages[l]);
		all = written(NULL, 0);
		completion = written(NULL, 1);
		for (size_t i = 0; command_at(i); i++) {
			char *one = written(command_at(i), 0);

			assert_non_null(strstr(all, command_at(i)->name));
			assert_non_null(strstr(completion, command_at(i)->name));
			assert_non_null(strstr(one, command_at(i)->summary[screen_language()]));
			free(one);
		}
		free(all);
		free(completion);
	}
	screen_open("en");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_before_and_behind_the_command),
		cmocka_unit_test(wrong_usage_is_refused_with_the_word_at_fault),
		cmocka_unit_test(orders_take_what_the_list_of_commands_says),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(everything_behind_ca_belongs_to_mint_ca),
		cmocka_unit_test(a_name_takes_as_many_leading_words_as_it_has),
		cmocka_unit_test(commands_of_two_words_are_found_and_their_first_word_alone_is_not_enough),
		cmocka_unit_test(commands_of_three_words_are_found_in_one_go_or_word_by_word),
		cmocka_unit_test(no_command_asks_for_help),
		cmocka_unit_test(help_and_completion_know_every_command_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
