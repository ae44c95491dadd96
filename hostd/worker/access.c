/* The way to the token: PC/SC for a first look, then module, token, session, login, key. */
#include "hostd/base/clock.h"
#include "hostd/worker/worker.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
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

int
access_look(struct worker *worker, struct card_look *look)
{
	const char *why = "";
	int r = card_look(worker->reader, worker->atr, worker->atr_length, &worker->model->probe, look, &why);

	if (r != 0)
		return worker_fail(worker, r, "reader \"%s\": %s", worker->reader, why);
	if (worker->serial[0] && strcmp(worker->serial, look->serial) != 0)
		return worker_fail(worker, MINT_TOKEN_OTHER, "token %s is in the reader, not %s", look->serial, worker->serial);
	return 0;
}

int
access_open(struct worker *worker, int64_t deadline_ms)
{
	const struct token_where where = { .reader = worker->reader };
	int r = 0;

	if (!worker->module) {
		r = module_open(&worker->module, worker->config->module, clock_monotonic_us);
		if (r != 0)
			return worker_fail(worker, r, "%s: cannot be loaded or initialised", worker->config->module);
	}
	if (!worker->token)
		r = token_open(&worker->token, worker->module, &where, deadline_ms);
	if (r == 0 && !worker->session)
		r = session_open(&worker->session, worker->token, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
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
	int r = token_refresh(worker->token, deadline_ms);

	if (r != 0)
		return access_failed(worker, r);
	if (token_facts(worker->token)->flags & few)
		return worker_fail(worker, MINT_PIN_LOCKED, "the %s has one try left or none: it was not used", code_name(code));
	return 0;
}

int
access_login(struct worker *worker, const struct blob *sealed, int64_t deadline_ms)
{
	struct codes codes = { 0 };
	const char *pin = codes.text[CODE_USER_PIN];
	int r = access_codes(worker, sealed, &codes);

	if (r == 0)
		r = access_open(worker, deadline_ms);
	if (r == 0 && !worker->logged_in)
		r = access_may_try(worker, CODE_USER_PIN, deadline_ms);
	if (r == 0 && !worker->logged_in) {
		r = session_login(worker->session, SESSION_USER, pin, strlen(pin), deadline_ms);
		worker->logged_in = r == 0;
		if (r != 0)
			access_failed(worker, r);
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
	memcpy(worker->key_id, id->data, id->length);
	worker->key_id_length = id->length;
	return 0;
}
