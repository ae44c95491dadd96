/* The reader of configuration files: what becomes of comments, and the line and the words of each fault. The lines are counted by
 * hand; what libconfuse 3.3 does by itself stands behind each case it gets wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hostd/base/conf_file.h"
#include "hostd/base/conf_scan.h"
#include "schemas/errors.h"

static const cfg_flag_t many = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;

static int
check_small(cfg_t *cfg, cfg_opt_t *option)
{
	if (cfg_opt_getnint(option, 0) < 10)
		return 0;
	cfg_error(cfg, "%s: is too large", cfg_opt_name(option));
	return -1;
}

static cfg_t *
new_reader(void)
{
	static cfg_opt_t part[] = { CFG_STR("note", "", CFGF_NONE), CFG_END() };
	static cfg_opt_t item[] = { CFG_STR("text", "", CFGF_NONE), CFG_INT("size", 1, CFGF_NONE), CFG_END() };
	cfg_opt_t group[] = { CFG_STR("text", "", CFGF_NONE), CFG_SEC("item", item, many), CFG_END() };
	cfg_opt_t options[] = {
		CFG_STR("text", "", CFGF_NONE), CFG_INT("size", 1, CFGF_NONE), CFG_STR_LIST("words", NULL, CFGF_NONE),
		CFG_SEC("part", part, CFGF_NONE), CFG_SEC("group", group, many), CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	assert_non_null(cfg);
	cfg_set_validate_func(cfg, "size", check_small);
	return cfg;
}

/* Parses `text`; the caller frees both. */
static int
parse(const char *text, size_t length, struct conf_file **file, cfg_t **cfg)
{
	int r;

	*cfg = new_reader();
	*file = conf_file_new("f.conf");
	assert_non_null(*file);
	r = conf_file_take(*file, text, length);
	return r == 0 ? conf_file_parse(*file, *cfg) : r;
}

static void
release(struct conf_file **file, cfg_t *cfg)
{
	cfg_free(cfg);
	conf_file_free(file);
	assert_null(*file);
}

static void
assert_why(const struct conf_file *file, const char *expected)
{
	char why[512];

	conf_file_why(file, "mend it", why, sizeof why);
	assert_string_equal(why, expected);
}

/* Refused with `beginning`, and told what to do. */
static void
assert_refused(const char *text, size_t length, const char *beginning)
{
	struct conf_file *file;
	char why[512];
	cfg_t *cfg;

	if (parse(text, length, &file, &cfg) != MINT_CONFIG)
		fail_msg("was taken: %s", text);
	conf_file_why(file, "mend it", why, sizeof why);
	if (strncmp(why, beginning, strlen(beginning)) != 0)
		fail_msg("<%s> is refused with \"%s\", not \"%s\"", text, why, beginning);
	if (!strstr(why + strlen("f.conf:1: "), ": "))
		fail_msg("\"%s\" does not say what to do", why);
	release(&file, cfg);
}

static void
comments_become_blanks_and_lines_stay(void **state)
{
	static const struct {
		const char *text, *left;
	} cases[] = {
		{ "", "" },
		{ "a = 1 # b\nc = 2\n", "a = 1    \nc = 2\n" },
		{ "# x\n// y\n", "   \n    \n" },
		{ "a = /* b\n c */ d", "a =     \n      d" },
		{ "a = \"# no // no /* no\" # yes", "a = \"# no // no /* no\"      " },
		{ "a = '# no' # yes", "a = '# no'      " },
		{ "a = \"\\\"# no\" # yes", "a = \"\\\"# no\"      " },
		{ "a = b//c", "a = b//c" },
		{ "a = {#x\n1}", "a = {  \n1}" },
		{ "a = 1\r\nb = 2\r\n", "a = 1 \nb = 2 \n" },
		{ "\xef\xbb\xbf" "a = 1", "   a = 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct conf_entries entries = { .count = 0 };
		struct conf_fault fault = { .error = 0 };
		char *text = strdup(cases[i].text);

		assert_non_null(text);
		assert_int_equal(conf_scan(text, strlen(text), &entries, &fault), 0);
		assert_string_equal(text, cases[i].left);
		free(entries.list);
		free(text);
	}
}

static void
what_is_written_is_what_is_read(void **state)
{
	static const char text[] =
	    "# a comment\n"
	    "text = \"\\${\\\"\\n\" // not this\n"
	    "words = { one, # two,\n"
	    "  'th ree ${HOME}', /* four,\n"
	    "  */ http://five/six }\n"
	    "words += { \"seven\" }\n"
	    "group a { text = x  item i { size = 3 } }\n"
	    "group b { item i { size = 4 } }\n";
	struct conf_file *file;
	cfg_t *cfg;

	(void)state;
	assert_int_equal(parse(text, sizeof text - 1, &file, &cfg), 0);
	assert_why(file, "");
	assert_string_equal(cfg_getstr(cfg, "text"), "${\"\n");
	assert_int_equal(cfg_size(cfg, "words"), 4);
	assert_string_equal(cfg_getnstr(cfg, "words", 1), "th ree ${HOME}");
	assert_string_equal(cfg_getnstr(cfg, "words", 2), "http://five/six");
	assert_string_equal(cfg_getnstr(cfg, "words", 3), "seven");
	assert_int_equal(cfg_getint(cfg_gettsec(cfg_gettsec(cfg, "group", "b"), "item", "i"), "size"), 4);
	release(&file, cfg);
}

static void
each_key_is_known_by_its_line(void **state)
{
	static const char text[] =
	    "/* one\n two\n three */ text = a # four\n"
	    "# another\n"
	    "group a { # five\n"
	    "  item i { size = 1 }\n"
	    "  item j {\n"
	    "    text = t\n"
	    "    size = 2 } }\n"
	    "group b { item i {\n"
	    "  size = 3 } }\n"
	    "size = 4\n";
	struct conf_file *file;
	cfg_t *cfg, *a, *b;

	(void)state;
	assert_int_equal(parse(text, sizeof text - 1, &file, &cfg), 0);
	a = cfg_gettsec(cfg, "group", "a");
	b = cfg_gettsec(cfg, "group", "b");
	assert_int_equal(conf_file_line(file, cfg, "text"), 3);
	assert_int_equal(conf_file_line(file, cfg, "size"), 12);
	assert_int_equal(conf_file_line(file, cfg, "words"), 0);
	assert_int_equal(conf_file_line(file, cfg, NULL), 0);
	assert_int_equal(conf_file_line(file, a, NULL), 5);
	assert_int_equal(conf_file_line(file, a, "text"), 5); /* not said: where the section begins */
	assert_int_equal(conf_file_line(file, cfg_gettsec(a, "item", "i"), "size"), 6);
	assert_int_equal(conf_file_line(file, cfg_gettsec(a, "item", "j"), "text"), 8);
	assert_int_equal(conf_file_line(file, cfg_gettsec(a, "item", "j"), "size"), 9);
	assert_int_equal(conf_file_line(file, cfg_gettsec(b, "item", "i"), NULL), 10);
	assert_int_equal(conf_file_line(file, cfg_gettsec(b, "item", "i"), "size"), 11);
	assert_int_equal(conf_file_refuse(file, b, NULL, "%s: is too long: shorten it", "b"), MINT_CONFIG);
	assert_int_equal(conf_file_refuse(file, a, NULL, "never said"), MINT_CONFIG);
	assert_why(file, "f.conf:10: b: is too long: shorten it");
	release(&file, cfg);
}

static void
faults_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		/* libconfuse's own findings; it says lines 5 and 7 */
		{ "# one\n# two\ncolour = red\n", "f.conf:3: no such option 'colour': mend it" },
		{ "# one\n/* two\n*/\nsize = 1 # four\nsize = 2\n", "f.conf:5: size: has a value already at line 4: " },
		{ "// one\nwords = { a, # two\n b # three\n}\nsize = 11\n", "f.conf:5: size: is too large: mend it" },
		/* the file ends inside a section: taken */
		{ "text = a\ngroup a {\n text = b\n", "f.conf:2: group: a brace is not closed: " },
		{ "group a {\n item i { size = 1\n}\n\n", "f.conf:1: group: a brace is not closed: " },
		{ "group a {\n item i {\n # }\n", "f.conf:2: item: a brace is not closed: " },
		{ "text = a\nwords = { a,\n b\n\n", "f.conf:2: a brace is not closed: " },
		{ "words = { a, b\nsize = 1\n", "f.conf:1: a brace is not closed: " },
		{ "words = { a,\n { b } }\n", "f.conf:1: a brace is not closed: " },
		{ "group a { }\n}\n", "f.conf:2: a brace closes what was not opened: " },
		/* the last of two: taken */
		{ "text = a\n\ntext = b\n", "f.conf:3: text: has a value already at line 1: " },
		{ "words = { a }\nwords = { b }\n", "f.conf:2: words: has a value already at line 1: " },
		{ "words += { a }\nwords = { b }\n", "f.conf:2: words: has a value already at line 1: " },
		{ "group a {\n text = a\n item i { }\n text = b\n}\n", "f.conf:4: text: has a value already at line 2: " },
		{ "part { note = a }\npart { }\n", "f.conf:2: part: is a section already at line 1: " },
		{ "group a { }\ngroup a { }\n", "f.conf:2: found duplicate title 'a': mend it" },
		{ "part|note = a\n", "f.conf:1: a name, a value or a brace is not where one is expected: " },
		{ "\ntext = a\n\"text\" = b\n", "f.conf:3: a name, a value or a brace is not where one is expected: " },
		/* the environment: taken */
		{ "\ntext = \"a ${HOME}\"\n", "f.conf:2: holds ${…}, and the environment configures nothing here: " },
		{ "\ntext = ${HOME}\n", "f.conf:2: holds ${…}, " },
		{ "text = a${HOME}\n", "f.conf:1: holds ${…}, " },
		/* quotes and comments without an end */
		{ "\ntext = \"a\nsize = 1\n", "f.conf:2: a quote is not closed: write \"" },
		{ "text = 'a\n'\n", "f.conf:1: a quote is not closed: write '" },
		{ "text = \"a", "f.conf:1: a quote is not closed: " },
		{ "text = \"a\\", "f.conf:1: a quote is not closed: " },
		{ "text = \"a\\\n\"", "f.conf:1: a quote is not closed: " },
		{ "text = 'a\\", "f.conf:1: a quote is not closed: " },
		{ "text = '", "f.conf:1: a quote is not closed: " },
		{ "text = a\n\n/* never\nends", "f.conf:3: a comment is not closed: " },
		/* passed over: taken as something else */
		{ "\ntext = a# b\n", "f.conf:2: holds # or * within a word: " },
		{ "text = a/*b*/\n", "f.conf:1: holds # or * within a word: " },
		{ "size = 1+ text = a\n", "f.conf:1: holds + outside of quotes: " },
		{ "* text = a\n", "f.conf:1: holds ( ) or * outside of quotes: " },
		{ "\ntext = \"a\\x41\"\n", "f.conf:2: holds a character by its number (\\x…): " },
		{ "text = \"\\0\"\n", "f.conf:1: holds a character by its number" },
		/* statements that are none */
		{ "text = a\nsize 1\n", "f.conf:2: size: has no value and is no section: " },
		{ "text\n", "f.conf:1: text: has no value and is no section: " },
		{ "group a { text = }\n", "f.conf:1: the value behind = is missing: " },
		{ "text =\n\n", "f.conf:3: the value behind = is missing: " },
		{ "text = = a\n", "f.conf:1: a name, a value or a brace " },
		{ "size = 1, text = a\n", "f.conf:1: a name, a value or a brace " },
		{ "size = 1 { }\n", "f.conf:1: a name, a value or a brace " },
		{ "size = many\n", "f.conf:1: invalid integer value for option 'size': mend it" },
		{ "a123456789012345678901234567890123456789012 = 1\n", "f.conf:1: a name is too long" },
		/* characters */
		{ "text = a\ntext = \"\xc3\"\n", "f.conf:2: is not UTF-8: " },
		{ "# \xed\xa0\x80\n", "f.conf:1: is not UTF-8: " },
		{ "\n\ntext = \"\x1b[2J\"\n", "f.conf:3: holds a control character: " },
	};

	(void)state;
	setenv("HOME", "/somewhere", 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_refused(rows[i].text, strlen(rows[i].text), rows[i].said);
	assert_refused("text = a\n\0\n", 11, "f.conf:2: holds a NUL byte: ");
}

/* libconfuse by itself stays within the quote and reads the next file wrongly. */
static void
good_file_is_read_behind_a_bad_one(void **state)
{
	static const char *const bad[] = { "text = \"a", "text = 'a", "/* a", "text = \"\\08\"", "group a {", "words = { a" };
	struct conf_file *file;
	cfg_t *cfg;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse(bad[i], strlen(bad[i]), &file, &cfg), MINT_CONFIG);
		release(&file, cfg);
		assert_int_equal(parse("text = good", 11, &file, &cfg), 0);
		assert_string_equal(cfg_getstr(cfg, "text"), "good");
		release(&file, cfg);
	}
}

static void
size_and_number_of_keys_are_bounded(void **state)
{
	char *large = malloc(CONF_FILE_BYTES_MAX + 1);
	size_t used = 0;

	(void)state;
	assert_non_null(large);
	memset(large, ' ', CONF_FILE_BYTES_MAX + 1);
	assert_refused(large, CONF_FILE_BYTES_MAX + 1, "f.conf: is longer than 65536 bytes (64 KiB): ");
	for (int i = 0; i <= CONF_FILE_ENTRIES_MAX; i++)
		used += (size_t)sprintf(large + used, "k%d=1\n", i);
	assert_refused(large, used, "f.conf:4097: has more than 4096 keys and sections");
	free(large);
}

static void
assert_load(const char *path, int error, const char *said)
{
	struct conf_file *file = conf_file_new(path);
	char why[512];

	assert_non_null(file);
	assert_int_equal(conf_file_load(file), error);
	conf_file_why(file, NULL, why, sizeof why);
	if (!strstr(why, said) || (error && strncmp(why, path, strlen(path)) != 0))
		fail_msg("%s: \"%s\", not \"%s\"", path, why, said);
	conf_file_free(&file);
}

static void
only_regular_files_are_read(void **state)
{
	char directory[] = "/tmp/test-conf-file-XXXXXX", pipe_path[64], good_path[64];
	FILE *good;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(pipe_path, sizeof pipe_path, "%s/pipe", directory);
	snprintf(good_path, sizeof good_path, "%s/good", directory);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	good = fopen(good_path, "w");
	assert_non_null(good);
	fputs("text = a\n", good);
	fclose(good);
	assert_load(good_path, 0, "");
	assert_load(pipe_path, MINT_CONFIG, ": is no regular file: ");
	assert_load(directory, MINT_CONFIG, ": is no regular file: ");
	assert_load("/dev/zero", MINT_CONFIG, ": is no regular file: ");
	unlink(good_path);
	assert_load(good_path, MINT_NOT_FOUND, ": No such file or directory: check name and permissions");
	unlink(pipe_path);
	rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_become_blanks_and_lines_stay),
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(each_key_is_known_by_its_line),
		cmocka_unit_test(faults_are_refused_with_their_line),
		cmocka_unit_test(good_file_is_read_behind_a_bad_one),
		cmocka_unit_test(size_and_number_of_keys_are_bounded),
		cmocka_unit_test(only_regular_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
