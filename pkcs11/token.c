#include "pkcs11/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/internal.h"
#include "schemas/errors.h"

#define DESCRIPTION_BYTES 64
#define LABEL_BYTES       32

static const struct {
	CK_FLAGS        theirs;
	enum token_flag ours;
} flag_table[] = {
	{ CKF_TOKEN_INITIALIZED, TOKEN_INITIALISED },
	{ CKF_WRITE_PROTECTED, TOKEN_READ_ONLY },
	{ CKF_LOGIN_REQUIRED, TOKEN_LOGIN_REQUIRED },
	{ CKF_RNG, TOKEN_HAS_RNG },
	{ CKF_USER_PIN_INITIALIZED, TOKEN_PIN_SET },
	{ CKF_USER_PIN_COUNT_LOW, TOKEN_PIN_LOW },
	{ CKF_USER_PIN_FINAL_TRY, TOKEN_PIN_LAST_TRY },
	{ CKF_USER_PIN_LOCKED, TOKEN_PIN_LOCKED },
	{ CKF_USER_PIN_TO_BE_CHANGED, TOKEN_PIN_TO_CHANGE },
	{ CKF_SO_PIN_COUNT_LOW, TOKEN_SO_PIN_LOW },
	{ CKF_SO_PIN_FINAL_TRY, TOKEN_SO_PIN_LAST_TRY },
	{ CKF_SO_PIN_LOCKED, TOKEN_SO_PIN_LOCKED },
	{ CKF_SO_PIN_TO_BE_CHANGED, TOKEN_SO_PIN_TO_CHANGE },
};

static unsigned
flags_of(CK_FLAGS theirs)
{
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof flag_table / sizeof flag_table[0]; i++)
		if (theirs & flag_table[i].theirs)
			flags |= flag_table[i].ours;
	return flags;
}

static void
facts_from_info(struct token_facts *facts, const CK_TOKEN_INFO *info)
{
	module_trim(facts->label, info->label, sizeof info->label);
	module_trim(facts->manufacturer, info->manufacturerID, sizeof info->manufacturerID);
	module_trim(facts->model, info->model, sizeof info->model);
	module_trim(facts->serial, info->serialNumber, sizeof info->serialNumber);
	snprintf(facts->hardware, sizeof facts->hardware, "%u.%u", info->hardwareVersion.major,
	    info->hardwareVersion.minor);
	snprintf(facts->firmware, sizeof facts->firmware, "%u.%u", info->firmwareVersion.major,
	    info->firmwareVersion.minor);
	facts->pin_min_len = (unsigned)info->ulMinPinLen;
	facts->pin_max_len = (unsigned)info->ulMaxPinLen;
	facts->flags = flags_of(info->flags);
}

int
token_refresh(struct token *token, int64_t deadline_ms)
{
	CK_TOKEN_INFO info;
	int           error;

	memset(&info, 0, sizeof info);
	error = module_call(token->module, deadline_ms, C_GetTokenInfo, token->slot, &info);
	if (error == 0)
		facts_from_info(&token->facts, &info);
	return error;
}

int
token_explain(struct token *token, int error)
{
	struct module *module = token->module;
	CK_SLOT_INFO   info;

	if (error != MINT_TOKEN_ERROR)
		return error;
	memset(&info, 0, sizeof info);
	if (module->functions->C_GetSlotInfo(token->slot, &info) != CKR_OK || !(info.flags & CKF_TOKEN_PRESENT))
		return MINT_TOKEN_GONE;
	return error;
}

static bool
reader_fits(const char *reader, const char *description)
{
	size_t len = strlen(reader);

	if (len <= DESCRIPTION_BYTES)
		return strcmp(reader, description) == 0;
	/* The module cut it, and may have cut a blank at the end with it. */
	return description[0] != '\0' && strncmp(reader, description, strlen(description)) == 0 &&
	    strlen(description) >= DESCRIPTION_BYTES - 1;
}

static bool
place_fits(const struct token *token, const struct token_where *where)
{
	return (where->slot == NULL || *where->slot == token->slot) &&
	    (where->reader == NULL || reader_fits(where->reader, token->facts.reader));
}

/* Whether the slot is meant by its place alone: then an empty one is an answer too. */
static bool
by_place(const struct token_where *where)
{
	return where->reader != NULL || where->slot != NULL;
}

/* How well a slot fits. */
enum fit { FIT_NOT, FIT_EMPTY, FIT_BLANK, FIT_TOKEN };

/* Reads a slot and its token: an enum fit, or a negative error. */
static int
slot_fits(struct token *token, const struct token_where *where, int64_t deadline_ms)
{
	CK_SLOT_INFO info;
	int          error;

	memset(&info, 0, sizeof info);
	error = module_call(token->module, deadline_ms, C_GetSlotInfo, token->slot, &info);
	if (error != 0)
		return error;
	module_trim(token->facts.reader, info.slotDescription, sizeof info.slotDescription);
	if (!place_fits(token, where))
		return FIT_NOT;
	if (!(info.flags & CKF_TOKEN_PRESENT))
		return by_place(where) ? FIT_EMPTY : FIT_NOT;
	error = token_refresh(token, deadline_ms);
	if (error == MINT_TIMEOUT)
		return error;
	if (where->label == NULL && where->serial == NULL) /* what an error means is said by the caller's own refresh */
		return error != 0 || (token->facts.flags & TOKEN_INITIALISED) ? FIT_TOKEN : FIT_BLANK;
	if (error != 0 || (where->label != NULL && strcmp(where->label, token->facts.label) != 0))
		return FIT_NOT;
	return where->serial == NULL || strcmp(where->serial, token->facts.serial) == 0 ? FIT_TOKEN : FIT_NOT;
}

static int
list_slots(struct module *module, CK_SLOT_ID **slots, CK_ULONG *count, int64_t deadline_ms)
{
	int error;

	*slots = NULL;
	*count = 0;
	/* With absent tokens too: an empty reader is another answer than no reader. */
	error = module_call(module, deadline_ms, C_GetSlotList, CK_FALSE, NULL, count);
	if (error != 0 || *count == 0)
		return error;
	*slots = calloc(*count, sizeof **slots);
	if (*slots == NULL)
		return MINT_MEMORY;
	return module_call(module, deadline_ms, C_GetSlotList, CK_FALSE, *slots, count);
}

/* Of a reader there is one. Elsewhere a slot with a token comes before one with a blank token, and that before an empty one; only
 * of the first kind there must not be two. */
static int
one_of(struct token *token, const struct token_where *where, const unsigned *counts)
{
	if (counts[FIT_EMPTY] + counts[FIT_BLANK] + counts[FIT_TOKEN] == 0)
		return module_fail(token->module, "C_GetSlotList", MINT_READER, "no slot fits the reader or token");
	if (counts[FIT_TOKEN] > 1 || (where->reader != NULL && counts[FIT_EMPTY] + counts[FIT_BLANK] + counts[FIT_TOKEN] > 1))
		return module_fail(token->module, "C_GetSlotList", MINT_READER, "more than one slot fits");
	return 0;
}

/* Puts the slot that fits best into token->slot. */
static int
choose_slot(struct token *token, const struct token_where *where, int64_t deadline_ms)
{
	CK_SLOT_ID *slots, chosen = 0;
	CK_ULONG    count;
	unsigned    counts[FIT_TOKEN + 1] = { 0 };
	int         answer, best = FIT_NOT;

	answer = list_slots(token->module, &slots, &count, deadline_ms);
	for (CK_ULONG i = 0; answer >= 0 && slots != NULL && i < count; i++) {
		token->slot = slots[i];
		answer = slot_fits(token, where, deadline_ms);
		if (answer >= 0)
			counts[answer]++;
		if (answer > best) {
			best = answer;
			chosen = slots[i];
		}
	}
	free(slots);
	token->slot = chosen;
	return answer < 0 ? answer : one_of(token, where, counts);
}

static int
find(struct token *token, const struct token_where *where, int64_t deadline_ms)
{
	int error = choose_slot(token, where, deadline_ms);

	if (error == 0)
		error = slot_fits(token, where, deadline_ms) < 0 ? MINT_READER : 0;
	return error == 0 ? token_refresh(token, deadline_ms) : error;
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
	error = find(token, where, deadline_ms);
	if (error == 0)
		*out = token;
	else
		token_free(&token);
	return error;
}

int
token_initialise(struct token *token, const char *so_pin, size_t so_pin_len, const char *label, int64_t deadline_ms)
{
	const struct token_where where = { .label = label };
	unsigned char            padded[LABEL_BYTES];
	size_t                   len = strlen(label);
	int                      error;

	if (len == 0 || len > sizeof padded)
		return module_fail(token->module, "C_InitToken", MINT_ARGUMENT, "a label of no or too many bytes");
	memset(padded, ' ', sizeof padded);
	memcpy(padded, label, len);
	error = module_call(token->module, deadline_ms, C_InitToken, token->slot, (CK_UTF8CHAR *)so_pin, so_pin_len, padded);
	if (error != 0)
		return token_explain(token, error);
	return find(token, &where, deadline_ms);
}

void
token_set_quirks(struct token *token, const struct token_quirks *quirks)
{
	token->quirks = *quirks;
}

void
token_free(struct token **token)
{
	free(*token);
	*token = NULL;
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
