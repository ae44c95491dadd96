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
	unsigned            sessions; /* open */
};

struct session {
	struct token     *token; /* borrowed */
	CK_SESSION_HANDLE handle;
	bool              open;
	bool              logged_in;
	unsigned char    *pin; /* for context-specific logins; only while logged in; wiped */
	size_t            pin_len;
};

/* Calls one function of the module: a CK_RV. A function that the list leaves out is not supported. */
#define module_rv(module, function, ...)                                                                  \
	((module)->functions->function == NULL ? CKR_FUNCTION_NOT_SUPPORTED :                             \
	                                         (module)->functions->function(__VA_ARGS__))

/* The same if the deadline has not passed: an int, 0 or a negative MINT_ code. The failure is kept for module_failure. */
#define module_call(module, deadline_ms, function, ...)                                    \
	(module_late((module), (deadline_ms)) ?                                            \
	     module_timeout((module), #function) :                                         \
	     module_result((module), #function, module_rv((module), function, __VA_ARGS__)))

bool module_late(const struct module *module, int64_t deadline_ms);
int module_timeout(struct module *module, const char *function);
int module_result(struct module *module, const char *function, CK_RV rv);

/* Notes a failure that the module is not to blame for; returns `error`. `text` is static. */
int module_fail(struct module *module, const char *function, int error, const char *text);

/* Whether the last failure was this value of the module's. */
bool module_failed_with(const struct module *module, CK_RV rv);

/* Copies a blank-padded field of `len` bytes to a string of at least len + 1 bytes, trailing blanks and NULs cut. The standard says UTF-8;
 * of what is none, a '?' stands for each byte. */
void module_trim(char *out, const unsigned char *field, size_t len);

/* The slot that `where` asks for; its description is in *reader (65 bytes). Errors as of token_open. */
int slot_choose(struct module *module, const struct token_where *where, CK_SLOT_ID *slot, struct token_facts *facts,
    int64_t deadline_ms);

/* Reads what the token in a slot says of itself; facts->reader is left as it is. */
int slot_read_facts(struct module *module, CK_SLOT_ID slot, struct token_facts *facts, int64_t deadline_ms);

/* A vague error of a token that is not there any more becomes MINT_TOKEN_GONE: modules report an unplugged token as
 * CKR_GENERAL_ERROR as often as not. Other errors pass through. */
int token_explain(struct token *token, int error);

#endif
