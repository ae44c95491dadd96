/* Shared by the files of pkcs11/ only: the structs behind the opaque handles, and the one way into the module. */
#ifndef MINT_PKCS11_INTERNAL_H
#define MINT_PKCS11_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include "pkcs11/module.h"
#include "pkcs11/token.h"

struct module {
	void                 *library; /* NULL when adopted */
	CK_FUNCTION_LIST     *functions;
	int64_t             (*now_us)(void);
	struct module_failure failure;
	bool                  initialised;
};

struct token {
	struct module      *module; /* borrowed */
	CK_SLOT_ID          slot;
	struct token_facts  facts;
	struct token_quirks quirks;
};

struct session {
	struct token     *token; /* borrowed */
	CK_SESSION_HANDLE handle;
	bool              open;
	bool              logged_in;
	unsigned char    *pin; /* for context-specific logins; only while logged in; wiped */
	size_t            pin_len;
};

/* Calls one function of the module if the deadline has not passed: an int, 0 or a negative MINT_ code.
 * The failure is kept for module_failure. */
#define module_call(module, deadline_ms, function, ...)                                    \
	(module_late((module), (deadline_ms)) ?                                            \
	     module_timeout((module), #function) :                                         \
	     module_result((module), #function, (module)->functions->function(__VA_ARGS__)))

bool module_late(const struct module *module, int64_t deadline_ms);
int module_timeout(struct module *module, const char *function);
int module_result(struct module *module, const char *function, CK_RV rv);

/* Notes a failure that the module is not to blame for; returns `error`. `text` is static. */
int module_fail(struct module *module, const char *function, int error, const char *text);

/* Copies a blank-padded field of `len` bytes to a string of at least len + 1 bytes, trailing blanks and NULs cut. */
void module_trim(char *out, const unsigned char *field, size_t len);

/* A vague error of a token that is not there any more becomes MINT_TOKEN_GONE: modules report an unplugged token as
 * CKR_GENERAL_ERROR as often as not. Other errors pass through. */
int token_explain(struct token *token, int error);

#endif
