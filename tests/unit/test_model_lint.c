/* mintctl token model check: what a profile that reads well still lacks. */
#include "schemas/errors.h"
#include "tools/mintctl/model_lint.h"
#include "tools/mintctl/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Nothing is missing in this one. */
#define ATR "atr = { \"3B 00 11 22\" }\n"
#define DRIVER "driver = \"myeid\"\n"
#define SERIAL "serial = \"00 CA 01 A0 00\" serial_length = 8 "
#define TRIES "user_tries = \"00 20 00 01\" "
#define BLANK "blank = { \"00 A4 08 00 02 50 15\" } "
#define CODES_SECTION "code user-pin { length = 8 }\ncode user-puk { length = 8 }\n"
#define KEY "key rsa2048 { mean_ms = 5000 }\nkey p256 {}\n"
#define CREATE "initialise create { run = { \"pkcs15-init\", \"-C\", \"--pin\", \"<user-pin>\", \"--puk\", \"<user-puk>\", \"--label\", \"<label>\" } }\n"
#define ERASE "erase all { run = { \"pkcs15-init\", \"-E\" } }\n"
#define UNBLOCK "unblock user-pin { run = { \"pkcs15-tool\", \"--unblock-pin\", \"--puk\", \"<user-puk>\" } }\n"
#define PROBE(inside) "probe { " inside "}\n"
#define WHOLE_PROBE PROBE(SERIAL TRIES BLANK)

static struct model *
parse(const char *text)
{
	struct model *model = NULL;

	assert_int_equal(model_parse("/somewhere/card.conf", text, strlen(text), &model), 0);
	return model;
}

/* "NO_ERASE NO_UNBLOCK:user-pin …" */
static void
names_of(const struct lint *lint, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < lint->count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", used ? " " : "", lint_name(lint->list[i].rule),
		    lint->list[i].argument[0] ? ":" : "", lint->list[i].argument);
}

static void
each_thing_that_is_missing_is_found(void **state)
{
	static const struct {
		const char *found, *text;
	} rows[] = {
		{ "", ATR DRIVER WHOLE_PROBE CODES_SECTION KEY CREATE ERASE UNBLOCK },
		{ "NO_INITIALISE", ATR DRIVER WHOLE_PROBE CODES_SECTION KEY ERASE UNBLOCK },
		{ "NO_ERASE", ATR DRIVER WHOLE_PROBE CODES_SECTION KEY CREATE UNBLOCK },
		{ "NO_UNBLOCK", ATR DRIVER WHOLE_PROBE CODES_SECTION KEY CREATE ERASE },
		{ "BLANK_UNKNOWN", ATR DRIVER PROBE(SERIAL TRIES) CODES_SECTION KEY CREATE ERASE UNBLOCK },
		{ "", ATR DRIVER PROBE(SERIAL TRIES) "token { model = \"T\" }\n" CODES_SECTION KEY CREATE ERASE UNBLOCK },
		{ "NO_SERIAL NO_TRIES", ATR DRIVER PROBE(BLANK) CODES_SECTION KEY CREATE ERASE UNBLOCK },
		{ "NO_DRIVER", ATR WHOLE_PROBE CODES_SECTION KEY CREATE ERASE UNBLOCK },
		{ "CODE_NOT_GIVEN:so-pin CODE_NOT_GIVEN:so-puk",
		    ATR DRIVER WHOLE_PROBE CODES_SECTION "code so-pin {}\ncode so-puk {}\n" KEY CREATE ERASE UNBLOCK },
		{ "CODE_NOT_GIVEN:user-pin NO_LABEL NO_ERASE",
		    ATR DRIVER WHOLE_PROBE "code user-pin {}\n" KEY "initialise create { run = { \"pkcs15-init\", \"-C\" } }\n" },
		{ "CODE_NOT_GIVEN:user-pin NO_SERIAL", "token { model = \"T\" }\ncode user-pin {}\ncode so-pin {}\n" KEY
		    "initialise token { call = \"C_InitToken\" }\nerase token { call = \"C_InitToken\" }\n" },
		{ "HALF_UNKNOWN", ATR DRIVER WHOLE_PROBE CODES_SECTION KEY CREATE "initialise finish { run = { \"pkcs15-init\", \"-F\" } }\n" ERASE
		    UNBLOCK },
		{ "SIGN_UNKNOWN:ECDSA (key rsa2048) SIGN_UNKNOWN:SHA1_RSA_PKCS (key rsa2048)",
		    ATR DRIVER WHOLE_PROBE CODES_SECTION "key rsa2048 { sign = { \"ECDSA\", \"SHA1_RSA_PKCS\", \"RSA_PKCS\" } }\n" CREATE ERASE UNBLOCK },
		{ "SIGN_UNKNOWN:ECDSA_SHA256 (key p384)",
		    ATR DRIVER WHOLE_PROBE CODES_SECTION "key p384 { sign = { \"ECDSA\", \"ECDSA_SHA256\" } }\n" CREATE ERASE UNBLOCK },
		{ "TIMEOUT_SHORT:key rsa2048", ATR DRIVER WHOLE_PROBE CODES_SECTION "key rsa2048 { timeout_ms = 3000 }\n" CREATE ERASE UNBLOCK },
		{ "TIMEOUT_LONG:key rsa4096", ATR DRIVER WHOLE_PROBE CODES_SECTION "key rsa4096 { mean_ms = 500000 }\n" CREATE ERASE UNBLOCK },
		{ "TIMEOUT_SHORT:step_timeout_ms TIMEOUT_SHORT:erase all", ATR DRIVER "step_timeout_ms = 200\n" WHOLE_PROBE CODES_SECTION KEY CREATE
		    "erase all { run = { \"pkcs15-init\", \"-E\" } timeout_ms = 500 }\n" UNBLOCK },
		{ "MODULE_MISSING:/nowhere/vendor.so", ATR DRIVER "module = \"/nowhere/vendor.so\"\n" WHOLE_PROBE CODES_SECTION KEY CREATE ERASE
		    UNBLOCK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct model *model = parse(rows[i].text);
		struct lint lint;
		char names[1024];

		lint_model(model, NULL, &lint);
		names_of(&lint, names, sizeof names);
		assert_string_equal(names, rows[i].found);
		model_free(&model);
	}
}

static void
profiles_that_claim_the_same_token_are_found(void **state)
{
	static const struct {
		const char *found, *one, *other;
	} rows[] = {
		{ "SAME_ATR:other", "atr = { \"3B 00 11\" }\n", "atr = { \"3B 7F\", \"3B 00 11\" }\n" },
		{ "SAME_ATR:other", "atr = { \"3B 00 11/FF FF F0\" }\n", "atr = { \"3B 00 11/FF F0 FF\" }\n" },
		{ "NEAR_ATR:other", "atr = { \"3B 00 11\" }\n", "atr = { \"3B 00 11/FF FF F0\" }\n" },
		{ "", "atr = { \"3B 00 11\" }\n", "atr = { \"3B 00 12\" }\n" },
		{ "", "atr = { \"3B 00 11\" }\n", "atr = { \"3B 00\" }\n" },
		{ "SAME_TOKEN:other", "token { model = \"T\" }\n", "token { model = \"T\" }\n" },
		{ "", "token { model = \"T\" }\n", "token { model = \"U\" }\n" },
		{ "SAME_APPLICATION:other", "by_application = true\n" PROBE("select = \"00 A4 04 00\" "),
		    "by_application = true\n" PROBE("select = \"00 A4 04 00\" ") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[2][1024], names[1024], *begin = names;
		struct model *model, *other = NULL, *list[2];
		struct models models = { list, 2 };
		struct lint lint, alone;

		snprintf(text[0], sizeof text[0], "%s%s", rows[i].one, CODES_SECTION KEY CREATE);
		snprintf(text[1], sizeof text[1], "%s%s", rows[i].other, CODES_SECTION KEY CREATE);
		list[0] = model = parse(text[0]);
		assert_int_equal(model_parse("/somewhere/other.conf", text[1], strlen(text[1]), &other), 0);
		list[1] = other;
		lint_model(model, NULL, &alone);
		lint_model(model, &models, &lint);
		names_of(&alone, names, sizeof names);
		begin += strlen(names);
		names_of(&lint, names, sizeof names);
		assert_string_equal(*begin == ' ' ? begin + 1 : begin, rows[i].found);
		model_free(&model);
		model_free(&other);
	}
}

static void
profiles_that_ship_have_no_errors(void **state)
{
	struct models *models = NULL;

	(void)state;
	assert_int_equal(models_read("data/models", &models), 0);
	for (size_t i = 0; i < models->count; i++) {
		struct lint lint;

		lint_model(models->list[i], models, &lint);
		assert_false(lint_has_errors(&lint));
	}
	models_free(&models);
}

static void
words_name_what_is_at_fault_in_both_languages(void **state)
{
	const struct lint_finding finding = { LINT_CODE_NOT_GIVEN, "so-puk" };
	char what[LINT_TEXT_BYTES], next[LINT_TEXT_BYTES];
	json_t *json = lint_json(&finding);

	(void)state;
	screen_open("en");
	lint_words(&finding, what, next);
	assert_non_null(strstr(what, "so-puk is never given"));
	assert_non_null(strstr(next, "take `code so-puk` out"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(json, "do"), "en")), next);
	assert_string_equal(json_string_value(json_object_get(json, "weight")), "error");
	screen_open("zh");
	lint_words(&finding, what, next);
	assert_non_null(strstr(what, "设置 so-puk"));
	for (enum lint_rule rule = 0; rule < LINT_RULES; rule++)
		assert_non_null(lint_name(rule));
	screen_open("en");
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thing_that_is_missing_is_found),
		cmocka_unit_test(profiles_that_claim_the_same_token_are_found),
		cmocka_unit_test(profiles_that_ship_have_no_errors),
		cmocka_unit_test(words_name_what_is_at_fault_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
