/* The embedded CA, judged by the openssl command. Each test makes a CA of its own. */
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
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "hostd/ca/authority.h"
#include "hostd/ca/ca.h"
#include "hostd/ca/issuelog.h"
#include "hostd/ca/profile.h"
#include "schemas/errors.h"
#include "tests/unit/ca_fixture.h"
#include "tests/unit/unsynced.h"

static const char profile_text[] =
	"profile full {\n"
	"	validity_days = 365\n"
	"	keys = { rsa2048, p256 }\n"
	"	key_usage = { digitalSignature, nonRepudiation }\n"
	"	extended_key_usage = { clientAuth, emailProtection, \"1.3.6.1.4.1.311.20.2.2\" }\n"
	"	policies = { \"1.2.156.112562.1\" }\n"
	"	cps = \"https://pki.example.cn/cps\"\n"
	"	crl = { \"http://a.example.cn/ca.crl\", \"http://b.example.cn/ca.crl\" }\n"
	"	ca_issuers = { \"http://a.example.cn/ca.cer\" }\n"
	"	ocsp = { \"http://ocsp.example.cn\" }\n"
	"	subject C { value = \"CN\" }\n"
	"	subject ST { field = province optional = true }\n"
	"	subject O { field = organisation }\n"
	"	subject \"1.2.156.10260.4.1.1\" { field = person_code optional = true chars = 18 }\n"
	"	subject CN { field = common_name }\n"
	"	extension \"1.2.156.10260.4.1.4\" { field = uscc }\n"
	"}\n"
	"profile short { validity_days = 10 keys = { p256 } key_usage = { digitalSignature } subject CN { field = common_name } }\n";

#define SUBJECT "{\"common_name\":\"张三䶮\",\"organisation\":\"北京某某有限公司\",\"uscc\":\"91350100M000100Y43\",\"province\":\"北京市\"}"

static const struct passphrase passphrase = { "correct horse battery", 21 };

static struct {
	const char      *path;
	int              directory;
	struct profiles  profiles;
	struct ca       *ca;
	EVP_PKEY        *rsa, *ec, *other;
	struct blob      rsa_csr, ec_csr, other_csr;
	/* what was answered last */
	unsigned         answers;
	struct ca_answer last;
	uint8_t          certificate[8192];
} t;

static void
on_answer(const struct ca_answer *answer, void *argument)
{
	(void)argument;
	t.answers++;
	t.last = *answer;
	assert_true(answer->certificate.length <= sizeof t.certificate);
	if (answer->certificate.length)
		memcpy(t.certificate, answer->certificate.data, answer->certificate.length);
}

static int
open_ca_with(const struct passphrase *with)
{
	struct ca_settings settings = {
		.directory = t.directory, .passphrase = with, .profiles = &t.profiles, .crl_days = 7, .handler = on_answer,
	};
	struct reason reason = { .error = 0 };
	int r = ca_open(&t.ca, "embedded", &settings, &reason);

	assert_int_equal(r, reason.error);
	return r;
}

static void
restart(void)
{
	ca_close(&t.ca);
	assert_int_equal(open_ca_with(&passphrase), 0);
}

static int
make_ca_at(const char *key_type, int64_t now)
{
	struct authority_plan plan = { .key_type = key_type, .demonstration = 1, .now = now };
	struct reason reason = { .error = 0 };

	t.path = fixture_directory();
	t.directory = open(t.path, O_RDONLY | O_DIRECTORY);
	return authority_make(t.directory, &plan, &passphrase, &passphrase, &reason);
}

static int
set_up(void **state)
{
	(void)state;
	assert_int_equal(make_ca_at("p256", clock_utc_us()), 0);
	return open_ca_with(&passphrase);
}

static int
tear_down(void **state)
{
	(void)state;
	ca_close(&t.ca);
	close(t.directory);
	fixture_remove();
	return 0;
}

static int
make_keys(void **state)
{
	FILE *file = fmemopen((void *)(uintptr_t)profile_text, sizeof profile_text - 1, "r");
	struct reason reason = { .error = 0 };

	(void)state;
	t.rsa = EVP_RSA_gen(2048);
	t.ec = EVP_EC_gen("P-256");
	t.other = EVP_EC_gen("P-256");
	t.rsa_csr = fixture_request(t.rsa, t.rsa, EVP_sha256());
	t.ec_csr = fixture_request(t.ec, t.ec, EVP_sha256());
	t.other_csr = fixture_request(t.other, t.other, EVP_sha256());
	if (profiles_read(&t.profiles, file, "test.conf", &reason) != 0)
		fail_msg("%s", reason.text);
	fclose(file);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	profiles_clear(&t.profiles);
	EVP_PKEY_free(t.rsa);
	EVP_PKEY_free(t.ec);
	EVP_PKEY_free(t.other);
	OPENSSL_free((void *)(uintptr_t)t.rsa_csr.data);
	OPENSSL_free((void *)(uintptr_t)t.ec_csr.data);
	OPENSSL_free((void *)(uintptr_t)t.other_csr.data);
	return 0;
}

/* A serial number that is the same for the same `n`. */
static struct blob
serial(unsigned n)
{
	static uint8_t bytes[4][20];

	memset(bytes[n % 4], 0x5a, 20);
	bytes[n % 4][0] = 0x7f;
	bytes[n % 4][19] = (uint8_t)n;
	return (struct blob){ bytes[n % 4], 20 };
}

static void
ask(uint64_t request_id, unsigned serial_number, const char *profile, const char *subject, struct blob csr)
{
	ca_certify(t.ca, &(struct ca_request){ request_id, serial(serial_number), profile, subject, csr });
}

/* Asks and settles; the error of the answer. */
static int
certify(uint64_t request_id, unsigned serial_number, const char *profile, const char *subject, struct blob csr)
{
	ask(request_id, serial_number, profile, subject, csr);
	assert_int_equal(ca_settle(t.ca), 0);
	assert_int_equal(t.last.question, CA_CERTIFY);
	assert_int_equal(t.last.request_id, request_id);
	assert_int_equal(t.last.verdict, t.last.reason.error ? CA_NOT_SIGNED : CA_SIGNED);
	assert_int_equal(t.last.certificate.length == 0, t.last.verdict != CA_SIGNED);
	return t.last.reason.error;
}

static int
lookup(uint64_t request_id, const uint8_t *spki_sha256)
{
	ca_lookup(t.ca, request_id, (struct blob){ spki_sha256, spki_sha256 ? 32 : 0 });
	assert_int_equal(ca_settle(t.ca), 0);
	assert_int_equal(t.last.question, CA_LOOKUP);
	assert_int_equal(t.last.request_id, request_id);
	return t.last.reason.error;
}

static int
revoke_request(uint64_t request_id, unsigned serial_number, int reason)
{
	ca_revoke(t.ca, request_id, serial(serial_number), reason);
	assert_int_equal(ca_settle(t.ca), 0);
	assert_int_equal(t.last.question, CA_REVOKE);
	assert_int_equal(t.last.request_id, request_id);
	return t.last.reason.error;
}

static void
publish(void)
{
	struct reason reason = { .error = 0 };

	if (ca_publish(t.ca, 0, NULL, &reason) != 0)
		fail_msg("%s", reason.text);
}

static void
save_certificate(const char *name)
{
	char text[FIXTURE_TEXT];

	assert_int_equal(t.last.verdict, CA_SIGNED);
	fixture_write("certificate.der", t.certificate, t.last.certificate.length);
	assert_int_equal(fixture_run(text, "openssl x509 -inform DER -in certificate.der -out %s", name), 0);
}

static void
assert_run(const char *command, const char *expected)
{
	char text[FIXTURE_TEXT];
	int status = fixture_run(text, "%s", command);

	if (status != 0 || !strstr(text, expected))
		fail_msg("%s\nended with %d and said:\n%s\nwithout: %s", command, status, text, expected);
}

static void
spki_digest(EVP_PKEY *key, uint8_t digest[32])
{
	unsigned char *der = NULL;
	int length = i2d_PUBKEY(key, &der);

	assert_int_equal(EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL), 1);
	OPENSSL_free(der);
}

/* First of all: nothing has read the clock yet, so a child can have one that goes an hour ahead. */
static void
clock_gone_back_stops_signing_but_not_revoking(void **state)
{
	char self[PATH_MAX] = "", program[PATH_MAX + 16];
	uint8_t digest[32];
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(make_ca_at("p256", (int64_t)time(NULL) * 1000000), 0);
	child = fork();
	if (child == 0) {
		setenv("MINT_CLOCK_OFFSET_US", "3600000000", 1);
		if (open_ca_with(&passphrase) == 0)
			ask(1, 1, "full", SUBJECT, t.ec_csr);
		_exit(t.ca && ca_settle(t.ca) == 0 && t.last.verdict == CA_SIGNED ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(open_ca_with(&passphrase), 0);
	assert_int_equal(certify(2, 2, "full", SUBJECT, t.rsa_csr), MINT_CLOCK);
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.ec_csr), 0);
	spki_digest(t.ec, digest);
	assert_int_equal(lookup(1, digest), 0);
	assert_int_equal(revoke_request(1, 1, 4), 0);
	publish();
	assert_run("openssl crl -in crl.pem -CAfile ca.pem -noout -text", "Superseded");
	restart();
	assert_int_equal(lookup(1, NULL), MINT_REFUSED);
	/* A person's word, kept in the log, opens the way, and only once: it does not hold for what is signed after it. */
	ca_close(&t.ca);
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	snprintf(program, sizeof program, "%s/mint-ca", dirname(self));
	setenv("MINT_CA", program, 1);
	assert_run("! $MINT_CA clock --dir . && ! $MINT_CA clock --dir . --why ''", "--why");
	assert_run("$MINT_CA clock --dir . --why 'the radio clock'", "");
	assert_run("grep -c 'radio clock' issued.log", "1");
	assert_run("! $MINT_CA clock --dir . --why 'again'", "nothing to confirm");
	assert_int_equal(open_ca_with(&passphrase), 0);
	assert_int_equal(certify(2, 2, "full", SUBJECT, t.rsa_csr), 0);
	restart();
	assert_int_equal(certify(2, 2, "full", SUBJECT, t.rsa_csr), 0);
}

static void
openssl_strictly_accepts_what_every_kind_of_ca_signs(void **state)
{
	static const char *const kinds[] = { "p256", "p384", "rsa2048", "rsa3072" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(make_ca_at(kinds[i], clock_utc_us()), 0);
		assert_int_equal(open_ca_with(&passphrase), 0);
		assert_int_equal(certify(1, 1, "full", SUBJECT, t.rsa_csr), 0);
		save_certificate("rsa.pem");
		assert_int_equal(certify(2, 2, "short", SUBJECT, t.ec_csr), 0);
		save_certificate("ec.pem");
		publish();
		assert_run("openssl verify -x509_strict -CAfile ca.pem rsa.pem ec.pem issuing.pem root.pem", "ec.pem: OK");
		assert_run("openssl verify -x509_strict -policy_check -purpose smimesign -crl_check -CRLfile crl.pem -CAfile ca.pem rsa.pem",
		    "rsa.pem: OK");
		assert_run("openssl verify -x509_strict -CAfile root.pem -untrusted issuing.pem rsa.pem", "rsa.pem: OK");
		assert_run("openssl crl -in crl.pem -CAfile ca.pem -noout", "verify OK");
		tear_down(state);
	}
}

static void
certificate_says_what_the_profile_and_the_application_say(void **state)
{
	(void)state;
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.rsa_csr), 0);
	save_certificate("c.pem");
	assert_run("openssl x509 -in c.pem -noout -subject -nameopt utf8,sep_multiline,sname",
	    "subject=\n    C=CN\n    ST=北京市\n    O=北京某某有限公司\n    OU=演示 DEMONSTRATION — NOT FOR USE\n    CN=张三䶮\n");
	assert_run("openssl x509 -in c.pem -noout -serial", "serial=7F5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A01\n");
	assert_run("openssl x509 -in c.pem -noout -ext basicConstraints", "critical\n    CA:FALSE\n");
	assert_run("openssl x509 -in c.pem -noout -ext keyUsage", "critical\n    Digital Signature, Non Repudiation\n");
	assert_run("openssl x509 -in c.pem -noout -ext extendedKeyUsage",
	    "TLS Web Client Authentication, E-mail Protection, Microsoft Smartcard Login\n");
	assert_run("openssl x509 -in c.pem -noout -ext certificatePolicies", "Policy: 1.2.156.112562.1\n      CPS: https://pki.example.cn/cps\n");
	assert_run("openssl x509 -in c.pem -noout -ext crlDistributionPoints", "URI:http://a.example.cn/ca.crl");
	assert_run("openssl x509 -in c.pem -noout -ext crlDistributionPoints", "URI:http://b.example.cn/ca.crl");
	assert_run("openssl x509 -in c.pem -noout -ext authorityInfoAccess", "CA Issuers - URI:http://a.example.cn/ca.cer\n");
	assert_run("openssl x509 -in c.pem -noout -ext authorityInfoAccess", "OCSP - URI:http://ocsp.example.cn\n");
	assert_run("openssl asn1parse -in c.pem", ":1.2.156.10260.4.1.4\n");
	/* UTF8String (0c), 18 bytes (12), "9135…" */
	assert_run("openssl asn1parse -in c.pem", "[HEX DUMP]:0C12393133353031303" "04D3030303130305934" "33\n");
	assert_run("openssl x509 -in c.pem -noout -subject -nameopt show_type", "UTF8STRING:");
	assert_run("openssl x509 -in c.pem -noout -subject -nameopt show_type", "C=PRINTABLESTRING:CN");
	/* 365 days are 31536000 seconds. */
	assert_run("openssl x509 -in c.pem -noout -checkend 31535900", "will not expire");
	assert_run("openssl x509 -in c.pem -noout -checkend 31536100 || true", "will expire");
}

static void
names_asked_for_in_the_request_are_not_looked_at(void **state)
{
	(void)state;
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.rsa_csr), 0);
	save_certificate("c.pem");
	assert_run("openssl x509 -in c.pem -noout -text | grep -c 'asked for' || true", "0");
}

static void
attribute_of_an_own_identifier_stands_in_the_name(void **state)
{
	static const char subject[] = "{\"common_name\":\"x\",\"organisation\":\"y\",\"uscc\":\"z\",\"person_code\":\"11010519491231002X\"}";

	(void)state;
	assert_int_equal(certify(1, 1, "full", subject, t.rsa_csr), 0);
	save_certificate("c.pem");
	assert_run("openssl x509 -in c.pem -noout -subject -nameopt sep_multiline,utf8", "1.2.156.10260.4.1.1=11010519491231002X\n");
}

static void
field_that_cannot_stand_in_a_certificate_is_named(void **state)
{
	/* 64 characters of three bytes each are allowed in CN, 65 are not (RFC 5280, ub-common-name counts characters). */
	char exact[512] = "{\"common_name\":\"", longer[sizeof exact + 8], *end = exact + strlen(exact);
	static const char *const rows[][2] = {
		{ "{\"organisation\":\"y\",\"uscc\":\"z\"}", "common_name" },
		{ "{\"common_name\":\"\",\"organisation\":\"y\",\"uscc\":\"z\"}", "common_name" },
		{ "{\"common_name\":\"a\\u0007\",\"organisation\":\"y\",\"uscc\":\"z\"}", "common_name" },
		{ "{\"common_name\":7,\"organisation\":\"y\",\"uscc\":\"z\"}", "common_name" },
		{ "{\"common_name\":\"x\",\"organisation\":\"y\"}", "uscc" },
		{ "{\"common_name\":\"x\",\"organisation\":\" y\",\"uscc\":\"z\"}", "organisation" },
		{ "{\"common_name\":\"x\",\"organisation\":\"y\",\"uscc\":\"z\",\"person_code\":\"1234567890123456789\"}", "person_code" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(certify(1, 1, "full", rows[i][0], t.rsa_csr), MINT_FIELD);
		assert_non_null(strstr(t.last.reason.text, rows[i][1]));
	}
	for (int i = 0; i < 64; i++, end += 3)
		memcpy(end, "䶮", 3);
	snprintf(longer, sizeof longer, "%sx\"}", exact);
	snprintf(end, 3, "\"}");
	assert_int_equal(certify(1, 1, "short", longer, t.ec_csr), MINT_FIELD);
	assert_int_equal(certify(1, 1, "short", exact, t.ec_csr), 0);
}

static void
form_of_the_question_is_checked(void **state)
{
	static const uint8_t bytes[21] = { 0x80, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct ca_request request = { 1, serial(1), "full", SUBJECT, t.rsa_csr };

	(void)state;
	assert_int_equal(certify(0, 1, "full", SUBJECT, t.rsa_csr), MINT_ARGUMENT);
	assert_int_equal(certify(UINT64_MAX, 1, "full", SUBJECT, t.rsa_csr), MINT_ARGUMENT);
	assert_int_equal(certify(1, 1, "none", SUBJECT, t.rsa_csr), MINT_CONFIG);
	assert_int_equal(certify(1, 1, "full", "[]", t.rsa_csr), MINT_SYNTAX);
	assert_int_equal(certify(1, 1, "full", "{\"a\":\"1\",\"a\":\"2\"}", t.rsa_csr), MINT_SYNTAX);
	assert_int_equal(certify(1, 1, "short", SUBJECT, t.rsa_csr), MINT_CA_REFUSED);
	for (uint32_t length = 0; length <= 21; length++) {
		request.serial = (struct blob){ bytes + (length < 20), length };
		ca_certify(t.ca, &request);
		assert_int_equal(ca_settle(t.ca), 0);
		if (length < 8 || length > 19)
			assert_int_equal(t.last.reason.error, MINT_ARGUMENT);
		else
			assert_int_equal(t.last.reason.error, length == 8 ? 0 : MINT_DIFFERENT);
	}
}

static void
same_request_gives_the_same_certificate_also_after_a_restart(void **state)
{
	struct blob again = fixture_request(t.ec, t.ec, EVP_sha256());
	uint8_t first[8192];
	uint32_t length;

	(void)state;
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	length = t.last.certificate.length;
	memcpy(first, t.certificate, length);
	for (int i = 0; i < 2; i++) {
		/* An ECDSA signature differs each time: it is the key that makes a request the same. */
		assert_int_equal(certify(7, 1, "full", SUBJECT, again), 0);
		assert_int_equal(t.last.certificate.length, length);
		assert_memory_equal(t.certificate, first, length);
		assert_int_equal(lookup(7, NULL), 0);
		assert_memory_equal(t.certificate, first, length);
		restart();
	}
	OPENSSL_free((void *)(uintptr_t)again.data);
}

static void
request_id_stands_for_one_key_and_one_content(void **state)
{
	(void)state;
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(certify(7, 1, "full", SUBJECT, t.rsa_csr), MINT_DIFFERENT);
		assert_int_equal(certify(7, 2, "full", SUBJECT, t.ec_csr), MINT_DIFFERENT);
		assert_int_equal(certify(7, 1, "short", SUBJECT, t.ec_csr), MINT_DIFFERENT);
		assert_int_equal(certify(7, 1, "full", "{}", t.ec_csr), MINT_DIFFERENT);
		restart();
	}
}

static void
key_and_serial_number_are_used_once(void **state)
{
	(void)state;
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(certify(8, 2, "full", SUBJECT, t.ec_csr), MINT_KEY_SEEN);
		assert_int_equal(certify(8, 1, "full", SUBJECT, t.rsa_csr), MINT_EXISTS);
		assert_int_equal(revoke_request(7, 1, 1), 0);
		assert_int_equal(certify(8, 2, "full", SUBJECT, t.ec_csr), MINT_KEY_SEEN);
		restart();
	}
}

static void
rules_hold_within_one_batch(void **state)
{
	(void)state;
	t.answers = 0;
	ask(1, 1, "full", SUBJECT, t.ec_csr);
	ask(1, 1, "full", SUBJECT, t.ec_csr);
	assert_int_equal(ca_pending(t.ca), 2);
	assert_int_equal(t.answers, 0);
	assert_int_equal(certify(2, 2, "full", SUBJECT, t.ec_csr), MINT_KEY_SEEN);
	assert_int_equal(t.answers, 3);
	ask(3, 3, "full", SUBJECT, t.rsa_csr);
	ca_revoke(t.ca, 3, serial(3), 4);
	assert_int_equal(lookup(3, NULL), MINT_REFUSED);
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.ec_csr), 0);
}

static void
more_questions_than_a_batch_holds_are_answered_all(void **state)
{
	(void)state;
	t.answers = 0;
	for (unsigned i = 0; i < 3 * ISSUELOG_BATCH_MAX; i++)
		ca_lookup(t.ca, 1 + i, (struct blob){ NULL, 0 });
	assert_int_equal(ca_settle(t.ca), 0);
	assert_int_equal(t.answers, 3 * ISSUELOG_BATCH_MAX);
}

static void
lookup_tells_signed_from_never_signed(void **state)
{
	uint8_t digest[32], other[32];

	(void)state;
	spki_digest(t.ec, digest);
	spki_digest(t.other, other);
	assert_int_equal(lookup(7, digest), MINT_NOT_FOUND);
	assert_int_equal(t.last.verdict, CA_NOT_SIGNED);
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lookup(7, digest), 0);
		assert_int_equal(lookup(0, digest), 0);
		assert_int_equal(lookup(8, digest), MINT_NOT_FOUND);
		assert_int_equal(lookup(0, other), MINT_NOT_FOUND);
		assert_int_equal(lookup(7, other), MINT_DIFFERENT);
		assert_int_equal(lookup(0, NULL), MINT_ARGUMENT);
		restart();
	}
}

static void
revoked_certificate_is_on_the_list_and_never_handed_out_again(void **state)
{
	(void)state;
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	save_certificate("c.pem");
	assert_int_equal(certify(8, 2, "full", SUBJECT, t.rsa_csr), 0);
	save_certificate("good.pem");
	publish();
	assert_run("openssl verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.pem c.pem good.pem", "c.pem: OK");
	assert_int_equal(revoke_request(7, 1, 5), 0);
	assert_int_equal(revoke_request(7, 1, 5), 0);
	restart();
	publish();
	assert_run("! openssl verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.pem c.pem", "certificate revoked");
	assert_run("openssl verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.pem good.pem", "good.pem: OK");
	assert_run("openssl crl -in crl.der -inform DER -noout -text", "Serial Number: 7F5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A01");
	assert_run("openssl crl -in crl.der -inform DER -noout -text", "Cessation Of Operation");
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), MINT_REFUSED);
	assert_int_equal(lookup(7, NULL), MINT_REFUSED);
	assert_int_equal(revoke_request(7, 1, 4), 0);
}

static void
what_the_ca_keeps_is_on_the_disk_when_it_says_so(void **state)
{
	(void)state;
	assert_null(unsynced_below(t.path)); /* keys, certificates and log as they were made */
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	assert_int_equal(revoke_request(7, 1, 5), 0);
	assert_null(unsynced_below(t.path));
	publish();
	assert_null(unsynced_below(t.path));
}

static void
only_what_was_signed_can_be_revoked_for_a_known_reason(void **state)
{
	(void)state;
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	assert_int_equal(revoke_request(8, 1, 1), MINT_NOT_FOUND);
	assert_int_equal(revoke_request(7, 2, 1), MINT_DIFFERENT);
	for (int reason = -1; reason < 12; reason++) {
		int known = reason == 0 || reason == 1 || (reason >= 3 && reason <= 5) || reason == 9;

		assert_int_equal(revoke_request(7, 1, reason), known ? 0 : MINT_ARGUMENT);
	}
	assert_int_equal(lookup(7, NULL), MINT_REFUSED);
}

static void
list_is_numbered_upwards_and_made_only_when_due(void **state)
{
	struct reason reason = { .error = 0 };
	unsigned again_s = 0;

	(void)state;
	assert_int_equal(ca_publish(t.ca, 0, &again_s, &reason), 0);
	/* Half of seven days, but no later than a day. */
	assert_int_equal(again_s, 86400);
	assert_run("openssl crl -in crl.pem -noout -crlnumber", "crlNumber=0x01\n");
	publish();
	restart();
	publish();
	assert_run("openssl crl -in crl.pem -noout -crlnumber", "crlNumber=0x01\n");
	assert_int_equal(ca_publish(t.ca, 1, NULL, &reason), 0);
	assert_run("openssl crl -in crl.pem -noout -crlnumber", "crlNumber=0x02\n");
	assert_run("rm crl.der", "");
	publish();
	assert_run("openssl crl -in crl.der -inform DER -noout -crlnumber", "crlNumber=0x03\n");
	assert_run("openssl crl -in crl.pem -noout -text", "Version 2");
}

static void
number_of_a_list_is_on_the_disk_before_the_list(void **state)
{
	struct reason reason = { .error = 0 };

	(void)state;
	for (int number = 1; number < 4; number++) {
		char expected[32];

		assert_int_equal(ca_publish(t.ca, 1, NULL, &reason), 0);
		restart(); /* what was not on the disk is forgotten */
		snprintf(expected, sizeof expected, "crlNumber=0x%02d\n", number);
		assert_run("openssl crl -in crl.pem -noout -crlnumber", expected);
	}
}

static void
full_disk_makes_the_answer_unknown_and_the_lookup_tells_the_truth(void **state)
{
	struct rlimit limit;
	size_t length;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	free(fixture_read(ISSUELOG_NAME, &length));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = length + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ask(7, 1, "full", SUBJECT, t.ec_csr);
	assert_int_equal(ca_settle(t.ca), 0);
	assert_int_equal(t.last.verdict, CA_UNKNOWN);
	assert_int_equal(t.last.reason.error, MINT_STORAGE);
	assert_int_equal(t.last.certificate.length, 0);
	assert_int_equal(lookup(7, NULL), MINT_NOT_FOUND);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(lookup(7, NULL), MINT_NOT_FOUND);
	assert_int_equal(certify(7, 1, "full", SUBJECT, t.ec_csr), 0);
	restart();
	assert_int_equal(lookup(7, NULL), 0);
}

static void
validity_ends_with_the_issuer_at_the_latest(void **state)
{
	const int64_t day_us = INT64_C(86400) * 1000000;

	(void)state;
	assert_int_equal(make_ca_at("p256", clock_utc_us() - (AUTHORITY_ISSUING_DAYS - 20) * day_us), 0);
	assert_int_equal(open_ca_with(&passphrase), 0);
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.ec_csr), 0);
	save_certificate("c.pem");
	assert_run("test \"$(openssl x509 -in c.pem -noout -enddate)\" = \"$(openssl x509 -in issuing.pem -noout -enddate)\"", "");
	assert_int_equal(certify(2, 2, "short", SUBJECT, t.other_csr), 0);
	save_certificate("c.pem");
	assert_run("openssl x509 -in c.pem -noout -checkend 864100 || true", "will expire");
	tear_down(state);
	assert_int_equal(make_ca_at("p256", clock_utc_us() - (AUTHORITY_ISSUING_DAYS + 1) * day_us), 0);
	assert_int_equal(open_ca_with(&passphrase), 0);
	assert_int_equal(certify(1, 1, "full", SUBJECT, t.ec_csr), MINT_CA_REFUSED);
}

static void
ca_opens_only_with_its_own_key_passphrase_and_log(void **state)
{
	const struct passphrase wrong = { "wrong horse battery", 19 };
	struct ca *first = t.ca;

	(void)state;
	t.ca = NULL;
	assert_int_equal(open_ca_with(&passphrase), MINT_BUSY);
	ca_close(&first);
	assert_int_equal(open_ca_with(&wrong), MINT_CONFIG);
	assert_run("cp issuing.key k && openssl pkcs8 -in k -passin 'pass:correct horse battery' -out issuing.key", "");
	assert_int_equal(open_ca_with(&passphrase), MINT_CONFIG);
	assert_run("cp root.key issuing.key", "");
	assert_int_equal(open_ca_with(&passphrase), MINT_CONFIG);
	assert_run("cp k issuing.key && cp issuing.pem i && cp root.pem issuing.pem && cp root.key issuing.key", "");
	assert_int_equal(open_ca_with(&passphrase), MINT_CONFIG);
	assert_run("cp k issuing.key && cp i issuing.pem", "");
	assert_int_equal(open_ca_with(&passphrase), 0);
}

static void
keys_are_sealed_with_scrypt_and_aes_256(void **state)
{
	(void)state;
	assert_run("openssl asn1parse -in issuing.key", ":PBES2\n");
	assert_run("openssl asn1parse -in issuing.key", ":scrypt\n");
	assert_run("openssl asn1parse -in root.key", ":aes-256-cbc\n");
	assert_run("stat -c %a issuing.key root.key issued.log | sort -u", "600\n");
	assert_run("openssl pkey -in root.key -passin 'pass:correct horse battery' -noout", "");
}

static void
every_name_of_a_demonstration_says_so(void **state)
{
	(void)state;
	assert_int_equal(certify(1, 1, "short", SUBJECT, t.ec_csr), 0);
	save_certificate("c.pem");
	assert_run("for c in root issuing c; do openssl x509 -in $c.pem -noout -subject -issuer -nameopt utf8; done | "
	    "grep -c 'OU *= *演示 DEMONSTRATION — NOT FOR USE'", "6\n");
}

static void
ca_is_never_made_over_another_but_over_one_that_was_not_finished(void **state)
{
	struct authority_plan plan = { .key_type = "p256", .subject = "C=CN,O=某某中心,CN=某某签发 CA", .now = clock_utc_us() };
	struct reason reason = { .error = 0 };

	(void)state;
	ca_close(&t.ca);
	assert_int_equal(authority_make(t.directory, &plan, &passphrase, &passphrase, &reason), MINT_EXISTS);
	assert_run("rm issued.log", "");
	assert_int_equal(authority_make(t.directory, &plan, &passphrase, &passphrase, &reason), MINT_EXISTS);
	assert_run("mv ca.pem " AUTHORITY_UNFINISHED, "");
	assert_int_equal(open_ca_with(&passphrase), MINT_CONFIG);
	assert_int_equal(authority_make(t.directory, &plan, &passphrase, &passphrase, &reason), 0);
	assert_int_equal(open_ca_with(&passphrase), 0);
	assert_run("openssl x509 -in root.pem -noout -subject -nameopt utf8,sname,sep_comma_plus", "subject=C=CN,O=某某中心,CN=某某签发 CA Root\n");
	assert_run("test ! -e " AUTHORITY_UNFINISHED, "");
}

static void
bad_subject_of_a_ca_is_refused_before_anything_is_written(void **state)
{
	static const char *const rows[] = { "", "O=x", "CN", "XX=1,CN=y", "C=CHN,CN=y", "CN=", "C=CN,CN=123456789012345678901234567890123456789012345678901234567890" };
	struct authority_plan plan = { .key_type = "p256", .now = clock_utc_us() };
	struct reason reason = { .error = 0 };

	(void)state;
	ca_close(&t.ca);
	assert_run("rm *", "");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		plan.subject = rows[i];
		assert_int_equal(authority_make(t.directory, &plan, &passphrase, &passphrase, &reason), MINT_FIELD);
	}
	plan.subject = NULL;
	assert_int_equal(authority_make(t.directory, &plan, &passphrase, &passphrase, &reason), MINT_ARGUMENT);
	assert_run("ls | wc -l", "0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(clock_gone_back_stops_signing_but_not_revoking, tear_down),
		cmocka_unit_test(openssl_strictly_accepts_what_every_kind_of_ca_signs),
		cmocka_unit_test_setup_teardown(certificate_says_what_the_profile_and_the_application_say, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_asked_for_in_the_request_are_not_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(attribute_of_an_own_identifier_stands_in_the_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(field_that_cannot_stand_in_a_certificate_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(form_of_the_question_is_checked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(same_request_gives_the_same_certificate_also_after_a_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(request_id_stands_for_one_key_and_one_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(key_and_serial_number_are_used_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rules_hold_within_one_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_questions_than_a_batch_holds_are_answered_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lookup_tells_signed_from_never_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(revoked_certificate_is_on_the_list_and_never_handed_out_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_the_ca_keeps_is_on_the_disk_when_it_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_what_was_signed_can_be_revoked_for_a_known_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(list_is_numbered_upwards_and_made_only_when_due, set_up, tear_down),
		cmocka_unit_test_setup_teardown(number_of_a_list_is_on_the_disk_before_the_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_disk_makes_the_answer_unknown_and_the_lookup_tells_the_truth, set_up, tear_down),
		cmocka_unit_test_teardown(validity_ends_with_the_issuer_at_the_latest, tear_down),
		cmocka_unit_test_setup_teardown(ca_opens_only_with_its_own_key_passphrase_and_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_sealed_with_scrypt_and_aes_256, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_name_of_a_demonstration_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ca_is_never_made_over_another_but_over_one_that_was_not_finished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_subject_of_a_ca_is_refused_before_anything_is_written, set_up, tear_down),
	};

	setenv("MINT_LOG", "none", 0);
	log_open("test-ca");
	return cmocka_run_group_tests_name("ca", tests, make_keys, free_keys);
}
