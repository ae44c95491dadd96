/* The steps of role mint: initialise, key, request, burn. Each was committed as intent before its message was sent. */
#include "hostd/base/log.h"
#include "hostd/worker/child.h"
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

/* --- initialise */

static int
run_command(struct worker *worker, const struct model_command *command, const char *label, const struct codes *codes)
{
	struct child_order order = { .codes = codes, .timeout_ms = command->timeout_ms };
	char *arguments[64] = { NULL }, said[300];
	int count = 0, r = MINT_MEMORY;

	for (; count < 63 && command->arguments[count]; count++) {
		arguments[count] = model_expand(command->arguments[count], label, worker->reader, worker->serial);
		if (!arguments[count])
			goto out;
	}
	order.arguments = (const char *const *)arguments;
	worker_deadline(worker, command->timeout_ms);
	r = child_run(&order, said, sizeof said);
	if (r != 0)
		worker_fail(worker, r, "%s: %s", command->title, said[0] ? said : "said nothing");
out:
	while (count-- > 0)
		free(arguments[count]);
	return r;
}

/* Runs all of them. A token that has been taken out is told as gone, whatever the program says about it. */
static int
run_commands(struct worker *worker, const struct model_commands *commands, const char *label, const struct codes *codes)
{
	struct card_look look;
	char detail[sizeof worker->detail];
	int r = 0, seen;

	for (size_t i = 0; i < commands->count && r == 0; i++)
		r = run_command(worker, &commands->list[i], label, codes);
	if (r == 0)
		return 0;
	memcpy(detail, worker->detail, sizeof detail);
	seen = access_look(worker, &look);
	if (seen == MINT_TOKEN_GONE || seen == MINT_TOKEN_OTHER || seen == MINT_READER)
		return seen;
	memcpy(worker->detail, detail, sizeof detail);
	return r;
}

static int
erase(struct worker *worker, const struct card_look *before, const struct message_initialise *order)
{
	const struct model_commands *commands = before->stage == CARD_HALF ? &worker->model->erase_half : &worker->model->erase;
	struct codes old = { 0 };
	struct card_look after;
	int r = 0;

	if (!order->erase)
		return worker_fail(worker, MINT_REFUSED, "the token is not blank, and no erasing was ordered");
	/* A half-made token takes no PIN; codes for it may not be on record. */
	if (order->old_codes.length > 0)
		r = access_codes(worker, &order->old_codes, &old);
	if (r == 0)
		r = run_commands(worker, commands, order->label, &old);
	codes_wipe(&old);
	if (r == 0)
		r = access_look(worker, &after);
	if (r == 0 && after.stage != CARD_BLANK && after.stage != CARD_NOT_SAID)
		r = worker_fail(worker, MINT_TOKEN_INIT, "the token is not blank after erasing");
	return r;
}

/* What the token says of itself once it has been made: finished, and ours. */
static int
check_initialised(struct worker *worker, const char *label)
{
	struct card_look look;
	int r = access_look(worker, &look);

	if (r == 0 && look.stage != CARD_FINISHED && look.stage != CARD_NOT_SAID)
		r = worker_fail(worker, MINT_TOKEN_INIT, "the token is not finished after its initialisation");
	if (r == 0)
		snprintf(worker->label, sizeof worker->label, "%s", label);
	return r;
}

int
step_initialise(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_initialise *order = &message->initialise;
	struct codes codes;
	struct card_look look;
	int r;

	(void)keep;
	access_close(worker); /* the reader belongs to the child now */
	r = access_codes(worker, &order->codes, &codes);
	if (r == 0)
		r = access_look(worker, &look);
	if (r == 0 && look.stage != CARD_BLANK && look.stage != CARD_NOT_SAID)
		r = erase(worker, &look, order);
	if (r == 0)
		r = run_commands(worker, &worker->model->initialise, order->label, &codes);
	codes_wipe(&codes);
	if (r == 0)
		r = check_initialised(worker, order->label);
	answer->type = MESSAGE_initialised;
	answer->initialised = (struct message_initialised){
		.journal = order->journal, .serial = worker->serial, .label = worker->label,
	};
	return r;
}

/* --- key */

static int
generate(struct worker *worker, const struct message_make_key *order, const struct key_type *type, int timeout_ms)
{
	struct key_order wanted = { type, order->key_id.data, order->key_id.length, order->label };
	int r;

	key_free(&worker->key);
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
	int r;

	if (!type || !timing)
		return worker_fail(worker, MINT_TOKEN_MECHANISM, "model %s has no key type %s", worker->model->name, order->key_type);
	if (order->key_id.length == 0)
		return worker_fail(worker, MINT_ARGUMENT, "an empty key id");
	r = access_login(worker, &order->codes, worker_step_deadline(worker));
	if (r == 0)
		r = generate(worker, order, type, timing->timeout_ms);
	if (r == 0 && key_public_der(worker->key, &keep->one, &length) != 0)
		r = worker_fail(worker, MINT_CRYPTO, "the public key cannot be encoded");
	if (r != 0)
		return r;
	answer->type = MESSAGE_key_made;
	answer->key_made = (struct message_key_made){
		.journal = order->journal,
		.spki = { keep->one, (uint32_t)length },
		.duration_us = (uint64_t)key_generation_us(worker->key),
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
