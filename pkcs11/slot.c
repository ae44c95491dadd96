/* Which slot: the rules of struct token_where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/internal.h"
#include "schemas/errors.h"

#define DESCRIPTION_BYTES 64
#define CUT_MARK "..."
#define SLOTS_MAX         4096 /* a guard against a module that answers nonsense */

/* What is in a slot, as far as the search has to know. */
enum slot_content {
	SLOT_OTHER,      /* not what is looked for */
	SLOT_EMPTY,
	SLOT_UNREADABLE, /* a token that cannot say what it is */
	SLOT_BLANK,      /* a token that is not initialised */
	SLOT_INITIALISED,
	SLOT_CONTENTS
};

struct slot_view {
	CK_SLOT_ID        slot;
	enum slot_content content;
	int                error; /* why it is unreadable */
	char               reader[DESCRIPTION_BYTES + 1];
	struct token_facts facts; /* of a token that could be read */
};

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

static unsigned
said_length(CK_ULONG theirs)
{
	return theirs == CK_UNAVAILABLE_INFORMATION ? 0 : (unsigned)theirs;
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
	facts->pin_min_len = said_length(info->ulMinPinLen);
	facts->pin_max_len = said_length(info->ulMaxPinLen);
	facts->flags = flags_of(info->flags);
}

int
slot_read_facts(struct module *module, CK_SLOT_ID slot, struct token_facts *facts, int64_t deadline_ms)
{
	CK_TOKEN_INFO info;
	int           error;

	memset(&info, 0, sizeof info);
	error = module_call(module, deadline_ms, C_GetTokenInfo, slot, &info);
	if (error == 0)
		facts_from_info(facts, &info);
	return error;
}

/* The module cut the name, and may have cut a blank at the end with it; OpenSC ends what it cuts with three dots. */
static bool
cut_reader_fits(const char *reader, const char *description)
{
	size_t len = strlen(description), cut = len - strlen(CUT_MARK);

	if (len < DESCRIPTION_BYTES - 1)
		return false;
	return strncmp(reader, description, len) == 0 ||
	    (len == DESCRIPTION_BYTES && strcmp(description + cut, CUT_MARK) == 0 && strncmp(reader, description, cut) == 0);
}

static bool
reader_fits(const char *reader, const char *description)
{
	if (strlen(reader) <= DESCRIPTION_BYTES)
		return strcmp(reader, description) == 0;
	return cut_reader_fits(reader, description);
}

/* * and ? alone: names of readers have brackets in them, which the shell's patterns would take for sets. */
static bool
pattern_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) { /* the last star takes one character more */
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
slot_fits(const struct slot_view *view, const struct token_where *where)
{
	return (where->slot == NULL || *where->slot == view->slot) &&
	    (where->reader == NULL || reader_fits(where->reader, view->reader)) &&
	    (where->description == NULL || pattern_fits(where->description, view->reader));
}

static enum slot_content
content_of(const struct token_where *where, const struct token_facts *facts)
{
	if ((where->label != NULL && strcmp(where->label, facts->label) != 0) ||
	    (where->serial != NULL && strcmp(where->serial, facts->serial) != 0))
		return SLOT_OTHER;
	return facts->flags & TOKEN_INITIALISED ? SLOT_INITIALISED : SLOT_BLANK;
}

static int
look_at_token(struct module *module, const struct token_where *where, struct slot_view *view, int64_t deadline_ms)
{
	view->error = slot_read_facts(module, view->slot, &view->facts, deadline_ms);
	if (view->error == 0)
		view->content = content_of(where, &view->facts);
	else
		view->content = view->error == MINT_TOKEN_GONE ? SLOT_EMPTY : SLOT_UNREADABLE;
	return view->error == MINT_TIMEOUT ? MINT_TIMEOUT : 0;
}

static int
look_at_slot(struct module *module, const struct token_where *where, struct slot_view *view, int64_t deadline_ms)
{
	CK_SLOT_INFO info;
	int          error;

	view->content = SLOT_OTHER;
	memset(&info, 0, sizeof info);
	error = module_call(module, deadline_ms, C_GetSlotInfo, view->slot, &info);
	if (error != 0)
		return error;
	module_trim(view->reader, info.slotDescription, sizeof info.slotDescription);
	if (!slot_fits(view, where))
		return 0;
	view->content = SLOT_EMPTY;
	return info.flags & CKF_TOKEN_PRESENT ? look_at_token(module, where, view, deadline_ms) : 0;
}

static int
list_slots(struct module *module, CK_SLOT_ID **slots, CK_ULONG *count, int64_t deadline_ms)
{
	CK_ULONG room;
	int      error;

	*slots = NULL;
	*count = 0;
	/* With absent tokens too: an empty reader is another answer than no reader. NULL first: it is what makes a module
	 * look for slots that are new (section 11.5). */
	error = module_call(module, deadline_ms, C_GetSlotList, CK_FALSE, NULL, count);
	if (error != 0 || *count == 0)
		return error;
	room = *count;
	if (room > SLOTS_MAX)
		return module_fail(module, "C_GetSlotList", MINT_MODULE, "an absurd number of slots");
	*slots = calloc(room, sizeof **slots);
	if (*slots == NULL)
		return MINT_MEMORY;
	error = module_call(module, deadline_ms, C_GetSlotList, CK_FALSE, *slots, count);
	if (error == 0 && *count > room)
		error = module_fail(module, "C_GetSlotList", MINT_MODULE, "more slots than there is room for");
	return error;
}

/* How many slots there are of each content, and the lowest of each. */
struct slot_tally {
	unsigned         count[SLOT_CONTENTS];
	struct slot_view lowest[SLOT_CONTENTS];
	int              trouble; /* of a token that failed, as other than one that the module does not recognise */
};

static void
tally_add(struct slot_tally *tally, const struct slot_view *view)
{
	if (tally->count[view->content]++ == 0 || view->slot < tally->lowest[view->content].slot)
		tally->lowest[view->content] = *view;
	if (view->content == SLOT_UNREADABLE && view->error != MINT_TOKEN_UNKNOWN)
		tally->trouble = view->error;
}

static int
tally_slots(struct module *module, const struct token_where *where, struct slot_tally *tally, int64_t deadline_ms)
{
	CK_SLOT_ID *slots;
	CK_ULONG    count;
	int         error;

	memset(tally, 0, sizeof *tally);
	error = list_slots(module, &slots, &count, deadline_ms);
	for (CK_ULONG i = 0; error == 0 && slots != NULL && i < count; i++) {
		struct slot_view view = { .slot = slots[i] };

		error = look_at_slot(module, where, &view, deadline_ms);
		if (error == 0)
			tally_add(tally, &view);
	}
	free(slots);
	return error;
}

static bool
is_named(const struct token_where *where)
{
	return where->label != NULL || where->serial != NULL;
}

/* The best content there is. A token that cannot be read goes before a blank one, which might be taken for it. */
static enum slot_content
best_content(const struct slot_tally *tally, const struct token_where *where)
{
	static const enum slot_content order[] = { SLOT_INITIALISED, SLOT_UNREADABLE, SLOT_BLANK, SLOT_EMPTY };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		/* A label or a serial number is not to be had from a slot that shows none. */
		if (is_named(where) && where->reader == NULL && (order[i] == SLOT_UNREADABLE || order[i] == SLOT_EMPTY))
			continue;
		if (tally->count[order[i]] > 0)
			return order[i];
	}
	return SLOT_OTHER;
}

static bool
is_ambiguous(const struct slot_tally *tally, const struct token_where *where)
{
	unsigned fitting = 0;

	for (enum slot_content c = SLOT_EMPTY; c < SLOT_CONTENTS; c++)
		fitting += tally->count[c];
	return where->reader != NULL ? fitting > 1 : tally->count[SLOT_INITIALISED] > 1;
}

int
slot_choose(struct module *module, const struct token_where *where, CK_SLOT_ID *slot, struct token_facts *facts, int64_t deadline_ms)
{
	struct slot_tally tally;
	enum slot_content best;
	int               error;

	error = tally_slots(module, where, &tally, deadline_ms);
	if (error != 0)
		return error;
	best = best_content(&tally, where);
	/* One that failed might be the one that is looked for: only a reader or a name that was found rules that out. */
	if (tally.trouble != 0 && where->reader == NULL && !(is_named(where) && best == SLOT_INITIALISED))
		return tally.trouble;
	if (best == SLOT_OTHER)
		return module_fail(module, "C_GetSlotList", MINT_READER, "no slot fits the reader or token");
	if (is_ambiguous(&tally, where))
		return module_fail(module, "C_GetSlotList", MINT_READER, "more than one slot fits");
	*slot = tally.lowest[best].slot;
	*facts = tally.lowest[best].facts;
	snprintf(facts->reader, sizeof facts->reader, "%s", tally.lowest[best].reader);
	return best == SLOT_INITIALISED || best == SLOT_BLANK ? 0 : slot_read_facts(module, *slot, facts, deadline_ms);
}
