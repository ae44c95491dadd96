/* What the CA signed, in memory: one entry a certificate, found by request id, serial number or public key.
 *
 * The certificates themselves stay in the issue log; an entry says where.
 */
#ifndef MINT_CA_LEDGER_H
#define MINT_CA_LEDGER_H

#include "hostd/ca/issuelog.h"

struct entry {
	uint8_t      request_id[8];             /* big-endian: all keys of the indexes are bytes */
	uint8_t      serial[SERIAL_BYTES];
	uint8_t      spki[DIGEST_BYTES];
	uint8_t      content[DIGEST_BYTES];
	int64_t      at;                        /* UTC microseconds */
	int64_t      revoked_at;                /* 0: not revoked */
	int          reason;                    /* CRLReason */
	struct place place;
};

struct ledger;

struct ledger *ledger_new(void);            /* NULL when out of memory */
void ledger_free(struct ledger **ledger);

/* Adds what the record says: an entry, or the revocation of one. MINT_DIFFERENT when it cannot follow what is there (an id, serial
 * or key for the second time, a revocation of something never issued), MINT_MEMORY. */
int ledger_add(struct ledger *ledger, const struct record *record, struct place place);

/* Makes sure that the next ledger_add does not fail for want of memory. MINT_MEMORY. */
int ledger_reserve(struct ledger *ledger);

/* Where the ledger stands, and back to there: for a batch that never reached the disk. MINT_MEMORY. */
struct ledger_mark {
	size_t   entries;
	size_t   revocations;
	size_t   published;                     /* revocations that the last CRL holds */
	int64_t  newest_at;
	uint64_t crl_number;
	int64_t  crl_next_at;
};
struct ledger_mark ledger_mark(const struct ledger *ledger);
int ledger_rewind(struct ledger *ledger, struct ledger_mark mark);

/* NULL when there is none. The entry lives until the next ledger_add or ledger_rewind. */
const struct entry *ledger_by_request(const struct ledger *ledger, uint64_t request_id);
const struct entry *ledger_by_serial(const struct ledger *ledger, const uint8_t serial[SERIAL_BYTES]);
const struct entry *ledger_by_key(const struct ledger *ledger, const uint8_t spki[DIGEST_BYTES]);

uint64_t entry_request_id(const struct entry *entry);

size_t ledger_count(const struct ledger *ledger);
size_t ledger_revoked_count(const struct ledger *ledger);

/* The nth revoked entry in the order of revocation, n below ledger_revoked_count. */
const struct entry *ledger_revoked(const struct ledger *ledger, size_t n);

int64_t ledger_newest_at(const struct ledger *ledger);        /* of any record since a person confirmed the clock */
uint64_t ledger_crl_number(const struct ledger *ledger);      /* the last used, 0 for none */
int64_t ledger_crl_next_at(const struct ledger *ledger);
int ledger_crl_is_stale(const struct ledger *ledger);         /* something was revoked since the last CRL, or there is none */

/* The issuing certificate the log was opened for. */
const uint8_t *ledger_issuer(const struct ledger *ledger);

#endif
