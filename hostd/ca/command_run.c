/* What the subcommands do. Those that only read may run beside the service. */
#include "hostd/base/clock.h"
#include "hostd/base/keep.h"
#include "hostd/ca/authority.h"
#include "hostd/ca/ca.h"
#include "hostd/ca/command.h"
#include "hostd/ca/crl.h"
#include "hostd/ca/encode.h"
#include "hostd/ca/ledger.h"
#include "hostd/ca/name.h"
#include "hostd/ca/profile.h"
#include "hostd/ca/request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CRL_DAYS = 7 };

static int
open_directory(const char *path, int make, struct reason *reason)
{
	int fd;

	if (make && keep_directory(AT_FDCWD, path, 0755) != 0)
		return reason_set(reason, MINT_STORAGE, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : reason_set(reason, MINT_NOT_FOUND, "%s: %s", path, strerror(errno));
}

static json_t *
time_text(int64_t at)
{
	char text[32];
	time_t seconds = (time_t)(at / 1000000);
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return json_null();
	return json_string(text);
}

static json_t *
asn1_time_text(const ASN1_TIME *time)
{
	struct tm parts;
	char text[32];

	if (ASN1_TIME_to_tm(time, &parts) != 1 || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return json_null();
	return json_string(text);
}

static json_t *
hex_text(const uint8_t *data, size_t bytes)
{
	char text[2 * DIGEST_BYTES + 1];

	hex_put(text, data, bytes);
	return json_string(text);
}

static json_t *
path_text(const char *directory, const char *name)
{
	char whole[PATH_MAX];

	return json_sprintf("%s/%s", realpath(directory, whole) ? whole : directory, name);
}

static json_t *
name_text(const X509_NAME *name)
{
	char *line = name_line(name);
	json_t *text = line ? json_string(line) : json_null();

	free(line);
	return text;
}

static void
put_authority(json_t *answer, const struct authority *authority, const char *directory)
{
	X509 *certificate = authority_certificate(authority);

	json_object_set_new(answer, "subject", name_text(X509_get_subject_name(certificate)));
	json_object_set_new(answer, "issuer", name_text(X509_get_issuer_name(certificate)));
	json_object_set_new(answer, "demonstration", json_boolean(authority_is_demonstration(authority)));
	json_object_set_new(answer, "not_before", asn1_time_text(X509_get0_notBefore(certificate)));
	json_object_set_new(answer, "not_after", asn1_time_text(X509_get0_notAfter(certificate)));
	json_object_set_new(answer, "sha256", hex_text(authority_sha256(authority), DIGEST_BYTES));
	json_object_set_new(answer, "chain", path_text(directory, "ca.pem"));
}

/* The ledger as the log has it now, without its lock. */
static int
remember(const struct record *record, struct place place, void *argument)
{
	return ledger_add(argument, record, place);
}

static int
open_log(struct issuelog **log, struct ledger **ledger, int directory, uint64_t *torn, struct reason *reason)
{
	int r;

	*log = NULL;
	*ledger = ledger_new();
	if (!*ledger)
		return reason_set(reason, MINT_MEMORY, "out of memory");
	r = issuelog_open(log, directory, ISSUELOG_READ, remember, *ledger, torn, reason);
	if (r == MINT_DIFFERENT)
		reason_set(reason, r, ISSUELOG_NAME " contradicts itself: restore it from a backup");
	return r;
}

static int
publish(int directory, const struct passphrase *passphrase, struct reason *reason)
{
	struct profiles none = { .list = NULL };
	struct ca_settings settings = { .directory = directory, .passphrase = passphrase, .profiles = &none, .crl_days = CRL_DAYS };
	struct ca *ca = NULL;
	int r = ca_open(&ca, "embedded", &settings, reason);

	if (r == 0)
		r = ca_publish(ca, 1, NULL, reason);
	ca_close(&ca);
	return r;
}

/* The demonstration makes its own passphrase where none is given; a second try after a crash finds it. */
static int
init_passphrase(struct passphrase *passphrase, const struct command_options *to, int directory, struct reason *reason)
{
	char path[PATH_MAX];
	int r;

	if (!to->demonstration || to->passphrase_file || to->passphrase_fd >= 0 || getenv("CREDENTIALS_DIRECTORY"))
		return passphrase_read(passphrase, to->passphrase_fd, to->passphrase_file, reason);
	r = passphrase_make(passphrase, directory, "passphrase", reason);
	if (r != MINT_EXISTS)
		return r;
	snprintf(path, sizeof path, "%s/passphrase", to->directory);
	return passphrase_read(passphrase, -1, path, reason);
}

int
command_init(const struct command_options *to, json_t **answer, struct reason *reason)
{
	struct authority_plan plan = {
		.subject = to->subject, .key_type = to->key_type, .demonstration = to->demonstration, .now = clock_utc_us(),
	};
	struct passphrase issuing = { .bytes = 0 }, root = { .bytes = 0 };
	int directory = open_directory(to->directory, 1, reason), r;

	if (directory < 0)
		return directory;
	r = init_passphrase(&issuing, to, directory, reason);
	if (r == 0 && to->root_passphrase_file)
		r = passphrase_read(&root, -1, to->root_passphrase_file, reason);
	if (r == 0)
		r = authority_make(directory, &plan, to->root_passphrase_file ? &root : &issuing, &issuing, reason);
	if (r == 0)
		r = publish(directory, &issuing, reason);
	passphrase_clear(&issuing);
	passphrase_clear(&root);
	close(directory);
	return r == 0 ? command_show(to, answer, reason) : r;
}

int
command_show(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int directory = open_directory(to->directory, 0, reason), r;
	struct authority *authority = NULL;
	struct issuelog *log = NULL;
	struct ledger *ledger = NULL;
	uint64_t torn = 0;

	if (directory < 0)
		return directory;
	r = authority_open(&authority, directory, NULL, reason);
	if (r == 0)
		r = open_log(&log, &ledger, directory, &torn, reason);
	if (r == 0) {
		*answer = json_object();
		put_authority(*answer, authority, to->directory);
		json_object_set_new(*answer, "issued", json_integer((json_int_t)ledger_count(ledger)));
		json_object_set_new(*answer, "revoked", json_integer((json_int_t)ledger_revoked_count(ledger)));
		json_object_set_new(*answer, "newest_record", time_text(ledger_newest_at(ledger)));
		json_object_set_new(*answer, "crl", path_text(to->directory, "crl.pem"));
		json_object_set_new(*answer, "crl_number", json_integer((json_int_t)ledger_crl_number(ledger)));
		json_object_set_new(*answer, "crl_next_update", time_text(ledger_crl_next_at(ledger)));
		json_object_set_new(*answer, "torn_bytes", json_integer((json_int_t)torn));
	}
	authority_free(&authority);
	issuelog_close(&log);
	ledger_free(&ledger);
	close(directory);
	return r;
}

int
command_crl(const struct command_options *to, json_t **answer, struct reason *reason)
{
	struct passphrase passphrase;
	int directory = open_directory(to->directory, 0, reason), r;

	if (directory < 0)
		return directory;
	r = passphrase_read(&passphrase, to->passphrase_fd, to->passphrase_file, reason);
	if (r == 0)
		r = publish(directory, &passphrase, reason);
	if (r == MINT_BUSY)
		reason_set(reason, r, "mint-ca is running and publishes by itself: the newest list is crl.pem in its directory");
	passphrase_clear(&passphrase);
	close(directory);
	return r == 0 ? command_show(to, answer, reason) : r;
}

/* On the disk before it counts: mint-ca reads it when it starts. */
static int
confirm_clock(int directory, const char *why, struct ledger *ledger, struct reason *reason)
{
	struct record record = { .kind = RECORD_CLOCK, .at = clock_utc_us() };
	struct issuelog *log = NULL;
	struct place place;
	int r = issuelog_open(&log, directory, ISSUELOG_APPEND, remember, ledger, NULL, reason);

	if (r == 0 && record.at >= ledger_newest_at(ledger))
		r = reason_set(reason, MINT_ARGUMENT, "the clock is not behind the issue log: there is nothing to confirm");
	if (r == 0) {
		snprintf(record.actor, sizeof record.actor, "uid:%u", (unsigned)getuid());
		snprintf(record.why, sizeof record.why, "%s", why);
		r = issuelog_append(log, &record, &place);
	}
	if (r == 0)
		r = issuelog_sync(log, reason);
	issuelog_close(&log);
	return r;
}

int
command_clock(const struct command_options *to, json_t **answer, struct reason *reason)
{
	struct ledger *ledger;
	int directory, r;

	if (!to->why || !*to->why || strlen(to->why) > RECORD_WHY_MAX)
		return reason_set(reason, MINT_ARGUMENT, "--why: say what the clock was compared with, in at most %d bytes", RECORD_WHY_MAX);
	directory = open_directory(to->directory, 0, reason);
	if (directory < 0)
		return directory;
	ledger = ledger_new();
	r = ledger ? confirm_clock(directory, to->why, ledger, reason) : reason_set(reason, MINT_MEMORY, "out of memory");
	if (r == MINT_BUSY)
		reason_set(reason, r, "mint-ca is running: stop the bench first");
	ledger_free(&ledger);
	close(directory);
	return r == 0 ? command_show(to, answer, reason) : r;
}

/* What is listed while the log is read. */
struct listing {
	struct ledger *ledger;
	uint64_t       from, bytes, records, highest;
	json_t        *certificates;
};

static json_t *
subject_text(const struct record *record)
{
	const unsigned char *der = record->certificate;
	X509 *certificate = d2i_X509(NULL, &der, (long)record->certificate_bytes);
	json_t *text = certificate ? name_text(X509_get_subject_name(certificate)) : json_null();

	X509_free(certificate);
	return text;
}

static int
list_record(const struct record *record, struct place place, void *argument)
{
	struct listing *listing = argument;

	listing->records++;
	listing->bytes = place.offset + place.bytes + 1;
	if (record->kind == RECORD_ISSUED && record->request_id > listing->highest)
		listing->highest = record->request_id;
	if (record->kind == RECORD_ISSUED && place.offset >= listing->from)
		json_array_append_new(listing->certificates, json_pack("{s:I,s:o,s:o,s:o}", "request", (json_int_t)record->request_id,
		    "serial", hex_text(record->serial, SERIAL_BYTES), "signed_at", time_text(record->at), "subject", subject_text(record)));
	return ledger_add(listing->ledger, record, place);
}

/* Only when all of the log was read is it known what was revoked. */
static void
list_revoked(const struct listing *listing)
{
	uint8_t serial[SERIAL_BYTES];
	json_t *certificate;
	size_t i;

	json_array_foreach(listing->certificates, i, certificate) {
		const struct entry *entry = hex_get(serial, sizeof serial, json_string_value(json_object_get(certificate, "serial"))) == 0
		    ? ledger_by_serial(listing->ledger, serial) : NULL;

		json_object_set_new(certificate, "revoked_at", entry && entry->revoked_at ? time_text(entry->revoked_at) : json_null());
	}
}

int
command_list(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int directory = open_directory(to->directory, 0, reason), r;
	struct listing listing = { .ledger = ledger_new(), .from = to->from, .certificates = json_array() };
	struct issuelog *log = NULL;

	if (directory < 0)
		r = directory;
	else if (!listing.ledger || !listing.certificates)
		r = reason_set(reason, MINT_MEMORY, "out of memory");
	else
		r = issuelog_open(&log, directory, ISSUELOG_READ, list_record, &listing, NULL, reason);
	if (r == MINT_DIFFERENT)
		reason_set(reason, r, ISSUELOG_NAME " contradicts itself: restore it from a backup");
	if (r == 0) {
		list_revoked(&listing);
		*answer = json_pack("{s:I,s:I,s:I,s:O}", "records", (json_int_t)listing.records, "bytes", (json_int_t)listing.bytes,
		    "highest_request", (json_int_t)listing.highest, "certificates", listing.certificates);
	}
	issuelog_close(&log);
	ledger_free(&listing.ledger);
	json_decref(listing.certificates);
	if (directory >= 0)
		close(directory);
	return r;
}

static int
serial_from(uint8_t serial[SERIAL_BYTES], const char *text)
{
	int bytes = hex_get_some(serial, SERIAL_BYTES, text);

	if (bytes <= 0)
		return MINT_SYNTAX;
	memmove(serial + SERIAL_BYTES - bytes, serial, (size_t)bytes);
	memset(serial, 0, SERIAL_BYTES - (size_t)bytes);
	return 0;
}

/* NULL after the reason was given. */
static const struct entry *
find(const struct ledger *ledger, const struct command_options *to, struct reason *reason)
{
	uint8_t serial[SERIAL_BYTES], spki[DIGEST_BYTES];
	const struct entry *entry = NULL;
	char *end = NULL;

	reason_set(reason, MINT_NOT_FOUND, "nothing was signed for it");
	if (!!to->request + !!to->serial + !!to->spki != 1) {
		reason_set(reason, MINT_ARGUMENT, "give one of --request, --serial, --spki");
	} else if (to->request) {
		entry = ledger_by_request(ledger, strtoull(to->request, &end, 10));
		if (!*to->request || *end) {
			reason_set(reason, MINT_ARGUMENT, "--request takes a number");
			return NULL;
		}
	} else if (to->serial) {
		if (serial_from(serial, to->serial) == 0)
			entry = ledger_by_serial(ledger, serial);
		else
			reason_set(reason, MINT_ARGUMENT, "--serial takes 2 to 40 hexadecimal digits");
	} else if (hex_get(spki, sizeof spki, to->spki) == 0) {
		entry = ledger_by_key(ledger, spki);
	} else {
		reason_set(reason, MINT_ARGUMENT, "--spki takes 64 hexadecimal digits");
	}
	return entry;
}

static json_t *
pem_text(const uint8_t *der, size_t bytes)
{
	BIO *memory = BIO_new(BIO_s_mem());
	json_t *text = NULL;
	char *pem;

	if (memory && PEM_write_bio(memory, PEM_STRING_X509, "", der, (long)bytes) > 0) {
		long length = BIO_get_mem_data(memory, &pem);

		text = json_stringn(pem, (size_t)length);
	}
	BIO_free(memory);
	return text ? text : json_null();
}

static int
describe(json_t **answer, struct issuelog *log, const struct entry *entry, struct reason *reason)
{
	struct record record;

	if (issuelog_read(log, entry->place, &record) != 0)
		return reason_set(reason, MINT_STORAGE, "the record cannot be read again: check the disk");
	*answer = json_object();
	json_object_set_new(*answer, "request", json_integer((json_int_t)entry_request_id(entry)));
	json_object_set_new(*answer, "serial", hex_text(entry->serial, SERIAL_BYTES));
	json_object_set_new(*answer, "profile", json_string(record.profile));
	json_object_set_new(*answer, "spki_sha256", hex_text(entry->spki, DIGEST_BYTES));
	json_object_set_new(*answer, "signed_at", time_text(entry->at));
	json_object_set_new(*answer, "revoked_at", entry->revoked_at ? time_text(entry->revoked_at) : json_null());
	json_object_set_new(*answer, "revocation_reason", entry->revoked_at ? json_integer(entry->reason) : json_null());
	json_object_set_new(*answer, "pem", pem_text(record.certificate, record.certificate_bytes));
	record_clear(&record);
	return 0;
}

int
command_lookup(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int directory = open_directory(to->directory, 0, reason), r;
	struct issuelog *log = NULL;
	struct ledger *ledger = NULL;
	const struct entry *entry;

	if (directory < 0)
		return directory;
	r = open_log(&log, &ledger, directory, NULL, reason);
	if (r == 0) {
		entry = find(ledger, to, reason);
		r = entry ? describe(answer, log, entry, reason) : reason->error;
	}
	issuelog_close(&log);
	ledger_free(&ledger);
	close(directory);
	return r;
}

static void
on_revoked(const struct ca_answer *answer, void *argument)
{
	struct reason *reason = argument;

	if (answer->verdict != CA_SIGNED)
		*reason = answer->reason;
}

/* The CA's lock keeps mint-ca out meanwhile: neither would know of the other's records. */
static int
revoke_entry(int directory, const struct passphrase *passphrase, const struct entry *entry, int code, struct reason *reason)
{
	struct profiles none = { .list = NULL };
	struct reason refused = { .error = 0 };
	struct ca_settings settings = {
		.directory = directory, .passphrase = passphrase, .profiles = &none, .crl_days = CRL_DAYS, .handler = on_revoked, .argument = &refused,
	};
	struct ca *ca = NULL;
	int r = ca_open(&ca, "embedded", &settings, reason);

	if (r == MINT_BUSY)
		reason_set(reason, r, "mint-ca is running: stop the bench first");
	if (r == 0) {
		ca_revoke(ca, entry_request_id(entry), (struct blob){ entry->serial, SERIAL_BYTES }, code);
		r = ca_settle(ca);
		r = refused.error ? refused.error : r;
		if (r != 0)
			*reason = refused;
	}
	if (r == 0)
		r = ca_publish(ca, 1, NULL, reason);
	ca_close(&ca);
	return r;
}

static int
revoke_found(const struct command_options *to, int directory, int code, struct reason *reason)
{
	struct passphrase passphrase = { .bytes = 0 };
	struct issuelog *log = NULL;
	struct ledger *ledger = NULL;
	const struct entry *entry = NULL;
	int r = open_log(&log, &ledger, directory, NULL, reason);

	if (r == 0) {
		entry = find(ledger, to, reason);
		r = entry ? passphrase_read(&passphrase, to->passphrase_fd, to->passphrase_file, reason) : reason->error;
	}
	if (r == 0)
		r = revoke_entry(directory, &passphrase, entry, code, reason);
	passphrase_clear(&passphrase);
	issuelog_close(&log);
	ledger_free(&ledger);
	return r;
}

int
command_revoke(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int code = crl_reason_by_word(to->reason), directory, r;

	if (!to->serial || code < 0)
		return reason_set(reason, MINT_ARGUMENT, "give --serial HEX and --reason " CRL_REASON_WORDS);
	directory = open_directory(to->directory, 0, reason);
	if (directory < 0)
		return directory;
	r = revoke_found(to, directory, code, reason);
	close(directory);
	return r == 0 ? command_lookup(to, answer, reason) : r;
}

int
command_profiles(const struct command_options *to, json_t **answer, struct reason *reason)
{
	struct profiles profiles = { .list = NULL };
	int r;

	if (!to->profiles)
		return reason_set(reason, MINT_ARGUMENT, "give --profiles DIR or --config FILE");
	r = profiles_read_directory(&profiles, to->profiles, reason);
	if (r == 0) {
		*answer = json_object();
		for (size_t i = 0; i < profiles.count; i++)
			json_object_set_new(*answer, profiles.list[i].name, json_string(profiles.list[i].title));
	}
	profiles_clear(&profiles);
	return r;
}
