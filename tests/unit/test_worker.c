/* The parts of mint-worker that need no token: codes, envelopes, opensc.conf, the child program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/base/clock.h"
#include "hostd/worker/child.h"
#include "hostd/worker/codes.h"
#include "hostd/worker/envelope.h"
#include "hostd/worker/opensc_conf.h"
#include "schemas/errors.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const uint8_t station_key[CODES_KEY_BYTES] = { 1, 2, 3 };

static struct model *
a_model(const char *alphabet)
{
	char text[512];
	struct model *model = NULL;

	snprintf(text, sizeof text,
	    "atr = { \"3B 00\" }\nkey p256 {}\nalphabet = \"%s\"\n"
	    "code so-pin { length = 8 }\ncode user-pin { length = 6 }\ncode user-puk { length = 16 }\n", alphabet);
	assert_int_equal(model_parse("test.conf", text, strlen(text), &model), 0);
	return model;
}

static void
codes_follow_the_rules_of_the_model_and_differ(void **state)
{
	struct model *model = a_model("abcdefghjk");
	struct codes first, second;

	(void)state;
	assert_int_equal(codes_make(model, &first), 0);
	assert_int_equal(codes_make(model, &second), 0);
	assert_int_equal(strlen(first.text[CODE_SO_PIN]), 8);
	assert_int_equal(strlen(first.text[CODE_USER_PIN]), 6);
	assert_int_equal(strlen(first.text[CODE_USER_PUK]), 16);
	assert_string_equal(first.text[CODE_SO_PUK], "");
	for (int code = 0; code < CODES; code++)
		assert_int_equal(strspn(first.text[code], "abcdefghjk"), strlen(first.text[code]));
	assert_string_not_equal(first.text[CODE_USER_PUK], second.text[CODE_USER_PUK]);
	model_free(&model);
}

/* Every character equally likely: 62 letters and digits in 80000 draws, each within six standard deviations. */
static void
codes_are_drawn_evenly(void **state)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct model *model = a_model(alphabet);
	unsigned seen[128] = { 0 };
	struct codes codes;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(codes_make(model, &codes), 0);
		for (const char *c = codes.text[CODE_USER_PUK]; *c; c++)
			seen[(unsigned char)*c]++;
	}
	for (const char *c = alphabet; *c; c++)
		assert_in_range(seen[(unsigned char)*c], 1290 - 216, 1290 + 216);
	model_free(&model);
}

static void
sealed_codes_open_with_the_same_key_and_serial_only(void **state)
{
	struct model *model = a_model("0123456789");
	uint8_t sealed[CODES_SEALED_MAX], other_key[CODES_KEY_BYTES] = { 9 };
	struct codes codes, opened;
	size_t length;

	(void)state;
	assert_int_equal(codes_make(model, &codes), 0);
	assert_int_equal(codes_seal(&codes, station_key, "0001", sealed, &length), 0);
	assert_int_equal(codes_open(&opened, station_key, "0001", sealed, length), 0);
	assert_memory_equal(&opened, &codes, sizeof codes);
	assert_null(memmem(sealed, length, codes.text[CODE_USER_PUK], 6));
	assert_int_equal(codes_open(&opened, other_key, "0001", sealed, length), MINT_CRYPTO);
	assert_int_equal(codes_open(&opened, station_key, "0002", sealed, length), MINT_CRYPTO);
	assert_string_equal(opened.text[CODE_USER_PIN], "");
	for (size_t i = 0; i < length; i++) {
		sealed[i] ^= 1;
		assert_int_equal(codes_open(&opened, station_key, "0001", sealed, length), MINT_CRYPTO);
		sealed[i] ^= 1;
		assert_int_equal(codes_open(&opened, station_key, "0001", sealed, i), MINT_CRYPTO);
	}
	model_free(&model);
}

static void
station_key_of_another_length_is_refused(void **state)
{
	char path[] = "/tmp/test-worker-XXXXXX";
	uint8_t key[CODES_KEY_BYTES], data[CODES_KEY_BYTES + 1] = { 7 };
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(codes_read_key("/nonexistent", key), MINT_CONFIG);
	assert_int_equal(write(fd, data, CODES_KEY_BYTES - 1), CODES_KEY_BYTES - 1);
	assert_int_equal(codes_read_key(path, key), MINT_CONFIG);
	assert_int_equal(write(fd, data, 1), 1);
	assert_int_equal(codes_read_key(path, key), 0);
	assert_memory_equal(key, data, 1);
	assert_int_equal(write(fd, data, 1), 1);
	assert_int_equal(codes_read_key(path, key), MINT_CONFIG);
	close(fd);
	unlink(path);
}

/* --- envelopes */

struct office {
	EVP_PKEY *key;
	X509     *certificate;
	char      path[32];
};

static void
office_open(struct office *office, EVP_PKEY *key, long valid_s)
{
	FILE *file;

	snprintf(office->path, sizeof office->path, "/tmp/test-worker-XXXXXX");
	office->key = key;
	office->certificate = X509_new();
	X509_set_version(office->certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(office->certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(office->certificate), valid_s);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(office->certificate), "CN", MBSTRING_UTF8, (const uint8_t *)"office", -1, -1, 0);
	X509_set_issuer_name(office->certificate, X509_get_subject_name(office->certificate));
	ASN1_INTEGER_set(X509_get_serialNumber(office->certificate), 17);
	X509_set_pubkey(office->certificate, key);
	assert_true(X509_sign(office->certificate, key, EVP_sha256()) > 0);
	file = fdopen(mkstemp(office->path), "w");
	assert_int_equal(PEM_write_X509(file, office->certificate), 1);
	fclose(file);
}

static void
office_close(struct office *office)
{
	unlink(office->path);
	X509_free(office->certificate);
	EVP_PKEY_free(office->key);
}

/* What the office reads in it. */
static void
read_envelope(const struct office *office, const uint8_t *der, size_t length, char *text, size_t size)
{
	const uint8_t *at = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
	BIO *out = BIO_new(BIO_s_mem());
	int got;

	assert_non_null(cms);
	assert_int_equal(CMS_decrypt(cms, office->key, office->certificate, NULL, out, 0), 1);
	got = BIO_read(out, text, (int)size - 1);
	text[got > 0 ? got : 0] = '\0';
	BIO_free(out);
	CMS_ContentInfo_free(cms);
}

static const struct codes known = { { "11111111", "22222222", "333333", "4444444444444444" } };
static const struct envelope_token token = { "myeid", "00FF", "MB-00000001" };

static void
envelope_opens_at_the_office(EVP_PKEY *key)
{
	struct office office = { .key = NULL };
	uint8_t *der = NULL;
	size_t length;
	char text[512];

	office_open(&office, key, 86400);
	assert_int_equal(envelope_make(office.path, &token, &known, ENVELOPE_USER | ENVELOPE_SO, &der, &length), 0);
	assert_null(memmem(der, length, "333333", 6));
	read_envelope(&office, der, length, text, sizeof text);
	assert_string_equal(text,
	    "{\"version\":1,\"model\":\"myeid\",\"serial\":\"00FF\",\"label\":\"MB-00000001\",\"user-pin\":\"333333\","
	    "\"user-puk\":\"4444444444444444\",\"so-pin\":\"11111111\",\"so-puk\":\"22222222\"}\n");
	OPENSSL_free(der);
	assert_int_equal(envelope_make(office.path, &token, &known, ENVELOPE_SO, &der, &length), 0);
	read_envelope(&office, der, length, text, sizeof text);
	assert_non_null(strstr(text, "so-pin"));
	assert_null(strstr(text, "user-pin"));
	OPENSSL_free(der);
	office_close(&office);
}

/* 1 when the object identifier stands in the DER. */
static int
names_algorithm(const uint8_t *der, size_t length, int nid)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(nid);

	return memmem(der, length, OBJ_get0_data(object), OBJ_length(object)) != NULL;
}

static void
envelope_is_authenticated_and_nothing_in_it_rests_on_old_algorithms(void **state)
{
	static const struct {
		int rsa, nid;
	} rows[] = { { 1, NID_rsaesOaep }, { 0, NID_dhSinglePass_stdDH_sha256kdf_scheme } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct office office = { .key = NULL };
		uint8_t *der = NULL;
		size_t length;

		office_open(&office, rows[i].rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), 86400);
		assert_int_equal(envelope_make(office.path, &token, &known, ENVELOPE_USER, &der, &length), 0);
		assert_true(names_algorithm(der, length, NID_id_smime_ct_authEnvelopedData));
		assert_true(names_algorithm(der, length, NID_aes_256_gcm));
		assert_true(names_algorithm(der, length, rows[i].nid));
		assert_false(names_algorithm(der, length, NID_sha1));
		OPENSSL_free(der);
		office_close(&office);
	}
}

/* In the ciphertext and in the tag, which are the last of it. */
static void
envelope_with_a_changed_bit_does_not_open(void **state)
{
	struct office office = { .key = NULL };
	uint8_t *der = NULL;
	size_t length;

	(void)state;
	office_open(&office, EVP_EC_gen("P-256"), 86400);
	assert_int_equal(envelope_make(office.path, &token, &known, ENVELOPE_USER, &der, &length), 0);
	for (size_t i = length - 60; i < length; i++) {
		const uint8_t *at = der;
		CMS_ContentInfo *cms;
		BIO *out = BIO_new(BIO_s_mem());

		der[i] ^= 1;
		cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
		assert_true(!cms || CMS_decrypt(cms, office.key, office.certificate, NULL, out, 0) != 1);
		der[i] ^= 1;
		BIO_free(out);
		CMS_ContentInfo_free(cms);
	}
	OPENSSL_free(der);
	office_close(&office);
}

static void
envelope_opens_with_an_rsa_and_with_an_ec_key_of_the_office(void **state)
{
	(void)state;
	envelope_opens_at_the_office(EVP_RSA_gen(2048));
	envelope_opens_at_the_office(EVP_EC_gen("P-256"));
}

static void
envelope_is_not_made_for_an_expired_office_or_a_name_json_would_misread(void **state)
{
	const struct envelope_token odd = { "myeid", "00FF\",\"user-pin\":\"0", "MB-00000001" };
	struct office office = { .key = NULL };
	uint8_t *der = NULL;
	size_t length;

	(void)state;
	office_open(&office, EVP_EC_gen("P-256"), -3600);
	assert_int_equal(envelope_make(office.path, &token, &known, ENVELOPE_USER, &der, &length), MINT_CONFIG);
	office_close(&office);
	office_open(&office, EVP_EC_gen("P-256"), 3600);
	assert_int_equal(envelope_make(office.path, &odd, &known, ENVELOPE_USER, &der, &length), MINT_FIELD);
	office_close(&office);
	assert_int_equal(envelope_make("/nonexistent.pem", &token, &known, ENVELOPE_USER, &der, &length), MINT_CONFIG);
	assert_null(der);
}

/* --- opensc.conf */

static void
every_other_reader_is_ignored_and_ours_is_not(void **state)
{
	static const char names[] = "Bench 00 00 00\0Bench 00 00 01\0Other\0";
	char *text = NULL;

	(void)state;
	assert_int_equal(opensc_conf_text("Bench 00 00 01", names, &(struct opensc_choice){ "myeid", "/p" }, &text), 0);
	assert_non_null(strstr(text, "\tignored_readers = \"Bench 00 00 00\", \"Other\", "));
	assert_non_null(strstr(text, "\tcard_drivers = myeid;\n"));
	assert_non_null(strstr(text, "disconnect_action = reset;"));
	assert_null(strstr(text, "Bench 00 00 01"));
	for (const char *c = text; (c = strchr(c, '=')); c++)
		assert_true(c[-1] == ' ' && c[1] == ' ');
	free(text);
	assert_int_equal(opensc_conf_text("Only", "Only\0", NULL, &text), 0);
	assert_null(strstr(text, "ignored_readers"));
	assert_null(strstr(text, "card_drivers"));
	free(text);
}

/* By the ends of their names: a token with a reader of its own may come when the list has been read. */
static void
readers_that_come_later_are_ignored_and_ours_is_not(void **state)
{
	static const char names[] = "Vendor 02 Reader [CCID] (1-1.3) 0A 00\0";
	const char *ours = names;
	char *text = NULL, part[16];

	(void)state;
	assert_int_equal(opensc_conf_text(ours, names, NULL, &text), 0);
	for (unsigned place = 0; place < 16; place++) {
		snprintf(part, sizeof part, "\" %02X 0\"", place);
		assert_int_equal(strstr(text, part) != NULL, place != 0x0A);
	}
	free(text);
}

static void
reader_that_cannot_be_shown_alone_is_refused(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(opensc_conf_text("Bench 1", "Bench 2\0", NULL, &text), MINT_READER);
	assert_int_equal(opensc_conf_text("Bench 10", "Bench 1\0Bench 10\0", NULL, &text), MINT_READER);
	assert_int_equal(opensc_conf_text("Bench 1", "Bench 1\0Bench 10\0", NULL, &text), 0);
	free(text);
	assert_int_equal(opensc_conf_text("A", "A\0B\"; debug = 9; x = \"\0", NULL, &text), MINT_READER);
	assert_null(text);
}

/* --- the child */

static int
run_shell(const char *script, int timeout_ms, char *said, size_t size)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };
	const struct child_order order = { .arguments = arguments, .codes = &known, .timeout_ms = timeout_ms };

	return child_run(&order, said, size);
}

static void
child_gets_codes_by_environment_and_nothing_else_of_ours(void **state)
{
	char said[300];

	(void)state;
	setenv("MINT_TEST_SECRET", "x", 1);
	setenv("OPENSC_DEBUG", "9", 1);
	assert_int_equal(run_shell("test \"$MINT_SO_PIN$MINT_SO_PUK$MINT_USER_PIN$MINT_USER_PUK\" = "
	    "11111111222222223333334444444444444444", 5000, said, sizeof said), 0);
	assert_int_equal(run_shell("test -z \"$MINT_TEST_SECRET$OPENSC_DEBUG\"", 5000, said, sizeof said), 0);
	assert_int_equal(run_shell("read line", 5000, said, sizeof said), MINT_TOKEN_INIT); /* no terminal, no input */
	unsetenv("OPENSC_DEBUG");
}

static void
child_that_fails_is_quoted_with_its_codes_struck_out(void **state)
{
	char said[300];

	(void)state;
	assert_int_equal(run_shell("echo begin; printf 'pin %s\\n' $MINT_USER_PIN >&2; exit 3", 5000, said, sizeof said), MINT_TOKEN_INIT);
	assert_string_equal(said, "begin pin ****** ");
	assert_int_equal(run_shell("for i in 1 2 3 4 5 6 7 8 9; do echo $i; done; exit 1", 5000, said, 8), MINT_TOKEN_INIT);
	assert_string_equal(said, " 7 8 9 ");
}

static void
child_that_hangs_is_killed_at_its_deadline(void **state)
{
	int64_t begun = clock_monotonic_us();
	char said[300];

	(void)state;
	assert_int_equal(run_shell("echo waiting; exec sleep 60", 300, said, sizeof said), MINT_TIMEOUT);
	assert_string_equal(said, "waiting ");
	assert_true(clock_monotonic_us() - begun < 20 * 1000000);
}

static void
child_that_cannot_be_run_is_the_hosts_fault(void **state)
{
	const char *const arguments[] = { "no-such-program-anywhere", NULL };
	char said[300];
	const struct child_order order = { .arguments = arguments, .codes = &known, .timeout_ms = 5000 };

	(void)state;
	assert_int_equal(child_run(&order, said, sizeof said), MINT_SYSTEM);
	assert_non_null(strstr(said, "no-such-program-anywhere"));
	assert_int_equal(run_shell("kill -9 $$", 5000, said, sizeof said), MINT_SYSTEM); /* nor is one that somebody killed the token's */
}

/* --- a child that asks on a terminal */

enum { EARLY_MS = 300 };

static const struct model_prompt prompts[] = {
	{ (char *)(uintptr_t)"[Security Officer PIN]", CODE_SO_PIN }, { (char *)(uintptr_t)"[User PIN]", CODE_USER_PIN },
};

static int
ask_on_terminal(const char *script, int timeout_ms, char *said, size_t size)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };
	const struct child_order order = {
		.arguments = arguments, .codes = &known, .prompts = prompts, .prompt_count = 2, .timeout_ms = timeout_ms,
	};

	return child_run(&order, said, size);
}

static void
prompt_of_a_terminal_is_answered_with_its_code(void **state)
{
	char said[300];

	(void)state;
	assert_int_equal(ask_on_terminal("test -t 0 && test -t 1 && printf 'Please enter PIN [Security Officer PIN]: ' >/dev/tty && "
	    "stty -echo && read so </dev/tty && printf '\nPlease enter PIN [User PIN]: ' && read user && test $so = 11111111 && test $user = 333333",
	    5000, said, sizeof said), 0);
	assert_null(strstr(said, "1111"));
}

static void
prompt_that_comes_again_is_not_answered_again(void **state)
{
	char said[300];

	(void)state;
	assert_int_equal(ask_on_terminal("stty -echo; for n in 1 2; do printf 'PIN [User PIN]: '; read pin; echo heard $n; done", 700, said, sizeof said),
	    MINT_TIMEOUT);
	assert_non_null(strstr(said, "heard 1"));
	assert_null(strstr(said, "heard 2"));
}

static void
code_that_a_program_repeats_is_struck_out(void **state)
{
	char said[300];

	(void)state;
	assert_int_equal(ask_on_terminal("stty -echo; printf '[User PIN]'; read pin; echo it was $pin; exit 2", 5000, said, sizeof said), MINT_TOKEN_INIT);
	assert_non_null(strstr(said, "it was ******"));
}

/* As OpenSC's util_getpass: the prompt, then echo off with a flush of what was typed, here long enough behind it for any answer that
 * comes too early. The status is 0 when the code arrives. */
static int
ask_as_opensc(void)
{
	struct pollfd typed = { .fd = STDIN_FILENO, .events = POLLIN };
	struct termios old, quiet;
	char line[64] = "";

	printf("Please enter PIN [User PIN]: ");
	fflush(stdout);
	poll(&typed, 1, EARLY_MS);
	if (tcgetattr(STDOUT_FILENO, &old) != 0)
		return 1;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDOUT_FILENO, TCSAFLUSH, &quiet) != 0 || !fgets(line, sizeof line, stdin))
		return 1;
	tcsetattr(STDOUT_FILENO, TCSAFLUSH, &old);
	return strcmp(line, "333333\n") == 0 ? 0 : 1;
}

static void
prompt_is_answered_when_the_program_has_turned_echo_off(void **state)
{
	const char *const arguments[] = { "/proc/self/exe", "ask", NULL };
	const struct child_order order = {
		.arguments = arguments, .codes = &known, .prompts = prompts, .prompt_count = 2, .timeout_ms = 5000,
	};
	char said[300];

	(void)state;
	assert_int_equal(child_run(&order, said, sizeof said), 0);
	assert_null(strstr(said, "***"));
}

static void
prompt_of_a_program_that_leaves_echo_on_is_not_answered(void **state)
{
	char said[300];

	(void)state;
	assert_int_equal(ask_on_terminal("printf '[User PIN]'; read pin; echo heard", 700, said, sizeof said), MINT_TIMEOUT);
	assert_null(strstr(said, "heard"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_follow_the_rules_of_the_model_and_differ),
		cmocka_unit_test(codes_are_drawn_evenly),
		cmocka_unit_test(sealed_codes_open_with_the_same_key_and_serial_only),
		cmocka_unit_test(station_key_of_another_length_is_refused),
		cmocka_unit_test(envelope_opens_with_an_rsa_and_with_an_ec_key_of_the_office),
		cmocka_unit_test(envelope_is_authenticated_and_nothing_in_it_rests_on_old_algorithms),
		cmocka_unit_test(envelope_with_a_changed_bit_does_not_open),
		cmocka_unit_test(envelope_is_not_made_for_an_expired_office_or_a_name_json_would_misread),
		cmocka_unit_test(every_other_reader_is_ignored_and_ours_is_not),
		cmocka_unit_test(readers_that_come_later_are_ignored_and_ours_is_not),
		cmocka_unit_test(reader_that_cannot_be_shown_alone_is_refused),
		cmocka_unit_test(child_gets_codes_by_environment_and_nothing_else_of_ours),
		cmocka_unit_test(child_that_fails_is_quoted_with_its_codes_struck_out),
		cmocka_unit_test(child_that_hangs_is_killed_at_its_deadline),
		cmocka_unit_test(child_that_cannot_be_run_is_the_hosts_fault),
		cmocka_unit_test(prompt_of_a_terminal_is_answered_with_its_code),
		cmocka_unit_test(prompt_that_comes_again_is_not_answered_again),
		cmocka_unit_test(code_that_a_program_repeats_is_struck_out),
		cmocka_unit_test(prompt_is_answered_when_the_program_has_turned_echo_off),
		cmocka_unit_test(prompt_of_a_program_that_leaves_echo_on_is_not_answered),
	};

	if (argc == 2 && strcmp(argv[1], "ask") == 0)
		return ask_as_opensc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
