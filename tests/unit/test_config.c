/* The configuration: defaults, relative paths, and a refusal for each way it can be wrong. */
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NEEDED "database = \"mint.db\"\nstation_key = \"k\"\noffice_certificate = \"o\"\nca_directory = \"ca\"\n" \
	"printer = \"file:labels\"\n"
#define BAY1 "bay 1 { reader = \"Bench 00 00 00\" }\n"

static char directory[] = "/tmp/test-config-XXXXXX";
static char path[64];

static int
set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/mint.conf", directory);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int
read_text(const char *text, struct config **config)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return config_read(path, config);
}

static void
defaults_and_paths_beside_the_file(void **state)
{
	struct config *config = NULL;
	char expected[80];

	(void)state;
	assert_int_equal(read_text(NEEDED BAY1, &config), 0);
	snprintf(expected, sizeof expected, "%s/mint.db", directory);
	assert_string_equal(config->database, expected);
	snprintf(expected, sizeof expected, "file:%s/labels", directory);
	assert_string_equal(config->printer, expected);
	assert_string_equal(config->ca_profile, "institution");
	assert_string_equal(config->pcscd_socket, "");
	assert_int_equal(config->api_port, -1);
	assert_int_equal(config->attempts_max, 3);
	config_free(&config);
	assert_null(config);
}

static void
bay_is_found_by_its_whole_reader_name(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(read_text(NEEDED BAY1 "bay 12 { reader = \"\xe8\xaf\xbb\xe5\x8d\xa1\xe5\x99\xa8 1\" }\n", &config), 0);
	assert_int_equal(config_bay_of_reader(config, "\xe8\xaf\xbb\xe5\x8d\xa1\xe5\x99\xa8 1")->number, 12);
	assert_null(config_bay_of_reader(config, "Bench 00 00 0"));
	config_free(&config);
}

static void
each_fault_is_refused(void **state)
{
	static const char *const bad[] = {
		NEEDED,                                              /* no bay */
		BAY1,                                                /* nothing that must be given */
		NEEDED BAY1 "colour = \"green\"\n",                  /* unknown key */
		NEEDED BAY1 "attempts_max = \"many\"\n",             /* wrong type */
		NEEDED BAY1 "attempts_max = 0\n",                    /* out of range */
		NEEDED BAY1 BAY1,                                    /* one bay twice */
		NEEDED BAY1 "bay 2 { reader = \"Bench 00 00 00\" }\n", /* one reader twice */
		NEEDED "bay 0 { reader = \"r\" }\n",
		NEEDED "bay one { reader = \"r\" }\n",
		NEEDED "bay 1 { }\n",
		NEEDED BAY1 "bay 2 {",
	};
	struct config *config = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(read_text(bad[i], &config), MINT_CONFIG);
		assert_null(config);
	}
}

static void
missing_file_is_told_from_a_bad_one(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_read("/nonexistent/mint.conf", &config), MINT_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_paths_beside_the_file),
		cmocka_unit_test(bay_is_found_by_its_whole_reader_name),
		cmocka_unit_test(each_fault_is_refused),
		cmocka_unit_test(missing_file_is_told_from_a_bad_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
