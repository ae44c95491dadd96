/* A certification authority behind one interface: embedded here, over CMP or EST, with its key in an HSM.
 *
 * A question is asked at once and answered later, through the handler, once and in the order of the asking: back ends that keep a
 * log answer from ca_settle, when everything asked so far is on the disk together; those beyond a network answer from the loop.
 * The answers are three (design, law 5): signed, not signed with a reason, unknown. Unknown is looked up before anything else.
 */
#ifndef MINT_CA_CA_H
#define MINT_CA_CA_H

#include "hostd/ca/reason.h"
#include "schemas/messages.h"

struct ca;
struct passphrase;
struct profiles;

enum ca_question { CA_CERTIFY, CA_LOOKUP, CA_REVOKE };
enum ca_verdict {
	CA_SIGNED,          /* certify, lookup: here it is; revoke: it is revoked, now or before */
	CA_NOT_SIGNED,      /* final; the reason says why. lookup: MINT_NOT_FOUND never signed, MINT_REFUSED signed and revoked since */
	CA_UNKNOWN          /* perhaps: look it up */
};

struct ca_answer {
	enum ca_question question;
	enum ca_verdict  verdict;
	uint64_t         request_id;            /* as it was asked */
	struct reason    reason;
	struct blob      certificate;           /* DER; lives until the handler returns; empty unless signed (or to be revoked) */
};

typedef void ca_answer_handler(const struct ca_answer *answer, void *argument);

struct ca_request {
	uint64_t    request_id;                 /* 1 to 2^63 − 1; one for each pair of credential and key */
	struct blob serial;                     /* reserved by mint-queue: big-endian, positive, 64 to 159 bits */
	const char *profile;
	const char *subject;                    /* JSON object, field name → text */
	struct blob csr;                        /* PKCS#10, DER */
};

struct ca_settings {
	int                      directory;     /* descriptor of the CA's directory; duplicated */
	const struct passphrase *passphrase;    /* used while opening only */
	const struct profiles   *profiles;      /* kept, the caller's */
	int                      crl_days;      /* nextUpdate is that far away; half of it later the list is made anew */
	ca_answer_handler       *handler;
	void                    *argument;
};

/* The back end: "embedded". MINT_NOT_FOUND, MINT_BUSY (another process holds it), MINT_SYNTAX (its log is damaged), MINT_CONFIG … */
int ca_open(struct ca **ca, const char *backend, const struct ca_settings *settings, struct reason *reason);
void ca_close(struct ca **ca);

/* Asks for a certificate. The same request id, key and content again give the same bytes; a request id with another key or content,
 * a key or a serial number seen before are refused. */
void ca_certify(struct ca *ca, const struct ca_request *request);

/* What became of a request: by its id, or, with request_id 0, by the SHA-256 of its SubjectPublicKeyInfo (32 bytes, else ""). Where
 * both are given they must belong together (MINT_DIFFERENT). */
void ca_lookup(struct ca *ca, uint64_t request_id, struct blob spki_sha256);

/* Revokes what was signed under this id and serial; `reason` is a CRLReason of RFC 5280, 5.3.1. Works with a clock gone back too. */
void ca_revoke(struct ca *ca, uint64_t request_id, struct blob serial, int reason);

/* How many questions wait for ca_settle. */
unsigned ca_pending(const struct ca *ca);

/* Commits what was asked and answers it. 0, or an error after which the process must end: what was asked has been answered unknown,
 * and only a fresh start can find out what holds. */
int ca_settle(struct ca *ca);

/* Publishes the revocation list when something was revoked since the last one or half its time is over (or `force`).
 * *again_s (may be NULL): in how many seconds to call again at the latest. MINT_STORAGE, MINT_CRYPTO: try again then. */
int ca_publish(struct ca *ca, int force, unsigned *again_s, struct reason *reason);

#endif
