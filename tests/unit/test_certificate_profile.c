/* The profile reader: what the shipped profiles say, and the line and word of each complaint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/ca/profile.h"
#include "hostd/ca/request.h"
#include "schemas/errors.h"

static int
read_text(struct profiles *profiles, const char *text, size_t length, struct reason *reason)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, length, "r");
	int r;

	assert_non_null(file);
	r = profiles_read(profiles, file, "p.conf", reason);
	fclose(file);
	return r;
}

/* A profile that is good but for what `line` 7 says. */
static void
assert_complaint(const char *line, const char *complaint)
{
	struct profiles profiles = { .list = NULL };
	struct reason reason = { .error = 0 };
	static const char *const needed[] = { "validity_days = 30", "keys = { p256 }", "key_usage = { digitalSignature }" };
	char text[2048];
	int used = snprintf(text, sizeof text, "/* a\n# comment */ # another\nprofile p { // \"third\n");

	for (size_t i = 0; i < 3; i++) /* a key that `line` gives is left out here */
		used += snprintf(text + used, sizeof text - (size_t)used, "\t%s\n",
		    strncmp(line, needed[i], strcspn(needed[i], "=")) == 0 ? "" : needed[i]);
	snprintf(text + used, sizeof text - (size_t)used, "\t%s\n\tsubject CN { field = common_name }\n}\n", line);
	if (read_text(&profiles, text, strlen(text), &reason) != MINT_CONFIG)
		fail_msg("\"%s\" was taken", line);
	if (strncmp(reason.text, "p.conf:7: ", 10) != 0 || !strstr(reason.text, complaint))
		fail_msg("\"%s\" is refused with \"%s\", not with \"%s\"", line, reason.text, complaint);
	profiles_clear(&profiles);
}

static void
complaint_names_the_line_and_what_to_do(void **state)
{
	static const char *const rows[][2] = {
		{ "validity_day = 30", "no such option" },
		{ "validity_days = 0", "from 1 to 3660" },
		{ "validity_days = 99999", "from 1 to 3660" },
		{ "validity_days = many", "invalid" },
		{ "title = a title = b", "title: has a value already at line 7" },
		{ "title = \"${HOME}\"", "holds ${…}" },
		{ "title = \"a", "a quote is not closed" },
		{ "subject O { field = a } subject O { field = b }", "found duplicate title 'O'" },
		{ "backdate_minutes = -1", "from 0 to 2880" },
		{ "keys = { p256, rsa1024 }", "\"rsa1024\" is no key type" },
		{ "key_usage = { digitalSignature, signing }", "\"signing\" is none" },
		{ "key_usage = { keyCertSign }", "\"keyCertSign\" is none" },
		{ "extended_key_usage = { clientAuth, logon }", "\"logon\" is not known" },
		{ "policies = { \"1.2.156.x\" }", "no object identifier" },
		{ "policies = { \"9.9.9\" }", "no object identifier" },
		{ "policies = { anyPolicy }", "no object identifier" },
		{ "cps = \"example.cn\"", "is no address" },
		{ "crl = { \"http://a.cn/x,URI:http://b.cn\" }", "is no address" },
		{ "crl = { \"http://a.cn/\xe4\xb8\xad\" }", "is no address" },
		{ "ocsp = { \"\" }", "is no address" },
		{ "subject XX { field = a }", "is no attribute" },
		{ "subject O { }", "either a field" },
		{ "subject O { field = a value = b }", "either a field" },
		{ "subject O { field = \"A b\" }", "lower-case" },
		{ "subject C { value = \"CHN\" }", "too many characters" },
		{ "subject O { value = \"\xff\" }", "not UTF-8" },
		{ "subject O { value = \" x\" }", "begins or ends" },
		{ "subject O { field = a string = bmp }", "\"bmp\" is not known" },
		{ "subject O { field = a chars = 0 }", "from 1 to 256" },
		{ "subject O { field = a maximum = 3 }", "no such option" },
		{ "extension uscc { field = uscc }", "no object identifier" },
		{ "extension \"2.5.29.15\" { field = uscc }", "key of its own" },
		{ "extension \"1.2.3\" { value = \"\xe4\xb8\xad\" string = ia5 }", "not ASCII" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_complaint(rows[i][0], rows[i][1]);
}

static int
error_of(const char *text, size_t length, const char *complaint)
{
	struct profiles profiles = { .list = NULL };
	struct reason reason = { .error = 0 };
	int r = read_text(&profiles, text, length, &reason);

	profiles_clear(&profiles);
	assert_non_null(strstr(reason.text, complaint));
	return r;
}

#define GOOD(name) "profile " name " { validity_days = 1 keys = { p256 } key_usage = { digitalSignature } subject CN { field = a } }\n"

static void
profile_that_lacks_something_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "profile p { keys = { p256 } key_usage = { digitalSignature } subject CN { field = a } }", "has no validity_days" },
		{ "profile p { validity_days = 1 key_usage = { digitalSignature } subject CN { field = a } }", "has no keys" },
		{ "profile p { validity_days = 1 keys = { p256 } subject CN { field = a } }", "has no key_usage" },
		{ "profile p { validity_days = 1 keys = { p256 } key_usage = { digitalSignature } }", "has no subject" },
		{ "profile p { validity_days = 1 key_usage = { digitalSignature } subject CN { field = a } keys = { "
		  "p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256,p256 } }", "p.conf:1: keys has more than 16" },
		{ GOOD("\"P q\""), "name it with lower-case" },
		{ GOOD("p") GOOD("p"), "p.conf:2: found duplicate title 'p'" },
		{ "# one\n\nprofile p {\n", "p.conf:3: profile: a brace is not closed" },
		{ "\n}\n", "p.conf:2: a brace closes" },
		{ "home = ${HOME}\n", "write the value itself" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(error_of(rows[i][0], strlen(rows[i][0]), rows[i][1]), MINT_CONFIG);
	assert_int_equal(error_of("# \0", 3, "NUL"), MINT_CONFIG);
}

static void
file_that_is_too_long_is_refused(void **state)
{
	char *text = malloc(PROFILE_FILE_MAX + 2);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', PROFILE_FILE_MAX + 2);
	assert_int_equal(error_of(text, PROFILE_FILE_MAX + 2, "longer than"), MINT_CONFIG);
	free(text);
}

static void
name_used_in_two_files_is_refused(void **state)
{
	struct profiles profiles = { .list = NULL };
	struct reason reason = { .error = 0 };

	(void)state;
	assert_int_equal(read_text(&profiles, GOOD("p"), strlen(GOOD("p")), &reason), 0);
	assert_int_equal(read_text(&profiles, GOOD("q"), strlen(GOOD("q")), &reason), 0);
	assert_int_equal(read_text(&profiles, GOOD("p"), strlen(GOOD("p")), &reason), MINT_CONFIG);
	assert_int_equal(profiles.count, 2);
	assert_non_null(profile_find(&profiles, "q"));
	assert_null(profile_find(&profiles, "r"));
	profiles_clear(&profiles);
}

static void
shipped_profiles_are_good(void **state)
{
	struct profiles profiles = { .list = NULL };
	const struct profile *profile;
	struct reason reason = { .error = 0 };

	(void)state;
	if (profiles_read_directory(&profiles, "data/profiles", &reason) != 0)
		fail_msg("%s", reason.text);
	profile = profile_find(&profiles, "institution");
	assert_non_null(profile);
	assert_int_equal(profile->key_types, KEY_RSA2048 | KEY_RSA3072 | KEY_P256 | KEY_P384);
	assert_int_equal(profile->validity_days, 365);
	profiles_clear(&profiles);
}

static void
directory_without_profiles_is_refused(void **state)
{
	struct profiles profiles = { .list = NULL };
	struct reason reason = { .error = 0 };

	(void)state;
	assert_int_equal(profiles_read_directory(&profiles, "tests/unit", &reason), MINT_NOT_FOUND);
	assert_int_equal(profiles_read_directory(&profiles, "no/such/place", &reason), MINT_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaint_names_the_line_and_what_to_do),
		cmocka_unit_test(profile_that_lacks_something_is_refused),
		cmocka_unit_test(file_that_is_too_long_is_refused),
		cmocka_unit_test(name_used_in_two_files_is_refused),
		cmocka_unit_test(shipped_profiles_are_good),
		cmocka_unit_test(directory_without_profiles_is_refused),
	};

	return cmocka_run_group_tests_name("certificate profile", tests, NULL, NULL);
}
