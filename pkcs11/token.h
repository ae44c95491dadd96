/* A token in a slot of a module, found by what stays the same (PKCS#11 2.40, sections 4.4 and 11.5).
 *
 * Slot ids change between calls and processes; reader names and serial numbers do not. A slot description holds at most
 * 64 bytes, so a longer reader name fits a slot whose description is its first 64 bytes. That is unique only when the
 * module sees one reader: hide the others from it before the process starts.
 */
#ifndef MINT_PKCS11_TOKEN_H
#define MINT_PKCS11_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;
struct token;

/* Which token. Every member that is not NULL must fit; all NULL is any slot.
 *
 * With `reader` exactly one slot may fit, whatever is in it. Without, several may: an initialised token goes before one
 * that is not, and must be the only one; of those that are not initialised the one in the lowest slot is taken. So a
 * module that always shows one more uninitialised token than there are (SoftHSM) needs no more than a NULL. */
struct token_where {
	const char          *reader;      /* PC/SC reader name; the slot's description */
	const char          *description; /* pattern for the slot's description: * any characters, ? any one */
	const char          *label;       /* the token's label */
	const char          *serial;      /* the token's serial number */
	const unsigned long *slot;        /* a slot id */
};

/* What a model profile says about its tokens beyond what they say themselves. */
struct token_quirks {
	bool               login_each_use; /* each signature wants a login, though CKA_ALWAYS_AUTHENTICATE is not shown */
	const char *const *signatures;     /* ended by NULL, the preferred first: names that signature_name_known knows;
	                                    * NULL: all that we know, in our own order */
};

/* Bits of token_facts.flags: the CKF_ flags of CK_TOKEN_INFO that say something about a token's state. */
enum token_flag {
	TOKEN_INITIALISED = 1 << 0,
	TOKEN_READ_ONLY = 1 << 1,
	TOKEN_LOGIN_REQUIRED = 1 << 2,
	TOKEN_HAS_RNG = 1 << 3,
	TOKEN_PIN_SET = 1 << 4,
	TOKEN_PIN_LOW = 1 << 5,      /* a wrong PIN was given since the last right one */
	TOKEN_PIN_LAST_TRY = 1 << 6, /* one more wrong PIN blocks it */
	TOKEN_PIN_LOCKED = 1 << 7,
	TOKEN_PIN_TO_CHANGE = 1 << 8,
	TOKEN_SO_PIN_LOW = 1 << 9,
	TOKEN_SO_PIN_LAST_TRY = 1 << 10,
	TOKEN_SO_PIN_LOCKED = 1 << 11,
	TOKEN_SO_PIN_TO_CHANGE = 1 << 12,
};

/* What the token says about itself; blanks trimmed, as the module gave them. */
struct token_facts {
	char     reader[65]; /* slotDescription */
	char     label[33];
	char     manufacturer[33];
	char     model[17];
	char     serial[17];
	char     hardware[16]; /* versions, "4.5" */
	char     firmware[16];
	unsigned pin_min_len; /* bytes; 0 when the module does not say, as for the maximum */
	unsigned pin_max_len;
	unsigned flags; /* enum token_flag */
};

/* Finds the token. The caller frees *out with token_free, before the module.
 * MINT_READER: no slot fits, or more than one. MINT_TOKEN_GONE: the slot is there and empty.
 * MINT_TOKEN_UNKNOWN: the module does not recognise the card. Any other error of a slot that may be the one ends the
 * search: taking another instead would be a guess. */
int token_open(struct token **out, struct module *module, const struct token_where *where, int64_t deadline_ms);

/* Accepts NULL. */
void token_free(struct token **token);

/* As read by token_open or the last token_refresh; borrowed, lives as long as the token. */
const struct token_facts *token_facts(const struct token *token);

/* Reads the facts again: the PIN flags change with every login. MINT_TOKEN_GONE when it was taken out. */
int token_refresh(struct token *token, int64_t deadline_ms);

/* What the model profile knows; copied, what it points to is borrowed for the token's life. NULL: nothing. */
void token_set_quirks(struct token *token, const struct token_quirks *quirks);

/* Initialises the token with C_InitToken, finds it again and reads its facts anew.
 *
 * It destroys every object on the token, the user PIN with them, for good: only a model profile that says so may ask for
 * it (there are tokens that C_InitToken leaves unusable). Afterwards the SO-PIN is `so_pin`; a token that was initialised
 * before wants its present one. The user PIN is set by session_set_user_pin.
 * Serial number and slot may be others than before. No session may be open: MINT_BUSY, and nothing was done.
 * MINT_ARGUMENT: the label is empty, longer than 32 bytes, not UTF-8, has control characters or ends in a blank.
 * MINT_PIN_WRONG uses up a try. MINT_TOKEN_INIT: done, but the token does not show with its new label. */
int token_initialise(struct token *token, const char *so_pin, size_t so_pin_len, const char *label,
    int64_t deadline_ms);

/* What stays of the last failure in the token's module. */
const struct module_failure *token_failure(const struct token *token);

#endif
