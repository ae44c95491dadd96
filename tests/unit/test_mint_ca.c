/* mint-ca as a program: what mint-queue hears from it over descriptor 3, through kills and restarts, and what a person sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/base/ipc.h"
#include "schemas/errors.h"
#include "tests/unit/ca_fixture.h"

enum { KEYS = 12 };

#define SUBJECT "{\"common_name\":\"张三\",\"organisation\":\"北京某某有限公司\",\"uscc\":\"91350100M000100Y43\"}"

static char program[PATH_MAX], root[PATH_MAX];
static const char *directory;
static pid_t service;
static int channel = -1;
static EVP_PKEY *keys[KEYS];
static struct blob requests[KEYS];

static void
start(void)
{
	struct message hello = { .type = MESSAGE_hello };
	char config[PATH_MAX + 16];
	int fds[2];

	snprintf(config, sizeof config, "%s/mint.conf", directory);
	assert_int_equal(ipc_pair(fds), 0);
	service = fork();
	if (service == 0) {
		dup2(fds[1], IPC_PARENT_FD);
		execl(program, program, "--config", config, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	channel = fds[0];
	hello.hello = (struct message_hello){ MESSAGES_VERSION, PROGRAM_QUEUE, (uint32_t)getpid(), "test" };
	assert_int_equal(ipc_write(channel, &hello, -1), 0);
	assert_int_equal(ipc_read(channel, &hello, NULL), 0);
	assert_int_equal(hello.type, MESSAGE_hello);
	assert_int_equal(hello.hello.program, PROGRAM_CA);
	assert_int_equal(hello.hello.pid, service);
	message_clear(&hello);
}

/* The status of waitpid. */
static int
finish(int signal_number)
{
	int status = -1;

	if (signal_number)
		kill(service, signal_number);
	close(channel);
	assert_int_equal(waitpid(service, &status, 0), service);
	service = 0;
	return status;
}

static void
configure(void)
{
	char text[4 * PATH_MAX];

	snprintf(text, sizeof text, "database = \"none\"\nstation_key = \"none\"\noffice_certificate = \"none\"\nprinter = \"file:none\"\n"
	    "ca_directory = \"ca\"\nca_passphrase = \"ca/passphrase\"\nca_profiles = \"%s/data/profiles\"\nbay 1 { reader = \"none\" }\n",
	    root);
	fixture_write("mint.conf", text, strlen(text));
}

static int
set_up(void **state)
{
	char text[FIXTURE_TEXT];

	(void)state;
	directory = fixture_directory();
	configure();
	assert_int_equal(fixture_run(text, "%s init --dir ca --demonstration", program), 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (service)
		finish(SIGKILL);
	fixture_remove();
	return 0;
}

static int
make_keys(void **state)
{
	char self[PATH_MAX - 16];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	(void)state;
	assert_true(length > 0 && getcwd(root, sizeof root));
	self[length] = '\0';
	snprintf(program, sizeof program, "%s/mint-ca", dirname(self));
	for (int i = 0; i < KEYS; i++) {
		keys[i] = EVP_EC_gen("P-256");
		requests[i] = fixture_request(keys[i], keys[i], EVP_sha256());
	}
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS; i++) {
		EVP_PKEY_free(keys[i]);
		OPENSSL_free((void *)(uintptr_t)requests[i].data);
	}
	return 0;
}

/* Request id and serial number n + 1 for key n. */
static struct blob
serial(int n)
{
	static uint8_t bytes[20];

	memset(bytes, 0x33, sizeof bytes);
	bytes[19] = (uint8_t)(n + 1);
	return (struct blob){ bytes, sizeof bytes };
}

static void
ask_certify(int n)
{
	struct message message = { .type = MESSAGE_certify };

	message.certify = (struct message_certify){ (uint64_t)n + 1, serial(n), "institution", SUBJECT, requests[n] };
	assert_int_equal(ipc_write(channel, &message, -1), 0);
}

static void
ask_lookup(int n)
{
	struct message message = { .type = MESSAGE_lookup };

	message.lookup = (struct message_lookup){ (uint64_t)n + 1, { NULL, 0 } };
	assert_int_equal(ipc_write(channel, &message, -1), 0);
}

static void
ask_revoke(int n, int reason)
{
	struct message message = { .type = MESSAGE_revoke };

	message.revoke = (struct message_revoke){ (uint64_t)n + 1, serial(n), (uint8_t)reason };
	assert_int_equal(ipc_write(channel, &message, -1), 0);
}

/* The next answer, which must be of this type; message_clear it. */
static struct message
answer(enum message_type type)
{
	struct message message;

	assert_int_equal(ipc_read(channel, &message, NULL), 0);
	if (message.type != type)
		fail_msg("%s came instead of %s", message_name(message.type), message_name(type));
	return message;
}

/* The certificate of key n, the caller's to free. */
static struct blob
certified(int n)
{
	struct message message = answer(MESSAGE_certified);
	struct blob copy = { NULL, message.certified.certificate.length };
	uint8_t *bytes = malloc(copy.length);

	assert_int_equal(message.certified.request_id, n + 1);
	memcpy(bytes, message.certified.certificate.data, copy.length);
	copy.data = bytes;
	message_clear(&message);
	return copy;
}

static void
refused(int n, int error)
{
	struct message message = answer(MESSAGE_certify_refused);

	assert_int_equal(message.certify_refused.request_id, n + 1);
	assert_int_equal(message.certify_refused.error, -error);
	assert_true(message.certify_refused.detail[0]);
	message_clear(&message);
}

static void
revoked(int n, int error)
{
	struct message message = answer(MESSAGE_revoked);

	assert_int_equal(message.revoked.request_id, n + 1);
	assert_int_equal(message.revoked.error, -error);
	message_clear(&message);
}

static void
assert_run(const char *command, int status, const char *expected)
{
	char text[FIXTURE_TEXT];
	int got = fixture_run(text, "%s", command);

	if (got != status || !strstr(text, expected))
		fail_msg("%s\nended with %d and said:\n%s\nwithout: %s", command, got, text, expected);
}

static void
queue_hears_certified_refused_and_revoked(void **state)
{
	struct blob certificate;

	(void)state;
	start();
	ask_lookup(0);
	refused(0, MINT_NOT_FOUND);
	ask_certify(0);
	certificate = certified(0);
	fixture_write("c.der", certificate.data, certificate.length);
	free((void *)(uintptr_t)certificate.data);
	assert_run("openssl x509 -inform DER -in c.der -out c.pem && openssl verify -x509_strict -CAfile ca/ca.pem c.pem", 0, "c.pem: OK");
	ask_revoke(1, 4);
	revoked(1, MINT_NOT_FOUND);
	ask_revoke(0, 4);
	revoked(0, 0);
	/* The next answer comes after the list was published, which the same turn of the loop did. */
	ask_lookup(0);
	refused(0, MINT_REFUSED);
	assert_run("! openssl verify -x509_strict -crl_check -CRLfile ca/crl.pem -CAfile ca/ca.pem c.pem", 0, "certificate revoked");
	assert_int_equal(finish(SIGTERM), 0);
}

static void
questions_sent_together_are_answered_in_order(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < KEYS; i++) {
		ask_certify(i);
		ask_lookup(i);
		if (i % 3 == 0)
			ask_revoke(i, 4);
	}
	for (int i = 0; i < KEYS; i++) {
		free((void *)(uintptr_t)certified(i).data);
		free((void *)(uintptr_t)certified(i).data);
		if (i % 3 == 0)
			revoked(i, 0);
	}
	assert_int_equal(finish(SIGTERM), 0);
}

/* Killed after `answers` answers, with all questions sent: what was answered is what comes again, the rest is signed once. */
static void
kill_after(int answers)
{
	struct blob first[KEYS] = { { NULL, 0 } };

	start();
	for (int i = 0; i < KEYS; i++)
		ask_certify(i);
	for (int i = 0; i < answers; i++)
		first[i] = certified(i);
	finish(SIGKILL);
	start();
	for (int i = 0; i < KEYS; i++) {
		struct blob again;

		ask_certify(i);
		again = certified(i);
		if (i < answers) {
			assert_int_equal(again.length, first[i].length);
			assert_memory_equal(again.data, first[i].data, again.length);
		}
		free((void *)(uintptr_t)again.data);
		free((void *)(uintptr_t)first[i].data);
	}
	finish(SIGKILL);
}

static void
what_was_answered_before_a_kill_is_answered_the_same_after_it(void **state)
{
	char text[FIXTURE_TEXT];

	for (int answers = 0; answers <= KEYS; answers += 3) {
		kill_after(answers);
		assert_int_equal(fixture_run(text, "%s show --dir ca --json | jq -r .issued", program), 0);
		assert_int_equal(strtol(text, NULL, 10), KEYS);
		tear_down(state);
		set_up(state);
	}
}

static void
program_ends_when_the_queue_is_gone(void **state)
{
	(void)state;
	start();
	assert_int_equal(finish(0), 0);
}

static void
program_ends_on_a_message_that_is_not_for_it(void **state)
{
	struct message message = { .type = MESSAGE_ready };

	(void)state;
	start();
	assert_int_equal(ipc_write(channel, &message, -1), 0);
	assert_int_equal(ipc_read(channel, &message, NULL), MINT_CLOSED);
	assert_int_equal(finish(0), 0);
}

static void
program_does_not_start_without_profiles_or_with_a_damaged_log(void **state)
{
	char text[FIXTURE_TEXT];

	(void)state;
	assert_int_equal(fixture_run(text, "mkfifo f; sed -i 's/opened/opxned/' ca/issued.log && %s --config mint.conf 3<>f", program),
	    error_info(MINT_SYNTAX)->exit_status);
	assert_non_null(strstr(text, "damaged at byte 0"));
	assert_int_equal(fixture_run(text, "sed -i 's,/data/profiles,/tests/unit,' mint.conf && %s --config mint.conf 3<>f", program),
	    error_info(MINT_NOT_FOUND)->exit_status);
	assert_non_null(strstr(text, "holds no profile"));
}

static void
person_sees_the_ca_beside_the_running_service(void **state)
{
	char text[FIXTURE_TEXT];

	(void)state;
	start();
	ask_certify(0);
	free((void *)(uintptr_t)certified(0).data);
	assert_int_equal(fixture_run(text, "%s show --config mint.conf --json | jq -e '.issued == 1 and .demonstration'", program), 0);
	assert_int_equal(fixture_run(text, "%s lookup --dir ca --request 1 --pem | openssl verify -x509_strict -CAfile ca/ca.pem", program), 0);
	assert_int_equal(fixture_run(text, "s=$(%s lookup --dir ca --request 1 --json | jq -r .serial) && %s lookup --dir ca --serial $s",
	    program, program), 0);
	assert_int_equal(fixture_run(text, "%s lookup --dir ca --request 2 --json | jq -e '.error == \"NOT_FOUND\"'", program), 0);
	assert_int_equal(fixture_run(text, "%s crl --config mint.conf", program), error_info(MINT_BUSY)->exit_status);
	finish(SIGTERM);
	assert_int_equal(fixture_run(text, "%s crl --config mint.conf --json | jq -e '.crl_number == 2'", program), 0);
}

static void
person_revokes_by_serial_number_while_the_service_is_at_rest(void **state)
{
	static const char by_serial[] = "s=$(%s lookup --dir ca --request 1 --json | jq -r .serial) && "
	                                "%s revoke --dir ca --passphrase-file ca/passphrase --json --serial $s --reason %s";
	char text[FIXTURE_TEXT];

	(void)state;
	start();
	ask_certify(0);
	free((void *)(uintptr_t)certified(0).data);
	assert_int_equal(fixture_run(text, by_serial, program, program, "superseded"), error_info(MINT_BUSY)->exit_status);
	assert_non_null(strstr(text, "stop the bench first"));
	assert_int_equal(finish(SIGTERM), 0);
	assert_int_equal(fixture_run(text, by_serial, program, program, "gone"), error_info(MINT_ARGUMENT)->exit_status);
	assert_int_equal(fixture_run(text, "%s lookup --dir ca --request 1 --json | jq -e '.revoked_at == null'", program), 0);
	assert_int_equal(fixture_run(text, "%s revoke --dir ca --passphrase-file ca/passphrase --serial 77 --reason superseded", program),
	    error_info(MINT_NOT_FOUND)->exit_status);
	for (int times = 0; times < 2; times++) { /* once more changes nothing */
		assert_int_equal(fixture_run(text, by_serial, program, program, "superseded"), 0);
		assert_non_null(strstr(text, "\"revocation_reason\": 4"));
	}
	assert_int_equal(fixture_run(text, "%s show --dir ca --json | jq -e '.revoked == 1'", program), 0);
	assert_int_equal(fixture_run(text, "openssl crl -in ca/crl.pem -noout -text | grep -A4 'Serial Number' | grep Superseded"), 0);
	start();
	ask_lookup(0);
	refused(0, MINT_REFUSED);
	assert_int_equal(finish(SIGTERM), 0);
}

static void
person_is_told_what_is_wrong_in_two_languages(void **state)
{
	char text[FIXTURE_TEXT];

	(void)state;
	assert_int_equal(fixture_run(text, "LC_ALL=C %s init --dir ca --demonstration", program), error_info(MINT_EXISTS)->exit_status);
	assert_non_null(strstr(text, "exists already"));
	assert_int_equal(fixture_run(text, "LC_ALL=zh_CN.UTF-8 %s init --dir ca --demonstration", program),
	    error_info(MINT_EXISTS)->exit_status);
	assert_non_null(strstr(text, "对象已存在"));
	assert_int_equal(fixture_run(text, "%s init --dir new --subject C=CN,CN=x", program), error_info(MINT_NOT_FOUND)->exit_status);
	assert_int_equal(fixture_run(text, "umask 0; echo long enough >p; %s init --dir new --subject C=CN,CN=x --passphrase-file p", program),
	    error_info(MINT_CONFIG)->exit_status);
	assert_non_null(strstr(text, "chmod 600"));
	assert_int_equal(fixture_run(text, "echo long enough | %s init --dir new --subject C=CN,CN=x --passphrase-fd 0 --key rsa2048", program),
	    0);
	assert_int_equal(fixture_run(text, "mkdir c; cp ca/passphrase c/ca-passphrase; CREDENTIALS_DIRECTORY=c %s crl --dir ca", program), 0);
	for (const char *const *c = (const char *const[]){ "init", "show", "crl", "lookup", "revoke", "profiles", NULL }; *c; c++) {
		assert_int_equal(fixture_run(text, "%s %s --help", program, *c), 0);
		assert_non_null(strstr(text, "--json"));
		assert_int_equal(fixture_run(text, "%s %s --nonsense", program, *c), error_info(MINT_ARGUMENT)->exit_status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queue_hears_certified_refused_and_revoked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(questions_sent_together_are_answered_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_answered_before_a_kill_is_answered_the_same_after_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(program_ends_when_the_queue_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(program_ends_on_a_message_that_is_not_for_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(program_does_not_start_without_profiles_or_with_a_damaged_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(person_sees_the_ca_beside_the_running_service, set_up, tear_down),
		cmocka_unit_test_setup_teardown(person_revokes_by_serial_number_while_the_service_is_at_rest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(person_is_told_what_is_wrong_in_two_languages, set_up, tear_down),
	};

	setenv("MINT_LOG", "error", 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	alarm(300); /* a program that does not answer fails this test instead of stopping it */
	return cmocka_run_group_tests_name("mint-ca", tests, make_keys, free_keys);
}
