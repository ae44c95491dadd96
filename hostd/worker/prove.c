/* The steps of role prove, in a process that never wrote what it reads: read-back, challenge, final codes. */
#include "hostd/base/clock.h"
#include "hostd/worker/envelope.h"
#include "hostd/worker/worker.h"
#include "pkcs11/certificate.h"
#include "pkcs11/key.h"
#include "pkcs11/session.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* Which code belongs to which user of a session, and to which bit of codes_left. In the order they are set. */
static const struct seat {
	unsigned          bit;
	enum session_user user;
	enum code         code;
	const char       *name;
} seats[] = {
	{ ENVELOPE_USER, SESSION_USER, CODE_USER_PIN, "user PIN" },
	{ ENVELOPE_SO, SESSION_SO, CODE_SO_PIN, "SO-PIN" },
};

enum { SEATS = sizeof seats / sizeof seats[0] };

/* --- the proof */

static int
read_back(struct worker *worker, const struct message_prove *order, struct message_proved *proved, struct step_keep *keep,
    int64_t deadline_ms)
{
	uint8_t *der = NULL;
	size_t length = 0;
	int r = certificate_read(worker->session, order->key_id.data, order->key_id.length, &der, &length, deadline_ms);

	if (r != 0)
		return access_failed(worker, r == MINT_NOT_FOUND || r == MINT_EXISTS ? MINT_PROOF_CERTIFICATE : r);
	proved->read_us = clock_monotonic_us();
	SHA256(der, length, keep->hash);
	proved->certificate_sha256 = (struct blob){ keep->hash, sizeof keep->hash };
	if (length != order->certificate.length || memcmp(der, order->certificate.data, length) != 0)
		r = worker_fail(worker, MINT_PROOF_CERTIFICATE, "%zu bytes were read, %u were issued, and they differ", length,
		    order->certificate.length);
	OPENSSL_free(der);
	return r;
}

/* A fresh random challenge, signed by the token with the key of this id and checked with `public`. */
static int
challenge(struct worker *worker, const struct blob *key_id, EVP_PKEY *public, struct step_keep *keep, struct blob *signature)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	size_t length = 0;
	int r;

	if (!public || RAND_bytes(keep->challenge, sizeof keep->challenge) != 1)
		return worker_fail(worker, MINT_CRYPTO, "no public key or no random challenge");
	r = access_key(worker, key_id, deadline_ms);
	if (r != 0)
		return r;
	r = key_challenge(worker->key, public, keep->challenge, sizeof keep->challenge, &keep->one, &length, deadline_ms);
	*signature = (struct blob){ keep->one, (uint32_t)length };
	return r == 0 ? 0 : access_failed(worker, r);
}

static int
challenge_certified(struct worker *worker, const struct message_prove *order, struct message_proved *proved, struct step_keep *keep)
{
	const uint8_t *at = order->certificate.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)order->certificate.length);
	int r = challenge(worker, &order->key_id, certificate ? X509_get0_pubkey(certificate) : NULL, keep, &proved->signature);

	X509_free(certificate);
	proved->signed_us = clock_monotonic_us();
	proved->challenge = (struct blob){ keep->challenge, sizeof keep->challenge };
	return r;
}

static unsigned
all_codes(const struct worker *worker)
{
	unsigned left = 0;

	for (int i = 0; i < SEATS; i++)
		if (worker->model->codes[seats[i].code].length > 0)
			left |= seats[i].bit;
	return left;
}

static int
prove(struct worker *worker, const struct message_prove *order, struct message_proved *proved, struct step_keep *keep)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	int r = access_open(worker, deadline_ms);

	if (r == 0)
		r = read_back(worker, order, proved, keep, deadline_ms);
	if (r == 0)
		r = access_login(worker, &order->codes, deadline_ms);
	if (r == 0)
		r = challenge_certified(worker, order, proved, keep);
	if (r == 0)
		worker->codes_left = all_codes(worker);
	return r;
}

/* --- which codes are still transport codes */

static int
log_in(struct worker *worker, const struct seat *seat, const struct codes *codes, int64_t deadline_ms)
{
	const char *pin = codes->text[seat->code];

	return session_login(worker->session, seat->user, pin, strlen(pin), deadline_ms);
}

static int
log_out(struct worker *worker, int64_t deadline_ms)
{
	int r = session_logout(worker->session, deadline_ms);

	worker->logged_in = false;
	return r == 0 ? 0 : access_failed(worker, r);
}

/* Where interruptions have used up the tries, the PUK gives them back and makes the code a transport code again: what an earlier
 * envelope says of it is superseded by the next. Without a way to unblock, the last try is kept for the holder. */
static int
unblock(struct worker *worker, const struct seat *seat, int64_t deadline_ms)
{
	int r = access_unblock(worker, seat->code, &worker->transport);

	return r == 0 ? access_open(worker, deadline_ms) : r;
}

/* A try with the transport code. It uses up a try where the final one is set. */
static int
is_transport(struct worker *worker, const struct seat *seat, int64_t deadline_ms)
{
	int r = access_may_try(worker, seat->code, deadline_ms);

	if (r == MINT_PIN_LOCKED)
		r = unblock(worker, seat, deadline_ms);
	if (r != 0)
		return r;
	r = log_in(worker, seat, &worker->transport, deadline_ms);
	access_tried(worker, seat->code, r);
	if (r == MINT_PIN_WRONG)
		return 0;
	if (r != 0)
		return access_failed(worker, r);
	worker->codes_left |= seat->bit;
	return log_out(worker, deadline_ms);
}

static int
find_codes_left(struct worker *worker)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	struct card_look look = { .so_tries = TRIES_NOT_SAID };
	int r;

	access_close(worker); /* the look ends with a reset */
	r = access_look_tries(worker, &look);
	if (r == 0)
		r = access_open(worker, deadline_ms);
	for (int i = 0; i < SEATS; i++)
		if (!config_bay_is_slot(worker->place))
			worker->tries[seats[i].code] = seats[i].user == SESSION_SO ? look.so_tries : look.user_tries;
	worker->codes_left = 0;
	for (int i = 0; i < SEATS && r == 0; i++)
		if (worker->model->codes[seats[i].code].length > 0)
			r = is_transport(worker, &seats[i], deadline_ms);
	return r;
}

/* --- final codes */

/* New PINs; the PUKs stay what they were made at initialisation, and go into the envelope with them. */
static int
make_final_codes(struct worker *worker, struct message_proved *proved, struct step_keep *keep)
{
	const struct envelope_token token = { worker->model->name, worker->serial, worker->label };
	size_t length = 0;
	int r;

	proved->codes_left = (uint8_t)worker->codes_left;
	if (worker->codes_left == 0)
		return 0;
	r = codes_make(worker->model, &worker->final);
	if (r != 0)
		return worker_fail(worker, r, "no final codes could be made");
	for (int i = 0; i < SEATS; i++)
		if (worker->model->codes[seats[i].code].stays)
			memcpy(worker->final.text[seats[i].code], worker->transport.text[seats[i].code], MODEL_CODE_MAX + 1);
	memcpy(worker->final.text[CODE_USER_PUK], worker->transport.text[CODE_USER_PUK], MODEL_CODE_MAX + 1);
	memcpy(worker->final.text[CODE_SO_PUK], worker->transport.text[CODE_SO_PUK], MODEL_CODE_MAX + 1);
	r = envelope_make(worker->config->office_certificate, &token, &worker->final, worker->codes_left, &keep->two, &length);
	if (r != 0)
		return worker_fail(worker, r, "no envelope to the PIN office: %s", worker->config->office_certificate);
	proved->envelope = (struct blob){ keep->two, (uint32_t)length };
	return 0;
}

/* The token that the order names is in the reader: where the probe did not read its number, its marker and key tell. */
static int
is_the_token(struct worker *worker, const char *serial)
{
	if (!worker->serial[0])
		snprintf(worker->serial, sizeof worker->serial, "%s", serial);
	if (strcmp(serial, worker->serial) == 0)
		return 0;
	return worker_fail(worker, MINT_TOKEN_OTHER, "token %s is in the reader, not %s", worker->serial, serial);
}

int
step_prove(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_prove *order = &message->prove;
	struct message_proved *proved = &answer->proved;
	int r = is_the_token(worker, order->serial);

	answer->type = MESSAGE_proved;
	*proved = (struct message_proved){ .journal = order->journal };
	if (r == 0)
		r = access_codes(worker, &order->codes, &worker->transport);
	if (r == 0)
		r = order->proven ? find_codes_left(worker) : prove(worker, order, proved, keep);
	if (r == 0)
		r = make_final_codes(worker, proved, keep);
	return r;
}

/* Sets one code and proves that the token takes it now: some modules answer well and have changed nothing. */
static int
set_code(struct worker *worker, const struct seat *seat, int64_t deadline_ms)
{
	const char *old = worker->transport.text[seat->code], *new = worker->final.text[seat->code];
	int r = worker->logged_in && seat->user == SESSION_USER ? 0 : log_in(worker, seat, &worker->transport, deadline_ms);

	worker->logged_in = false;
	if (r == 0 && !worker->model->codes[seat->code].stays)
		r = session_change_pin(worker->session, old, strlen(old), new, strlen(new), deadline_ms);
	if (r == 0)
		r = session_logout(worker->session, deadline_ms);
	if (r == 0)
		r = log_in(worker, seat, &worker->final, deadline_ms);
	if (r == 0)
		r = session_logout(worker->session, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
}

int
step_seal(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	int r = 0;

	(void)keep;
	if (!worker->session || worker->transport.text[CODE_USER_PIN][0] == '\0')
		return worker_fail(worker, MINT_REFUSED, "nothing was proved in this process that could be sealed");
	if (worker->logged_in && !(worker->codes_left & ENVELOPE_USER))
		r = log_out(worker, deadline_ms);
	for (int i = 0; i < SEATS && r == 0; i++)
		if (worker->codes_left & seats[i].bit) {
			r = set_code(worker, &seats[i], deadline_ms);
			if (r == 0)
				worker->codes_left &= ~seats[i].bit;
		}
	answer->type = MESSAGE_sealed;
	answer->sealed.journal = message->seal.journal;
	return r;
}

/* Of a token that is keyed ahead: the key is there, and it is the one on record. */
int
step_check(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_check *order = &message->check;
	const uint8_t *at = order->spki.data;
	EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)order->spki.length);
	int r = is_the_token(worker, order->serial);

	answer->type = MESSAGE_checked;
	answer->checked = (struct message_checked){ .journal = order->journal };
	if (r == 0)
		r = access_login(worker, &order->codes, worker_step_deadline(worker));
	if (r == 0)
		r = challenge(worker, &order->key_id, public, keep, &answer->checked.signature);
	answer->checked.challenge = (struct blob){ keep->challenge, sizeof keep->challenge };
	EVP_PKEY_free(public);
	return r;
}
