/* Files of applications: both forms, faults between records, the shipped samples and the golden answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/base/application_stream.h"
#include "hostd/base/date.h"

static const char good[] =
	"{\"reference\":\"SQ-1\",\"kind\":\"new\",\"medium\":\"token\",\"quantity\":1,\"key_type\":\"p256\",\"organisation\":"
	"{\"name\":\"a\",\"uscc\":\"91350100M000100Y43\",\"division\":\"350100\"},\"person\":{\"name\":\"张\",\"id_card\":"
	"\"11010519491231002X\",\"phone\":\"13800138000\"},\"delivery\":{\"method\":\"on_site\",\"collection_point\":\"3\"},"
	"\"approved_at\":\"2026-03-02T09:30:00+08:00\"}";

/* What the callback saw, one line a finding, "record:line:column RULE path", and "record good". */
static char log_text[65536];
static bool seen_rules[RULE_COUNT];
static int callback_result;

static int
note(void *argument, const struct application_record *record)
{
	size_t used = strlen(log_text);

	(void)argument;
	for (size_t i = 0; i < record->findings->count; i++) {
		const struct finding *finding = &record->findings->items[i];

		seen_rules[finding->rule] = true;
		used += (size_t)snprintf(log_text + used, sizeof log_text - used, "%zu:%zu:%zu %s%s%s%s%s\n", record->findings->record,
		                         finding->line, finding->column, finding_info(finding->rule)->name,
		                         finding->path[0] ? " " : "", finding->path, finding->argument[0] ? " " : "", finding->argument);
		assert_true(used < sizeof log_text);
	}
	if (record->application)
		snprintf(log_text + used, sizeof log_text - used, "%zu good\n", record->findings->record);
	return callback_result;
}

static struct application_policy
policy(void)
{
	return application_policy_bench(date_day(2026, 11, 1) * DATE_DAY_US);
}

/* Feeds the text in pieces. */
static struct application_totals
feed(const char *text, size_t length, size_t piece, int (*on_record)(void *, const struct application_record *))
{
	struct application_policy bench = policy();
	struct application_stream *stream = NULL;
	struct application_totals totals;

	log_text[0] = '\0';
	assert_int_equal(application_stream_new(&stream, &bench, on_record, NULL), 0);
	for (size_t at = 0; at < length; at += piece)
		assert_int_equal(application_stream_feed(stream, text + at, length - at < piece ? length - at : piece), 0);
	assert_int_equal(application_stream_finish(stream, &totals), 0);
	application_stream_free(&stream);
	assert_null(stream);
	assert_int_equal(totals.good + totals.bad, totals.records);
	return totals;
}

static struct application_totals
assert_log(const char *text, const char *expected)
{
	struct application_totals totals = feed(text, strlen(text), 4096, note);

	assert_string_equal(log_text, expected);
	return totals;
}

/* G in the pattern stands for a good record. */
static const char *
with_good(const char *pattern)
{
	static char text[8192];
	size_t used = 0;

	for (; *pattern; pattern++) {
		size_t length = *pattern == 'G' ? sizeof good - 1 : 1;

		assert_true(used + length < sizeof text);
		memcpy(text + used, *pattern == 'G' ? good : pattern, length);
		used += length;
	}
	text[used] = '\0';
	return text;
}

static void
arrays_and_lines_are_both_read(void **state)
{
	(void)state;
	assert_log(with_good("[G,G]"), "1 good\n2 good\n");
	assert_log(with_good("\n [\r\n\tG ,\n\n G\n] \n"), "1 good\n2 good\n");
	assert_log("[]", "");
	assert_log(with_good("G\nG\n"), "1 good\n2 good\n");
	assert_log(with_good("G\r\n\n  \nG"), "1 good\n2 good\n");
	assert_log(with_good("\xef\xbb\xbf[G]"), "1 good\n");
	assert_log(with_good("\xef\xbb\xbfG"), "1 good\n");
}

static void
bad_line_harms_only_itself(void **state)
{
	struct application_totals totals = assert_log(with_good("G\n{\"a\"\n{}}\n\"{\nG\n"),
	                                              "1 good\n2:2:4 JSON_SYNTAX a\n3:3:3 JSON_SYNTAX\n4:4:2 JSON_SYNTAX\n5 good\n");

	(void)state;
	assert_int_equal(totals.records, 5);
	assert_int_equal(totals.good, 2);
	assert_int_equal(totals.bad, 3);
	assert_false(totals.stopped);
}

static void
bad_record_of_an_array_harms_only_itself(void **state)
{
	(void)state;
	assert_log(with_good("[\n7,\nG,\n\"}]\", null,[{}],\nG]"),
	           "1:2:1 NOT_OBJECT\n2 good\n3:4:1 NOT_OBJECT\n4:4:7 NOT_OBJECT\n5:4:12 NOT_OBJECT\n6 good\n");
}

static void
syntax_error_in_an_array_stops_there_and_says_how_far_it_was_read(void **state)
{
	struct application_totals totals = assert_log(with_good("[G,\nG,\n {\"a\": nope},\nG]"),
	                                              "1 good\n2 good\n3:3:11 JSON_SYNTAX a\n3:3:2 STOPPED 2\n");

	(void)state;
	assert_true(totals.stopped);
	assert_int_equal(totals.records, 3);
	assert_int_equal(totals.good, 2);
}

static void
faults_between_records_stop_the_reading(void **state)
{
	(void)state;
	assert_log(with_good("[G\n,]"), "1 good\n2:2:2 JSON_SYNTAX\n2:2:2 STOPPED 1\n");
	assert_log("[,", "1:1:2 JSON_SYNTAX\n1:1:2 STOPPED 0\n");
	assert_log(with_good("[\nG\nG]"), "1 good\n2:3:1 JSON_SYNTAX\n2:3:1 STOPPED 1\n");
	assert_log(with_good("[\nG,\n"), "1 good\n2:3:1 JSON_SYNTAX\n2:3:1 STOPPED 1\n");
	assert_log(with_good("[\nG\n"), "1 good\n2:3:1 JSON_SYNTAX\n2:3:1 STOPPED 1\n");
	assert_log("[", "1:1:2 JSON_SYNTAX\n1:1:2 STOPPED 0\n");
	assert_log("[\n{\"a\": \"never ends", "1:2:17 JSON_SYNTAX a\n1:2:1 STOPPED 0\n");
	assert_log(with_good("[\nG\n]\nG"), "1 good\n2:4:1 AFTER_END\n");
}

static void
empty_and_foreign_files_are_refused(void **state)
{
	(void)state;
	assert_log("", "1:1:1 EMPTY\n");
	assert_log(" \n\n", "1:3:1 EMPTY\n");
	assert_log("\xef\xbb\xbf", "1:1:1 EMPTY\n");
	assert_log("reference,kind\nSQ-1,new\n", "1:1:1 NOT_JSON\n");
	assert_log("\xff\xfe[", "1:1:1 NOT_JSON\n"); /* UTF-16 */
	assert_log("PK\x03\x04", "1:1:1 NOT_JSON\n");  /* a spreadsheet */
}

/* A record of `length` bytes, blanks inside. */
static void
long_record(char *text, size_t length)
{
	memset(text, ' ', length);
	text[0] = '{';
	text[length - 1] = '}';
}

static void
record_beyond_the_limit_is_refused_and_the_next_is_read(void **state)
{
	static char text[APPLICATION_RECORD_BYTES + 1000];
	size_t length = APPLICATION_RECORD_BYTES;

	(void)state;
	long_record(text, length);
	sprintf(text + length, "\n%s\n", good);
	feed(text, strlen(text), 4096, note);
	assert_null(strstr(log_text, "TOO_LARGE"));
	assert_non_null(strstr(log_text, "2 good\n"));

	long_record(text, length + 1);
	sprintf(text + length + 1, "\n%s\n", good);
	feed(text, strlen(text), 4096, note);
	assert_string_equal(log_text, "1:1:1 TOO_LARGE 65536\n2 good\n");

	text[0] = '[';
	long_record(text + 1, length + 1);
	sprintf(text + length + 2, ",%s]", good);
	feed(text, strlen(text), 4096, note);
	assert_string_equal(log_text, "1:1:2 TOO_LARGE 65536\n2 good\n");
}

static void
nesting_beyond_the_limit_is_refused_and_the_next_is_read(void **state)
{
	(void)state;
	assert_log(with_good("[{\"a\":[[[[[[[1]]]]]]]},G]"),
	           "1:1:2 UNKNOWN_KEY a\n1:1:2 MISSING reference\n1:1:2 MISSING kind\n1:1:2 MISSING medium\n1:1:2 MISSING quantity\n"
	           "1:1:2 MISSING key_type\n1:1:2 MISSING organisation\n1:1:2 MISSING person\n1:1:2 MISSING approved_at\n2 good\n");
	assert_log(with_good("[{\"a\":[[[[[[[[1]]]]]]]]},G]"), "1:1:2 TOO_DEEP 8\n2 good\n");
}

static void
pieces_of_any_size_give_the_same(void **state)
{
	const char *text = with_good("[ {\"a\": \"\\\"é}\"},\n{\"b\":1, \"b\":2},G , 1,\"x\",\nG,\n{\"c\"}, G]");
	char *whole;

	(void)state;
	feed(text, strlen(text), strlen(text), note);
	whole = strdup(log_text);
	assert_non_null(whole);
	assert_non_null(strstr(whole, "7:4:5 JSON_SYNTAX c\n7:4:1 STOPPED 6\n"));
	for (size_t piece = 1; piece < 40; piece++) {
		feed(text, strlen(text), piece, note);
		assert_string_equal(log_text, whole);
	}
	free(whole);
}

static void
error_of_the_callback_ends_the_reading(void **state)
{
	struct application_policy bench = policy();
	struct application_stream *stream = NULL;
	const char *text = with_good("G\nG\nG\n");

	(void)state;
	log_text[0] = '\0';
	callback_result = MINT_CLOSED;
	assert_int_equal(application_stream_new(&stream, &bench, note, NULL), 0);
	assert_int_equal(application_stream_feed(stream, text, strlen(text)), MINT_CLOSED);
	callback_result = 0;
	assert_int_equal(application_stream_feed(stream, text, strlen(text)), 0);
	assert_string_equal(log_text, "1 good\n");
	application_stream_free(&stream);
}

/* ---------------------------------------------------------------- what is shipped */

static char *
read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	*length = fread(text, 1, (1 << 20) - 1, file);
	assert_true(feof(file));
	text[*length] = '\0';
	fclose(file);
	return text;
}

static struct {
	unsigned credentials, post, on_site, rsa, p256, urgent, single, twenty, listed, provinces;
	size_t longest_name;
	bool provinces_seen[100];
} sample;

static int
count_sample(void *argument, const struct application_record *record)
{
	const struct application *a = record->application;

	(void)argument;
	assert_non_null(a);
	assert_int_equal(record->findings->all, 0);
	sample.credentials += a->quantity;
	sample.post += a->delivery.method == APPLICATION_DELIVERY_POST;
	sample.on_site += a->delivery.method == APPLICATION_DELIVERY_ON_SITE;
	sample.rsa += a->key_type == APPLICATION_KEY_RSA2048;
	sample.p256 += a->key_type == APPLICATION_KEY_P256;
	sample.urgent += a->urgent;
	sample.single += a->quantity == 1;
	sample.twenty += a->quantity == 20;
	sample.listed += a->quantity > 1 && a->credentials[1].role == APPLICATION_ROLE_LEGAL_REPRESENTATIVE;
	if (strlen(a->organisation.name) > sample.longest_name)
		sample.longest_name = strlen(a->organisation.name);
	sample.provinces_seen[(a->organisation.division[0] - '0') * 10 + a->organisation.division[1] - '0'] = true;
	return 0;
}

static void
shipped_samples_are_good_and_varied(void **state)
{
	size_t length;
	char *text = read_file("data/samples/applications.json", &length);
	struct application_totals totals = feed(text, length, 4096, count_sample);

	(void)state;
	assert_true(totals.good >= 60);
	assert_int_equal(totals.held, 0);
	assert_true(sample.credentials >= 150);
	assert_true(sample.post > 0 && sample.on_site > 0 && sample.rsa > 0 && sample.p256 > 0 && sample.urgent > 0);
	assert_true(sample.single > 0 && sample.twenty > 0 && sample.listed > 0);
	assert_true(sample.longest_name > 120);
	for (size_t i = 0; i < 100; i++)
		sample.provinces += sample.provinces_seen[i];
	assert_true(sample.provinces >= 5);
	assert_non_null(strstr(text, "䶮"));
	assert_non_null(strstr(text, "㛃"));
	free(text);
}

static char *answers;
static size_t answers_length;

static int
write_answers(void *argument, const struct application_record *record)
{
	FILE *out = argument;

	(void)note(NULL, record);
	for (size_t i = 0; i < record->findings->count; i++) {
		json_t *finding = finding_json(record->findings, &record->findings->items[i]);

		assert_int_equal(json_dumpf(finding, out, JSON_COMPACT), 0);
		fputc('\n', out);
		json_decref(finding);
	}
	return 0;
}

static void
bad_samples_are_answered_as_before(void **state)
{
	struct application_policy bench = policy();
	struct application_stream *stream = NULL;
	struct application_totals totals;
	size_t length, golden_length;
	char *text = read_file("data/samples/bad.ndjson", &length);
	char *golden = read_file("tests/golden/bad.ndjson", &golden_length);
	FILE *out = open_memstream(&answers, &answers_length);

	(void)state;
	log_text[0] = '\0';
	assert_int_equal(application_stream_new(&stream, &bench, write_answers, out), 0);
	assert_int_equal(application_stream_feed(stream, text, length), 0);
	assert_int_equal(application_stream_finish(stream, &totals), 0);
	application_stream_free(&stream);
	fclose(out);
	if (strcmp(answers, golden) != 0)
		fail_msg("the answers to data/samples/bad.ndjson have changed: run `make published`, then look at the difference");
	assert_int_equal(totals.held, 2);
	assert_int_equal(totals.good, 5); /* two held, two warned about, and the last, which follows all the bad ones */
	assert_non_null(strstr(log_text, "35:35:1 USCC_CHECK organisation.uscc"));
	free(answers);
	free(text);
	free(golden);
}

/* Runs last: with what stood in the samples and in the tests above, nothing in the list is beyond reach. */
static void
every_listed_finding_was_seen(void **state)
{
	(void)state;
	for (unsigned rule = 0; rule < RULE_COUNT; rule++)
		if (!seen_rules[rule])
			fail_msg("%s is in no sample and no test", finding_info((enum finding_rule)rule)->name);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_and_lines_are_both_read),
		cmocka_unit_test(bad_line_harms_only_itself),
		cmocka_unit_test(bad_record_of_an_array_harms_only_itself),
		cmocka_unit_test(syntax_error_in_an_array_stops_there_and_says_how_far_it_was_read),
		cmocka_unit_test(faults_between_records_stop_the_reading),
		cmocka_unit_test(empty_and_foreign_files_are_refused),
		cmocka_unit_test(record_beyond_the_limit_is_refused_and_the_next_is_read),
		cmocka_unit_test(nesting_beyond_the_limit_is_refused_and_the_next_is_read),
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(error_of_the_callback_ends_the_reading),
		cmocka_unit_test(shipped_samples_are_good_and_varied),
		cmocka_unit_test(bad_samples_are_answered_as_before),
		cmocka_unit_test(every_listed_finding_was_seen),
	};

	return cmocka_run_group_tests_name("application-stream", tests, NULL, NULL);
}
