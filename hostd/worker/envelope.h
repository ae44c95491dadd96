/* Final codes for the PIN office: CMS AuthEnvelopedData to its certificate (RFC 5083) with AES-256-GCM (RFC 5084), which the station
 * itself cannot open, and in which the office sees every changed bit: EnvelopedData with AES-CBC would give it a changed code as if it
 * were good. To an RSA key it goes by RSAES-OAEP (RFC 3560), to an EC key by ephemeral-static ECDH (RFC 5753), each with SHA-256. Who
 * made it, it does not say: anybody has the certificate. Inside is one JSON object:
 *
 *   {"version":1,"model":"myeid","serial":"0001…","label":"MB-00000001",
 *    "user-pin":"…","user-puk":"…","so-pin":"…","so-puk":"…"}
 *
 * with only those codes that the envelope is to make known. A PUK is final from initialisation and goes with its PIN.
 */
#ifndef MINT_WORKER_ENVELOPE_H
#define MINT_WORKER_ENVELOPE_H

#include "hostd/worker/codes.h"

enum { ENVELOPE_USER = 1, ENVELOPE_SO = 2 }; /* bits of `codes_left` in schemas/messages.def */

struct envelope_token {
	const char *model, *serial, *label;
};

/* Makes it for the codes of `which`; DER, the caller frees *der with OPENSSL_free. MINT_CONFIG after a log line when the
 * office's certificate cannot be read or has expired; MINT_FIELD when a name of the token cannot be written; MINT_CRYPTO. */
int envelope_make(const char *certificate_path, const struct envelope_token *token, const struct codes *codes,
    unsigned which, uint8_t **der, size_t *length);

#endif
