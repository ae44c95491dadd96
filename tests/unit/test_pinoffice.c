/* The PIN office's opener: envelopes of the bench and of others, what is inside, which codes are the latest, letters. */
#include "hostd/worker/envelope.h"
#include "tools/pinoffice/book.h"
#include "tools/pinoffice/cover.h"
#include "tools/pinoffice/letter.h"
#include "tools/pinoffice/opener.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char whole[] = "{\"version\":1,\"model\":\"myeid\",\"serial\":\"00FF\",\"label\":\"MB-00000001\",\"user-pin\":\"333333\","
                            "\"user-puk\":\"4444444444444444\",\"so-pin\":\"11111111\",\"so-puk\":\"22222222\"}\n";

/* --- what is inside */

static void
a_whole_object_is_read(void **state)
{
	struct content content;
	const char *why;

	(void)state;
	assert_int_equal(content_read(whole, strlen(whole), &content, &why), 0);
	assert_string_equal(content.label, "MB-00000001");
	assert_string_equal(content.codes[CODE_user_pin], "333333");
	assert_string_equal(content.codes[CODE_so_puk], "22222222");
	assert_true(content_has(&content, SEAT_user) && content_has(&content, SEAT_so));
}

static void
anything_else_is_refused_and_why_never_repeats_what_stood_there(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "it is no JSON object" },
		{ "[]", "it is no JSON object" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}x", "it is no JSON object" },
		{ "{\"version\":1,\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}", "it is no JSON object" },
		{ "{\"version\":2,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}", "the version is not 1" },
		{ "{\"version\":\"1\",\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}", "the version is not 1" },
		{ "{\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}", "version, model, serial number or label is missing" },
		{ "{\"version\":1,\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\"}", "version, model, serial number or label is missing" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"\",\"label\":\"L\",\"user-pin\":\"1234\"}", "the serial number is no plain name" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"\\u001b[2J\",\"user-pin\":\"1234\"}", "the label is no plain name" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"123\"}", "a code is no text of 4 to 16 visible characters" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"12345678901234567\"}", "a code is no text of 4 to 16 visible characters" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":123456}", "a code is no text of 4 to 16 visible characters" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-pin\":\"1234\",\"note\":\"x\"}", "a member is unknown" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\",\"user-puk\":\"1234\",\"so-pin\":\"1234\"}", "a PUK stands without its PIN" },
		{ "{\"version\":1,\"model\":\"m\",\"serial\":\"A\",\"label\":\"L\"}", "it holds no code" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct content content;
		const char *why;

		assert_int_equal(content_read(rows[i].text, strlen(rows[i].text), &content, &why), -1);
		assert_string_equal(why, rows[i].why);
	}
}

/* --- envelopes */

static X509 *
certify(EVP_PKEY *key, long serial)
{
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const uint8_t *)"office", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static struct office_key
office_new(int rsa, long serial)
{
	struct office_key office = { .key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256") };

	office.certificate = certify(office.key, serial);
	return office;
}

/* As the worker makes it. */
static size_t
bench_envelope(const struct office_key *office, uint8_t **der)
{
	static const struct codes codes = { { "11111111", "22222222", "333333", "4444444444444444" } };
	static const struct envelope_token token = { "myeid", "00FF", "MB-00000001" };
	char path[] = "/tmp/test-pinoffice-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	size_t length;

	assert_int_equal(PEM_write_X509(file, office->certificate), 1);
	fclose(file);
	assert_int_equal(envelope_make(path, &token, &codes, ENVELOPE_USER | ENVELOPE_SO, der, &length), 0);
	unlink(path);
	return length;
}

/* As `openssl cms -encrypt` makes it. */
static size_t
other_envelope(const struct office_key *office, const EVP_CIPHER *cipher, const char *text, uint8_t **der)
{
	STACK_OF(X509) *recipients = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(text, -1);
	CMS_ContentInfo *cms;
	int length;

	sk_X509_push(recipients, office->certificate);
	cms = CMS_encrypt(recipients, in, cipher, CMS_BINARY);
	*der = NULL;
	length = i2d_CMS_ContentInfo(cms, der);
	assert_true(length > 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	sk_X509_free(recipients);
	return (size_t)length;
}

static enum fault
opened(const struct office_key *office, const uint8_t *der, size_t length)
{
	char detail[FAULT_DETAIL_BYTES];
	struct content content;
	enum fault fault = opener_open(office, der, length, &content, detail);

	assert_int_equal(fault == FAULT_none, *content.codes[CODE_user_pin] != '\0');
	if (fault == FAULT_none)
		assert_string_equal(content.codes[CODE_user_pin], "333333");
	content_wipe(&content);
	return fault;
}

static void
envelopes_of_the_bench_and_of_openssl_open_with_rsa_and_with_ec_keys(void **state)
{
	(void)state;
	for (int rsa = 0; rsa < 2; rsa++) {
		struct office_key office = office_new(rsa, 17), bare = { .key = office.key };
		uint8_t *der = NULL;
		size_t length = bench_envelope(&office, &der);

		assert_int_equal(opened(&office, der, length), FAULT_none);
		assert_int_equal(opened(&bare, der, length), FAULT_none);
		OPENSSL_free(der);
		length = other_envelope(&office, EVP_aes_256_gcm(), whole, &der);
		assert_int_equal(opened(&office, der, length), FAULT_none);
		OPENSSL_free(der);
		length = other_envelope(&office, EVP_aes_256_cbc(), whole, &der);
		assert_int_equal(opened(&office, der, length), FAULT_none);
		OPENSSL_free(der);
		office_key_close(&office);
	}
}

static void
an_envelope_for_another_office_is_told_from_a_wrong_key(void **state)
{
	(void)state;
	for (int rsa = 0; rsa < 2; rsa++) {
		struct office_key office = office_new(rsa, 17), other = office_new(rsa, 18), bare = { .key = other.key };
		uint8_t *der = NULL;
		size_t length = bench_envelope(&office, &der);

		assert_int_equal(opened(&other, der, length), FAULT_other_office);
		assert_int_equal(opened(&bare, der, length), FAULT_not_opened);
		OPENSSL_free(der);
		office_key_close(&office);
		office_key_close(&other);
	}
}

static void
a_changed_a_cut_and_a_lengthened_envelope_do_not_open(void **state)
{
	struct office_key office = office_new(0, 17);
	uint8_t *der = NULL;
	size_t length = bench_envelope(&office, &der);

	(void)state;
	for (size_t i = length - 16 - 2 - 100; i < length; i++) {
		der[i] ^= 1;
		assert_int_not_equal(opened(&office, der, length), FAULT_none);
		der[i] ^= 1;
	}
	assert_int_equal(opened(&office, der, length - 1), FAULT_no_envelope);
	der = OPENSSL_realloc(der, length + 1);
	der[length] = 0;
	assert_int_equal(opened(&office, der, length + 1), FAULT_no_envelope);
	assert_int_equal(opened(&office, (const uint8_t *)"hello", 5), FAULT_no_envelope);
	assert_int_equal(opened(&office, der, 0), FAULT_no_envelope);
	OPENSSL_free(der);
	office_key_close(&office);
}

/* OpenSSL itself takes it (3.0.19). */
static void
an_envelope_with_a_shortened_tag_does_not_open(void **state)
{
	static const size_t lengths_at[] = { 2, 19, 23 }; /* outer SEQUENCE, [0], AuthEnvelopedData */
	struct office_key office = office_new(0, 17);
	uint8_t *der = NULL;
	size_t length = bench_envelope(&office, &der);
	const uint8_t *at = der;
	CMS_ContentInfo *cms;

	(void)state;
	der[length - 17] = 1;
	length -= 15;
	for (size_t i = 0; i < 3; i++) {
		unsigned size = (unsigned)der[lengths_at[i]] << 8 | der[lengths_at[i] + 1];

		der[lengths_at[i]] = (uint8_t)((size - 15) >> 8);
		der[lengths_at[i] + 1] = (uint8_t)(size - 15);
	}
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
	assert_non_null(cms);
	assert_true(at == der + length);
	CMS_ContentInfo_free(cms);
	assert_int_equal(opened(&office, der, length), FAULT_damaged);
	OPENSSL_free(der);
	office_key_close(&office);
}

static void
an_envelope_with_something_else_inside_is_told_as_that(void **state)
{
	struct office_key office = office_new(0, 17);
	uint8_t *der = NULL;
	size_t length = other_envelope(&office, EVP_aes_256_gcm(), "{\"version\":7}", &der);

	(void)state;
	assert_int_equal(opened(&office, der, length), FAULT_content);
	OPENSSL_free(der);
	office_key_close(&office);
}

/* --- which codes are the latest */

static struct content
content_of(const char *user_pin, const char *so_pin)
{
	struct content content = { .model = "myeid", .serial = "00FF", .label = "MB-00000001" };

	snprintf(content.codes[CODE_user_pin], CONTENT_CODE_BYTES, "%s", user_pin);
	snprintf(content.codes[CODE_so_pin], CONTENT_CODE_BYTES, "%s", so_pin);
	return content;
}

static void
keep_page(const struct page *page, void *argument)
{
	*(struct page *)argument = *page;
}

static struct page
page_of(const struct book *book)
{
	struct page page = { .unclear = { 0 } };

	book_each(book, keep_page, &page);
	return page;
}

static void
for_each_seat_the_latest_envelope_counts_in_any_order(void **state)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 2, 0, 1 } };
	const struct content contents[] = { content_of("1111", "5555"), content_of("2222", ""), content_of("", "6666") };

	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		struct book *book = book_new();
		struct page page;

		for (int k = 0; k < 3; k++)
			assert_int_equal(book_add(book, &contents[orders[i][k]], orders[i][k] + 7, orders[i][k] == 1 ? "A-2" : "A-1", "x"), 0);
		page = page_of(book);
		assert_string_equal(page.content.codes[CODE_user_pin], "2222");
		assert_string_equal(page.content.codes[CODE_so_pin], "6666");
		assert_string_equal(page.application, "A-2");
		assert_int_equal(page.envelope[SEAT_so], 9);
		book_free(&book);
	}
}

static void
codes_are_withheld_when_nothing_says_which_are_later(void **state)
{
	const struct content first = content_of("1111", "5555"), second = content_of("2222", "");
	struct book *book = book_new();
	struct page page;

	(void)state;
	assert_int_equal(book_add(book, &first, 0, "", ""), 0);
	assert_int_equal(book_add(book, &first, 0, "", ""), 0);
	assert_int_equal(book_add(book, &second, 8, "", ""), 1);
	assert_int_equal(book_add(book, &first, 9, "", ""), 1);
	page = page_of(book);
	assert_string_equal(page.content.codes[CODE_user_pin], "");
	assert_string_equal(page.content.codes[CODE_so_pin], "5555");
	book_free(&book);
}

static void
codes_are_withheld_when_a_later_envelope_is_missing(void **state)
{
	const struct content first = content_of("1111", "5555");
	struct book *book = book_new();
	struct page page, told = { .unclear = { 0 } };

	(void)state;
	assert_int_equal(book_add(book, &first, 7, "", ""), 0);
	book_expect(book, "myeid", "00FF", "MB-00000001", SEAT_user, 9);
	book_expect(book, "myeid", "00FF", "MB-00000001", SEAT_so, 7);
	book_expect(book, "myeid", "EEEE", "MB-00000002", SEAT_so, 10);
	book_check(book, keep_page, &told);
	page = page_of(book);
	assert_string_equal(told.content.serial, "00FF");
	assert_string_equal(page.content.codes[CODE_user_pin], "");
	assert_string_equal(page.content.codes[CODE_so_pin], "5555");
	book_free(&book);
}

static void
the_number_of_an_envelope_stands_in_its_name(void **state)
{
	(void)state;
	assert_int_equal(cover_number("MB-00000001-00FF-00000017.p7m"), 17);
	assert_int_equal(cover_number("copy.p7m"), 0);
	assert_int_equal(cover_number("MB-00000001-00FF-00000017 (1).p7m"), 0);
	assert_int_equal(cover_number("MB-1-9999999999999999999999.p7m"), 0);
	assert_int_equal(cover_number("-.p7m"), 0);
}

/* --- letters */

static void
a_letter_names_token_and_codes_and_never_the_so_pin(void **state)
{
	static char text[LETTER_BYTES_MAX];
	struct page page = { .content = content_of("1111", "55555555"), .application = "A-1", .credential = "A-1-01" };
	size_t length;

	(void)state;
	assert_int_equal(letter_check(letter_template), 0);
	length = letter_write(letter_template, &page, text);
	assert_int_equal(length, strlen(text));
	assert_non_null(strstr(text, "00FF"));
	assert_non_null(strstr(text, "A-1-01"));
	assert_non_null(strstr(text, "1111"));
	assert_null(strstr(text, "55555555"));
	assert_null(strchr(text, '{'));
}

static void
a_template_with_an_unknown_name_is_refused_and_a_long_one_is_not_cut(void **state)
{
	static char text[LETTER_BYTES_MAX], many[LETTER_TEMPLATE_MAX];
	struct page page = { .content = content_of("1111", "") };

	(void)state;
	assert_int_equal(letter_check("{serial} {so-pin}"), -1);
	assert_int_equal(letter_check("{serial"), -1);
	assert_int_equal(letter_check("no name at all"), 0);
	for (size_t i = 0; i + sizeof "{label}" < sizeof many; i += sizeof "{label}" - 1)
		memcpy(many + i, "{label}", sizeof "{label}");
	memset(page.content.label, 'x', sizeof page.content.label - 1);
	assert_int_equal(letter_write(many, &page, text), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_object_is_read),
		cmocka_unit_test(anything_else_is_refused_and_why_never_repeats_what_stood_there),
		cmocka_unit_test(envelopes_of_the_bench_and_of_openssl_open_with_rsa_and_with_ec_keys),
		cmocka_unit_test(an_envelope_for_another_office_is_told_from_a_wrong_key),
		cmocka_unit_test(a_changed_a_cut_and_a_lengthened_envelope_do_not_open),
		cmocka_unit_test(an_envelope_with_a_shortened_tag_does_not_open),
		cmocka_unit_test(an_envelope_with_something_else_inside_is_told_as_that),
		cmocka_unit_test(for_each_seat_the_latest_envelope_counts_in_any_order),
		cmocka_unit_test(codes_are_withheld_when_nothing_says_which_are_later),
		cmocka_unit_test(codes_are_withheld_when_a_later_envelope_is_missing),
		cmocka_unit_test(the_number_of_an_envelope_stands_in_its_name),
		cmocka_unit_test(a_letter_names_token_and_codes_and_never_the_so_pin),
		cmocka_unit_test(a_template_with_an_unknown_name_is_refused_and_a_long_one_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
