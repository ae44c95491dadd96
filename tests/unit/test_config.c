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
bay_is_a_reader_a_pattern_or_a_slot(void **state)
{
	struct config *config = NULL;
	const struct config_bay *bay;
	char expected[80];

	(void)state;
	assert_int_equal(read_text(NEEDED BAY1 "bay 12 { reader = \"\xe8\xaf\xbb\xe5\x8d\xa1\xe5\x99\xa8 1\" }\n"
	    "bay 3 { reader = \"FT ePass2003*\" model = \"epass2003\" }\nbay 4 { reader = \"FT ePass2003*\" }\n"
	    "bay 5 { module = \"vendor.so\" slot = \"0x10\" environment = { \"VENDOR_CONF=/etc/v=1\", \"X=\" } }\n", &config), 0);
	assert_string_equal(config_bay(config, 12)->reader, "\xe8\xaf\xbb\xe5\x8d\xa1\xe5\x99\xa8 1");
	assert_null(config_bay(config, 2));
	assert_false(config_bay_is_pattern(config_bay(config, 12)));
	assert_true(config_bay_is_pattern(config_bay(config, 4)));
	assert_string_equal(config_bay(config, 3)->model, "epass2003");
	bay = config_bay(config, 5);
	assert_true(config_bay_is_slot(bay));
	assert_false(config_bay_is_slot(config_bay(config, 4)));
	snprintf(expected, sizeof expected, "%s/vendor.so", directory);
	assert_string_equal(bay->module, expected);
	assert_string_equal(bay->slot, "0x10");
	assert_string_equal(bay->environment[0], "VENDOR_CONF=/etc/v=1");
	assert_string_equal(bay->environment[1], "X=");
	assert_null(bay->environment[2]);
	config_free(&config);
}

static void
station_gives_its_bays_their_power_unless_they_say_otherwise(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(read_text("station left { serial = \"MB-1\" }\nstation right { serial = \"MB-2\" first_bay = 17 }\n"
	    "lines { pedal = \"PEDAL\" lamp_red = \"RED\" }\n" NEEDED BAY1 "bay 16 { reader = \"*\" power = \"none\" }\n"
	    "bay 17 { reader = \"*\" port = \"1-2\" }\nbay 32 { reader = \"*\" port = \"3-1.4.2\" power = \"hub\" }\nbay 33 { reader = \"*\" }\n",
	    &config), 0);
	assert_int_equal(config->station_count, 2);
	assert_string_equal(config->stations[1].name, "right");
	assert_string_equal(config->stations[1].serial, "MB-2");
	assert_int_equal(config->stations[0].first_bay, 1);
	assert_int_equal(config_bay(config, 1)->station, 0);
	assert_int_equal(config_bay(config, 1)->power, CONFIG_POWER_STATION);
	assert_true(config_bay_is_switched(config_bay(config, 1)));
	assert_string_equal(config_bay(config, 1)->port, "");
	assert_int_equal(config_bay(config, 16)->power, CONFIG_POWER_NONE);
	assert_int_equal(config_bay(config, 17)->station, 1);
	assert_string_equal(config_bay(config, 17)->port, "1-2");
	assert_int_equal(config_bay(config, 32)->power, CONFIG_POWER_HUB);
	assert_int_equal(config_bay(config, 33)->station, 2);
	assert_false(config_bay_is_switched(config_bay(config, 33)));
	assert_string_equal(config->lines[CONFIG_LINE_PEDAL], "PEDAL");
	assert_string_equal(config->lines[CONFIG_LINE_LAMP_RED], "RED");
	assert_string_equal(config->lines[CONFIG_LINE_STOP], "");
	assert_int_equal(config->power_off_ms, 800);
	config_free(&config);
}

static void
bays_of_several_pcscd_may_have_readers_of_one_name(void **state)
{
	struct config *config = NULL;
	char expected[80];

	(void)state;
	assert_int_equal(read_text("pcscd_socket = \"main.comm\"\npcscd left { socket = \"left.comm\" start = { \"run-pcscd\", \"left\", \"-f\" } }\n"
	    "pcscd right { socket = \"/run/right.comm\" }\n" NEEDED BAY1 "bay 2 { pcscd = \"left\" reader = \"Bench 00 00 00\" }\n"
	    "bay 18 { pcscd = \"right\" reader = \"Bench 00 00 00\" }\nbay 5 { module = \"m\" }\n", &config), 0);
	assert_int_equal(config->pcscd_count, 3);
	assert_int_equal(config_bay(config, 1)->pcscd, 0);
	assert_int_equal(config_bay(config, 2)->pcscd, 1);
	assert_int_equal(config_bay(config, 18)->pcscd, 2);
	assert_int_equal(config_bay(config, 5)->pcscd, 0);
	snprintf(expected, sizeof expected, "%s/main.comm", directory);
	assert_string_equal(config->pcscds[0].socket, expected);
	assert_null(config->pcscds[0].start[0]);
	assert_string_equal(config->pcscds[1].name, "left");
	snprintf(expected, sizeof expected, "%s/left.comm", directory);
	assert_string_equal(config_pcscd_path(&config->pcscds[1]), expected);
	snprintf(expected, sizeof expected, "%s/run-pcscd", directory);
	assert_string_equal(config->pcscds[1].start[0], expected);
	assert_string_equal(config->pcscds[1].start[1], "left");
	assert_string_equal(config->pcscds[1].start[2], "-f");
	assert_null(config->pcscds[1].start[3]);
	assert_true(config_pcscd_has_bays(config, 2));
	config_free(&config);
}

static void
single_pcscd_needs_no_section(void **state)
{
	struct config *config = NULL;

	(void)state;
	assert_int_equal(read_text(NEEDED BAY1, &config), 0);
	assert_int_equal(config->pcscd_count, 1);
	assert_true(config_pcscd_has_bays(config, 0));
	assert_string_equal(config_pcscd_path(&config->pcscds[0]), "/run/pcscd/pcscd.comm");
	config_free(&config);
}

/* Reads `text`, which must be refused, with standard error in a file; returns what was said behind the file's name. */
static const char *
complaint(const char *text)
{
	static char said[1024];
	char kept_path[] = "/tmp/test-config-said-XXXXXX", *name;
	int file = mkstemp(kept_path), kept = dup(STDERR_FILENO);
	struct config *config = NULL;
	ssize_t got;

	assert_true(file >= 0 && kept >= 0);
	dup2(file, STDERR_FILENO);
	assert_int_equal(read_text(text, &config), MINT_CONFIG);
	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_null(config);
	got = pread(file, said, sizeof said - 1, 0);
	said[got > 0 ? got : 0] = '\0';
	close(file);
	unlink(kept_path);
	name = strstr(said, "mint.conf:");
	return name ? name + strlen("mint.conf:") : said;
}

static void
each_fault_is_refused_with_its_line_and_what_to_do(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{ NEEDED BAY1 "station s { first_bay = 257 }\n", "7: station s: first_bay: is 257: give a bay number from 1 to 256" },
		{ NEEDED BAY1 "station \"\" { }\n", "7: station \"\": is no name: give letters, digits, _ and -, at most 24" },
		{ NEEDED BAY1 "station a { serial = \"A\" }\nstation b { serial = \"B\"\n first_bay = 16 }\n",
		  "9: station b: first_bay: has bays of station a, which are 1 to 16: give a number" },
		{ NEEDED BAY1 "station a { serial = \"A\" }\nstation b {\n first_bay = 17 }\n", "8: station b: there is more than one: give each `serial" },
		{ NEEDED BAY1 "station a { serial = \"A\" }\nstation b { first_bay = 17\n serial = \"A\" }\n",
		  "9: station b: serial: station a has \"A\" already: give each its own" },
		{ NEEDED BAY1 "lines { pedal = \"P\"\n stop = \"P\" }\n", "8: lines: stop: \"P\" is pedal already: one use a line" },
		{ NEEDED BAY1 "lines { horn = \"P\" }\n", "7: no such option 'horn'" },
		{ NEEDED "bay 1 { reader = \"*\"\n port = \"1.2\" }\n", "7: bay 1: port: \"1.2\" is no port path" },
		{ NEEDED "bay 1 { reader = \"*\" port = \"1-2.\" }\n", "6: bay 1: port: \"1-2.\" is no port path" },
		{ NEEDED "bay 1 { reader = \"*\" port = \"1-2\" }\nbay 2 { reader = \"*\" port = \"1-2\" }\n", "7: bay 2: port: \"1-2\" is bay 1's already" },
		{ NEEDED "bay 1 { reader = \"*\" power = \"sun\" }\n", "6: bay 1: power: there is no \"sun\": give \"station\", \"hub\" or \"none\"" },
		{ NEEDED "station s { first_bay = 2 }\nbay 1 { reader = \"*\" power = \"station\" }\n", "7: bay 1: power: no station has this bay" },
		{ NEEDED "bay 1 { reader = \"*\" power = \"hub\" }\n", "6: bay 1: power: which port of which hub is not said: add `port" },
		{ NEEDED BAY1 "power_off_ms = 99\n", "7: power_off_ms: is 99: give a number from 100 to 60000" },
		{ NEEDED, " has 0 bays: give from 1 to 256 sections" },
		{ BAY1, " database: is missing: add `database = \"…\"`" },
		{ NEEDED BAY1 "# seven\n/* eight\n*/ colour = \"green\"\n",
		  "9: no such option 'colour': mend the named line and start again" },
		{ NEEDED BAY1 "attempts_max = \"many\"\n", "7: invalid integer value for option 'attempts_max': mend" },
		{ "# one\n// two\n" NEEDED "/* eight\n\n*/ attempts_max = 0 # ten\n" BAY1,
		  "10: attempts_max: is 0: give a number from 1 to 100" },
		{ NEEDED "# six\napi_port = 65536\n" BAY1, "7: api_port: is 65536: give a number from -1 to 65535" },
		{ NEEDED "hours = \"9:00-17:00\"\n" BAY1, "6: hours: \"9:00-17:00\": give \"hh:mm-hh:mm\", the second later than the first" },
		{ NEEDED BAY1 "stock_key_type = \"rsa\"\n", "7: stock_key_type: there is no key type \"rsa\": give one of rsa2048 p256" },
		{ NEEDED "bay 1 { module = \"m\"\n environment = { \"LD_PRELOAD=x\" } }\n",
		  "7: bay 1: environment: \"LD_PRELOAD=x\" is not NAME=value, or a variable that a bay may not set" },
		{ NEEDED "bay 1 { module = \"m\" environment = { \"=x\" } }\n", "6: bay 1: environment: \"=x\" is not" },
		{ NEEDED "bay 1 { module = \"m\" environment = { \"x\" } }\n", "6: bay 1: environment: \"x\" is not" },
		{ NEEDED "bay 1 { slot = \"1\" }\n", "6: bay 1: has no reader: add `reader = \"…\"` with a name of `mintctl doctor`, or `module" },
		{ NEEDED BAY1 BAY1, "7: found duplicate title '1': mend" },
		{ NEEDED BAY1 "bay 01 { reader = \"r\" }\n", "7: bay \"01\": bay 1 is there already: give it another number" },
		{ NEEDED BAY1 "bay 2 { # seven\n\n reader = \"Bench 00 00 00\" }\n",
		  "9: bay 2: reader \"Bench 00 00 00\" has another bay already: one bay a reader" },
		{ NEEDED "bay 0 { reader = \"r\" }\n", "6: bay \"0\": is no bay number: give one from 1 to 256" },
		{ NEEDED "\nbay one {\n reader = \"r\" }\n", "7: bay \"one\": is no bay number: give" },
		{ NEEDED BAY1 "bay 2 {\n pcscd = \"left\" reader = \"r\" }\n", "8: bay 2: there is no pcscd \"left\": add `pcscd left { socket = " },
		{ NEEDED BAY1 "pcscd left { socket = \"l\" }\nbay 2 {\n module = \"m\"\n pcscd = \"left\" }\n", "10: bay 2: is a slot, which no pcscd knows" },
		{ NEEDED BAY1 "pcscd left { socket = \"l\" }\nbay 2 { reader = \"r\" pcscd = \"left\" }\nbay 3 { reader = \"r\" pcscd = \"left\" }\n",
		  "9: bay 3: reader \"r\" has another bay already" },
		{ NEEDED BAY1 "\npcscd left { }\n", "8: pcscd left: has no socket: add" },
		{ NEEDED BAY1 "pcscd left { socket = \"l\" }\npcscd right {\n socket = \"l\" }\n", "9: pcscd right: another instance has this socket already" },
		{ NEEDED BAY1 "pcscd left { socket = \"/run/pcscd/pcscd.comm\" }\n", "7: pcscd left: another instance has this socket already" },
		{ NEEDED BAY1 "pcscd \"a/b\" { socket = \"l\" }\n", "7: pcscd \"a/b\": is no name: give letters" },
		{ NEEDED BAY1 "pcscd left { socket = \"l\"\n start = { \"\" } }\n", "8: pcscd left: start: is empty" },
		{ NEEDED BAY1 "pcscd left { socket = \"l\" }\npcscd left { socket = \"m\" }\n", "8: found duplicate title 'left': mend" },
		{ NEEDED "bay 1 {\n\n}\n", "6: bay 1: has no reader: add" },
		{ NEEDED BAY1 "bay 2 {", "7: bay: a brace is not closed: write }" },
		{ NEEDED "bay 1 {\n reader = \"r\"\nbay 2 { reader = \"s\" }\n", "6: bay: a brace is not closed: write }" },
		{ NEEDED BAY1 "}\n", "7: a brace closes what was not opened: take it away" },
		{ NEEDED BAY1 "\nbench = a # eight\nbench = b\n", "9: bench: has a value already at line 8: take one of the two away" },
		{ NEEDED "bay 1 {\n reader = \"r\"\n reader = \"s\"\n}\n", "8: reader: has a value already at line 7: take" },
		{ NEEDED BAY1 "bench = \"${HOME}\"\n", "7: holds ${…}, and the environment configures nothing here: write" },
		{ "bench = \"bench-1\n" NEEDED BAY1, "1: a quote is not closed: write \"" },
		{ NEEDED BAY1 "bench = \"\xff\"\n", "7: is not UTF-8: save" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *said = complaint(bad[i].text);

		if (strncmp(said, bad[i].said, strlen(bad[i].said)) != 0)
			fail_msg("row %zu: expected \"%s\", it said \"%s\"", i, bad[i].said, said);
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
		cmocka_unit_test(bay_is_a_reader_a_pattern_or_a_slot),
		cmocka_unit_test(station_gives_its_bays_their_power_unless_they_say_otherwise),
		cmocka_unit_test(bays_of_several_pcscd_may_have_readers_of_one_name),
		cmocka_unit_test(single_pcscd_needs_no_section),
		cmocka_unit_test(each_fault_is_refused_with_its_line_and_what_to_do),
		cmocka_unit_test(missing_file_is_told_from_a_bad_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
