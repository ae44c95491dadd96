/* The way to the token: PC/SC for a first look, then module, token, session, login, key. */
#include "hostd/base/clock.h"
#include "hostd/base/text.h"
#include "hostd/worker/worker.h"
#include "pkcs11/key.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/module.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"
#include "schemas/utf8.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_GRACE_S = 5 };

int
worker_fail(struct worker *worker, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(worker->detail, sizeof worker->detail, format, arguments);
	va_end(arguments);
	utf8_repair(worker->detail); /* it may be cut in the middle of a character */
	return error;
}

int64_t
worker_deadline(const struct worker *worker, int timeout_ms)
{
	(void)worker;
	alarm((unsigned)timeout_ms / 1000 + HANG_GRACE_S);
	return clock_monotonic_us() / 1000 + timeout_ms;
}

int64_t
worker_step_deadline(const struct worker *worker)
{
	return worker_deadline(worker, worker->model ? worker->model->step_timeout_ms : worker->config->step_timeout_ms);
}

void
worker_at_rest(void)
{
	alarm(0);
}

int
access_failed(struct worker *worker, int error)
{
	const struct module_failure *failure = worker->module ? module_failure(worker->module) : NULL;

	if (!failure || !failure->function[0])
		return worker_fail(worker, error, "%s", error_info(error)->what[MINT_EN]);
	if (failure->name[0])
		return worker_fail(worker, error, "%s: %s (0x%lx): %s", failure->function, failure->name, failure->rv, failure->text);
	return worker_fail(worker, error, "%s: %s", failure->function, failure->text);
}

/* --- looking */

/* A slot that PC/SC does not know: its module is all there is. It is opened anew, so that nothing is told from its memory. */
static int
look_by_module(struct worker *worker, struct card_look *look)
{
	int r;

	access_close(worker);
	r = access_token(worker, worker_step_deadline(worker));
	*look = (struct card_look){ .stage = CARD_NOT_SAID, .user_tries = TRIES_NOT_SAID, .so_tries = TRIES_NOT_SAID };
	if (r != 0)
		return r;
	look->stage = access_stage(worker);
	if (worker->model->token.has_serial)
		snprintf(look->serial, sizeof look->serial, "%s", token_facts(worker->token)->serial);
	return 0;
}

static int
look_by_card(struct worker *worker, enum card_depth depth, struct card_look *look)
{
	const char *why = "";
	/* Some cards show another ATR once they are initialised: where there is a serial number, that tells them apart. */
	size_t atr_length = worker->model->probe.serial.length ? 0 : worker->atr_length;
	int r = card_look(worker->reader, worker->atr, atr_length, &worker->model->probe, depth, look, &why);

	if (r != 0)
		return worker_fail(worker, r, "reader \"%s\": %s", worker->reader, why);
	return worker->model->probe.blank_through_driver ? access_blank_by_driver(worker, &look->stage) : 0;
}

static int
look(struct worker *worker, enum card_depth depth, struct card_look *seen)
{
	int r = config_bay_is_slot(worker->place) ? look_by_module(worker, seen) : look_by_card(worker, depth, seen);

	if (r == 0 && worker->serial[0] && seen->serial[0] && strcmp(worker->serial, seen->serial) != 0)
		return worker_fail(worker, MINT_TOKEN_OTHER, "token %s is in the reader, not %s", seen->serial, worker->serial);
	return r;
}

int
access_look(struct worker *worker, struct card_look *seen)
{
	return look(worker, CARD_STAGE_ONLY, seen);
}

int
access_look_tries(struct worker *worker, struct card_look *seen)
{
	return look(worker, CARD_WITH_TRIES, seen);
}

int
access_or_gone(struct worker *worker, int r)
{
	char detail[sizeof worker->detail];
	struct card_look look;
	int seen;

	if (r == 0)
		return 0;
	memcpy(detail, worker->detail, sizeof detail);
	seen = access_look(worker, &look);
	if (seen == MINT_TOKEN_GONE || seen == MINT_TOKEN_OTHER || seen == MINT_READER)
		return seen;
	memcpy(worker->detail, detail, sizeof detail);
	return r;
}

/* --- the module */

static const char *
module_path(const struct worker *worker)
{
	if (worker->place->module[0])
		return worker->place->module;
	return worker->model && worker->model->module[0] ? worker->model->module : worker->config->module;
}

/* `number` holds the slot's, where the configuration gives one. */
static struct token_where
where(const struct worker *worker, unsigned long *number)
{
	const char *slot = worker->place->slot;
	char *end = NULL;

	if (!slot[0] && config_bay_is_slot(worker->place))
		return (struct token_where){ .reader = NULL };
	if (!slot[0])
		return (struct token_where){ .reader = worker->reader };
	*number = strtoul(slot, &end, 0);
	if (*end == '\0')
		return (struct token_where){ .slot = number };
	return (struct token_where){ .description = slot };
}

int
access_token(struct worker *worker, int64_t deadline_ms)
{
	unsigned long number;
	const struct token_where place = where(worker, &number);
	int r = 0;

	if (!worker->module) {
		r = module_open(&worker->module, module_path(worker), clock_monotonic_us);
		if (r != 0)
			return worker_fail(worker, r, "%s: cannot be loaded or initialised: is it there, does it find its own configuration (`environment` of the bay)", module_path(worker));
	}
	if (!worker->token) {
		r = token_open(&worker->token, worker->module, &place, deadline_ms);
		worker->facts_are_fresh = r == 0;
	}
	return r == 0 ? 0 : access_failed(worker, r);
}

int
access_open(struct worker *worker, int64_t deadline_ms)
{
	int r = access_token(worker, deadline_ms);

	if (r == 0 && !worker->session)
		r = session_open(&worker->session, worker->token, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
}

void
access_label(const struct worker *worker, char *label, size_t size)
{
	snprintf(label, size, "%s", token_facts(worker->token)->label);
	if (strncmp(label, TOKEN_MARKER, sizeof TOKEN_MARKER - 1) == 0)
		label[strcspn(label, " ")] = '\0';
}

static bool
is_marked(const char *label)
{
	return strncmp(label, TOKEN_MARKER, sizeof TOKEN_MARKER - 1) == 0;
}

enum card_stage
access_stage(const struct worker *worker)
{
	const struct token_facts *facts = token_facts(worker->token);
	const char *blank_label = worker->model->token.blank_label;

	if (!(facts->flags & TOKEN_INITIALISED))
		return CARD_BLANK;
	if (blank_label[0] && !is_marked(facts->label) && text_fits(blank_label, facts->label))
		return CARD_BLANK;
	return is_marked(facts->label) && !(facts->flags & TOKEN_PIN_SET) ? CARD_HALF : CARD_FINISHED;
}

int
access_marked(struct worker *worker, int64_t deadline_ms, enum card_stage *stage)
{
	char label[65];
	int r = access_token(worker, deadline_ms);

	if (r != 0)
		return r;
	access_label(worker, label, sizeof label);
	*stage = access_stage(worker);
	if (strcmp(label, worker->label) == 0)
		return 0;
	return worker_fail(worker, MINT_TOKEN_INIT, "the token's label is \"%s\", not \"%s\"", label, worker->label);
}

void
access_prefer(struct worker *worker, const char *key_type)
{
	const struct model_key *key = model_key(worker->model, key_type);
	const struct token_quirks quirks = {
		.login_each_use = worker->model->login_each_use,
		.signatures = key ? (const char *const *)key->signatures : NULL,
	};

	token_set_quirks(worker->token, &quirks);
}

void
access_close(struct worker *worker)
{
	key_free(&worker->key);
	session_free(&worker->session);
	token_free(&worker->token);
	module_free(&worker->module);
	worker->logged_in = false;
}

int
access_codes(struct worker *worker, const struct blob *sealed, struct codes *codes)
{
	int r = codes_open(codes, worker->station_key, worker->serial, sealed->data, sealed->length);

	if (r != 0)
		return worker_fail(worker, r, "the transport codes were not sealed by this station for token %s", worker->serial);
	return 0;
}

int
access_may_try(struct worker *worker, enum code code, int64_t deadline_ms)
{
	const unsigned few = code == CODE_SO_PIN ? TOKEN_SO_PIN_LAST_TRY | TOKEN_SO_PIN_LOCKED : TOKEN_PIN_LAST_TRY | TOKEN_PIN_LOCKED;
	int r = worker->facts_are_fresh ? 0 : token_refresh(worker->token, deadline_ms);

	if (r != 0)
		return access_failed(worker, r);
	worker->facts_are_fresh = true;
	if (token_facts(worker->token)->flags & few || worker->tries[code] <= 1)
		return worker_fail(worker, MINT_PIN_LOCKED, "the %s has one try left or none: it was not used", code_name(code));
	return 0;
}

void
access_tried(struct worker *worker, enum code code, int result)
{
	worker->facts_are_fresh = false;
	if (result == 0)
		worker->tries[code] = TRIES_NOT_SAID;
	else if (result == MINT_PIN_WRONG && worker->tries[code] != TRIES_NOT_SAID && worker->tries[code] > 0)
		worker->tries[code]--;
}

static int
log_in(struct worker *worker, const struct codes *codes, int64_t deadline_ms)
{
	const char *pin = codes->text[CODE_USER_PIN];
	int r = access_open(worker, deadline_ms);

	if (r == 0)
		r = access_may_try(worker, CODE_USER_PIN, deadline_ms);
	if (r != 0)
		return r;
	r = session_login(worker->session, SESSION_USER, pin, strlen(pin), deadline_ms);
	access_tried(worker, CODE_USER_PIN, r);
	worker->logged_in = r == 0;
	return r == 0 ? 0 : access_failed(worker, r);
}

int
access_login(struct worker *worker, const struct blob *sealed, int64_t deadline_ms)
{
	struct codes codes = { 0 };
	int r;

	if (worker->logged_in)
		return 0;
	r = access_codes(worker, sealed, &codes);
	if (r == 0)
		r = log_in(worker, &codes, deadline_ms);
	if (r == MINT_PIN_LOCKED) {
		r = access_unblock(worker, CODE_USER_PIN, &codes);
		if (r == 0)
			r = log_in(worker, &codes, worker_step_deadline(worker));
	}
	codes_wipe(&codes);
	return r;
}

int
access_key(struct worker *worker, const struct blob *id, int64_t deadline_ms)
{
	int r;

	if (id->length == 0 || id->length > sizeof worker->key_id)
		return worker_fail(worker, MINT_ARGUMENT, "a key id of %u bytes", id->length);
	if (worker->key && worker->key_id_length == id->length && memcmp(worker->key_id, id->data, id->length) == 0)
		return 0;
	key_free(&worker->key);
	r = key_open(&worker->key, worker->session, id->data, id->length, deadline_ms);
	if (r != 0)
		return access_failed(worker, r);
	if (key_type(worker->key))
		access_prefer(worker, key_type_name(key_type(worker->key)));
	memcpy(worker->key_id, id->data, id->length);
	worker->key_id_length = id->length;
	return 0;
}
