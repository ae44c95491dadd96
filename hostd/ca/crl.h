/* The revocation list: CRL version 2 of RFC 5280, section 5, with CRL number and authority key identifier. */
#ifndef MINT_CA_CRL_H
#define MINT_CA_CRL_H

#include "hostd/ca/authority.h"
#include "hostd/ca/ledger.h"

/* Whether the number is a reason for an end entity's final revocation: 0, 1, 3, 4, 5, 9 of RFC 5280, 5.3.1. Hold (6) is not
 * offered, for there is no way back from it here. */
int crl_reason_is_known(int reason);

/* Their words of RFC 5280, 5.3.1, as a person gives them; MINT_ARGUMENT for any other (or NULL). */
#define CRL_REASON_WORDS "unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn"
int crl_reason_by_word(const char *word);

/* Makes and signs the list of all that the ledger holds as revoked. Times are UTC microseconds. *der is the caller's to free with
 * OPENSSL_free. MINT_CRYPTO. */
int crl_issue(const struct authority *authority, const struct ledger *ledger, uint64_t number, int64_t at, int64_t next_at,
    uint8_t **der, size_t *der_bytes, struct reason *reason);

#endif
