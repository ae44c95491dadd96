/* worker-drive: plays mint-queue and mint-ca for one token, so that mint-worker can be tested alone.
 *
 *   worker-drive --config FILE --worker PROGRAM --reader NAME --atr HEX --dir DIR [--key-type T] [--label L]
 *                [--station-key FILE] [--control SOCKET] WORD…
 *
 * Words, in order: `mint`, `prove`, `surveyor` start a worker in that role and print what it probed; `watch` one that looks after a
 * slot, and prints what it shows first; `news` waits for what it shows next; `survey` prints what token and module tell; `initialise`, `erase` (initialise after
 * erasing), `key`, `request`, `certify` (sign the request here), `burn`, `prove!`, `proven` (prove of a proof on record),
 * `seal` are steps; `so-pin=CODE` is what a person gives for `erase` of a stranger's token; `finish` ends the worker and prints its exit status, `kill` kills it; `expect=NAME` before a step says that
 * it must fail with that error; `codes` writes the transport codes in clear to DIR (a test's privilege), `control=COMMAND` speaks
 * to the virtual tokens. What a queue would keep (codes, key, certificate, envelope) is kept in DIR, so that several
 * calls make one life of a token. Exit status 0 when every step ended as expected.
 */
#include "hostd/worker/codes.h"
#include "schemas/errors.h"
#include "schemas/messages.h"
#include "tools/drive/drive.h"
#include "tools/drive/office.h"

#include <err.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MAX = 16384, EXIT_UNEXPECTED = 2 };

static struct {
	const char *config, *program, *reader, *directory, *key_type, *label, *station_key, *control, *expected, *so_pin;
	uint8_t     atr[33], key_id[8], buffer[6][FILE_MAX];
	uint32_t    atr_length;
	char        serial[65];
	uint64_t    journal;
	struct drive *worker;
} drive = { .key_type = "p256", .label = "MB-00000001", .key_id = { 0, 0, 0, 0, 0, 0, 1, 0x45 }, .serial = "" };

/* --- files of DIR */

static void
keep(const char *name, const void *data, size_t length)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", drive.directory, name);
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, length, file) != length || fclose(file) != 0)
		err(1, "%s", path);
}

/* Into one of a few buffers; what is not there has length 0. */
static struct blob
kept(const char *name, int buffer)
{
	char path[512];
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", drive.directory, name);
	file = fopen(path, "re");
	if (file) {
		length = fread(drive.buffer[buffer], 1, FILE_MAX, file);
		fclose(file);
	}
	return (struct blob){ drive.buffer[buffer], (uint32_t)length };
}

static void
keep_blob(const char *name, const struct blob *blob)
{
	if (blob->length > 0)
		keep(name, blob->data, blob->length);
}

static void
print_hex(const char *name, const struct blob *blob)
{
	printf(" %s=", name);
	for (uint32_t i = 0; i < blob->length; i++)
		printf("%02x", blob->data[i]);
}

/* In role prove the serial number may not be read: it is the last one that was. */
static void
take_serial(const char *serial)
{
	struct blob last = kept("serial", 0);

	if (*serial)
		keep("serial", serial, strlen(serial));
	snprintf(drive.serial, sizeof drive.serial, "%.*s", *serial ? (int)strlen(serial) : (int)last.length, *serial ? serial : (const char *)last.data);
}

/* --- the worker */

static void
start_worker(void)
{
	int r = drive_start(&drive.worker, drive.program, drive.config);

	if (r != 0)
		errx(1, "%s: %s", drive.program, error_info(r)->name);
}

static void
hear(struct message *message)
{
	int r = drive_hear(drive.worker, message, -1);

	if (r != 0)
		errx(1, "the worker does not answer: %s", error_info(r)->name);
}

/* Asks a step and prints the answer's name; the caller clears it. 1 when it is the one wanted. */
static int
ask(const struct message *message, enum message_type wanted, struct message *answer)
{
	int r = drive_ask(drive.worker, message, wanted, answer, -1);

	if (answer->type == MESSAGE_failed) {
		const char *name = error_info((int)answer->failed.error)->name;

		printf("failed error=%s fault=%u journal=%llu detail=%s\n", name, answer->failed.fault,
		    (unsigned long long)answer->failed.journal, answer->failed.detail);
		if (!drive.expected || strcmp(drive.expected, name) != 0)
			exit(EXIT_UNEXPECTED);
		drive.expected = NULL;
		return 0;
	}
	if (answer->type == 0)
		errx(1, "the worker does not answer: %s", error_info(r)->name);
	printf("%s", message_name(answer->type));
	if (r != 0 || drive.expected) {
		printf(", expected %s\n", drive.expected ? drive.expected : message_name(wanted));
		exit(EXIT_UNEXPECTED);
	}
	return 1;
}

static void
order(enum worker_role role)
{
	struct message message = { .type = MESSAGE_order }, answer;

	start_worker();
	message.order = (struct message_order){
		.lease = 7, .bay = 1, .role = (uint8_t)role, .reader = drive.reader, .atr = { drive.atr, drive.atr_length },
	};
	if (ask(&message, MESSAGE_probed, &answer)) {
		printf(" content=%u model=%s serial=%s label=%s user_tries=%u so_tries=%u", answer.probed.content,
		    answer.probed.model, answer.probed.serial, answer.probed.label, answer.probed.user_tries, answer.probed.so_tries);
		print_hex("key_id", &answer.probed.key_id);
		print_hex("certificate", &answer.probed.certificate_sha256);
		printf(" key_types=\"%s\" spki=%u codes=%u pid=%d\n", answer.probed.key_types, answer.probed.spki.length,
		    answer.probed.fresh_codes.length, drive_pid(drive.worker));
		take_serial(answer.probed.serial);
		keep_blob("fresh", &answer.probed.fresh_codes);
	}
	message_clear(&answer);
}

static void
word_mint(void)
{
	order(ROLE_MINT);
}

static void
word_prove_role(void)
{
	order(ROLE_PROVE);
}

static void
word_surveyor(void)
{
	order(ROLE_SURVEY);
}

static void
print_bay(const struct message *message)
{
	printf("bay presence=%u label=%s\n", message->bay.presence, message->bay.label);
}

static void
word_watch(void)
{
	struct message message = { .type = MESSAGE_order }, answer;

	start_worker();
	message.order = (struct message_order){ .lease = 7, .bay = 1, .role = ROLE_WATCH, .reader = "" };
	if (drive_say(drive.worker, &message) != 0)
		errx(1, "the worker does not listen");
	hear(&answer);
	if (answer.type != MESSAGE_bay)
		errx(EXIT_UNEXPECTED, "%s instead of bay", message_name(answer.type));
	print_bay(&answer);
	message_clear(&answer);
}

static void
word_news(void)
{
	struct message message;

	hear(&message);
	print_bay(&message);
	message_clear(&message);
}

static void
word_survey(void)
{
	struct message message = { .type = MESSAGE_survey }, answer;

	message.survey.journal = ++drive.journal;
	if (ask(&message, MESSAGE_surveyed, &answer))
		printf(" %s\n", answer.surveyed.found);
	message_clear(&answer);
}

static void
initialise(int erase)
{
	struct message message = { .type = MESSAGE_initialise }, answer;
	struct blob fresh = kept("fresh", 0), old = kept("codes", 1);

	message.initialise = (struct message_initialise){
		.journal = ++drive.journal, .erase = (uint8_t)erase, .label = drive.label, .codes = fresh,
		.key_type = drive.key_type, .key_id = { drive.key_id, sizeof drive.key_id },
	};
	if (erase) {
		message.initialise.old_codes = drive.so_pin ? (struct blob){ NULL, 0 } : old;
		message.initialise.so_pin = drive.so_pin;
	}
	if (ask(&message, MESSAGE_initialised, &answer)) {
		printf(" serial=%s label=%s\n", answer.initialised.serial, answer.initialised.label);
		keep_blob("codes", &fresh);
	}
	message_clear(&answer);
}

static void
word_initialise(void)
{
	initialise(0);
}

static void
word_erase(void)
{
	initialise(1);
}

static void
word_key(void)
{
	struct message message = { .type = MESSAGE_make_key }, answer;

	message.make_key = (struct message_make_key){
		.journal = ++drive.journal, .key_type = drive.key_type, .key_id = { drive.key_id, sizeof drive.key_id }, .label = "credential",
		.codes = kept("codes", 0),
	};
	if (ask(&message, MESSAGE_key_made, &answer)) {
		printf(" spki=%u duration_us=%llu\n", answer.key_made.spki.length, (unsigned long long)answer.key_made.duration_us);
		keep_blob("spki.der", &answer.key_made.spki);
	}
	message_clear(&answer);
}

static void
word_request(void)
{
	struct message message = { .type = MESSAGE_make_request }, answer;

	message.make_request = (struct message_make_request){
		.journal = ++drive.journal, .key_id = { drive.key_id, sizeof drive.key_id }, .common_name = "REF-1-01", .codes = kept("codes", 0),
	};
	if (ask(&message, MESSAGE_request_made, &answer)) {
		printf(" request=%u\n", answer.request_made.request.length);
		keep_blob("request.der", &answer.request_made.request);
	}
	message_clear(&answer);
}

/* A certificate for the request by a key that is thrown away. */
static void
word_certify(void)
{
	struct blob request = kept("request.der", 0);
	EVP_PKEY *issuer = EVP_EC_gen("P-256");
	uint8_t *der;
	size_t length;

	if (office_certify(issuer, &request, 0, &der, &length) != 0)
		errx(1, "the request does not verify");
	keep("certificate.der", der, length);
	printf("certified bytes=%zu\n", length);
	OPENSSL_free(der);
	EVP_PKEY_free(issuer);
}

static void
word_burn(void)
{
	struct message message = { .type = MESSAGE_burn }, answer;

	message.burn = (struct message_burn){
		.journal = ++drive.journal, .key_id = { drive.key_id, sizeof drive.key_id }, .label = "credential",
		.certificate = kept("certificate.der", 0), .codes = kept("codes", 1),
	};
	if (ask(&message, MESSAGE_burned, &answer))
		printf("\n");
	message_clear(&answer);
}

static void
prove(int proven)
{
	struct message message = { .type = MESSAGE_prove }, answer;

	message.prove = (struct message_prove){
		.journal = ++drive.journal, .serial = drive.serial, .key_id = { drive.key_id, sizeof drive.key_id },
		.certificate = kept("certificate.der", 0), .codes = kept("codes", 1), .proven = (uint8_t)proven,
	};
	if (ask(&message, MESSAGE_proved, &answer)) {
		printf(" codes_left=%u envelope=%u", answer.proved.codes_left, answer.proved.envelope.length);
		print_hex("certificate", &answer.proved.certificate_sha256);
		printf("\n");
		keep_blob("challenge", &answer.proved.challenge);
		keep_blob("signature", &answer.proved.signature);
		keep_blob("envelope.der", &answer.proved.envelope);
	}
	message_clear(&answer);
}

static void
word_prove(void)
{
	prove(0);
}

static void
word_proven(void)
{
	prove(1);
}

static void
word_seal(void)
{
	struct message message = { .type = MESSAGE_seal }, answer;

	message.seal.journal = ++drive.journal;
	if (ask(&message, MESSAGE_sealed, &answer))
		printf("\n");
	message_clear(&answer);
}

static void
print_end(int status)
{
	printf("exited %s=%d\n", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void
word_finish(void)
{
	print_end(drive_finish(&drive.worker));
}

static void
word_kill(void)
{
	print_end(drive_kill(&drive.worker));
}

/* One line a code, for programs that are to try them. */
static void
word_codes(void)
{
	struct blob sealed = kept("codes", 0);
	uint8_t key[CODES_KEY_BYTES];
	struct codes codes;
	char path[512];

	if (codes_read_key(drive.station_key, key) != 0 ||
	    codes_open(&codes, key, drive.serial, sealed.data, sealed.length) != 0)
		errx(1, "the codes do not open");
	for (enum code code = 0; code < CODES; code++) {
		snprintf(path, sizeof path, "clear-%s", code_name(code));
		keep(path, codes.text[code], strlen(codes.text[code]));
	}
}

static void
tell_control(const char *command)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char answer[1024];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t got;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", drive.control);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    dprintf(fd, "%s\n", command) < 0)
		err(1, "%s", drive.control);
	got = read(fd, answer, sizeof answer - 1);
	close(fd);
	printf("%.*s", (int)(got > 0 ? got : 0), answer);
	if (got < 11 || strncmp(answer, "{\"ok\": true", 11) != 0)
		exit(EXIT_UNEXPECTED);
}

static const struct {
	const char *word;
	void      (*run)(void);
} words[] = {
	{ "mint", word_mint }, { "prove", word_prove_role }, { "initialise", word_initialise }, { "erase", word_erase },
	{ "key", word_key }, { "request", word_request }, { "certify", word_certify }, { "burn", word_burn },
	{ "prove!", word_prove }, { "proven", word_proven }, { "seal", word_seal }, { "finish", word_finish },
	{ "kill", word_kill }, { "codes", word_codes }, { "surveyor", word_surveyor }, { "survey", word_survey }, { "watch", word_watch },
	{ "news", word_news },
};

static void
run_word(const char *word)
{
	if (strncmp(word, "expect=", 7) == 0) {
		drive.expected = word + 7;
		return;
	}
	if (strncmp(word, "so-pin=", 7) == 0) {
		drive.so_pin = word + 7;
		return;
	}
	if (strncmp(word, "control=", 8) == 0) {
		tell_control(word + 8);
		return;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i].word, word) == 0) {
			words[i].run();
			fflush(stdout);
			return;
		}
	errx(1, "%s: no such word", word);
}

static void
take_atr(const char *hex)
{
	unsigned byte;
	int used;

	for (; drive.atr_length < sizeof drive.atr && sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used)
		drive.atr[drive.atr_length++] = (uint8_t)byte;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "worker", required_argument, NULL, 'w' },
		{ "reader", required_argument, NULL, 'r' }, { "atr", required_argument, NULL, 'a' },
		{ "dir", required_argument, NULL, 'd' }, { "key-type", required_argument, NULL, 'k' },
		{ "label", required_argument, NULL, 'l' }, { "station-key", required_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'c': drive.config = optarg; break;
		case 'w': drive.program = optarg; break;
		case 'r': drive.reader = optarg; break;
		case 'a': take_atr(optarg); break;
		case 'd': drive.directory = optarg; break;
		case 'k': drive.key_type = optarg; break;
		case 'l': drive.label = optarg; break;
		case 's': drive.station_key = optarg; break;
		case 'v': drive.control = optarg; break;
		default: return 64;
		}
	if (!drive.config || !drive.program || !drive.reader || !drive.directory)
		errx(64, "--config, --worker, --reader and --dir are needed");
	for (; optind < argc; optind++)
		run_word(argv[optind]);
	return 0;
}
