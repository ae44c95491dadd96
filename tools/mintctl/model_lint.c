#include "tools/mintctl/model_lint.h"
#include "schemas/errors.h"
#include "tools/mintctl/screen.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_LEAST_MS = 10000, RSA_LEAST_MS = 20000, EC_LEAST_MS = 1000, STEP_LEAST_MS = 10000, MOST_MS = 600000 };

static const struct {
	const char      *name;
	enum lint_weight weight;
	const char      *what[2], *next[2];
} rules[LINT_RULES] = {
#define MODEL_RULE(name, weight, what_en, what_zh, do_en, do_zh) \
	[LINT_##name] = { #name, LINT_##weight, { what_en, what_zh }, { do_en, do_zh } },
#include "tools/mintctl/model_rules.def"
#undef MODEL_RULE
};

/* The digest that goes with each type of key, and the ways to sign with it. */
static const struct {
	const char *type, *key, *digest;
} key_types[] = {
	{ "rsa2048", "RSA", "sha256" }, { "rsa3072", "RSA", "sha256" }, { "rsa4096", "RSA", "sha256" },
	{ "p256", "EC", "sha256" }, { "p384", "EC", "sha384" }, { "p521", "EC", "sha512" },
};

static const struct {
	const char *key, *digest, *mechanism;
} ways[] = {
#define SIGNATURE(key, digest, mechanism, input, output) { #key, #digest, #mechanism },
#include "schemas/signatures.def"
#undef SIGNATURE
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static void
found(struct lint *lint, enum lint_rule rule, const char *argument)
{
	struct lint_finding *finding = &lint->list[lint->count];

	for (size_t i = 0; i < lint->count; i++)
		if (lint->list[i].rule == rule && strcmp(lint->list[i].argument, argument) == 0)
			return; /* another profile may stand among the others twice, by two directories */
	if (lint->count == LINT_MAX)
		return;
	finding->rule = rule;
	snprintf(finding->argument, sizeof finding->argument, "%s", argument);
	lint->count++;
}

/* --- commands */

static bool
wants(const struct model_commands *commands, enum code code)
{
	char known[CODES][MODEL_CODE_MAX + 1] = { "-", "-", "-", "-" };

	known[code][0] = '\0';
	for (size_t i = 0; i < commands->count; i++)
		if (model_command_lacking(&commands->list[i], (const char (*)[MODEL_CODE_MAX + 1])known) == code)
			return true;
	return false;
}

static bool
gives_label(const struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++) {
		if (commands->list[i].call == CALL_INIT_TOKEN)
			return true;
		for (char **argument = commands->list[i].arguments; *argument; argument++)
			if (strstr(*argument, "<label>"))
				return true;
	}
	return false;
}

static bool
runs_programs(const struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++)
		if (commands->list[i].call == CALL_NONE)
			return true;
	return false;
}

static void
look_at_commands(const struct model *model, struct lint *lint)
{
	if (model->initialise.count == 0) {
		found(lint, LINT_NO_INITIALISE, "");
		return; /* what it does not give follows from it */
	}
	for (enum code code = 0; code < CODES; code++)
		if (model->codes[code].length > 0 && !wants(&model->initialise, code))
			found(lint, LINT_CODE_NOT_GIVEN, code_name(code));
	if (!gives_label(&model->initialise))
		found(lint, LINT_NO_LABEL, "");
	if (model->erase.count == 0)
		found(lint, LINT_NO_ERASE, "");
	if (model->codes[CODE_USER_PUK].length > 0 && !model_unblock(model, CODE_USER_PIN))
		found(lint, LINT_NO_UNBLOCK, "");
	if (runs_programs(&model->initialise) && !model->driver[0])
		found(lint, LINT_NO_DRIVER, "");
}

/* --- what the card or its module tells */

static bool
is_known_by_module(const struct model *model)
{
	return model->token.manufacturer[0] || model->token.model[0];
}

static void
look_at_probe(const struct model *model, struct lint *lint)
{
	const struct model_probe *probe = &model->probe;
	bool by_card = model->atr_count > 0 || model->by_application;

	if (probe->blank_count == 0 && !is_known_by_module(model))
		found(lint, LINT_BLANK_UNKNOWN, "");
	if (probe->serial.length == 0 && !model->token.has_serial)
		found(lint, LINT_NO_SERIAL, "");
	if (by_card && probe->user_tries.length == 0)
		found(lint, LINT_NO_TRIES, "");
	if (by_card && probe->blank_count > 0 && probe->lifecycle_tag == 0 && model->initialise.count > 1)
		found(lint, LINT_HALF_UNKNOWN, "");
	if (model->module[0] == '/' && access(model->module, R_OK) != 0)
		found(lint, LINT_MODULE_MISSING, model->module);
}

/* --- keys and time-outs */

static bool
signs(const char *type, const char *mechanism)
{
	for (size_t i = 0; i < COUNT(key_types); i++)
		for (size_t k = 0; k < COUNT(ways) && strcmp(key_types[i].type, type) == 0; k++)
			if (strcmp(ways[k].key, key_types[i].key) == 0 && strcmp(ways[k].digest, key_types[i].digest) == 0 &&
			    strcmp(ways[k].mechanism, mechanism) == 0)
				return true;
	return false;
}

static void
look_at_timeout(struct lint *lint, const char *kind, const char *title, int timeout_ms, int least_ms)
{
	char name[LINT_ARGUMENT_BYTES];

	snprintf(name, sizeof name, "%s%s%s", kind, *title ? " " : "", title);
	if (timeout_ms < least_ms)
		found(lint, LINT_TIMEOUT_SHORT, name);
	if (timeout_ms > MOST_MS)
		found(lint, LINT_TIMEOUT_LONG, name);
}

static void
look_at_keys(const struct model *model, struct lint *lint)
{
	for (size_t i = 0; i < model->key_count; i++) {
		const struct model_key *key = &model->keys[i];

		for (char **name = key->signatures; name && *name; name++) {
			char text[LINT_ARGUMENT_BYTES];

			snprintf(text, sizeof text, "%s (key %s)", *name, key->type);
			if (!signs(key->type, *name))
				found(lint, LINT_SIGN_UNKNOWN, text);
		}
		look_at_timeout(lint, "key", key->type, key->timeout_ms, key->type[0] == 'r' ? RSA_LEAST_MS : EC_LEAST_MS);
	}
}

static void
look_at_timeouts(const struct model *model, struct lint *lint)
{
	const struct {
		const char                  *kind;
		const struct model_commands *commands;
	} places[] = {
		{ "initialise", &model->initialise }, { "erase", &model->erase }, { "erase_half", &model->erase_half },
		{ "unblock", &model->unblock },
	};

	look_at_timeout(lint, "step_timeout_ms", "", model->step_timeout_ms, STEP_LEAST_MS);
	for (size_t i = 0; i < COUNT(places); i++)
		for (size_t k = 0; k < places[i].commands->count; k++)
			look_at_timeout(lint, places[i].kind, places[i].commands->list[k].title, places[i].commands->list[k].timeout_ms,
			    COMMAND_LEAST_MS);
}

/* --- other profiles */

static int
bits_of(const struct model_atr *atr)
{
	int bits = 0;

	for (size_t i = 0; i < atr->length; i++)
		bits += __builtin_popcount(atr->mask[i]);
	return bits;
}

/* Some answer to reset fits both. */
static bool
meet(const struct model_atr *one, const struct model_atr *other)
{
	if (one->length != other->length)
		return false;
	for (size_t i = 0; i < one->length; i++)
		if ((one->value[i] ^ other->value[i]) & one->mask[i] & other->mask[i])
			return false;
	return true;
}

static void
compare_atrs(const struct model *model, const struct model *other, struct lint *lint)
{
	for (size_t i = 0; i < model->atr_count; i++)
		for (size_t k = 0; k < other->atr_count; k++)
			if (meet(&model->atrs[i], &other->atrs[k])) {
				found(lint, bits_of(&model->atrs[i]) == bits_of(&other->atrs[k]) ? LINT_SAME_ATR : LINT_NEAR_ATR,
				    other->name);
				return;
			}
}

static bool
same_bytes(const struct model_bytes *one, const struct model_bytes *other)
{
	return one->length == other->length && memcmp(one->data, other->data, one->length) == 0;
}

static void
compare(const struct model *model, const struct model *other, struct lint *lint)
{
	compare_atrs(model, other, lint);
	if (is_known_by_module(model) && strcmp(model->token.manufacturer, other->token.manufacturer) == 0 &&
	    strcmp(model->token.model, other->token.model) == 0)
		found(lint, LINT_SAME_TOKEN, other->name);
	if (model->by_application && other->by_application && same_bytes(&model->probe.select, &other->probe.select))
		found(lint, LINT_SAME_APPLICATION, other->name);
}

/* --- all of it */

void
lint_model(const struct model *model, const struct models *others, struct lint *lint)
{
	lint->count = 0;
	look_at_commands(model, lint);
	look_at_probe(model, lint);
	look_at_keys(model, lint);
	look_at_timeouts(model, lint);
	for (size_t i = 0; others && i < others->count; i++)
		if (strcmp(others->list[i]->name, model->name) != 0)
			compare(model, others->list[i], lint);
}

bool
lint_has_errors(const struct lint *lint)
{
	for (size_t i = 0; i < lint->count; i++)
		if (rules[lint->list[i].rule].weight == LINT_ERROR)
			return true;
	return false;
}

const char *
lint_name(enum lint_rule rule)
{
	return rules[rule].name;
}

enum lint_weight
lint_weight_of(enum lint_rule rule)
{
	return rules[rule].weight;
}

/* The words with the argument in the place of each {}. */
static void
fill(const char *words, const char *argument, char *text)
{
	size_t used = 0;

	while (*words && used + 1 < LINT_TEXT_BYTES) {
		if (words[0] == '{' && words[1] == '}') {
			used += (size_t)snprintf(text + used, LINT_TEXT_BYTES - used, "%s", argument);
			words += 2;
		} else {
			text[used++] = *words++;
		}
	}
	text[used < LINT_TEXT_BYTES ? used : LINT_TEXT_BYTES - 1] = '\0';
}

void
lint_words(const struct lint_finding *finding, char *what, char *next)
{
	fill(rules[finding->rule].what[screen_language()], finding->argument, what);
	fill(rules[finding->rule].next[screen_language()], finding->argument, next);
}

json_t *
lint_json(const struct lint_finding *finding)
{
	char text[4][LINT_TEXT_BYTES];

	for (int language = 0; language < 2; language++) {
		fill(rules[finding->rule].what[language], finding->argument, text[language]);
		fill(rules[finding->rule].next[language], finding->argument, text[2 + language]);
	}
	return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s}}", "rule", lint_name(finding->rule), "weight",
	    lint_weight_of(finding->rule) == LINT_ERROR ? "error" : "advice", "what", "en", text[MINT_EN], "zh", text[MINT_ZH], "do",
	    "en", text[2 + MINT_EN], "zh", text[2 + MINT_ZH]);
}
