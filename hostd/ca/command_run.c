/* What the subcommands about the CA itself do: init, show, crl, clock, profiles. Those that only read may run beside the service. */
#include "hostd/base/clock.h"
#include "hostd/base/keep.h"
#include "hostd/ca/authority.h"
#include "hostd/ca/ca.h"
#include "hostd/ca/command_internal.h"
#include "hostd/ca/encode.h"
#include "hostd/ca/ledger.h"
#include "hostd/ca/name.h"
#include "hostd/ca/profile.h"
#include "hostd/ca/request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int
command_directory(const char *path, int make, struct reason *reason)
{
	int fd;

	if (make && keep_directory(AT_FDCWD, path, 0755) != 0)
		return reason_set(reason, MINT_STORAGE, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : reason_set(reason, MINT_NOT_FOUND, "%s: %s", path, strerror(errno));
}

json_t *
command_time(int64_t at)
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

json_t *
command_hex(const uint8_t *data, size_t bytes)
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

json_t *
command_name(const X509_NAME *name)
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

	json_object_set_new(answer, "subject", command_name(X509_get_subject_name(certificate)));
	json_object_set_new(answer, "issuer", command_name(X509_get_issuer_name(certificate)));
	json_object_set_new(answer, "demonstration", json_boolean(authority_is_demonstration(authority)));
	json_object_set_new(answer, "not_before", asn1_time_text(X509_get0_notBefore(certificate)));
	json_object_set_new(answer, "not_after", asn1_time_text(X509_get0_notAfter(certificate)));
	json_object_set_new(answer, "sha256", command_hex(authority_sha256(authority), DIGEST_BYTES));
	json_object_set_new(answer, "chain", path_text(directory, "ca.pem"));
}

/* The ledger as the log has it now, without its lock. */
static int
remember(const struct record *record, struct place place, void *argument)
{
	return ledger_add(argument, record, place);
}

int
command_open_log(struct issuelog **log, struct ledger **ledger, int directory, uint64_t *torn, struct reason *reason)
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
	int directory = command_directory(to->directory, 1, reason), r;

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
	int directory = command_directory(to->directory, 0, reason), r;
	struct authority *authority = NULL;
	struct issuelog *log = NULL;
	struct ledger *ledger = NULL;
	uint64_t torn = 0;

	if (directory < 0)
		return directory;
	r = authority_open(&authority, directory, NULL, reason);
	if (r == 0)
		r = command_open_log(&log, &ledger, directory, &torn, reason);
	if (r == 0) {
		*answer = json_object();
		put_authority(*answer, authority, to->directory);
		json_object_set_new(*answer, "issued", json_integer((json_int_t)ledger_count(ledger)));
		json_object_set_new(*answer, "revoked", json_integer((json_int_t)ledger_revoked_count(ledger)));
		json_object_set_new(*answer, "newest_record", command_time(ledger_newest_at(ledger)));
		json_object_set_new(*answer, "crl", path_text(to->directory, "crl.pem"));
		json_object_set_new(*answer, "crl_number", json_integer((json_int_t)ledger_crl_number(ledger)));
		json_object_set_new(*answer, "crl_next_update", command_time(ledger_crl_next_at(ledger)));
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
	int directory = command_directory(to->directory, 0, reason), r;

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
	directory = command_directory(to->directory, 0, reason);
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
