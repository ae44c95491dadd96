/* What the subcommands about what was signed do: list, lookup, revoke. The first two may run beside the service. */
#include "hostd/ca/authority.h"
#include "hostd/ca/ca.h"
#include "hostd/ca/command_internal.h"
#include "hostd/ca/crl.h"
#include "hostd/ca/encode.h"
#include "hostd/ca/profile.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	json_t *text = certificate ? command_name(X509_get_subject_name(certificate)) : json_null();

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
		    "serial", command_hex(record->serial, SERIAL_BYTES), "signed_at", command_time(record->at), "subject", subject_text(record)));
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

		json_object_set_new(certificate, "revoked_at", entry && entry->revoked_at ? command_time(entry->revoked_at) : json_null());
	}
}

int
command_list(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int directory = command_directory(to->directory, 0, reason), r;
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
	json_object_set_new(*answer, "serial", command_hex(entry->serial, SERIAL_BYTES));
	json_object_set_new(*answer, "profile", json_string(record.profile));
	json_object_set_new(*answer, "spki_sha256", command_hex(entry->spki, DIGEST_BYTES));
	json_object_set_new(*answer, "signed_at", command_time(entry->at));
	json_object_set_new(*answer, "revoked_at", entry->revoked_at ? command_time(entry->revoked_at) : json_null());
	json_object_set_new(*answer, "revocation_reason", entry->revoked_at ? json_integer(entry->reason) : json_null());
	json_object_set_new(*answer, "pem", pem_text(record.certificate, record.certificate_bytes));
	record_clear(&record);
	return 0;
}

int
command_lookup(const struct command_options *to, json_t **answer, struct reason *reason)
{
	int directory = command_directory(to->directory, 0, reason), r;
	struct issuelog *log = NULL;
	struct ledger *ledger = NULL;
	const struct entry *entry;

	if (directory < 0)
		return directory;
	r = command_open_log(&log, &ledger, directory, NULL, reason);
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
		if (ca_settle(ca) != 0)
			r = reason_set(reason, MINT_STORAGE, "the issue log cannot be written: check the disk");
		if (refused.error) {
			r = refused.error;
			*reason = refused;
		}
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
	int r = command_open_log(&log, &ledger, directory, NULL, reason);

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
	directory = command_directory(to->directory, 0, reason);
	if (directory < 0)
		return directory;
	r = revoke_found(to, directory, code, reason);
	close(directory);
	return r == 0 ? command_lookup(to, answer, reason) : r;
}
