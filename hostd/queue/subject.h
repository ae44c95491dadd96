/* What the CA is told about the holder of a certificate. */
#ifndef MINT_QUEUE_SUBJECT_H
#define MINT_QUEUE_SUBJECT_H

#include <stdint.h>

/* JSON object, name → text, from an application's canonical record; which of it a certificate shows is the profile's business
 * (docs/certificate-profiles.md):
 *   province (of the registrar) · organisation · common_name (the unit's for a unit's certificate, else the holder's) · uscc ·
 *   division · person_name, person_id (the applicant's) · role · holder · application · credential
 * `ordinal` counts the credentials from 1. The caller frees it and wipes it before: it holds personal data. NULL when the record
 * cannot be read or memory is out. */
char *subject_make(const char *record, int ordinal, const char *reference, const char *credential);

/* About how long the name in the certificate will be, bytes of DER: the room for it on a token is laid out before the CA makes the name.
 * Enough where a profile has the unit's name, the holder's, and little else. */
uint32_t subject_bytes(const char *record_text);

#endif
