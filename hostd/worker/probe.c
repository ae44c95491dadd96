/* Step `order`: what is in the reader, read without a PIN and without using up a try. */
#include "hostd/worker/opensc_conf.h"
#include "hostd/worker/worker.h"
#include "pkcs11/certificate.h"
#include "pkcs11/key.h"
#include "pkcs11/object.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static int
take_order(struct worker *worker, const struct message_order *order)
{
	if (order->role != ROLE_MINT && order->role != ROLE_PROVE)
		return worker_fail(worker, MINT_ARGUMENT, "role %u", order->role);
	worker->lease = order->lease;
	worker->bay = order->bay;
	worker->role = order->role;
	snprintf(worker->reader, sizeof worker->reader, "%s", order->reader);
	memcpy(worker->atr, order->atr.data, order->atr.length);
	worker->atr_length = order->atr.length;
	worker->model = models_by_atr(worker->models, worker->atr, worker->atr_length);
	return 0;
}

static int
hide_other_readers(struct worker *worker)
{
	int r;

	/* One file a bay: a worker that was killed leaves one behind, which the next one writes over. */
	snprintf(worker->conf_path, sizeof worker->conf_path, "%s/bay-%u.conf", worker->config->work, worker->bay);
	r = opensc_conf_write(worker->conf_path, worker->reader, worker->model->driver);
	return r == 0 ? 0 : worker_fail(worker, r, "reader \"%s\" cannot be shown alone", worker->reader);
}

/* OpenSC adds the PIN's name: "MB-00000001 (PIN)". Ours has no blank, so it ends there; a stranger's is told as it is. */
static void
take_label(struct worker *worker)
{
	snprintf(worker->label, sizeof worker->label, "%s", token_facts(worker->token)->label);
	if (strncmp(worker->label, TOKEN_MARKER, sizeof TOKEN_MARKER - 1) == 0)
		worker->label[strcspn(worker->label, " ")] = '\0';
}

/* Tries left as far as the flags tell; each flag is one of struct token_facts. */
static uint8_t
tries_of(unsigned flags, unsigned locked, unsigned last)
{
	return flags & locked ? 0 : flags & last ? 1 : TRIES_NOT_SAID;
}

/* The key pair, as far as it shows without a login: the first public key, and the certificate under its id. */
static int
find_key(struct worker *worker, struct message_probed *probed, struct step_keep *keep, int64_t deadline_ms)
{
	struct object_facts found;
	EVP_PKEY *public = NULL;
	size_t count, length;
	uint8_t *der = NULL;
	int r = object_list(worker->session, OBJECT_PUBLIC_KEY, &found, 1, &count, deadline_ms);

	if (r != 0 || count == 0)
		return r;
	worker->key_id_length = found.id_len < sizeof worker->key_id ? found.id_len : sizeof worker->key_id;
	memcpy(worker->key_id, found.id, worker->key_id_length);
	probed->key_id = (struct blob){ worker->key_id, (uint32_t)worker->key_id_length };
	r = key_public_find(worker->session, worker->key_id, worker->key_id_length, &public, deadline_ms);
	if (r != 0)
		return r;
	probed->spki.length = (uint32_t)i2d_PUBKEY(public, &keep->one);
	probed->spki.data = keep->one;
	EVP_PKEY_free(public);
	r = certificate_read(worker->session, worker->key_id, worker->key_id_length, &der, &length, deadline_ms);
	if (r == 0) {
		SHA256(der, length, keep->hash);
		probed->certificate_sha256 = (struct blob){ keep->hash, sizeof keep->hash };
	}
	OPENSSL_free(der);
	return r == MINT_NOT_FOUND ? 0 : r;
}

static int
look_by_module(struct worker *worker, struct message_probed *probed, struct step_keep *keep)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	const struct token_facts *facts;
	int r = access_open(worker, deadline_ms);

	if (r == MINT_TOKEN_UNKNOWN) { /* no PKCS#15 structure that OpenSC knows */
		probed->content = CONTENT_FOREIGN;
		return 0;
	}
	if (r != 0)
		return r;
	facts = token_facts(worker->token);
	if (!worker->serial[0])
		snprintf(worker->serial, sizeof worker->serial, "%s", facts->serial);
	take_label(worker);
	probed->content = strncmp(worker->label, TOKEN_MARKER, sizeof TOKEN_MARKER - 1) == 0 ? CONTENT_MARKED : CONTENT_FOREIGN;
	if (probed->content == CONTENT_MARKED && !(facts->flags & TOKEN_PIN_SET))
		probed->content = CONTENT_HALF;
	probed->user_tries = tries_of(facts->flags, TOKEN_PIN_LOCKED, TOKEN_PIN_LAST_TRY);
	probed->so_tries = tries_of(facts->flags, TOKEN_SO_PIN_LOCKED, TOKEN_SO_PIN_LAST_TRY);
	r = find_key(worker, probed, keep, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
}

static int
make_fresh_codes(struct worker *worker, struct message_probed *probed, struct step_keep *keep)
{
	struct codes codes;
	size_t length = 0;
	int r = codes_make(worker->model, &codes);

	if (r == 0)
		r = codes_seal(&codes, worker->station_key, worker->serial, keep->fixed, &length);
	codes_wipe(&codes);
	probed->fresh_codes = (struct blob){ keep->fixed, (uint32_t)length };
	return r == 0 ? 0 : worker_fail(worker, r, "no fresh codes could be made");
}

static int
probe(struct worker *worker, struct message_probed *probed, struct step_keep *keep)
{
	struct card_look look;
	int r = hide_other_readers(worker);

	if (r == 0)
		r = access_look(worker, &look);
	if (r != 0)
		return r;
	snprintf(worker->serial, sizeof worker->serial, "%s", look.serial);
	if (look.stage == CARD_BLANK)
		probed->content = CONTENT_BLANK;
	else if (look.stage == CARD_HALF)
		probed->content = CONTENT_HALF;
	else
		r = look_by_module(worker, probed, keep);
	if (r == 0 && worker->role == ROLE_MINT)
		r = make_fresh_codes(worker, probed, keep);
	return r;
}

int
step_order(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	struct message_probed *probed = &answer->probed;
	int r = take_order(worker, &message->order);

	if (r != 0)
		return r;
	answer->type = MESSAGE_probed;
	*probed = (struct message_probed){
		.lease = worker->lease, .content = CONTENT_UNKNOWN_CARD, .user_tries = TRIES_NOT_SAID, .so_tries = TRIES_NOT_SAID,
	};
	if (!worker->model)
		return 0;
	r = probe(worker, probed, keep);
	probed->model = worker->model->name;
	probed->serial = worker->serial;
	probed->label = worker->label;
	return r;
}
