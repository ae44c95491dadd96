/* The file printer: whole files, once a job. */
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
#include <openssl/sha.h>

#include "hostd/label/printer.h"
#include "schemas/errors.h"
#include "tests/unit/label_fixture.h"
#include "tests/unit/unsynced.h"

struct bench {
	char            *directory;
	struct renderer *renderer;
	struct printer  *printer;
};

static int
set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);
	char uri[128];

	bench->directory = fixture_directory();
	snprintf(uri, sizeof uri, "file:%s/labels", bench->directory);
	*state = bench;
	return renderer_open("data/labels", &bench->renderer) < 0 || printer_open(uri, &bench->printer) < 0;
}

static int
tear_down(void **state)
{
	struct bench *bench = *state;

	printer_free(&bench->printer);
	renderer_free(&bench->renderer);
	fixture_remove(bench->directory);
	free(bench);
	return 0;
}

struct answer {
	int                 count;
	uint64_t            job;
	struct print_result result;
};

static void
keep_answer(uint64_t job, const struct print_result *result, void *argument)
{
	struct answer *answer = argument;

	answer->count++;
	answer->job = job;
	answer->result = *result;
}

static struct answer
print(struct bench *bench, uint64_t id, const struct label *label)
{
	struct pages pages;
	struct answer answer = { 0 };
	char why[256];

	if (render_label(bench->renderer, label, &pages, why, sizeof why) < 0)
		fail_msg("%s", why);
	printer_submit(bench->printer,
	    &(struct print_job){ .id = id, .application = label->application, .copy = label->copy, .pages = &pages },
	    keep_answer, &answer);
	pages_free(&pages);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.job, id);
	return answer;
}

static char *
path_of(struct bench *bench, const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/labels/%s", bench->directory, name);
	return path;
}

static void
job_leaves_png_and_zpl_named_for_the_application(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2);
	struct answer answer = print(bench, 7, &label);
	uint8_t sha256[32];
	size_t length;
	char *png, *zpl, *scanned;
	struct picture from_png, from_zpl;

	assert_int_equal(answer.result.outcome, PRINT_DONE);
	assert_string_equal(answer.result.place, path_of(bench, "MB20261123-000042.png"));
	png = fixture_slurp(answer.result.place, &length);
	SHA256((const uint8_t *)png, length, sha256);
	assert_memory_equal(answer.result.sha256, sha256, sizeof sha256);
	scanned = fixture_scan(answer.result.place);
	assert_non_null(strstr(scanned, "CODE-128:MB20261123-000042\n"));
	from_png = fixture_read_png(answer.result.place);
	zpl = fixture_slurp(path_of(bench, "MB20261123-000042.zpl"), &length);
	from_zpl = fixture_read_zpl(zpl, length, from_png.width, NULL);
	assert_true(fixture_same(&from_png, &from_zpl));
	assert_int_equal(fixture_count(path_of(bench, "")), 3); /* both files and .jobs: nothing half-written */
	free(png);
	free(zpl);
	free(scanned);
	free(from_png.dot);
	free(from_zpl.dot);
}

static void
label_is_on_the_disk_when_the_job_is_done(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(60);

	assert_int_equal(print(bench, 7, &label).result.outcome, PRINT_DONE);
	assert_null(unsynced_below(bench->directory));
	label.copy = 1;
	assert_int_equal(print(bench, 8, &label).result.outcome, PRINT_DONE);
	assert_null(unsynced_below(bench->directory));
}

static void
same_job_is_not_printed_twice(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2);
	struct answer first = print(bench, 7, &label), second;
	struct stat before, after;
	char *path = strdup(path_of(bench, "MB20261123-000042.png"));

	assert_int_equal(stat(path, &before), 0);
	second = print(bench, 7, &label);
	assert_int_equal(second.result.outcome, PRINT_DONE);
	assert_string_equal(second.result.place, first.result.place);
	assert_memory_equal(second.result.sha256, first.result.sha256, 32);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino); /* a file written anew would be another */
	free(path);
}

static void
job_that_was_cut_off_is_printed_again(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2);
	struct answer first = print(bench, 7, &label), second;

	/* Power failed before the record of the job was written. */
	assert_int_equal(unlink(path_of(bench, ".jobs/7")), 0);
	assert_int_equal(unlink(path_of(bench, "MB20261123-000042.zpl")), 0);
	second = print(bench, 7, &label);
	assert_int_equal(second.result.outcome, PRINT_DONE);
	assert_memory_equal(second.result.sha256, first.result.sha256, 32);
	assert_int_equal(access(path_of(bench, "MB20261123-000042.zpl"), F_OK), 0);
}

static void
job_number_of_another_label_is_refused(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2), other = fixture_label(2);
	struct answer answer = print(bench, 7, &label);

	assert_int_equal(answer.result.outcome, PRINT_DONE);
	other.application = "OTHER";
	answer = print(bench, 7, &other);
	assert_int_equal(answer.result.outcome, PRINT_FAILED);
	assert_int_equal(answer.result.error, MINT_DIFFERENT);
	assert_int_equal(access(path_of(bench, "OTHER.png"), F_OK), -1);
}

static void
reprint_is_paper_of_its_own(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2);
	struct answer first = print(bench, 7, &label), copy;

	label.copy = 1;
	copy = print(bench, 8, &label);
	assert_int_equal(copy.result.outcome, PRINT_DONE);
	assert_string_equal(copy.result.place, path_of(bench, "MB20261123-000042.copy-1.png"));
	assert_memory_not_equal(copy.result.sha256, first.result.sha256, 32);
	assert_int_equal(access(path_of(bench, "MB20261123-000042.png"), F_OK), 0);
	assert_int_equal(access(path_of(bench, "MB20261123-000042.copy-1.zpl"), F_OK), 0);
}

static void
all_pages_are_printed(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(60);
	struct answer answer = print(bench, 7, &label);
	char *zpl, name[64];
	const char *at;
	size_t length;

	assert_int_equal(answer.result.outcome, PRINT_DONE);
	zpl = fixture_slurp(path_of(bench, "MB20261123-000042.zpl"), &length);
	at = zpl;
	for (int page = 1; page <= 2; page++) {
		struct picture from_zpl = fixture_read_zpl(at, length - (size_t)(at - zpl), 799, &at), from_png;
		snprintf(name, sizeof name, page == 1 ? "MB20261123-000042.png" : "MB20261123-000042.page-%d.png", page);
		from_png = fixture_read_png(path_of(bench, name));
		assert_true(fixture_same(&from_zpl, &from_png));
		free(from_zpl.dot);
		free(from_png.dot);
	}
	assert_int_equal(at - zpl, length);
	free(zpl);
}

static void
full_or_lost_directory_is_a_failure_that_may_be_tried_again(void **state)
{
	struct bench *bench = *state;
	struct label label = fixture_label(2);
	struct answer answer;
	char *blocked = strdup(path_of(bench, "MB20261123-000042.zpl"));

	/* A directory of that name stands in the way of the rename, for root as well. */
	assert_int_equal(mkdir(blocked, 0755), 0);
	answer = print(bench, 7, &label);
	assert_int_equal(answer.result.outcome, PRINT_FAILED);
	assert_int_equal(answer.result.error, MINT_PRINTER);
	assert_int_equal(access(path_of(bench, ".jobs/7"), F_OK), -1);
	assert_int_equal(access(path_of(bench, ".MB20261123-000042.zpl.new"), F_OK), -1);
	assert_int_equal(rmdir(blocked), 0);
	answer = print(bench, 7, &label);
	assert_int_equal(answer.result.outcome, PRINT_DONE);
	free(blocked);
}

static void
printer_of_unknown_kind_is_refused(void **state)
{
	struct printer *printer;

	(void)state;
	assert_int_equal(printer_open("laser:/x", &printer), MINT_ARGUMENT);
	assert_null(printer);
	assert_int_equal(printer_open("file:/dev/null/x", &printer), MINT_PRINTER);
	assert_null(printer);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(job_leaves_png_and_zpl_named_for_the_application),
		TEST(label_is_on_the_disk_when_the_job_is_done),
		TEST(same_job_is_not_printed_twice),
		TEST(job_that_was_cut_off_is_printed_again),
		TEST(job_number_of_another_label_is_refused),
		TEST(reprint_is_paper_of_its_own),
		TEST(all_pages_are_printed),
		TEST(full_or_lost_directory_is_a_failure_that_may_be_tried_again),
		cmocka_unit_test(printer_of_unknown_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
