/* Model profiles: what is read, and that a bad one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/base/model.h"
#include "schemas/errors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOOD \
	"atr = { \"3B 00 11\" }\n" \
	"code user-pin { length = 6 }\n" \
	"key p256 { timeout_ms = 1000 }\n"

static const uint8_t myeid_atr[] = {
	0x3B, 0xF5, 0x18, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0x4D, 0x79, 0x45, 0x49, 0x44, 0x9A,
};

static struct model *
parse(const char *text)
{
	struct model *model = NULL;

	assert_int_equal(model_parse("/somewhere/card.conf", text, strlen(text), &model), 0);
	return model;
}

static void
profile_of_the_virtual_token_is_found_by_its_atr(void **state)
{
	struct models *models = NULL;
	const struct model *model;

	(void)state;
	assert_int_equal(models_read("data/models", &models), 0);
	model = models_by_atr(models, myeid_atr, sizeof myeid_atr);
	assert_non_null(model);
	assert_string_equal(model->name, "myeid");
	assert_int_equal(model->initialise.count, 2);
	assert_int_equal(model->initialise.list[1].apdu_count, 3);
	assert_true(model_initialise_makes_key(model, "p256"));
	assert_string_equal(model->profiles, "data/models/pkcs15");
	assert_int_equal(model->codes[CODE_SO_PUK].length, 8);
	assert_int_equal(model->probe.lifecycle_tag, 0x8A);
	assert_int_equal(model->probe.select.length, 18);
	assert_int_equal(model->probe.blank_count, 1);
	assert_int_equal(model_key(model, "rsa2048")->timeout_ms, 150000);
	assert_null(model_key(model, "rsa1024"));
	assert_null(models_by_atr(models, myeid_atr, sizeof myeid_atr - 1));
	models_free(&models);
	assert_int_equal(models_read("data/nowhere", &models), MINT_NOT_FOUND);
}

static void
mask_says_which_bits_of_an_atr_must_agree(void **state)
{
	struct model *wide = parse("atr = { \"3B 00 11/FF FF F0\" }\ncode user-pin {}\nkey p256 {}\n");
	struct model *narrow = parse(GOOD);
	struct model *list[] = { wide, narrow };
	struct models models = { list, 2 };
	const uint8_t same[] = { 0x3B, 0x00, 0x11 }, near[] = { 0x3B, 0x00, 0x12 }, far[] = { 0x3B, 0x00, 0x21 };

	(void)state;
	assert_ptr_equal(models_by_atr(&models, same, 3), narrow);
	assert_ptr_equal(models_by_atr(&models, near, 3), wide);
	assert_null(models_by_atr(&models, far, 3));
	model_free(&wide);
	model_free(&narrow);
}

static void
codes_become_references_and_never_text(void **state)
{
	static const char *const names[] = { "<so-pin>", "<so-puk>", "<user-pin>", "<user-puk>" };
	static const char *const references[] = { "env:MINT_SO_PIN", "env:MINT_SO_PUK", "env:MINT_USER_PIN", "env:MINT_USER_PUK" };
	char *text;

	(void)state;
	for (int i = 0; i < CODES; i++) {
		text = model_expand(names[i], &(struct model_texts){ "L", "R", "S", "K", "45", "P" });
		assert_string_equal(text, references[i]);
		free(text);
	}
	text = model_expand("a<label>b<serial><reader>c<key-id><key><profile>", &(struct model_texts){ "L<serial>", "R", "S", "K", "45", "P" });
	assert_string_equal(text, "aL<serial>bSRc45KP");
	free(text);
}

static void
token_of_a_module_is_known_by_what_the_module_says(void **state)
{
	struct models *models = NULL;
	const struct model *model;

	(void)state;
	assert_int_equal(models_read("data/models", &models), 0);
	model = models_by_token(models, "SoftHSM project", "SoftHSM v2");
	assert_non_null(model);
	assert_string_equal(model->name, "softhsm");
	assert_ptr_equal(models_by_name(models, "softhsm"), model);
	assert_null(models_by_token(models, "SoftHSM project", "SoftHSM v3"));
	assert_null(models_by_token(models, "", ""));
	assert_null(models_by_name(models, "no such"));
	assert_int_equal(model->initialise.list[0].call, CALL_INIT_TOKEN);
	assert_int_equal(model_unblock(model, CODE_USER_PIN)->call, CALL_INIT_PIN);
	assert_null(model_unblock(model, CODE_SO_PIN));
	assert_null(models_by_atr(models, (const uint8_t *)"", 0));
	model = models_by_application(models, NULL);
	assert_non_null(model);
	assert_string_equal(model->name, "isoapplet");
	assert_null(models_by_application(models, model));
	models_free(&models);
}

static void
timeouts_of_key_generation_follow_the_models_own_law(void **state)
{
	struct model *model = parse("atr = { \"3B 00\" }\ncode user-pin {}\nkey rsa2048 { mean_ms = 23000 }\nkey p256 { mean_ms = 100 }\n"
	    "key p384 { mean_ms = 23000 timeout_ms = 5000 }\nkey rsa4096 { sign = { \"RSA_PKCS\", \"SHA256_RSA_PKCS\" } }\n");

	(void)state;
	assert_int_equal(model_key(model, "rsa2048")->timeout_ms, 138000);
	assert_int_equal(model_key(model, "p256")->timeout_ms, 60000);
	assert_int_equal(model_key(model, "p384")->timeout_ms, 5000);
	assert_int_equal(model_key(model, "rsa4096")->timeout_ms, 60000);
	assert_string_equal(model_key(model, "rsa4096")->signatures[1], "SHA256_RSA_PKCS");
	assert_null(model_key(model, "p256")->signatures);
	model_free(&model);
}

static void
code_rules_prompts_and_factory_codes_are_read(void **state)
{
	struct model *model = parse("atr = { \"3B 00\" }\ncode user-pin { length = 6 }\n"
	    "code so-puk { length = 16 alphabet = \"0123456789abcdef\" factory = \"00000000\" }\nkey p256 {}\n"
	    "erase all { run = { \"pkcs15-init\", \"-E\" } prompt \"PUK\" { answer = \"<so-puk>\" } }\n");

	(void)state;
	assert_string_equal(model->codes[CODE_USER_PIN].alphabet, "0123456789");
	assert_string_equal(model->codes[CODE_SO_PUK].alphabet, "0123456789abcdef");
	assert_string_equal(model->codes[CODE_SO_PUK].factory, "00000000");
	assert_int_equal(model->codes[CODE_SO_PIN].length, 0);
	assert_int_equal(model->erase.list[0].prompt_count, 1);
	assert_int_equal(model->erase.list[0].prompts[0].answer, CODE_SO_PUK);
	model_free(&model);
}

/* Reads `text` with standard error in a file; returns what was said. */
static char *
complaint(const char *text)
{
	static char said[1024];
	char path[] = "/tmp/test-model-XXXXXX";
	int file = mkstemp(path), kept = dup(STDERR_FILENO);
	struct model *model = NULL;
	ssize_t got;

	assert_true(file >= 0 && kept >= 0);
	dup2(file, STDERR_FILENO);
	assert_int_equal(model_parse("card.conf", text, strlen(text), &model), MINT_CONFIG);
	dup2(kept, STDERR_FILENO);
	close(kept);
	got = pread(file, said, sizeof said - 1, 0);
	said[got > 0 ? got : 0] = '\0';
	close(file);
	unlink(path);
	assert_null(model);
	return said;
}

static void
bad_profile_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{ GOOD "colour = \"red\"\n", "card.conf:4: no such option 'colour'" },
		{ "atr = { \"3B 0\" }\n", "card.conf:1: atr" },
		{ "atr = { \"3B 00/FF\" }\n", "card.conf:1: atr" },
		{ GOOD "\n\ninitialise a { run = { \"sh\", \"-c\", \"reboot\" } }\n", "card.conf:6: run: \"sh\"" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--so-pin\", \"123456\" } }\n", "card.conf:4: run: --so-pin takes a code" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--pin\", \"<label>\" } }\n", "card.conf:4: run: --pin takes a code" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"<colour>\" } }\n", "card.conf:4: run: \"<colour>\"" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"x<so-pin>\" } }\n", "card.conf:4: run: \"x<so-pin>\"" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--pin\" } }\n", "card.conf:4: run: is empty, or ends where a code should follow" },
		{ GOOD "initialise a { run = { } }\n", "card.conf:4: run: is empty" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--pin=123456\" } }\n", "card.conf:4: run: \"--pin=12…\" holds a code" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--so-pin\", \"<so-pin>\" } }\n",
		  "card.conf:4: initialise: takes <so-pin>, which this model does not have" },
		{ GOOD "initialise a { call = \"C_InitToken\" }\n", "card.conf:4: initialise: takes <so-pin>, which" },
		{ GOOD "code so-pin { }\nerase a { call = \"C_InitPIN\" }\n", "card.conf:5: call: \"C_InitPIN\" is not called here" },
		{ GOOD "code so-pin { }\nunblock user-pin { call = \"C_InitToken\" }\n", "card.conf:5: call: \"C_InitToken\" is not called here" },
		{ GOOD "code so-pin { }\ninitialise a { call = \"C_Destroy\" }\n", "card.conf:5: call: \"C_Destroy\" is not called here" },
		{ GOOD "code so-pin { }\ninitialise a { call = \"C_InitToken\"\n run = { \"pkcs15-init\" } }\n", "card.conf:5: call: stands beside `run`" },
		{ GOOD "erase a { run = { \"pkcs15-init\" }\n prompt \"PIN\" { answer = \"1234\" } }\n", "card.conf:5: prompt: answer: is \"1234\"" },
		{ GOOD "erase a { run = { \"pkcs15-init\" }\n prompt \"PIN\" { answer = \"<so-pin>\" } }\n", "card.conf:4: erase: takes <so-pin>" },
		{ GOOD "unblock label { run = { \"pkcs15-tool\" } }\n", "card.conf:4: unblock: \"label\" cannot be unblocked" },
		{ GOOD "key dsa1024 { }\n", "card.conf:4: key: \"dsa1024\" is no key type" },
		{ GOOD "key rsa2048 { mean_ms = 0 }\n", "card.conf:4: mean_ms: is 0" },
		{ GOOD "code so-pin { factory = \"12 34\" }\n", "card.conf:4: factory: ' ' is neither" },
		{ GOOD "code so-pin { factory = \"12345678901234567\" }\n", "card.conf:4: factory: is longer than 16" },
		{ GOOD "code so-pin { alphabet = \"0123\" }\n", "card.conf:4: alphabet: has fewer" },
		{ "by_application = true\ncode user-pin { }\nkey p256 { }\n", "card.conf:1: by_application: the card is known" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"--so-pi\", \"123456\" } }\n", "card.conf:4: run: \"--so-pi…\" holds a code" },
		{ GOOD "initialise a { run = { \"pkcs15-init\", \"-vvv\" } }\n", "card.conf:4: run: -vvv is not for a profile" },
		{ GOOD "token { blank_label = \"*\" }\n", "card.conf:4: blank_label: \"*\" would fit too much" },
		{ GOOD "code so-pin { }\nerase a { call = \"C_InitToken\" }\n", "card.conf:5: erase: C_InitToken erases only as a part" },
		{ GOOD "certificate_max = 10\n", "card.conf:4: certificate_max: is 10" },
		{ GOOD "probe { user_tries = \"00 20\" }\n", "card.conf:4: user_tries: \"00 20\" is no command APDU" },
		{ "token { serial = yes }\ncode user-pin { }\nkey p256 { }\n", "card.conf: atr: is missing" },
		{ GOOD "initialise a { }\ninitialise a { }\n", "card.conf:5: found duplicate title 'a'" },
		{ GOOD "code user-pin { length = 3 }\n", "card.conf:4: " },
		{ GOOD "code other { length = 8 }\n", "card.conf:4: code: \"other\" is none of so-pin" },
		{ GOOD "alphabet = \"01234567899\"\n", "card.conf:4: alphabet" },
		{ GOOD "alphabet = \"0123456789 \"\n", "card.conf:4: alphabet" },
		{ GOOD "alphabet = \"012345678\"\n", "card.conf:4: alphabet" },
		{ GOOD "probe { select = \"00 A4\" }\n", "card.conf:4: select" },
		{ GOOD "probe { blank = { \"00 A4 00 00\", \"xy\" } }\n", "card.conf:4: blank" },
		{ GOOD "probe { serial = \"00 CA 01 A0 00\" }\n", "card.conf:4: probe: serial_length: is missing" },
		{ GOOD "step_timeout_ms = 0\n", "card.conf:4: step_timeout_ms: is 0" },
		{ "code user-pin { }\nkey p256 { }\n", "atr: is missing" },
		{ "atr = { \"3B 00\" }\nkey p256 { }\n", "code \"user-pin\": is missing" },
		{ "atr = { \"3B 00\" }\ncode user-pin { }\n", "key: is missing" },
		{ "", "card.conf: atr: is missing: give the answers" },
		/* what the reader of all configuration files refuses */
		{ "# one\n/* two\n*/\n" GOOD "colour = \"red\"\n", "card.conf:7: no such option 'colour': mend the profile" },
		{ "atr = { # one\n \"3B 00\", # two\n \"3B 0\" }\n", "card.conf:3: atr: \"3B 0\" is not valid" },
		{ GOOD "key rsa2048 {\n timeout_ms = 1000\n", "card.conf:4: key: a brace is not closed" },
		{ GOOD "driver = \"a\"\ndriver = \"b\"\n", "card.conf:5: driver: has a value already at line 4" },
		{ GOOD "probe { lifecycle_tag = 1 }\nprobe { lifecycle_tag = 2 }\n", "card.conf:5: probe: is a section already at line 4" },
		{ GOOD "\ndriver = \"${HOME}\"\n", "card.conf:5: holds ${…}" },
		{ GOOD "driver = \"\xff\"\n", "card.conf:4: is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *said = complaint(bad[i].text);

		if (!strstr(said, bad[i].said))
			fail_msg("row %zu: expected \"%s\", it said \"%s\"", i, bad[i].said, said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_of_the_virtual_token_is_found_by_its_atr),
		cmocka_unit_test(mask_says_which_bits_of_an_atr_must_agree),
		cmocka_unit_test(codes_become_references_and_never_text),
		cmocka_unit_test(token_of_a_module_is_known_by_what_the_module_says),
		cmocka_unit_test(timeouts_of_key_generation_follow_the_models_own_law),
		cmocka_unit_test(code_rules_prompts_and_factory_codes_are_read),
		cmocka_unit_test(bad_profile_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
