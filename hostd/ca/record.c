/* Each kind's put and get stand next to each other, fields in the same order. */
#include "hostd/ca/record.h"
#include "hostd/ca/encode.h"
#include "schemas/errors.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hexadecimal text of a record's byte field, long enough for the longest of them. */
struct hex {
	char text[2 * DIGEST_BYTES + 1];
};

static struct hex
hex_of(const uint8_t *data, size_t bytes)
{
	struct hex hex = { "" };

	hex_put(hex.text, data, bytes);
	return hex;
}

static json_t *
opened_put(const struct record *r)
{
	return json_pack("{s:i, s:s}", "format", 1, "issuer", hex_of(r->issuer, DIGEST_BYTES).text);
}

static int
opened_get(struct record *r, json_t *object)
{
	const char *issuer;
	int format;

	if (json_unpack(object, "{s:i, s:s !}", "format", &format, "issuer", &issuer) != 0 || format != 1)
		return MINT_SYNTAX;
	return hex_get(r->issuer, DIGEST_BYTES, issuer);
}

static json_t *
issued_put(const struct record *r)
{
	char *certificate = base64_put(r->certificate, r->certificate_bytes);
	json_t *object;

	if (!certificate)
		return NULL;
	object = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "request", (json_int_t)r->request_id,
	    "serial", hex_of(r->serial, SERIAL_BYTES).text, "profile", r->profile, "content", hex_of(r->content, DIGEST_BYTES).text,
	    "spki", hex_of(r->spki, DIGEST_BYTES).text, "certificate", certificate);
	free(certificate);
	return object;
}

static int
issued_get(struct record *r, json_t *object)
{
	const char *serial, *profile, *content, *spki, *certificate;
	json_int_t request;

	if (json_unpack(object, "{s:I, s:s, s:s, s:s, s:s, s:s !}", "request", &request, "serial", &serial, "profile", &profile,
	    "content", &content, "spki", &spki, "certificate", &certificate) != 0)
		return MINT_SYNTAX;
	if (request <= 0 || strlen(profile) > PROFILE_NAME_BYTES || hex_get(r->serial, SERIAL_BYTES, serial) != 0 ||
	    hex_get(r->content, DIGEST_BYTES, content) != 0 || hex_get(r->spki, DIGEST_BYTES, spki) != 0)
		return MINT_SYNTAX;
	r->request_id = (uint64_t)request;
	snprintf(r->profile, sizeof r->profile, "%s", profile);
	return base64_get(&r->certificate, &r->certificate_bytes, certificate);
}

static json_t *
revoked_put(const struct record *r)
{
	return json_pack("{s:I, s:s, s:i}", "request", (json_int_t)r->request_id,
	    "serial", hex_of(r->serial, SERIAL_BYTES).text, "reason", r->reason);
}

static int
revoked_get(struct record *r, json_t *object)
{
	json_int_t request;
	const char *serial;

	if (json_unpack(object, "{s:I, s:s, s:i !}", "request", &request, "serial", &serial, "reason", &r->reason) != 0 ||
	    request <= 0)
		return MINT_SYNTAX;
	r->request_id = (uint64_t)request;
	return hex_get(r->serial, SERIAL_BYTES, serial);
}

static json_t *
crl_put(const struct record *r)
{
	return json_pack("{s:I, s:I}", "number", (json_int_t)r->crl_number, "next", (json_int_t)r->crl_next_at);
}

static int
crl_get(struct record *r, json_t *object)
{
	json_int_t number, next;

	if (json_unpack(object, "{s:I, s:I !}", "number", &number, "next", &next) != 0 || number <= 0)
		return MINT_SYNTAX;
	r->crl_number = (uint64_t)number;
	r->crl_next_at = next;
	return 0;
}

static json_t *
clock_put(const struct record *r)
{
	return json_pack("{s:s, s:s}", "actor", r->actor, "why", r->why);
}

static int
clock_get(struct record *r, json_t *object)
{
	const char *actor, *why;

	if (json_unpack(object, "{s:s, s:s !}", "actor", &actor, "why", &why) != 0 || strlen(actor) >= sizeof r->actor ||
	    strlen(why) >= sizeof r->why || !*why)
		return MINT_SYNTAX;
	strcpy(r->actor, actor);
	strcpy(r->why, why);
	return 0;
}

static const struct {
	const char *name;
	json_t *(*put)(const struct record *);
	int (*get)(struct record *, json_t *);
} kinds[] = {
	[RECORD_OPENED] = { "opened", opened_put, opened_get },
	[RECORD_ISSUED] = { "issued", issued_put, issued_get },
	[RECORD_REVOKED] = { "revoked", revoked_put, revoked_get },
	[RECORD_CRL] = { "crl", crl_put, crl_get },
	[RECORD_CLOCK] = { "clock", clock_put, clock_get },
};

static int
checksum_of(uint8_t checksum[CHECKSUM_BYTES], const char *text, size_t bytes)
{
	uint8_t digest[DIGEST_BYTES];

	if (EVP_Digest(text, bytes, digest, NULL, EVP_sha256(), NULL) != 1)
		return MINT_CRYPTO;
	memcpy(checksum, digest, CHECKSUM_BYTES);
	return 0;
}

/* What every line begins with. */
static json_t *
common_put(const struct record *r, json_t *details)
{
	json_t *object = json_pack("{s:I, s:s, s:I, s:I, s:s}", "n", (json_int_t)r->number,
	    "prev", hex_of(r->prev, CHECKSUM_BYTES).text, "durable", (json_int_t)r->durable, "at", (json_int_t)r->at,
	    "kind", kinds[r->kind].name);

	if (object && json_object_update(object, details) != 0) {
		json_decref(object);
		object = NULL;
	}
	return object;
}

/* Takes the common members out of the object, so that the kind's own get can be strict about the rest. */
static int
common_get(struct record *r, json_t *object)
{
	static const char *const names[] = { "n", "prev", "durable", "at", "kind" };
	json_int_t number, durable, at;
	const char *prev, *kind;

	if (json_unpack(object, "{s:I, s:s, s:I, s:I, s:s}", "n", &number, "prev", &prev, "durable", &durable, "at", &at,
	    "kind", &kind) != 0 || number < 0 || durable < 0 || hex_get(r->prev, CHECKSUM_BYTES, prev) != 0)
		return MINT_SYNTAX;
	r->number = (uint64_t)number;
	r->durable = (uint64_t)durable;
	r->at = at;
	for (int i = RECORD_OPENED; i <= RECORD_CLOCK; i++)
		if (strcmp(kinds[i].name, kind) == 0)
			r->kind = (enum record_kind)i;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		json_object_del(object, names[i]);
	return r->kind ? 0 : MINT_SYNTAX;
}

char *
record_put(const struct record *record, uint8_t checksum[CHECKSUM_BYTES])
{
	json_t *details = kinds[record->kind].put(record);
	json_t *object = details ? common_put(record, details) : NULL;
	char *json = object ? json_dumps(object, JSON_COMPACT) : NULL, *line = NULL;

	if (json && checksum_of(checksum, json, strlen(json)) == 0 &&
	    asprintf(&line, "%s\t%s\n", json, hex_of(checksum, CHECKSUM_BYTES).text) < 0)
		line = NULL;
	free(json);
	json_decref(object);
	json_decref(details);
	return line;
}

int
record_get(struct record *record, const char *line, size_t line_bytes, uint8_t checksum[CHECKSUM_BYTES])
{
	const size_t tail = 1 + 2 * CHECKSUM_BYTES;
	uint8_t written[CHECKSUM_BYTES];
	char digits[2 * CHECKSUM_BYTES + 1];
	json_t *object;
	int r;

	memset(record, 0, sizeof *record);
	if (line_bytes <= tail || line_bytes > RECORD_LINE_MAX || line[line_bytes - tail] != '\t')
		return MINT_SYNTAX;
	snprintf(digits, sizeof digits, "%.*s", 2 * CHECKSUM_BYTES, line + line_bytes - tail + 1);
	if (hex_get(written, CHECKSUM_BYTES, digits) != 0 || checksum_of(checksum, line, line_bytes - tail) != 0 ||
	    memcmp(written, checksum, CHECKSUM_BYTES) != 0)
		return MINT_SYNTAX;
	object = json_loadb(line, line_bytes - tail, JSON_REJECT_DUPLICATES, NULL);
	if (!object)
		return MINT_SYNTAX;
	r = common_get(record, object);
	if (r == 0)
		r = kinds[record->kind].get(record, object);
	json_decref(object);
	if (r != 0)
		record_clear(record);
	return r;
}

void
record_clear(struct record *record)
{
	free(record->certificate);
	memset(record, 0, sizeof *record);
}
