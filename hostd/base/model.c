/* Token model profiles: reading, and what a reader of them asks. The checks are in model_check.c. */
#include "hostd/base/model.h"
#include "hostd/base/conf_file.h"
#include "hostd/base/log.h"
#include "hostd/base/model_check.h"
#include "schemas/errors.h"

#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60000, WHY_BYTES = 600 };

static const char suffix[] = ".conf";

static int
take_text(char **place, cfg_t *cfg, const char *key)
{
	const char *value = cfg_getstr(cfg, key);

	*place = strdup(value ? value : "");
	return *place ? 0 : MINT_MEMORY;
}

static int
take_atrs(struct model *model, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "atr");

	if (count == 0)
		return conf_file_refuse(file, cfg, "atr", "atr: is missing: give the answers to reset this model is known by");
	model->atrs = calloc(count, sizeof *model->atrs);
	if (!model->atrs)
		return MINT_MEMORY;
	model->atr_count = count;
	for (unsigned i = 0; i < count; i++)
		if (!model_atr_from(cfg_getnstr(cfg, "atr", i), &model->atrs[i]))
			return MINT_CONFIG; /* cannot be: model_check.c has read it */
	return 0;
}

static int
take_probe(struct model_probe *probe, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "blank");

	/* The texts have passed their checks while they were read. */
	model_bytes_from(cfg_getstr(cfg, "select"), &probe->select);
	model_bytes_from(cfg_getstr(cfg, "serial"), &probe->serial);
	probe->lifecycle_tag = (int)cfg_getint(cfg, "lifecycle_tag");
	probe->lifecycle_finished = (int)cfg_getint(cfg, "lifecycle_finished");
	probe->serial_offset = (int)cfg_getint(cfg, "serial_offset");
	probe->serial_length = (int)cfg_getint(cfg, "serial_length");
	probe->blank = calloc(count ? count : 1, sizeof *probe->blank);
	if (!probe->blank)
		return MINT_MEMORY;
	probe->blank_count = count;
	for (unsigned i = 0; i < count; i++)
		model_bytes_from(cfg_getnstr(cfg, "blank", i), &probe->blank[i]);
	if (probe->serial.length && probe->serial_length == 0)
		return conf_file_refuse(file, cfg, "serial", "probe: serial_length: is missing: say how many bytes the serial number has");
	return 0;
}

static int
take_codes(struct model *model, struct conf_file *file, cfg_t *cfg)
{
	for (unsigned i = 0; i < cfg_size(cfg, "code"); i++) {
		cfg_t *section = cfg_getnsec(cfg, "code", i);
		enum code code = model_code_from(cfg_title(section));

		if (code == CODES)
			return conf_file_refuse(file, section, NULL, "code: \"%s\" is none of so-pin, so-puk, user-pin, user-puk: write one of them",
			    cfg_title(section));
		model->code_length[code] = (int)cfg_getint(section, "length");
	}
	if (model->code_length[CODE_USER_PIN] == 0)
		return conf_file_refuse(file, cfg, NULL, "code \"user-pin\": is missing: add `code user-pin { length = … }`");
	return take_text(&model->alphabet, cfg, "alphabet");
}

static int
take_keys(struct model *model, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "key");
	int r = 0;

	if (count == 0)
		return conf_file_refuse(file, cfg, NULL, "key: is missing: name at least one key type");
	model->keys = calloc(count, sizeof *model->keys);
	if (!model->keys)
		return MINT_MEMORY;
	model->key_count = count;
	for (unsigned i = 0; i < count && r == 0; i++) {
		cfg_t *section = cfg_getnsec(cfg, "key", i);

		model->keys[i].timeout_ms = (int)cfg_getint(section, "timeout_ms");
		model->keys[i].type = strdup(cfg_title(section));
		r = model->keys[i].type ? 0 : MINT_MEMORY;
	}
	return r;
}

static int
take_command(struct model_command *command, struct conf_file *file, cfg_t *section)
{
	unsigned count = cfg_size(section, "run");

	command->timeout_ms = (int)cfg_getint(section, "timeout_ms");
	command->title = strdup(cfg_title(section));
	command->arguments = calloc(count + 1, sizeof *command->arguments);
	if (!command->title || !command->arguments)
		return MINT_MEMORY;
	for (unsigned i = 0; i < count; i++) {
		command->arguments[i] = strdup(cfg_getnstr(section, "run", i));
		if (!command->arguments[i])
			return MINT_MEMORY;
	}
	if (!model_command_complete(command))
		return conf_file_refuse(file, section, "run", "run: is empty, or ends where a code should follow: complete the command");
	return 0;
}

static int
take_commands(struct model_commands *commands, struct conf_file *file, cfg_t *cfg, const char *key)
{
	unsigned count = cfg_size(cfg, key);
	int r = 0;

	commands->list = calloc(count ? count : 1, sizeof *commands->list);
	if (!commands->list)
		return MINT_MEMORY;
	commands->count = count;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_command(&commands->list[i], file, cfg_getnsec(cfg, key, i));
	return r;
}

static int
take_name(struct model *model, const char *path)
{
	char *copy = strdup(path);
	char *base = copy ? basename(copy) : NULL;
	size_t length = base ? strlen(base) : 0, ending = sizeof suffix - 1;

	if (length > ending && strcmp(base + length - ending, suffix) == 0)
		length -= ending;
	model->name = base ? strndup(base, length) : NULL;
	free(copy);
	return model->name ? 0 : MINT_MEMORY;
}

static int
take_all(struct model *model, struct conf_file *file, cfg_t *cfg, const char *path)
{
	int r = take_name(model, path);

	model->step_timeout_ms = (int)cfg_getint(cfg, "step_timeout_ms");
	if (r == 0)
		r = take_text(&model->description, cfg, "description");
	if (r == 0)
		r = take_text(&model->driver, cfg, "driver");
	if (r == 0)
		r = take_atrs(model, file, cfg);
	if (r == 0)
		r = take_probe(&model->probe, file, cfg_getsec(cfg, "probe"));
	if (r == 0)
		r = take_codes(model, file, cfg);
	if (r == 0)
		r = take_keys(model, file, cfg);
	if (r == 0)
		r = take_commands(&model->initialise, file, cfg, "initialise");
	if (r == 0)
		r = take_commands(&model->erase, file, cfg, "erase");
	if (r == 0)
		r = take_commands(&model->erase_half, file, cfg, "erase_half");
	return r;
}

/* libconfuse keeps pointers into these tables while it reads, so they live here and not on a stack of ours. */
static cfg_t *
new_reader(void)
{
	static cfg_opt_t probe[] = {
		CFG_STR("select", "", CFGF_NONE), CFG_INT("lifecycle_tag", 0, CFGF_NONE),
		CFG_INT("lifecycle_finished", 0, CFGF_NONE), CFG_STR("serial", "", CFGF_NONE),
		CFG_INT("serial_offset", 0, CFGF_NONE), CFG_INT("serial_length", 0, CFGF_NONE),
		CFG_STR_LIST("blank", NULL, CFGF_NONE), CFG_END(),
	};
	static cfg_opt_t code[] = { CFG_INT("length", 8, CFGF_NONE), CFG_END() };
	static cfg_opt_t key[] = { CFG_INT("timeout_ms", TIMEOUT_MS, CFGF_NONE), CFG_END() };
	static cfg_opt_t command[] = {
		CFG_STR_LIST("run", NULL, CFGF_NONE), CFG_INT("timeout_ms", TIMEOUT_MS, CFGF_NONE), CFG_END(),
	};
	static const cfg_flag_t many = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	cfg_opt_t options[] = {
		CFG_STR("description", "", CFGF_NONE), CFG_STR("driver", "", CFGF_NONE), CFG_STR_LIST("atr", NULL, CFGF_NONE),
		CFG_SEC("probe", probe, CFGF_NONE), CFG_STR("alphabet", "0123456789", CFGF_NONE),
		CFG_INT("step_timeout_ms", TIMEOUT_MS, CFGF_NONE), CFG_SEC("code", code, many), CFG_SEC("key", key, many),
		CFG_SEC("initialise", command, many), CFG_SEC("erase", command, many), CFG_SEC("erase_half", command, many),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	if (cfg)
		model_set_checks(cfg);
	return cfg;
}

/* `read` is what reading the file's text has come to. */
static int
build(const char *path, struct conf_file *file, int read, struct model **out)
{
	struct model *model = calloc(1, sizeof *model);
	cfg_t *cfg = new_reader();
	char why[WHY_BYTES];
	int r = model && cfg ? read : MINT_MEMORY;

	if (r == 0)
		r = conf_file_parse(file, cfg);
	if (r == 0)
		r = take_all(model, file, cfg, path);
	conf_file_why(file, "mend the profile", why, sizeof why);
	if (r != 0 && *why)
		log_error("%s", why);
	if (cfg)
		cfg_free(cfg);
	if (r == 0)
		*out = model;
	else
		model_free(&model);
	return r;
}

int
model_parse(const char *path, const char *text, size_t length, struct model **model)
{
	struct conf_file *file = conf_file_new(path);
	int r = MINT_MEMORY;

	*model = NULL;
	if (file)
		r = build(path, file, conf_file_take(file, text, length), model);
	conf_file_free(&file);
	return r;
}

int
model_read(const char *path, struct model **model)
{
	struct conf_file *file = conf_file_new(path);
	int r = MINT_MEMORY;

	*model = NULL;
	if (file)
		r = build(path, file, conf_file_load(file), model);
	conf_file_free(&file);
	return r;
}

static void
commands_free(struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++) {
		for (char **argument = commands->list[i].arguments; argument && *argument; argument++)
			free(*argument);
		free(commands->list[i].arguments);
		free(commands->list[i].title);
	}
	free(commands->list);
}

void
model_free(struct model **place)
{
	struct model *model = *place;

	*place = NULL;
	if (!model)
		return;
	for (size_t i = 0; i < model->key_count; i++)
		free(model->keys[i].type);
	free(model->keys);
	commands_free(&model->initialise);
	commands_free(&model->erase);
	commands_free(&model->erase_half);
	free(model->atrs);
	free(model->probe.blank);
	free(model->name);
	free(model->description);
	free(model->driver);
	free(model->alphabet);
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

const struct model_key *
model_key(const struct model *model, const char *type)
{
	for (size_t i = 0; i < model->key_count; i++)
		if (strcmp(model->keys[i].type, type) == 0)
			return &model->keys[i];
	return NULL;
}
