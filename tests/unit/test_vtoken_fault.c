/* Faults: how they are said, when they happen, how often; and what a scenario may wait for. */
#include "schemas/errors.h"
#include "tools/vtoken/expect.h"
#include "tools/vtoken/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 12

static const char *
parse(struct fault *fault, const char *line)
{
	static char copy[256];
	char *words[WORDS_MAX], *rest = NULL, *word;
	int count = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return fault_parse(fault, words, count);
}

static struct faults *
armed(const char *line)
{
	struct faults *faults = faults_new();
	struct fault fault;
	unsigned id;

	assert_non_null(faults);
	assert_null(parse(&fault, line));
	assert_int_equal(faults_arm(faults, &fault, &id), 0);
	assert_int_equal(id, 1);
	return faults;
}

static void
every_fault_is_written_as_it_is_read(void **state)
{
	static const char *const lines[] = {
		"before apdu 1 cut",           "after apdu 17 cut 250",          "before change 3 cut",
		"after change 3 every cut 0",  "before ins 2A 1 sw 6F00",        "after ins 46 2 every sw 9000",
		"before apdu 2 silence",       "after apdu 2 silence 5000",      "after ins B0 1 garbage 256",
		"after ins CA 1 length -1",    "after ins CA 1 every length +3", "before apdu 1 slow 50",
		"after change 1 silence 1",
	};
	struct fault fault;
	char text[FAULT_TEXT];

	(void)state;
	for (size_t n = 0; n < sizeof lines / sizeof lines[0]; n++) {
		assert_null(parse(&fault, lines[n]));
		fault_text(&fault, text);
		assert_string_equal(text, lines[n]);
	}
}

static void
what_makes_no_sense_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"now apdu 1 cut",
		"before",
		"before apdu",
		"before apdu 0 cut",
		"before apdu -1 cut",
		"before apdu 1x cut",
		"before apdu 99999999999999999999 cut",
		"before ins 100 1 cut",
		"before ins 2G 1 cut",
		"before ins 2A cut",
		"before apdu 1",
		"before apdu 1 every",
		"before apdu 1 explode",
		"before apdu 1 sw",
		"before apdu 1 sw 900",
		"before apdu 1 sw 10000",
		"before apdu 1 length -1",
		"before change 1 sw 6F00",
		"before change 1 silence",
		"after apdu 1 length",
		"after apdu 1 garbage 0",
		"after apdu 1 garbage 5000",
		"after apdu 1 slow",
		"after apdu 1 cut 600001",
		"after apdu 1 cut 5 5",
		"after apdu 1 silence soon",
	};
	struct fault fault;

	(void)state;
	for (size_t n = 0; n < sizeof lines / sizeof lines[0]; n++)
		assert_non_null(parse(&fault, lines[n]));
}

static void
the_nth_command_is_hit_once(void **state)
{
	struct faults *faults = armed("before apdu 3 cut");

	(void)state;
	for (int n = 1; n <= 6; n++) {
		faults_count_command(faults, (uint8_t)n);
		assert_null(faults_due(faults, FAULT_AFTER));
		assert_int_equal(faults_due(faults, FAULT_BEFORE) != NULL, n == 3);
		assert_null(faults_due(faults, FAULT_BEFORE));
		assert_int_equal(fault_armed(faults_at(faults, 0)), n < 3);
	}
	assert_int_equal(faults_at(faults, 0)->fired, 1);
	assert_int_equal(faults_at(faults, 0)->seen, 6);
	faults_free(&faults);
}

static void
only_commands_of_its_ins_count(void **state)
{
	struct faults *faults = armed("after ins 2A 2 every sw 6F00");
	static const uint8_t ins[] = { 0x2A, 0xB0, 0x2A, 0x2A, 0xB0, 0x2A };
	static const int hit[] = { 0, 0, 1, 0, 0, 1 };

	(void)state;
	for (size_t n = 0; n < sizeof ins; n++) {
		faults_count_command(faults, ins[n]);
		assert_int_equal(faults_due(faults, FAULT_AFTER) != NULL, hit[n]);
	}
	assert_int_equal(faults_fired(faults), 2);
	assert_true(fault_armed(faults_at(faults, 0)));
	faults_clear(faults);
	assert_null(faults_at(faults, 0));
	assert_int_equal(faults_fired(faults), 2);
	faults_free(&faults);
}

static void
only_changes_of_the_lasting_state_count(void **state)
{
	struct faults *faults = armed("before change 2 cut");

	(void)state;
	for (int n = 1; n <= 3; n++) {
		faults_count_command(faults, 0xD6);
		assert_null(faults_due(faults, FAULT_UNSTORED));
		faults_count_change(faults);
		assert_null(faults_due(faults, FAULT_BEFORE));
		assert_int_equal(faults_due(faults, FAULT_UNSTORED) != NULL, n == 2);
	}
	faults_free(&faults);
}

static void
a_fault_that_another_forestalled_does_not_hit_the_next_command(void **state)
{
	struct faults *faults = armed("after apdu 1 sw 6F00");

	(void)state;
	faults_count_command(faults, 0xA4); /* cut before its answer: nobody asks what is due after */
	faults_count_command(faults, 0xA4);
	assert_null(faults_due(faults, FAULT_AFTER));
	assert_int_equal(faults_fired(faults), 0);
	faults_free(&faults);
}

static void
faults_of_one_moment_come_in_the_order_they_were_armed(void **state)
{
	struct faults *faults = armed("after apdu 1 slow 5");
	struct fault fault;
	unsigned id;

	(void)state;
	assert_null(parse(&fault, "after apdu 1 cut"));
	assert_int_equal(faults_arm(faults, &fault, &id), 0);
	assert_int_equal(id, 2);
	faults_count_command(faults, 0);
	assert_int_equal(faults_due(faults, FAULT_AFTER)->effect, FAULT_SLOW);
	assert_int_equal(faults_due(faults, FAULT_AFTER)->effect, FAULT_CUT);
	assert_null(faults_due(faults, FAULT_AFTER));
	while (id < FAULTS_MAX)
		assert_int_equal(faults_arm(faults, &fault, &id), 0);
	assert_int_equal(faults_arm(faults, &fault, &id), MINT_BUSY);
	faults_clear(faults);
	assert_int_equal(faults_arm(faults, &fault, &id), 0);
	assert_int_equal(id, FAULTS_MAX + 1); /* a number never means another fault */
	faults_free(&faults);
}

static void
an_expectation_compares_what_it_names(void **state)
{
	const struct slot_status status = {
		.serial = "1", .connected = true, .commands = 17, .changes = 5, .generations = 2, .fired = 1,
	};
	static const struct { char words[3][16]; bool met; } rows[] = {
		{ { "commands", ">=", "17" }, true },  { { "commands", ">=", "18" }, false }, { { "commands", "<=", "17" }, true },
		{ { "commands", "=", "17" }, true },   { { "commands", "=", "16" }, false },  { { "changes", "=", "5" }, true },
		{ { "connected", "=", "1" }, true },   { { "present", "=", "1" }, true },     { { "present", "=", "0" }, false },
		{ { "generating", "=", "0" }, true },  { { "generations", "=", "2" }, true }, { { "fired", ">=", "1" }, true },
	};
	struct expectation expectation;

	(void)state;
	for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
		char *words[] = { (char *)rows[n].words[0], (char *)rows[n].words[1], (char *)rows[n].words[2] };

		assert_null(expect_parse(&expectation, words));
		assert_int_equal(expect_met(&expectation, &status), rows[n].met);
	}
}

static void
an_expectation_that_cannot_be_is_refused(void **state)
{
	static const char rows[][3][24] = {
		{ "command", "=", "1" }, { "commands", "==", "1" }, { "commands", "=", "" }, { "commands", "=", "-1" },
		{ "commands", "=", "1x" }, { "commands", "=", "99999999999999999999999" },
	};
	struct expectation expectation;

	(void)state;
	for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
		char *words[] = { (char *)rows[n][0], (char *)rows[n][1], (char *)rows[n][2] };

		assert_non_null(expect_parse(&expectation, words));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_is_written_as_it_is_read),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(the_nth_command_is_hit_once),
		cmocka_unit_test(only_commands_of_its_ins_count),
		cmocka_unit_test(only_changes_of_the_lasting_state_count),
		cmocka_unit_test(a_fault_that_another_forestalled_does_not_hit_the_next_command),
		cmocka_unit_test(faults_of_one_moment_come_in_the_order_they_were_armed),
		cmocka_unit_test(an_expectation_compares_what_it_names),
		cmocka_unit_test(an_expectation_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
