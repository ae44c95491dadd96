/* Certificates leave as PEM, with a line before each that says whose it is; openssl and every other reader skips that line. */
#include "hostd/api/api.h"
#include "hostd/api/certificate.h"
#include "schemas/errors.h"

#include <event2/buffer.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 200, LINE_BYTES = 48 /* 64 characters of base64 */ };

int
certificate_pem(struct evbuffer *out, const uint8_t *der, size_t der_bytes)
{
	int failed = evbuffer_add_printf(out, "-----BEGIN CERTIFICATE-----\n") < 0;

	for (size_t i = 0; i < der_bytes; i += LINE_BYTES) {
		unsigned char line[LINE_BYTES / 3 * 4 + 2];
		size_t part = der_bytes - i < LINE_BYTES ? der_bytes - i : LINE_BYTES;
		int length = EVP_EncodeBlock(line, der + i, (int)part);

		line[length++] = '\n';
		failed |= evbuffer_add(out, line, (size_t)length) != 0;
	}
	failed |= evbuffer_add_printf(out, "-----END CERTIFICATE-----\n") < 0;
	return failed ? MINT_MEMORY : 0;
}

static json_t *
pem_json(const uint8_t *der, size_t der_bytes)
{
	struct evbuffer *bytes = evbuffer_new();
	json_t *text = NULL;

	if (bytes && certificate_pem(bytes, der, der_bytes) == 0)
		text = json_stringn((const char *)evbuffer_pullup(bytes, -1), evbuffer_get_length(bytes));
	if (bytes)
		evbuffer_free(bytes);
	return text;
}

static json_t *
time_json(const ASN1_TIME *time)
{
	struct tm utc;
	char text[RECORD_TIME_BYTES];

	if (!ASN1_TIME_to_tm(time, &utc) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return json_null();
	return json_string(text);
}

static json_t *
name_json(const X509_NAME *name)
{
	BIO *out = BIO_new(BIO_s_mem());
	json_t *text = NULL;
	char *bytes;
	long length;

	/* RFC 2253, with UTF-8 left as it is. */
	if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		length = BIO_get_mem_data(out, &bytes);
		text = json_stringn(bytes, (size_t)length);
	}
	BIO_free(out);
	return text ? text : json_null();
}

static json_t *
key_hash(const X509 *certificate)
{
	unsigned char *spki = NULL, hash[SHA256_DIGEST_LENGTH];
	int length = i2d_PUBKEY(X509_get0_pubkey(certificate), &spki);
	json_t *text;

	if (length <= 0)
		return json_null();
	text = record_hex(SHA256(spki, (size_t)length, hash), sizeof hash);
	OPENSSL_free(spki);
	return text;
}

json_t *
certificate_json(const uint8_t *der, size_t der_bytes, int whole)
{
	const unsigned char *at = der;
	unsigned char hash[SHA256_DIGEST_LENGTH];
	X509 *certificate = der_bytes ? d2i_X509(NULL, &at, (long)der_bytes) : NULL;
	json_t *object = json_object();

	if (object && !certificate)
		json_object_set_new(object, "sha256", json_null());
	if (object && certificate) {
		json_object_set_new(object, "sha256", record_hex(SHA256(der, der_bytes, hash), sizeof hash));
		json_object_set_new(object, "key_sha256", key_hash(certificate));
		json_object_set_new(object, "not_before", time_json(X509_get0_notBefore(certificate)));
		json_object_set_new(object, "not_after", time_json(X509_get0_notAfter(certificate)));
	}
	if (object && certificate && whole) {
		json_object_set_new(object, "subject", name_json(X509_get_subject_name(certificate)));
		json_object_set_new(object, "issuer", name_json(X509_get_issuer_name(certificate)));
		json_object_set_new(object, "pem", pem_json(der, der_bytes));
	}
	X509_free(certificate);
	return object;
}

/* --- GET /v1/certificates: page after page, as fast as the client reads */

struct stream {
	int64_t after;
	int     rows;
	struct evbuffer *bytes;
};

static int
append_pem(sqlite3_stmt *row, void *argument)
{
	struct stream *stream = argument;

	stream->after = sqlite3_column_int64(row, 0);
	stream->rows++;
	if (evbuffer_add_printf(stream->bytes, "%s\n", sqlite3_column_text(row, 1)) < 0)
		return MINT_MEMORY;
	return certificate_pem(stream->bytes, sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2));
}

static void
finish_stream(struct call *call)
{
	free(call->state);
	call_end(call);
}

static void
next_page(struct call *call)
{
	struct stream *stream = call->state;
	struct binds binds = { .count = 0 };

	bind_integer(&binds, "after", stream->after);
	bind_integer(&binds, "limit", PAGE_ROWS);
	stream->rows = 0;
	stream->bytes = evbuffer_new();
	if (!stream->bytes || record_each(call->api->record, API_live_certificates, &binds, append_pem, stream) != 0 || stream->rows == 0) {
		if (stream->bytes)
			evbuffer_free(stream->bytes);
		finish_stream(call);
		return;
	}
	call_chunk(call, stream->bytes, next_page);
	evbuffer_free(stream->bytes);
}

void
route_certificates(struct call *call)
{
	call->state = calloc(1, sizeof(struct stream));
	if (!call->state) {
		call_error(call, MINT_MEMORY, "certificates");
		return;
	}
	call->gone = finish_stream;
	call->lost = finish_stream;
	call_start(call, 200, "application/x-pem-file");
	next_page(call);
}
