/* The application record from outside: what the platform approved, read strictly, written canonically, compared.
 *
 * The fields, their limits and words are listed once, in schemas/application.def. mint-api parses uploads (application_stream.h)
 * and passes each good record on in canonical form; mint-queue parses that form again with application_parse, so
 * neither trusts the other's check.
 */
#ifndef MINT_BASE_APPLICATION_H
#define MINT_BASE_APPLICATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostd/base/finding.h"

/* The choices; 0 is "not given", which only delivery may be. */
enum application_kind {
	APPLICATION_KIND_NONE,
#define KIND(name, ...) APPLICATION_KIND_##name,
#include "schemas/application.def"
};
enum application_medium {
	APPLICATION_MEDIUM_NONE,
#define MEDIUM(name, ...) APPLICATION_MEDIUM_##name,
#include "schemas/application.def"
};
enum application_key {
	APPLICATION_KEY_NONE,
#define KEY(name, ...) APPLICATION_KEY_##name,
#include "schemas/application.def"
};
enum application_delivery_method {
	APPLICATION_DELIVERY_NONE,
#define DELIVERY(name, ...) APPLICATION_DELIVERY_##name,
#include "schemas/application.def"
};
enum application_role {
	APPLICATION_ROLE_NONE,
#define ROLE(name, ...) APPLICATION_ROLE_##name,
#include "schemas/application.def"
};

#define APPLICATION_QUANTITY_MAX 20

/* Texts are valid UTF-8, NUL-terminated and owned by the record; an optional one that was left out is NULL. */
struct application_organisation {
	char *name;
	char *uscc;
	char *division;
};

struct application_person {
	char *name;
	char *id_card;
	char *phone;
	char *email; /* optional */
};

struct application_delivery {
	enum application_delivery_method method;
	char *recipient; /* these for APPLICATION_DELIVERY_POST only */
	char *phone;
	char *province;
	char *city;
	char *district; /* optional */
	char *address;
	bool  freight_collect;
	char *collection_point; /* for APPLICATION_DELIVERY_ON_SITE only */
};

struct application_credential {
	enum application_role role;
	char *holder; /* NULL for APPLICATION_ROLE_UNIT */
};

struct application {
	char *reference;
	enum application_kind   kind;
	enum application_medium medium;
	unsigned quantity;
	enum application_key    key_type;
	struct application_credential *credentials; /* `quantity` of them, whether the record listed them or not */
	unsigned credential_count;                  /* == quantity */
	char *previous_reference;                   /* optional */
	struct application_organisation organisation;
	struct application_person       person;
	struct application_delivery     delivery;
	int64_t approved_at_us; /* UTC, since 1970 */
	bool urgent;
	char *remark; /* optional */
};

/* What the reader does not find in the record. */
struct application_policy {
	int64_t  now_us; /* UTC: nobody is born after it; an approval more than a day after it is warned about */
	unsigned kinds;  /* what this bench works on: bits 1 << enum application_kind */
	unsigned media;  /* 1 << enum application_medium */
};

/* The policy of this bench: new applications, tokens. */
struct application_policy application_policy_bench(int64_t now_us);

/* A record is at most this long, and nested at most this deep. */
#define APPLICATION_RECORD_BYTES 65536
#define APPLICATION_RECORD_DEPTH 8

/* Reads one record: a JSON object (RFC 8259) of the published form and nothing but blanks around it. Strict: unknown,
 * duplicate and missing fields, wrong types, every limit and rule of the lists.
 * `findings` must have been begun (findings_begin); all that is found is added, and the reference noted where it could be
 * read. `text` need not be NUL-terminated.
 *   0            *application is the caller's, free it with application_free; findings may hold holds and warnings
 *   MINT_SYNTAX  no JSON; where a record ends cannot be known
 *   MINT_FIELD   refused; at least one finding is an error
 *   MINT_MEMORY */
int application_parse(const char *text, size_t length, const struct application_policy *policy,
                      struct findings *findings, struct application **application);

/* Accepts NULL; clears the caller's pointer. */
void application_free(struct application **application);

/* The record as a JSON value of the published form, everything that may be left out filled in. The caller owns it;
 * NULL when memory is out. */
json_t *application_json(const struct application *application);

/* The canonical form (RFC 8785: no blanks, keys sorted, UTF-8): defaults filled in, times in UTC, so two records that mean
 * the same have the same bytes. NUL-terminated, the caller frees it with free(3); NULL when memory is out. */
char *application_canonical(const struct application *application);

#define APPLICATION_DIGEST_BYTES 32

/* SHA-256 of the canonical form. Returns 0, MINT_MEMORY or MINT_CRYPTO. */
int application_digest(const struct application *application, unsigned char digest[APPLICATION_DIGEST_BYTES]);

/* What differs between two records, an array of {"path", "title": {"en", "zh"}, "old", "new"}; null stands for a field that
 * is not there; personal data is masked (text_mask), so old and new may look alike. Empty when the canonical forms are
 * equal. The caller owns it; NULL when memory is out. */
json_t *application_diff(const struct application *old, const struct application *new);

/* The word of a choice as it stands in JSON ("rsa2048"); NULL for 0. Static. */
const char *application_kind_text(enum application_kind kind);
const char *application_medium_text(enum application_medium medium);
const char *application_key_text(enum application_key key);
const char *application_delivery_text(enum application_delivery_method method);
const char *application_role_text(enum application_role role);

#endif
