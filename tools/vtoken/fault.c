#include "tools/vtoken/fault.h"

#include "schemas/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_MAX 600000
#define BYTES_MAX 4096
#define PID_MAX 0x400000

struct faults {
	struct fault of[FAULTS_MAX];
	size_t count;
	unsigned last_id;
	uint64_t fired;
};

static const char *const trigger_names[] = { [FAULT_APDU] = "apdu", [FAULT_INS] = "ins", [FAULT_CHANGE] = "change" };
#define TRIGGERS (sizeof trigger_names / sizeof trigger_names[0])

#define AT(moment) (1u << (moment))

/* One row an effect: its argument, and the moments at which it makes sense. An effect without its argument is for ever. */
static const struct effect_row {
	const char *name;
	int base;
	bool optional;
	long least, most;
	unsigned moments;
} effects[] = {
	[FAULT_CUT] = { "cut", 10, true, 0, MS_MAX, AT(FAULT_BEFORE) | AT(FAULT_UNSTORED) | AT(FAULT_AFTER) },
	[FAULT_SW] = { "sw", 16, false, 0x6000, 0x9FFF, AT(FAULT_BEFORE) | AT(FAULT_AFTER) },
	[FAULT_SILENCE] = { "silence", 10, true, 0, MS_MAX, AT(FAULT_BEFORE) | AT(FAULT_AFTER) },
	[FAULT_GARBAGE] = { "garbage", 10, false, 1, BYTES_MAX, AT(FAULT_BEFORE) | AT(FAULT_AFTER) },
	[FAULT_LENGTH] = { "length", 10, false, -BYTES_MAX, BYTES_MAX, AT(FAULT_AFTER) },
	[FAULT_SLOW] = { "slow", 10, false, 0, MS_MAX, AT(FAULT_BEFORE) | AT(FAULT_AFTER) },
	[FAULT_KILL] = { "kill", 10, false, 2, PID_MAX, AT(FAULT_BEFORE) | AT(FAULT_UNSTORED) | AT(FAULT_AFTER) },
};
#define EFFECTS (sizeof effects / sizeof effects[0])

/* The words that are left. */
struct words {
	char *const *at;
	int left;
};

static const char *
next_word(struct words *words)
{
	if (words->left == 0)
		return "";
	words->left--;
	return *words->at++;
}

/* Whether the next word is this one; if so it is taken. */
static bool
take_word(struct words *words, const char *wanted)
{
	if (words->left == 0 || strcmp(*words->at, wanted))
		return false;
	next_word(words);
	return true;
}

static bool
take_number(struct words *words, int base, long least, long most, long *number)
{
	const char *word = next_word(words);
	char *end;

	if (strspn(word, base == 16 ? "0123456789abcdefABCDEF" : "+-0123456789") != strlen(word) || !*word)
		return false;
	errno = 0;
	*number = strtol(word, &end, base);
	return !errno && !*end && *number >= least && *number <= most;
}

static const char *
take_trigger(struct fault *fault, struct words *words)
{
	const char *name = next_word(words);
	long number;

	for (fault->trigger = 0; fault->trigger < TRIGGERS; fault->trigger++)
		if (strcmp(trigger_names[fault->trigger], name) == 0)
			break;
	if (fault->trigger == TRIGGERS)
		return "then comes apdu, ins or change";
	if (fault->trigger == FAULT_INS) {
		if (!take_number(words, 16, 0, 0xFF, &number))
			return "ins wants a byte in hexadecimal";
		fault->ins = (uint8_t)number;
	}
	if (!take_number(words, 10, 1, 1000000, &number))
		return "which of them? a number from 1";
	fault->n = (uint32_t)number;
	return NULL;
}

static const char *
take_effect(struct fault *fault, struct words *words)
{
	const char *name = next_word(words);
	const struct effect_row *row;
	long number = FAULT_FOREVER;

	for (fault->effect = 0; fault->effect < EFFECTS; fault->effect++)
		if (strcmp(effects[fault->effect].name, name) == 0)
			break;
	if (fault->effect == EFFECTS)
		return "then comes cut, kill, sw, silence, garbage, length or slow";
	row = &effects[fault->effect];
	if (!(row->moments & AT(fault->moment)))
		return fault->moment == FAULT_UNSTORED ? "before a change there is only cut or kill" : "length wants after";
	if (!(row->optional && words->left == 0) && !take_number(words, row->base, row->least, row->most, &number))
		return "the effect's number is missing or out of range";
	fault->value = (int32_t)number;
	return words->left ? "too many words" : NULL;
}

const char *
fault_parse(struct fault *fault, char *const *words, int count)
{
	struct words rest = { .at = words, .left = count };
	bool before = take_word(&rest, "before");
	const char *wrong;

	*fault = (struct fault){ .moment = before ? FAULT_BEFORE : FAULT_AFTER };
	if (!before && !take_word(&rest, "after"))
		return "a fault begins with before or after";
	wrong = take_trigger(fault, &rest);
	if (wrong)
		return wrong;
	if (before && fault->trigger == FAULT_CHANGE)
		fault->moment = FAULT_UNSTORED;
	fault->every = take_word(&rest, "every");
	return take_effect(fault, &rest);
}

void
fault_text(const struct fault *fault, char text[FAULT_TEXT])
{
	const struct effect_row *row = &effects[fault->effect];
	int used = snprintf(text, FAULT_TEXT, "%s %s ", fault->moment == FAULT_AFTER ? "after" : "before",
			    trigger_names[fault->trigger]);

	if (fault->trigger == FAULT_INS)
		used += snprintf(text + used, FAULT_TEXT - (size_t)used, "%02X ", fault->ins);
	used += snprintf(text + used, FAULT_TEXT - (size_t)used, "%u %s%s", fault->n, fault->every ? "every " : "",
			 row->name);
	if (row->optional && fault->value == FAULT_FOREVER)
		return;
	text[used++] = ' ';
	if (row->base == 16)
		snprintf(text + used, FAULT_TEXT - (size_t)used, "%04X", (unsigned)fault->value);
	else
		snprintf(text + used, FAULT_TEXT - (size_t)used, "%s%d", row->least < 0 && fault->value >= 0 ? "+" : "",
			 fault->value);
}

struct faults *
faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

void
faults_free(struct faults **faults)
{
	free(*faults);
	*faults = NULL;
}

int
faults_arm(struct faults *faults, const struct fault *fault, unsigned *id)
{
	if (faults->count == FAULTS_MAX)
		return MINT_BUSY;
	faults->of[faults->count] = *fault;
	faults->of[faults->count++].id = *id = ++faults->last_id;
	return 0;
}

void
faults_clear(struct faults *faults)
{
	faults->count = 0;
}

const struct fault *
faults_at(const struct faults *faults, size_t n)
{
	return n < faults->count ? &faults->of[n] : NULL;
}

bool
fault_armed(const struct fault *fault)
{
	return fault->every || fault->seen < fault->n;
}

uint64_t
faults_fired(const struct faults *faults)
{
	return faults->fired;
}

static void
count(struct fault *fault)
{
	fault->seen++;
	fault->due = fault->every ? fault->seen % fault->n == 0 : fault->seen == fault->n;
}

/* What was due with the last command and did not come to pass, because another fault ended it, is over. */
void
faults_count_command(struct faults *faults, uint8_t ins)
{
	for (struct fault *fault = faults->of; fault < faults->of + faults->count; fault++) {
		fault->due = false;
		if (fault->trigger == FAULT_APDU || (fault->trigger == FAULT_INS && fault->ins == ins))
			count(fault);
	}
}

void
faults_count_change(struct faults *faults)
{
	for (struct fault *fault = faults->of; fault < faults->of + faults->count; fault++)
		if (fault->trigger == FAULT_CHANGE)
			count(fault);
}

const struct fault *
faults_due(struct faults *faults, enum fault_moment moment)
{
	for (struct fault *fault = faults->of; fault < faults->of + faults->count; fault++) {
		if (!fault->due || fault->moment != moment)
			continue;
		fault->due = false;
		fault->fired++;
		faults->fired++;
		return fault;
	}
	return NULL;
}
