/* Step `order`: what is in the reader, read without a PIN and without using up a try. */
#include "hostd/worker/envelope.h"
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
	if (order->role < ROLE_MINT || order->role > ROLE_SURVEY)
		return worker_fail(worker, MINT_ARGUMENT, "role %u", order->role);
	worker->lease = order->lease;
	worker->bay = order->bay;
	worker->role = order->role;
	worker->place = config_bay(worker->config, (int)order->bay);
	if (!worker->place)
		return worker_fail(worker, MINT_ARGUMENT, "the configuration has no bay %u", order->bay);
	snprintf(worker->reader, sizeof worker->reader, "%s", order->reader);
	memcpy(worker->atr, order->atr.data, order->atr.length);
	worker->atr_length = order->atr.length;
	config_pcscd_choose(&worker->config->pcscds[worker->place->pcscd]); /* nothing of this process has spoken to PC/SC yet */
	for (char **variable = worker->place->environment; *variable; variable++)
		putenv(*variable);
	return 0;
}

static int
hide_other_readers(struct worker *worker, const struct model *model)
{
	const struct opensc_choice choice = {
		.driver = model && model->driver[0] ? model->driver : NULL, .profiles = model && model->profiles[0] ? model->profiles : NULL,
	};
	int r;

	/* One file a bay: a worker that was killed leaves one behind, which the next one writes over. */
	snprintf(worker->conf_path, sizeof worker->conf_path, "%s/bay-%u.conf", worker->config->work, worker->bay);
	r = opensc_conf_write(worker->conf_path, worker->reader, &choice);
	return r == 0 ? 0 : worker_fail(worker, r, "reader \"%s\" cannot be shown alone", worker->reader);
}

/* --- which model */

/* Of a slot the module alone can say. The bay's own model is taken at its word where nothing speaks against it: a profile may know its
 * tokens by their ATR alone, and a module need not recognise a blank one. */
static int
model_of_slot(struct worker *worker, const struct model *wanted)
{
	const struct token_facts *facts;
	int r = access_token(worker, worker_step_deadline(worker));

	worker->model = wanted;
	if (r != 0)
		return r == MINT_TOKEN_UNKNOWN ? 0 : r;
	facts = token_facts(worker->token);
	if (wanted && model_fits_token(wanted, facts->manufacturer, facts->model))
		return 0;
	worker->model = models_by_token(worker->models, facts->manufacturer, facts->model);
	if (!worker->model && wanted && !wanted->token.manufacturer[0] && !wanted->token.model[0])
		worker->model = wanted;
	return 0;
}

/* By the ATR; else by the first application that the card answers to. */
static int
model_of_card(struct worker *worker)
{
	const struct model *model = NULL;
	int r = 0;

	worker->model = models_by_atr(worker->models, worker->atr, worker->atr_length);
	while (!worker->model && r == 0 && (model = models_by_application(worker->models, model))) {
		r = card_takes(worker->reader, worker->atr, worker->atr_length, &model->probe.select);
		if (r > 0)
			worker->model = model;
	}
	return r < 0 ? worker_fail(worker, r, "reader \"%s\": the card does not answer", worker->reader) : 0;
}

/* worker->model stays NULL when no profile knows it. A bay that takes one model takes no other. */
static int
find_model(struct worker *worker)
{
	const struct model *wanted = models_by_name(worker->models, worker->place->model);
	int r = 0;

	if (worker->place->model[0] && !wanted)
		return worker_fail(worker, MINT_CONFIG, "bay %u wants model \"%s\", of which there is no profile", worker->bay, worker->place->model);
	if (config_bay_is_slot(worker->place))
		r = model_of_slot(worker, wanted);
	else
		r = model_of_card(worker);
	if (r == 0 && wanted && worker->model != wanted)
		return worker_fail(worker, MINT_TOKEN_MODEL, "the token is %s, bay %u takes %s", worker->model ? worker->model->name : "unknown",
		    worker->bay, wanted->name);
	return r;
}

/* --- what is on it */

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

static const enum token_content contents[] = {
	[CARD_BLANK] = CONTENT_BLANK, [CARD_HALF] = CONTENT_HALF, [CARD_FINISHED] = CONTENT_MARKED, [CARD_NOT_SAID] = CONTENT_FOREIGN,
};

static void
take_tries(struct worker *worker, const struct card_look *look, struct message_probed *probed)
{
	unsigned flags = worker->token ? token_facts(worker->token)->flags : 0;

	if (!(flags & TOKEN_INITIALISED))
		flags = 0; /* some modules call codes that do not exist locked */
	if (flags & (TOKEN_PIN_LOW | TOKEN_PIN_LAST_TRY | TOKEN_PIN_LOCKED))
		probed->tries_lost |= ENVELOPE_USER;
	if (flags & (TOKEN_SO_PIN_LOW | TOKEN_SO_PIN_LAST_TRY | TOKEN_SO_PIN_LOCKED))
		probed->tries_lost |= ENVELOPE_SO;
	probed->user_tries = look->user_tries;
	probed->so_tries = look->so_tries;
	if (look->user_tries == TRIES_NOT_SAID)
		probed->user_tries = tries_of(flags, TOKEN_PIN_LOCKED, TOKEN_PIN_LAST_TRY);
	if (look->so_tries == TRIES_NOT_SAID)
		probed->so_tries = tries_of(flags, TOKEN_SO_PIN_LOCKED, TOKEN_SO_PIN_LAST_TRY);
	worker->tries[CODE_USER_PIN] = probed->user_tries;
	worker->tries[CODE_SO_PIN] = probed->so_tries;
}

/* What the module makes of it, once its token is open. */
static enum token_content
content_by_module(const struct worker *worker, const struct card_look *look)
{
	enum token_content content = contents[access_stage(worker)];

	if (content == CONTENT_BLANK && look->stage == CARD_FINISHED)
		return CONTENT_FOREIGN; /* the card knows better than its module */
	if (content == CONTENT_MARKED && strncmp(worker->label, TOKEN_MARKER, sizeof TOKEN_MARKER - 1) != 0)
		return CONTENT_FOREIGN;
	return content;
}

/* A finished token, or one whose profile has no way to tell by the card alone. */
static int
look_by_module(struct worker *worker, const struct card_look *look, struct message_probed *probed, struct step_keep *keep)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	int r = access_token(worker, deadline_ms);

	if (r == MINT_TOKEN_UNKNOWN) { /* no PKCS#15 structure that OpenSC knows */
		probed->content = CONTENT_FOREIGN;
		return 0;
	}
	if (r != 0)
		return r;
	access_label(worker, worker->label, sizeof worker->label);
	if (!worker->serial[0] && worker->model->token.has_serial)
		snprintf(worker->serial, sizeof worker->serial, "%s", token_facts(worker->token)->serial);
	probed->content = content_by_module(worker, look);
	take_tries(worker, look, probed);
	if (probed->content == CONTENT_BLANK)
		return 0;
	r = access_open(worker, deadline_ms);
	if (r == 0)
		r = find_key(worker, probed, keep, deadline_ms);
	if (r != 0 && probed->content == CONTENT_FOREIGN && r != MINT_TOKEN_GONE && r != MINT_READER && r != MINT_TIMEOUT && r != MINT_MEMORY)
		r = 0; /* a stranger's keys need not be of a kind that we know */
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

/* Tries left cost a command each: they are asked for where something may be wrong with them. */
static bool
tries_matter(const struct worker *worker, const struct message_probed *probed)
{
	const unsigned given = TOKEN_PIN_LOW | TOKEN_PIN_LAST_TRY | TOKEN_PIN_LOCKED | TOKEN_SO_PIN_LOW | TOKEN_SO_PIN_LAST_TRY | TOKEN_SO_PIN_LOCKED;

	if (probed->content == CONTENT_BLANK || config_bay_is_slot(worker->place))
		return false;
	return worker->role == ROLE_SURVEY || probed->content != CONTENT_MARKED || !worker->token || token_facts(worker->token)->flags & given;
}

static int
ask_tries(struct worker *worker, struct message_probed *probed)
{
	struct card_look look;
	int r;

	access_close(worker); /* the look ends with a reset */
	r = access_look_tries(worker, &look);
	if (r == 0)
		take_tries(worker, &look, probed);
	return r;
}

/* In role prove the token was made ours a moment ago: its module shows our marker, and the proof shows the key, which no other token has.
 * What is not that token a worker in role mint looks at. */
static int
probe(struct worker *worker, struct message_probed *probed, struct step_keep *keep)
{
	struct card_look look = { .stage = CARD_FINISHED, .user_tries = TRIES_NOT_SAID, .so_tries = TRIES_NOT_SAID };
	int r = worker->role == ROLE_PROVE ? 0 : access_look(worker, &look);

	if (r != 0)
		return r;
	snprintf(worker->serial, sizeof worker->serial, "%s", look.serial);
	take_tries(worker, &look, probed);
	if (look.stage == CARD_BLANK || look.stage == CARD_HALF)
		probed->content = contents[look.stage];
	else
		r = look_by_module(worker, &look, probed, keep);
	if (r == 0 && tries_matter(worker, probed))
		r = ask_tries(worker, probed);
	worker->content = probed->content;
	if (r == 0 && worker->role == ROLE_MINT)
		r = make_fresh_codes(worker, probed, keep);
	return r;
}

/* "rsa2048 p256": what the queue may ask of this token. */
static void
list_key_types(const struct model *model, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < model->key_count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? " " : "", model->keys[i].type);
}

/* Finds the model and shows the module our reader alone, with the model's driver once that is known. */
static int
prepare(struct worker *worker)
{
	int r = config_bay_is_slot(worker->place) ? 0 : hide_other_readers(worker, NULL);

	if (r == 0)
		r = find_model(worker);
	if (r == 0 && worker->model && !config_bay_is_slot(worker->place))
		r = hide_other_readers(worker, worker->model);
	return r;
}

int
step_order(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	struct message_probed *probed = &answer->probed;
	int r = take_order(worker, &message->order);

	if (r != 0)
		return r;
	if (worker->role == ROLE_WATCH) {
		watch_look(worker, answer);
		return 0;
	}
	answer->type = MESSAGE_probed;
	*probed = (struct message_probed){
		.lease = worker->lease, .content = CONTENT_UNKNOWN_CARD, .user_tries = TRIES_NOT_SAID, .so_tries = TRIES_NOT_SAID,
	};
	r = prepare(worker);
	if (r != 0 || !worker->model)
		return r;
	r = probe(worker, probed, keep);
	list_key_types(worker->model, worker->key_types, sizeof worker->key_types);
	probed->model = worker->model->name;
	probed->serial = worker->serial;
	probed->label = worker->label;
	probed->key_types = worker->key_types;
	probed->subject_max = (uint32_t)worker->model->subject_max;
	probed->step_limit_ms = (uint32_t)model_step_limit_ms(worker->model);
	return r;
}
