#include "pkcs11/token.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/internal.h"
#include "schemas/errors.h"

#define LABEL_BYTES 32

int
token_refresh(struct token *token, int64_t deadline_ms)
{
	return slot_read_facts(token->module, token->slot, &token->facts, deadline_ms);
}

int
token_explain(struct token *token, int error)
{
	CK_SLOT_INFO info;

	if (error != MINT_TOKEN_ERROR)
		return error;
	memset(&info, 0, sizeof info);
	if (module_rv(token->module, C_GetSlotInfo, token->slot, &info) != CKR_OK || !(info.flags & CKF_TOKEN_PRESENT))
		return MINT_TOKEN_GONE;
	return error;
}

int
token_open(struct token **out, struct module *module, const struct token_where *where, int64_t deadline_ms)
{
	struct token *token;
	int           error;

	*out = NULL;
	token = calloc(1, sizeof *token);
	if (token == NULL)
		return MINT_MEMORY;
	token->module = module;
	error = slot_choose(module, where, &token->slot, &token->facts, deadline_ms);
	if (error == 0)
		*out = token;
	else
		token_free(&token);
	return error;
}

void
token_free(struct token **token)
{
	free(*token);
	*token = NULL;
}

void
token_set_quirks(struct token *token, const struct token_quirks *quirks)
{
	token->quirks = quirks != NULL ? *quirks : (struct token_quirks){ .signatures = NULL };
}

/* The number of continuation bytes that follow the first of a UTF-8 character (RFC 3629, section 4); −1: none starts so. */
static int
utf8_rest(unsigned char first)
{
	return first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
}

/* No surrogates, nothing overlong, nothing above U+10FFFF: what the second byte decides. */
static bool
utf8_second_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0: return second >= 0xa0;
	case 0xed: return second <= 0x9f;
	case 0xf0: return second >= 0x90;
	case 0xf4: return second <= 0x8f;
	default: return true;
	}
}

static bool
label_is_clean(const char *label)
{
	const unsigned char *at = (const unsigned char *)label;
	size_t               len = strlen(label);

	if (len == 0 || len > LABEL_BYTES || label[len - 1] == ' ')
		return false;
	while (*at != '\0') {
		unsigned char first = *at++;
		int           rest = utf8_rest(first);

		if (rest < 0 || first < 0x20 || first == 0x7f || (rest > 0 && !utf8_second_fits(first, *at)))
			return false;
		for (; rest > 0; rest--, at++)
			if ((*at & 0xc0) != 0x80) /* the final NUL too */
				return false;
	}
	return true;
}

/* The slot may hold the token still, or another one may: the module decides with C_InitToken where it is shown. */
static int
find_again(struct token *token, const char *label, int64_t deadline_ms)
{
	const struct token_where where = { .label = label };
	int                      error;

	error = slot_choose(token->module, &where, &token->slot, &token->facts, deadline_ms);
	if (error == MINT_READER || (error == 0 && !(token->facts.flags & TOKEN_INITIALISED)))
		return module_fail(token->module, "C_InitToken", MINT_TOKEN_INIT,
		    "the token does not show with its new label, or another shows it too");
	return error;
}

/* Blanks to the end and no NUL, as C_InitToken wants it. */
static void
pad(CK_UTF8CHAR *padded, const char *label)
{
	memset(padded, ' ', LABEL_BYTES);
	for (size_t i = 0; label[i] != '\0'; i++)
		padded[i] = (CK_UTF8CHAR)label[i];
}

int
token_initialise(struct token *token, const char *so_pin, size_t so_pin_len, const char *label, int64_t deadline_ms)
{
	CK_UTF8CHAR padded[LABEL_BYTES];
	int         error;

	if (!label_is_clean(label))
		return module_fail(token->module, "C_InitToken", MINT_ARGUMENT, "the label is not one a token can bear");
	if (token->sessions > 0)
		return module_fail(token->module, "C_InitToken", MINT_BUSY, "a session is open");
	pad(padded, label);
	error = module_call(token->module, deadline_ms, C_InitToken, token->slot, (CK_UTF8CHAR *)so_pin, so_pin_len,
	    padded);
	if (error != 0)
		return token_explain(token, error);
	return find_again(token, label, deadline_ms);
}

const struct token_facts *
token_facts(const struct token *token)
{
	return &token->facts;
}

const struct module_failure *
token_failure(const struct token *token)
{
	return module_failure(token->module);
}
