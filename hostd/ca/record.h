/* One line of the issue log: a JSON object, a tab, its checksum, a newline.
 *
 *   {"n":7,"prev":"…","durable":18220,"at":…,"kind":"issued",…}<TAB>32 hex digits<LF>
 *
 * The checksum is the first 16 bytes of SHA-256 over the JSON text; `prev` repeats the checksum of the line before, so that a
 * line taken out, put in or put elsewhere is noticed. `durable` is the length the file had when everything before this line's
 * batch was known to be on the disk: it tells a write torn by a power cut (never answered) from damage done later.
 */
#ifndef MINT_CA_RECORD_H
#define MINT_CA_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum { CHECKSUM_BYTES = 16, DIGEST_BYTES = 32, SERIAL_BYTES = 20, PROFILE_NAME_BYTES = 32 };
enum { RECORD_WHY_MAX = 512, RECORD_CERTIFICATE_MAX = 8192, RECORD_LINE_MAX = 16384 };

enum record_kind {
	RECORD_OPENED = 1,  /* the first line: which CA the log belongs to */
	RECORD_ISSUED,
	RECORD_REVOKED,
	RECORD_CRL,         /* a CRL number is used up */
	RECORD_CLOCK        /* a person says that the clock is right: times before this line may be ahead of it */
};

struct record {
	enum record_kind kind;
	uint64_t number;                        /* 0, 1, 2 … */
	uint8_t  prev[CHECKSUM_BYTES];
	uint64_t durable;                       /* bytes */
	int64_t  at;                            /* UTC microseconds */
	/* opened */
	uint8_t  issuer[DIGEST_BYTES];          /* SHA-256 of the issuing certificate, DER */
	/* issued, revoked */
	uint64_t request_id;
	uint8_t  serial[SERIAL_BYTES];          /* big-endian, zeros in front */
	/* issued */
	char     profile[PROFILE_NAME_BYTES + 1];
	uint8_t  content[DIGEST_BYTES];         /* of everything asked for: what "the same request" means */
	uint8_t  spki[DIGEST_BYTES];            /* SHA-256 of the SubjectPublicKeyInfo, DER */
	uint8_t *certificate;                   /* DER; owned by the record when record_get filled it in */
	size_t   certificate_bytes;
	/* revoked */
	int      reason;                        /* CRLReason, RFC 5280, 5.3.1 */
	/* crl */
	uint64_t crl_number;
	int64_t  crl_next_at;                   /* its nextUpdate */
	/* clock */
	char     actor[65], why[RECORD_WHY_MAX + 1];
};

/* The line as a string (the caller frees it) and its checksum. NULL when out of memory. */
char *record_put(const struct record *record, uint8_t checksum[CHECKSUM_BYTES]);

/* Reads a line without its newline. On success the caller clears it with record_clear. MINT_SYNTAX, MINT_MEMORY. */
int record_get(struct record *record, const char *line, size_t line_bytes, uint8_t checksum[CHECKSUM_BYTES]);
void record_clear(struct record *record);

#endif
