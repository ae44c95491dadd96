#include "pkcs11/session.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "pkcs11/internal.h"
#include "schemas/errors.h"

static void
forget_pin(struct session *session)
{
	OPENSSL_clear_free(session->pin, session->pin_len);
	session->pin = NULL;
	session->pin_len = 0;
}

static int
keep_pin(struct session *session, const char *pin, size_t pin_len)
{
	forget_pin(session);
	if (pin_len == 0)
		return 0;
	session->pin = OPENSSL_memdup(pin, pin_len);
	if (session->pin == NULL)
		return MINT_MEMORY;
	session->pin_len = pin_len;
	return 0;
}

int
session_open(struct session **out, struct token *token, int64_t deadline_ms)
{
	struct session *session;
	int             error;

	*out = NULL;
	session = calloc(1, sizeof *session);
	if (session == NULL)
		return MINT_MEMORY;
	session->token = token;
	error = module_call(token->module, deadline_ms, C_OpenSession, token->slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session->handle);
	if (error != 0) {
		free(session);
		return token_explain(token, error);
	}
	session->open = true;
	token->sessions++;
	*out = session;
	return 0;
}

void
session_free(struct session **session)
{
	struct session *s = *session;

	if (s == NULL)
		return;
	session_logout(s, MODULE_NO_DEADLINE);
	if (s->open) {
		(void)module_rv(s->token->module, C_CloseSession, s->handle);
		s->token->sessions--;
	}
	free(s);
	*session = NULL;
}

static int
log_in(struct session *session, CK_USER_TYPE type, const char *pin, size_t pin_len, int64_t deadline_ms)
{
	return module_call(session->token->module, deadline_ms, C_Login, session->handle, type, (CK_UTF8CHAR *)pin,
	    pin_len);
}

/* Somebody is logged in whom we have not logged in: a process that was killed, behind a module that outlives it. Then
 * nothing was said about this PIN, so that one goes first. */
static bool
another_is_logged_in(const struct module *module)
{
	return module_failed_with(module, CKR_USER_ALREADY_LOGGED_IN) ||
	    module_failed_with(module, CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
}

int
session_login(struct session *session, enum session_user user, const char *pin, size_t pin_len, int64_t deadline_ms)
{
	struct module *module = session->token->module;
	CK_USER_TYPE   type = user == SESSION_SO ? CKU_SO : CKU_USER;
	int            error;

	error = log_in(session, type, pin, pin_len, deadline_ms);
	if (error == MINT_REFUSED && !session->logged_in && another_is_logged_in(module) &&
	    module_call(module, deadline_ms, C_Logout, session->handle) == 0)
		error = log_in(session, type, pin, pin_len, deadline_ms);
	if (error != 0)
		return token_explain(session->token, error);
	session->logged_in = true;
	return user == SESSION_USER ? keep_pin(session, pin, pin_len) : 0;
}

int
session_logout(struct session *session, int64_t deadline_ms)
{
	struct module *module = session->token->module;
	int            error;

	forget_pin(session);
	if (!session->logged_in)
		return 0;
	error = module_call(module, deadline_ms, C_Logout, session->handle);
	/* The token has logged out by itself, as some do after a PIN change: what was wanted. */
	if (error == MINT_REFUSED && module_failed_with(module, CKR_USER_NOT_LOGGED_IN))
		error = 0;
	if (error == 0)
		session->logged_in = false;
	return token_explain(session->token, error);
}

int
session_change_pin(struct session *session, const char *old_pin, size_t old_len, const char *new_pin, size_t new_len,
    int64_t deadline_ms)
{
	int error;

	error = module_call(session->token->module, deadline_ms, C_SetPIN, session->handle, (CK_UTF8CHAR *)old_pin,
	    old_len, (CK_UTF8CHAR *)new_pin, new_len);
	if (error != 0)
		return token_explain(session->token, error);
	return session->pin != NULL ? keep_pin(session, new_pin, new_len) : 0;
}

int
session_set_user_pin(struct session *session, const char *pin, size_t pin_len, int64_t deadline_ms)
{
	int error;

	error = module_call(session->token->module, deadline_ms, C_InitPIN, session->handle, (CK_UTF8CHAR *)pin,
	    pin_len);
	return token_explain(session->token, error);
}

struct token *
session_token(const struct session *session)
{
	return session->token;
}
