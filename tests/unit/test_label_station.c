/* mint-label as mint-queue sees it: one channel, JSON in, answers out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hostd/base/ipc.h"
#include "hostd/base/program.h"
#include "hostd/base/release.h"
#include "hostd/label/label_json.h"
#include "hostd/label/station.h"
#include "schemas/errors.h"
#include "tests/unit/label_fixture.h"

static const char good[] =
    "{\"kind\":\"shipping\",\"application\":\"MB-7\",\"organisation\":\"某某公司\",\"name\":\"王伟\",\"phone\":\"13800138000\","
    "\"address\":\"南京市中山路12号\",\"tokens\":[\"3A0010F2\"],\"printed_at\":1795400000000000}";

struct bench {
	char *directory;
	int   fd;
	pid_t pid;
};

/* In the child: the whole program, started as mintd does it. */
static void
serve(int fd, const char *directory)
{
	char name[] = "mint-label", option[] = "--config", path[128], cwd[1024], *arguments[] = { name, option, path, NULL };
	FILE *file;

	snprintf(path, sizeof path, "%s/mint.conf", directory);
	file = fopen(path, "we");
	if (!file || !getcwd(cwd, sizeof cwd))
		_exit(99);
	fprintf(file, "database = \"d\"\nstation_key = \"k\"\noffice_certificate = \"o\"\nca_directory = \"ca\"\n"
	              "printer = \"file:labels\"\nlabel_layouts = \"%s/data/labels\"\nbay 1 { reader = \"r\" }\n", cwd);
	if (fclose(file) != 0 || dup2(fd, IPC_PARENT_FD) < 0)
		_exit(99);
	_exit(program_main(&station_info, 3, arguments));
}

static int
set_up(void **state)
{
	struct bench *bench;
	int fds[2];

	if (ipc_pair(fds) < 0)
		return -1;
	bench = malloc(sizeof *bench);
	assert_non_null(bench);
	bench->directory = fixture_directory();
	bench->pid = fork();
	if (bench->pid == 0) {
		close(fds[0]);
		serve(fds[1], bench->directory);
	}
	close(fds[1]);
	bench->fd = fds[0];
	*state = bench;
	return bench->pid < 0;
}

static int
tear_down(void **state)
{
	struct bench *bench = *state;

	if (bench->fd >= 0)
		close(bench->fd);
	if (bench->pid > 0)
		waitpid(bench->pid, NULL, 0);
	fixture_remove(bench->directory);
	free(bench);
	return 0;
}

static void
say(struct bench *bench, const struct message *message)
{
	assert_int_equal(ipc_write(bench->fd, message, -1), 0);
}

static struct message
hear(struct bench *bench)
{
	struct message message;

	assert_int_equal(ipc_read(bench->fd, &message, NULL), 0);
	return message;
}

static void
greet(struct bench *bench)
{
	struct message hello = { .type = MESSAGE_hello }, theirs = hear(bench);

	assert_int_equal(theirs.type, MESSAGE_hello);
	assert_int_equal(theirs.hello.version, MESSAGES_VERSION);
	assert_int_equal(theirs.hello.program, PROGRAM_LABEL);
	message_clear(&theirs);
	hello.hello.version = MESSAGES_VERSION;
	hello.hello.program = PROGRAM_QUEUE;
	hello.hello.pid = (uint32_t)getpid();
	hello.hello.release = MINT_RELEASE;
	say(bench, &hello);
}

static struct message
print(struct bench *bench, uint64_t job, const char *label)
{
	struct message message = { .type = MESSAGE_print };

	message.print.job = job;
	message.print.label = label;
	say(bench, &message);
	return hear(bench);
}

/* The exit status of the program, which must have ended by itself. */
static int
end(struct bench *bench)
{
	int status;

	assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
	bench->pid = -1;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
print_is_answered_with_place_and_hash(void **state)
{
	struct bench *bench = *state;
	struct message answer;
	char expected[256], *scanned;

	greet(bench);
	answer = print(bench, 41, good);
	assert_int_equal(answer.type, MESSAGE_printed);
	assert_int_equal(answer.printed.job, 41);
	assert_int_equal(answer.printed.sha256.length, 32);
	snprintf(expected, sizeof expected, "%s/labels/MB-7.png", bench->directory);
	assert_string_equal(answer.printed.place, expected);
	scanned = fixture_scan(expected);
	assert_non_null(strstr(scanned, "CODE-128:MB-7\n"));
	free(scanned);
	message_clear(&answer);
	close(bench->fd);
	bench->fd = -1;
	assert_int_equal(end(bench), 0); /* the queue is gone */
}

static void
bad_label_fails_its_job_and_nothing_else(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
		const char *detail;
	} cases[] = {
		{ "}", "", MINT_SYNTAX, "line 1, column" },
		{ "shipping", "gift", MINT_FIELD, "kind: " },
		{ "13800138000\",", "13800138000\",\"phone\":\"1\",", MINT_SYNTAX, "line 1, column" },
		{ "\"tokens\":[\"3A0010F2\"]", "\"tokens\":[7]", MINT_FIELD, "tokens: an array" },
		{ "\"tokens\":[\"3A0010F2\"]", "\"tokens\":{}", MINT_FIELD, "tokens: an array" },
		{ "\"tokens\":[\"3A0010F2\"]", "\"tokens\":[]", MINT_FIELD, "tokens: " },
		{ "\"name\":\"王伟\"", "\"name\":7", MINT_FIELD, "name: a string is expected" },
		{ "\"name\"", "\"nmae\"", MINT_FIELD, "name: is missing" },
		{ "\"kind\"", "\"colour\":1,\"kind\"", MINT_FIELD, "label: has a key that is not known" },
		{ "\"kind\"", "\"sender\":[],\"kind\"", MINT_FIELD, "sender: an object is expected" },
		{ "\"kind\"", "\"urgent\":1,\"kind\"", MINT_FIELD, "urgent: true or false" },
		{ "\"kind\"", "\"copy\":100,\"kind\"", MINT_FIELD, "copy: " },
		{ "1795400000000000", "-1", MINT_FIELD, "printed_at: " },
		{ "王伟", "\U0001F9FF伟", MINT_LABEL_GLYPH, "name: no font has U+1F9FF" },
	};
	struct bench *bench = *state;

	greet(bench);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char label[1024];
		const char *at = strstr(good, cases[i].from);
		struct message answer;
		assert_non_null(at);
		snprintf(label, sizeof label, "%.*s%s%s", (int)(at - good), good, cases[i].to, at + strlen(cases[i].from));
		answer = print(bench, 100 + i, label);
		assert_int_equal(answer.type, MESSAGE_print_failed);
		assert_int_equal(answer.print_failed.job, 100 + i);
		assert_int_equal(answer.print_failed.error, -cases[i].error);
		if (!strstr(answer.print_failed.detail, cases[i].detail))
			fail_msg("%zu: %s", i, answer.print_failed.detail);
		assert_null(strstr(answer.print_failed.detail, "13800138000"));
		message_clear(&answer);
	}
	struct message answer = print(bench, 200, good);
	assert_int_equal(answer.type, MESSAGE_printed);
	message_clear(&answer);
}

static void
optional_members_are_read(void **state)
{
	static const char text[] =
	    "{\"kind\":\"collection\",\"application\":\"A\",\"organisation\":\"o\",\"name\":\"n\",\"tokens\":[\"1\",\"2\"],"
	    "\"printed_at\":5,\"copy\":3,\"urgent\":true,\"freight_collect\":true,"
	    "\"collection_point\":\"cp\",\"courier\":{\"waybill\":\"w\",\"routing\":\"r\",\"hub\":\"h\",\"product\":\"p\"},"
	    "\"sender\":{\"name\":\"sn\",\"phone\":\"sp\",\"address\":\"sa\"}}";
	struct label_document document;
	char why[256];

	(void)state;
	assert_int_equal(label_document_read(text, strlen(text), &document, why, sizeof why), 0);
	assert_int_equal(document.label.kind, LABEL_COLLECTION);
	assert_string_equal(document.label.phone, "");
	assert_string_equal(document.label.address, "");
	assert_int_equal(document.label.serial_count, 2);
	assert_string_equal(document.label.serials[1], "2");
	assert_int_equal(document.label.printed_at, 5);
	assert_int_equal(document.label.copy, 3);
	assert_true(document.label.urgent && document.label.freight_collect);
	assert_string_equal(document.label.collection_point, "cp");
	assert_string_equal(document.label.waybill, "w");
	assert_string_equal(document.label.routing, "r");
	assert_string_equal(document.label.hub, "h");
	assert_string_equal(document.label.product, "p");
	assert_string_equal(document.label.sender_name, "sn");
	assert_string_equal(document.label.sender_phone, "sp");
	assert_string_equal(document.label.sender_address, "sa");
	label_document_clear(&document);
}

static void
message_that_is_none_of_ours_ends_the_program(void **state)
{
	struct bench *bench = *state;
	struct message message = { .type = MESSAGE_burned };

	greet(bench);
	say(bench, &message);
	assert_int_equal(end(bench), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(print_is_answered_with_place_and_hash),
		TEST(bad_label_fails_its_job_and_nothing_else),
		cmocka_unit_test(optional_members_are_read),
		TEST(message_that_is_none_of_ours_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
