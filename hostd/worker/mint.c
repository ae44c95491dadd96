/* The steps of role mint behind the first (initialise.c): key, request, burn. Each was committed as intent before its message was
 * sent. */
#include "hostd/worker/worker.h"
#include "pkcs11/certificate.h"
#include "pkcs11/key.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/request.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- key */

static int
generate(struct worker *worker, const struct message_make_key *order, const struct key_type *type, int timeout_ms)
{
	struct key_order wanted = { type, order->key_id.data, order->key_id.length, order->label };
	int r;

	key_free(&worker->key);
	access_prefer(worker, order->key_type);
	r = key_generate(&worker->key, worker->session, &wanted, worker_deadline(worker, timeout_ms));
	if (r != 0)
		return access_failed(worker, r);
	memcpy(worker->key_id, order->key_id.data, order->key_id.length);
	worker->key_id_length = order->key_id.length;
	return 0;
}

int
step_make_key(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_make_key *order = &message->make_key;
	const struct key_type *type = key_type_by_name(order->key_type);
	const struct model_key *timing = model_key(worker->model, order->key_type);
	size_t length = 0;
	int r, made;

	if (!type || !timing)
		return worker_fail(worker, MINT_TOKEN_MECHANISM, "model %s has no key type %s", worker->model->name, order->key_type);
	if (order->key_id.length == 0)
		return worker_fail(worker, MINT_ARGUMENT, "an empty key id");
	r = access_login(worker, &order->codes, worker_step_deadline(worker));
	made = r == 0 && model_initialise_makes_key(worker->model, order->key_type) ? access_key(worker, &order->key_id, worker_step_deadline(worker))
	                                                                             : MINT_NOT_FOUND;
	if (r == 0 && made == MINT_NOT_FOUND)
		r = generate(worker, order, type, timing->timeout_ms);
	else if (r == 0)
		r = made;
	if (r == 0 && key_public_der(worker->key, &keep->one, &length) != 0)
		r = worker_fail(worker, MINT_CRYPTO, "the public key cannot be encoded");
	if (r != 0)
		return r;
	answer->type = MESSAGE_key_made;
	answer->key_made = (struct message_key_made){
		.journal = order->journal,
		.spki = { keep->one, (uint32_t)length },
		.duration_us = (uint64_t)(made == 0 ? worker->made_us : key_generation_us(worker->key)),
	};
	return 0;
}

/* --- request */

static int
make_request(struct worker *worker, const char *common_name, uint8_t **der, size_t *length, int64_t deadline_ms)
{
	X509_NAME *subject = X509_NAME_new();
	int r = MINT_MEMORY;

	if (subject && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1, -1, 0) == 1)
		r = request_make(worker->key, subject, der, length, deadline_ms);
	X509_NAME_free(subject);
	return r == 0 ? 0 : access_failed(worker, r);
}

int
step_make_request(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_make_request *order = &message->make_request;
	int64_t deadline_ms = worker_step_deadline(worker);
	size_t length = 0;
	int r = access_login(worker, &order->codes, deadline_ms);

	if (r == 0)
		r = access_key(worker, &order->key_id, deadline_ms);
	if (r == 0)
		r = make_request(worker, order->common_name, &keep->one, &length, deadline_ms);
	answer->type = MESSAGE_request_made;
	answer->request_made = (struct message_request_made){
		.journal = order->journal, .request = { keep->one, (uint32_t)length },
	};
	return r;
}

/* --- burn */

/* A certificate for another key must not get onto the token: the proof would fail, but the damage would be done. */
static int
fits_key(struct worker *worker, const struct blob *certificate)
{
	const uint8_t *at = certificate->data;
	X509 *parsed = d2i_X509(NULL, &at, (long)certificate->length);
	int good = parsed && EVP_PKEY_eq(X509_get0_pubkey(parsed), key_public(worker->key)) == 1;

	X509_free(parsed);
	return good ? 0 : worker_fail(worker, MINT_PROOF_KEY, "the certificate to write is not for the key on the token");
}

static int
fits_token(struct worker *worker, const struct blob *certificate)
{
	int most = worker->model->certificate_max;

	if (most == 0 || certificate->length <= (uint32_t)most)
		return 0;
	return worker_fail(worker, MINT_CERTIFICATE_SIZE, "the certificate has %u bytes, model %s takes %d", certificate->length,
	    worker->model->name, most);
}

int
step_burn(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_burn *order = &message->burn;
	int64_t deadline_ms = worker_step_deadline(worker);
	int r = access_login(worker, &order->codes, deadline_ms);

	(void)keep;
	if (r == 0)
		r = access_key(worker, &order->key_id, deadline_ms);
	if (r == 0)
		r = fits_key(worker, &order->certificate);
	if (r == 0)
		r = fits_token(worker, &order->certificate);
	if (r == 0) {
		r = certificate_write(worker->session, order->key_id.data, order->key_id.length, order->label,
		    order->certificate.data, order->certificate.length, deadline_ms);
		if (r != 0)
			access_failed(worker, r);
	}
	answer->type = MESSAGE_burned;
	answer->burned.journal = order->journal;
	return r;
}
