#include "pkcs11/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/internal.h"
#include "schemas/errors.h"

#define DESCRIPTION_BYTES 64

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

/* Reads a slot and, when label or serial are asked for, its token. 1 it fits, 0 it does not, negative: error. */
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
	if (where->reader != NULL && !reader_fits(where->reader, token->facts.reader))
		return 0;
	if (!(info.flags & CKF_TOKEN_PRESENT))
		return where->reader != NULL;
	error = token_refresh(token, deadline_ms);
	if (where->label == NULL && where->serial == NULL)
		return 1; /* what the token is will be said by the caller's own refresh */
	if (error != 0)
		return error == MINT_TIMEOUT ? error : 0;
	if (where->label != NULL && strcmp(where->label, token->facts.label) != 0)
		return 0;
	return where->serial == NULL || strcmp(where->serial, token->facts.serial) == 0;
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

/* Puts the one slot that fits into token->slot. */
static int
choose_slot(struct token *token, const struct token_where *where, int64_t deadline_ms)
{
	CK_SLOT_ID *slots, chosen = 0;
	CK_ULONG    count;
	unsigned    fitting = 0;
	int         answer;

	answer = list_slots(token->module, &slots, &count, deadline_ms);
	for (CK_ULONG i = 0; answer >= 0 && slots != NULL && i < count; i++) {
		token->slot = slots[i];
		answer = slot_fits(token, where, deadline_ms);
		if (answer == 1) {
			chosen = slots[i];
			fitting++;
		}
	}
	free(slots);
	token->slot = chosen;
	if (answer < 0)
		return answer;
	if (fitting == 0)
		return module_fail(token->module, "C_GetSlotList", MINT_READER, "no slot fits the reader or token");
	if (fitting > 1)
		return module_fail(token->module, "C_GetSlotList", MINT_READER, "more than one slot fits");
	return 0;
}

int
token_open(struct token **out, struct module *module, const struct token_where *where, int64_t deadline_ms)
{
	struct token *token;
	int           error;

	*out = NULL;
	if (where->reader == NULL && where->label == NULL && where->serial == NULL)
		return MINT_ARGUMENT;
	token = calloc(1, sizeof *token);
	if (token == NULL)
		return MINT_MEMORY;
	token->module = module;
	error = choose_slot(token, where, deadline_ms);
	if (error == 0)
		error = slot_fits(token, where, deadline_ms) < 0 ? MINT_READER : 0;
	if (error == 0)
		error = token_refresh(token, deadline_ms);
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
