#include "hostd/base/model.h"
#include "hostd/base/log.h"
#include "hostd/base/text.h"
#include "schemas/errors.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".conf";

static void
texts_free(char **texts)
{
	for (char **text = texts; text && *text; text++)
		free(*text);
	free(texts);
}

static void
command_free(struct model_command *command)
{
	texts_free(command->arguments);
	free(command->apdus);
	for (size_t i = 0; i < command->prompt_count; i++)
		free(command->prompts[i].text);
	free(command->prompts);
	free(command->title);
}

static void
commands_free(struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++)
		command_free(&commands->list[i]);
	free(commands->list);
}

void
model_free(struct model **place)
{
	struct model *model = *place;

	*place = NULL;
	if (!model)
		return;
	for (size_t i = 0; i < model->key_count; i++) {
		texts_free(model->keys[i].signatures);
		free(model->keys[i].type);
		free(model->keys[i].name);
	}
	free(model->keys);
	for (enum code code = 0; code < CODES; code++) {
		free(model->codes[code].alphabet);
		free(model->codes[code].factory);
	}
	commands_free(&model->initialise);
	commands_free(&model->erase);
	commands_free(&model->erase_half);
	commands_free(&model->unblock);
	free(model->token.manufacturer);
	free(model->token.model);
	free(model->token.blank_label);
	free(model->atrs);
	free(model->probe.blank);
	free(model->name);
	free(model->description);
	free(model->driver);
	free(model->profiles);
	free(model->module);
	free(model);
}

static int
read_found(struct models *models, const glob_t *found)
{
	int r = 0;

	models->list = calloc(found->gl_pathc, sizeof(struct model *));
	if (!models->list)
		return MINT_MEMORY;
	for (size_t i = 0; i < found->gl_pathc && r == 0; i++) {
		r = model_read(found->gl_pathv[i], &models->list[i]);
		models->count += r == 0;
	}
	return r;
}

int
models_read(const char *directory, struct models **out)
{
	struct models *models = calloc(1, sizeof *models);
	glob_t found = { 0 };
	char *pattern = NULL;
	int r = MINT_MEMORY;

	*out = NULL;
	if (!models || asprintf(&pattern, "%s/*%s", directory, suffix) < 0)
		goto out;
	r = glob(pattern, 0, NULL, &found) == 0 ? read_found(models, &found) : MINT_NOT_FOUND;
	if (r == MINT_NOT_FOUND)
		log_error("%s: no model profile (*%s) there: check `models` in the configuration", directory, suffix);
	globfree(&found);
out:
	free(pattern);
	if (r == 0)
		*out = models;
	else
		models_free(&models);
	return r;
}

void
models_free(struct models **place)
{
	struct models *models = *place;

	*place = NULL;
	if (!models)
		return;
	for (size_t i = 0; i < models->count; i++)
		model_free(&models->list[i]);
	free(models->list);
	free(models);
}

/* Bits that agree, −1 when one that must does not. */
static int
atr_fit(const struct model_atr *pattern, const uint8_t *atr, size_t length)
{
	int bits = 0;

	if (pattern->length != length)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if ((pattern->value[i] ^ atr[i]) & pattern->mask[i])
			return -1;
		bits += __builtin_popcount(pattern->mask[i]);
	}
	return bits;
}

const struct model *
models_by_atr(const struct models *models, const uint8_t *atr, size_t atr_length)
{
	const struct model *best = NULL;
	int best_bits = -1;

	for (size_t i = 0; i < models->count; i++)
		for (size_t k = 0; k < models->list[i]->atr_count; k++) {
			int bits = atr_fit(&models->list[i]->atrs[k], atr, atr_length);

			if (bits > best_bits) {
				best_bits = bits;
				best = models->list[i];
			}
		}
	return best;
}

const struct model *
models_by_application(const struct models *models, const struct model *before)
{
	size_t i = 0;

	while (before && i < models->count && models->list[i++] != before)
		;
	while (i < models->count && !models->list[i]->by_application)
		i++;
	return i < models->count ? models->list[i] : NULL;
}

bool
model_fits_token(const struct model *model, const char *manufacturer, const char *token_model)
{
	const struct model_token *token = &model->token;

	return (token->manufacturer[0] || token->model[0]) &&
	    (!token->manufacturer[0] || text_fits(token->manufacturer, manufacturer)) &&
	    (!token->model[0] || text_fits(token->model, token_model));
}

const struct model *
models_by_token(const struct models *models, const char *manufacturer, const char *token_model)
{
	for (size_t i = 0; i < models->count; i++)
		if (model_fits_token(models->list[i], manufacturer, token_model))
			return models->list[i];
	return NULL;
}

const struct model *
models_by_name(const struct models *models, const char *name)
{
	for (size_t i = 0; i < models->count; i++)
		if (strcmp(models->list[i]->name, name) == 0)
			return models->list[i];
	return NULL;
}

const struct model_command *
model_unblock(const struct model *model, enum code code)
{
	for (size_t i = 0; i < model->unblock.count; i++)
		if (strcmp(model->unblock.list[i].title, code_name(code)) == 0)
			return &model->unblock.list[i];
	return NULL;
}

static int64_t
sum_ms(const struct model_commands *commands)
{
	int64_t ms = 0;

	for (size_t i = 0; i < commands->count; i++)
		ms += commands->list[i].timeout_ms;
	return ms;
}

int
model_step_limit_ms(const struct model *model)
{
	/* Erasing may be tried with two codes, or with the commands for a token that was begun only. */
	int64_t erase_ms = 2 * sum_ms(&model->erase), half_ms = sum_ms(&model->erase_half), ms;

	ms = (erase_ms > half_ms ? erase_ms : half_ms) + sum_ms(&model->initialise);
	for (size_t i = 0; i < model->key_count; i++)
		if (ms < model->keys[i].timeout_ms)
			ms = model->keys[i].timeout_ms;
	ms += sum_ms(&model->unblock) + (int64_t)2 * model->step_timeout_ms;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

const struct model_key *
model_key(const struct model *model, const char *type)
{
	for (size_t i = 0; i < model->key_count; i++)
		if (strcmp(model->keys[i].type, type) == 0)
			return &model->keys[i];
	return NULL;
}
