/* Reading token model profiles. What is wrong with a single value is found in model_check.c, while its line is known; what does not
 * go together is found here. */
#include "hostd/base/model.h"
#include "hostd/base/conf_file.h"
#include "hostd/base/log.h"
#include "hostd/base/model_check.h"
#include "schemas/errors.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Key generation: the longest of many draws is about four times the mean, the slowest token of a lot slower still. */
enum { TIMEOUT_MS = 60000, TIMEOUT_MEANS = 6 };

static const char suffix[] = ".conf";

static int
take_text(char **place, cfg_t *cfg, const char *key)
{
	const char *value = cfg_getstr(cfg, key);

	*place = strdup(value ? value : "");
	return *place ? 0 : MINT_MEMORY;
}

/* A list of texts as a vector ended by NULL. */
static int
take_list(char ***place, cfg_t *cfg, const char *key)
{
	unsigned count = cfg_size(cfg, key);

	*place = calloc(count + 1, sizeof **place);
	for (unsigned i = 0; *place && i < count; i++) {
		(*place)[i] = strdup(cfg_getnstr(cfg, key, i));
		if (!(*place)[i])
			return MINT_MEMORY;
	}
	return *place ? 0 : MINT_MEMORY;
}

static int
take_atrs(struct model *model, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "atr");

	model->atrs = calloc(count ? count : 1, sizeof *model->atrs);
	if (!model->atrs)
		return MINT_MEMORY;
	model->atr_count = count;
	for (unsigned i = 0; i < count; i++)
		if (!model_atr_from(cfg_getnstr(cfg, "atr", i), &model->atrs[i]))
			return MINT_CONFIG; /* cannot be: model_check.c has read it */
	return 0;
}

static int
take_token(struct model_token *token, cfg_t *cfg)
{
	int r = take_text(&token->manufacturer, cfg, "manufacturer");

	token->has_serial = cfg_getbool(cfg, "serial");
	if (r == 0)
		r = take_text(&token->model, cfg, "model");
	return r == 0 ? take_text(&token->blank_label, cfg, "blank_label") : r;
}

static int
check_match(const struct model *model, struct conf_file *file, cfg_t *cfg)
{
	if (model->by_application && model->probe.select.length == 0)
		return conf_file_refuse(file, cfg, "by_application", "by_application: the card is known by its application, and no `probe { select = … }` says which");
	if (model->atr_count > 0 || model->by_application || model->token.manufacturer[0] || model->token.model[0])
		return 0;
	return conf_file_refuse(file, cfg, "atr", "atr: is missing: give the answers to reset this model is known by, or, for a module "
	    "without PC/SC, `token { manufacturer = \"…\" model = \"…\" }`");
}

static int
take_probe(struct model_probe *probe, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "blank");

	/* The texts have passed their checks while they were read. */
	model_bytes_from(cfg_getstr(cfg, "select"), &probe->select);
	model_bytes_from(cfg_getstr(cfg, "serial"), &probe->serial);
	model_bytes_from(cfg_getstr(cfg, "user_tries"), &probe->user_tries);
	model_bytes_from(cfg_getstr(cfg, "so_tries"), &probe->so_tries);
	probe->lifecycle_tag = (int)cfg_getint(cfg, "lifecycle_tag");
	probe->lifecycle_finished = (int)cfg_getint(cfg, "lifecycle_finished");
	probe->serial_offset = (int)cfg_getint(cfg, "serial_offset");
	probe->serial_length = (int)cfg_getint(cfg, "serial_length");
	probe->blank = calloc(count ? count : 1, sizeof *probe->blank);
	if (!probe->blank)
		return MINT_MEMORY;
	probe->blank_count = count;
	probe->blank_through_driver = cfg_getbool(cfg, "blank_through_driver");
	for (unsigned i = 0; i < count; i++)
		model_bytes_from(cfg_getnstr(cfg, "blank", i), &probe->blank[i]);
	if (probe->serial.length && probe->serial_length == 0)
		return conf_file_refuse(file, cfg, "serial", "probe: serial_length: is missing: say how many bytes the serial number has");
	return 0;
}

static int
take_code(struct model_code *code, struct conf_file *file, cfg_t *section, const char *alphabet)
{
	const char *own = cfg_getstr(section, "alphabet");
	int r;

	code->length = (int)cfg_getint(section, "length");
	code->stays = !cfg_getbool(section, "change");
	code->alphabet = strdup(own && *own ? own : alphabet);
	r = code->alphabet ? take_text(&code->factory, section, "factory") : MINT_MEMORY;
	if (r == 0 && strlen(code->factory) > MODEL_CODE_MAX)
		return conf_file_refuse(file, section, "factory", "factory: is longer than %d characters", MODEL_CODE_MAX);
	return r;
}

static int
take_codes(struct model *model, struct conf_file *file, cfg_t *cfg)
{
	int r = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "code") && r == 0; i++) {
		cfg_t *section = cfg_getnsec(cfg, "code", i);
		enum code code = model_code_from(cfg_title(section));

		if (code == CODES)
			return conf_file_refuse(file, section, NULL, "code: \"%s\" is none of so-pin, so-puk, user-pin, user-puk: write one of them",
			    cfg_title(section));
		r = take_code(&model->codes[code], file, section, cfg_getstr(cfg, "alphabet"));
	}
	if (r == 0 && model->codes[CODE_USER_PIN].length == 0)
		return conf_file_refuse(file, cfg, NULL, "code \"user-pin\": is missing: add `code user-pin { length = … }`");
	return r;
}

static int
take_key(struct model_key *key, struct conf_file *file, cfg_t *section)
{
	int mean_ms = (int)cfg_getint(section, "mean_ms"), given_ms = (int)cfg_getint(section, "timeout_ms");

	if (!model_key_type_known(cfg_title(section)))
		return conf_file_refuse(file, section, NULL, "key: \"%s\" is no key type: write one of rsa2048, rsa3072, rsa4096, p256, p384, p521",
		    cfg_title(section));
	key->timeout_ms = given_ms ? given_ms : mean_ms * TIMEOUT_MEANS > TIMEOUT_MS ? mean_ms * TIMEOUT_MEANS : TIMEOUT_MS;
	key->type = strdup(cfg_title(section));
	if (!key->type || take_text(&key->name, section, "name") != 0)
		return MINT_MEMORY;
	return cfg_size(section, "sign") ? take_list(&key->signatures, section, "sign") : 0;
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
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_key(&model->keys[i], file, cfg_getnsec(cfg, "key", i));
	return r;
}

static int
take_prompts(struct model_command *command, struct conf_file *file, cfg_t *section)
{
	unsigned count = cfg_size(section, "prompt");
	int r = 0;

	command->prompts = calloc(count ? count : 1, sizeof *command->prompts);
	if (!command->prompts)
		return MINT_MEMORY;
	command->prompt_count = count;
	for (unsigned i = 0; i < count && r == 0; i++) {
		cfg_t *prompt = cfg_getnsec(section, "prompt", i);

		command->prompts[i].answer = model_code_placeholder(cfg_getstr(prompt, "answer"));
		if (command->prompts[i].answer == CODES)
			return conf_file_refuse(file, prompt, "answer", "prompt: answer: is \"%s\": give the code that answers, as <so-pin>",
			    cfg_getstr(prompt, "answer"));
		command->prompts[i].text = strdup(cfg_title(prompt));
		r = command->prompts[i].text && *command->prompts[i].text ? 0 : MINT_MEMORY;
	}
	return r;
}

static int
take_apdus(struct model_command *command, cfg_t *section)
{
	unsigned count = cfg_size(section, "send");

	command->apdus = calloc(count ? count : 1, sizeof *command->apdus);
	if (!command->apdus)
		return MINT_MEMORY;
	command->apdu_count = count;
	for (unsigned i = 0; i < count; i++)
		model_bytes_from(cfg_getnstr(section, "send", i), &command->apdus[i]); /* has passed its check */
	return 0;
}

/* A section does one thing. */
static int
check_command(const struct model_command *command, struct conf_file *file, cfg_t *section, unsigned calls)
{
	const char *call = cfg_getstr(section, "call");
	unsigned ways = (*call != '\0') + (command->arguments[0] != NULL) + (command->apdu_count > 0);

	if (ways > 1 || (command->prompt_count > 0 && !command->arguments[0]))
		return conf_file_refuse(file, section, *call ? "call" : "send", "%s: stands beside `run`, `send`, `call` or `prompt`: a section does "
		    "one of them", *call ? "call" : "send");
	if (*call && !(calls & 1u << command->call))
		return conf_file_refuse(file, section, "call", "call: \"%s\" is not called here: see docs/token-models.md for what may be", call);
	if (!*call && command->apdu_count == 0 && !model_command_complete(command))
		return conf_file_refuse(file, section, "run", "run: is empty, or ends where a code should follow: complete the command");
	return 0;
}

/* `calls` is the set (1 << enum model_call) of what may be called in this place. */
static int
take_command(struct model_command *command, struct conf_file *file, cfg_t *section, unsigned calls)
{
	int r;

	command->timeout_ms = (int)cfg_getint(section, "timeout_ms");
	command->call = model_call_from(cfg_getstr(section, "call"));
	command->title = strdup(cfg_title(section));
	r = command->title ? take_list(&command->arguments, section, "run") : MINT_MEMORY;
	if (r == 0)
		r = take_apdus(command, section);
	if (r == 0)
		r = take_prompts(command, file, section);
	return r == 0 ? check_command(command, file, section, calls) : r;
}

static int
take_commands(struct model_commands *commands, struct conf_file *file, cfg_t *cfg, const char *key, unsigned calls)
{
	unsigned count = cfg_size(cfg, key);
	int r = 0;

	commands->list = calloc(count ? count : 1, sizeof *commands->list);
	if (!commands->list)
		return MINT_MEMORY;
	commands->count = count;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_command(&commands->list[i], file, cfg_getnsec(cfg, key, i), calls);
	return r;
}

static int
check_unblock(const struct model *model, struct conf_file *file, cfg_t *cfg)
{
	for (unsigned i = 0; i < model->unblock.count; i++) {
		enum code code = model_code_from(model->unblock.list[i].title);

		if (code != CODE_USER_PIN && code != CODE_SO_PIN)
			return conf_file_refuse(file, cfg_getnsec(cfg, "unblock", i), NULL, "unblock: \"%s\" cannot be unblocked: write user-pin or so-pin",
			    model->unblock.list[i].title);
	}
	return 0;
}

/* Codes that a command gives must be codes that the model has. */
static int
check_codes_of(const struct model *model, struct conf_file *file, cfg_t *cfg, const char *key, const struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++) {
		enum code missing = model_command_lacks(&commands->list[i], model);

		if (missing != CODES)
			return conf_file_refuse(file, cfg_getnsec(cfg, key, (unsigned)i), NULL, "%s: takes <%s>, which this model does not have: add "
			    "`code %s { length = … }`, or take it out", key, code_name(missing), code_name(missing));
	}
	return 0;
}

static bool
calls_init_token(const struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++)
		if (commands->list[i].call == CALL_INIT_TOKEN)
			return true;
	return false;
}

/* Where commands stand, and what of the module may be called there. C_InitToken destroys whatever is on the token, and some
 * modules destroy it and then fail: it is called nowhere else. */
static int
take_all_commands(struct model *model, struct conf_file *file, cfg_t *cfg)
{
	const struct {
		const char            *key;
		struct model_commands *commands;
		unsigned               calls;
	} places[] = {
		{ "initialise", &model->initialise, 1u << CALL_INIT_TOKEN | 1u << CALL_INIT_PIN },
		{ "erase", &model->erase, 1u << CALL_INIT_TOKEN },
		{ "erase_half", &model->erase_half, 1u << CALL_INIT_TOKEN },
		{ "unblock", &model->unblock, 1u << CALL_INIT_PIN },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof places / sizeof places[0] && r == 0; i++) {
		r = take_commands(places[i].commands, file, cfg, places[i].key, places[i].calls);
		if (r == 0)
			r = check_codes_of(model, file, cfg, places[i].key, places[i].commands);
	}
	if (r == 0 && calls_init_token(&model->erase) && !calls_init_token(&model->initialise))
		return conf_file_refuse(file, cfg_getnsec(cfg, "erase", 0), NULL, "erase: C_InitToken erases only as a part of `initialise`, which does not call it");
	return r == 0 ? check_unblock(model, file, cfg) : r;
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

/* The directory is given below the one that the profile stands in. */
static int
take_profiles(struct model *model, struct conf_file *file, cfg_t *cfg, const char *path)
{
	const char *name = cfg_getstr(cfg, "opensc_profiles");
	const char *slash = strrchr(path, '/');

	if (!*name)
		return take_text(&model->profiles, cfg, "opensc_profiles");
	if (strpbrk(name, "/\"\\"))
		return conf_file_refuse(file, cfg, "opensc_profiles", "opensc_profiles: \"%s\" is no directory beside the profile: give its name alone", name);
	return asprintf(&model->profiles, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, name) < 0 ? MINT_MEMORY : 0;
}

static int
take_all(struct model *model, struct conf_file *file, cfg_t *cfg, const char *path)
{
	int r = take_name(model, path);

	model->step_timeout_ms = (int)cfg_getint(cfg, "step_timeout_ms");
	model->certificate_max = (int)cfg_getint(cfg, "certificate_max");
	model->subject_max = (int)cfg_getint(cfg, "subject_max");
	model->login_each_use = cfg_getbool(cfg, "login_each_use");
	model->by_application = cfg_getbool(cfg, "by_application");
	if (r == 0)
		r = take_text(&model->description, cfg, "description");
	if (r == 0)
		r = take_text(&model->driver, cfg, "driver");
	if (r == 0)
		r = take_profiles(model, file, cfg, path);
	if (r == 0)
		r = take_text(&model->module, cfg, "module");
	if (r == 0)
		r = take_atrs(model, cfg);
	if (r == 0)
		r = take_token(&model->token, cfg_getsec(cfg, "token"));
	if (r == 0)
		r = take_probe(&model->probe, file, cfg_getsec(cfg, "probe"));
	if (r == 0)
		r = check_match(model, file, cfg);
	if (r == 0)
		r = take_codes(model, file, cfg);
	if (r == 0)
		r = take_keys(model, file, cfg);
	return r == 0 ? take_all_commands(model, file, cfg) : r;
}

/* libconfuse keeps pointers into these tables while it reads, so they live here and not on a stack of ours. */
static cfg_t *
new_reader(void)
{
	static cfg_opt_t token[] = {
		CFG_STR("manufacturer", "", CFGF_NONE), CFG_STR("model", "", CFGF_NONE), CFG_STR("blank_label", "", CFGF_NONE),
		CFG_BOOL("serial", cfg_false, CFGF_NONE), CFG_END(),
	};
	static cfg_opt_t probe[] = {
		CFG_STR("select", "", CFGF_NONE), CFG_INT("lifecycle_tag", 0, CFGF_NONE),
		CFG_INT("lifecycle_finished", 0, CFGF_NONE), CFG_STR("serial", "", CFGF_NONE),
		CFG_INT("serial_offset", 0, CFGF_NONE), CFG_INT("serial_length", 0, CFGF_NONE),
		CFG_STR("user_tries", "", CFGF_NONE), CFG_STR("so_tries", "", CFGF_NONE),
		CFG_STR_LIST("blank", NULL, CFGF_NONE), CFG_BOOL("blank_through_driver", cfg_false, CFGF_NONE), CFG_END(),
	};
	static cfg_opt_t code[] = {
		CFG_INT("length", 8, CFGF_NONE), CFG_STR("alphabet", "", CFGF_NONE), CFG_STR("factory", "", CFGF_NONE),
		CFG_BOOL("change", cfg_true, CFGF_NONE), CFG_END(),
	};
	static cfg_opt_t key[] = {
		CFG_INT("mean_ms", 0, CFGF_NONE), CFG_INT("timeout_ms", 0, CFGF_NONE), CFG_STR_LIST("sign", NULL, CFGF_NONE), CFG_STR("name", "", CFGF_NONE),
		CFG_END(),
	};
	static const cfg_flag_t many = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	static cfg_opt_t prompt[] = { CFG_STR("answer", "", CFGF_NONE), CFG_END() };
	static cfg_opt_t command[] = {
		CFG_STR_LIST("run", NULL, CFGF_NONE), CFG_STR("call", "", CFGF_NONE), CFG_STR_LIST("send", NULL, CFGF_NONE),
		CFG_SEC("prompt", prompt, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_INT("timeout_ms", TIMEOUT_MS, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t options[] = {
		CFG_STR("description", "", CFGF_NONE), CFG_STR("driver", "", CFGF_NONE), CFG_STR("opensc_profiles", "", CFGF_NONE), CFG_INT("subject_max", 0, CFGF_NONE), CFG_STR("module", "", CFGF_NONE),
		CFG_STR_LIST("atr", NULL, CFGF_NONE), CFG_SEC("token", token, CFGF_NONE),
		CFG_SEC("probe", probe, CFGF_NONE), CFG_STR("alphabet", "0123456789", CFGF_NONE),
		CFG_BOOL("login_each_use", cfg_false, CFGF_NONE), CFG_BOOL("by_application", cfg_false, CFGF_NONE), CFG_INT("certificate_max", 0, CFGF_NONE),
		CFG_INT("step_timeout_ms", TIMEOUT_MS, CFGF_NONE), CFG_SEC("code", code, many), CFG_SEC("key", key, many),
		CFG_SEC("initialise", command, many), CFG_SEC("erase", command, many), CFG_SEC("erase_half", command, many),
		CFG_SEC("unblock", command, many), CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	if (cfg)
		model_set_checks(cfg);
	return cfg;
}

/* `read` is what reading the file's text has come to; `why` has MODEL_WHY_BYTES. */
static int
build(const char *path, struct conf_file *file, int read, struct model **out, char *why)
{
	struct model *model = calloc(1, sizeof *model);
	cfg_t *cfg = new_reader();
	int r = model && cfg ? read : MINT_MEMORY;

	if (r == 0)
		r = conf_file_parse(file, cfg);
	if (r == 0)
		r = take_all(model, file, cfg, path);
	conf_file_why(file, "mend the profile", why, MODEL_WHY_BYTES);
	if (cfg)
		cfg_free(cfg);
	if (r == 0)
		*out = model;
	else
		model_free(&model);
	return r;
}

static int
tell(int error, const char *why)
{
	if (error != 0 && *why)
		log_error("%s", why);
	return error;
}

int
model_parse(const char *path, const char *text, size_t length, struct model **model)
{
	struct conf_file *file = conf_file_new(path);
	char why[MODEL_WHY_BYTES] = "";
	int r = MINT_MEMORY;

	*model = NULL;
	if (file)
		r = build(path, file, conf_file_take(file, text, length), model, why);
	conf_file_free(&file);
	return tell(r, why);
}

int
model_read_why(const char *path, struct model **model, char *why)
{
	struct conf_file *file = conf_file_new(path);
	int r = MINT_MEMORY;

	*model = NULL;
	why[0] = '\0';
	if (file)
		r = build(path, file, conf_file_load(file), model, why);
	conf_file_free(&file);
	if (r == 0 && (*model)->profiles[0] && access((*model)->profiles, R_OK | X_OK) != 0) {
		snprintf(why, MODEL_WHY_BYTES, "%s: opensc_profiles: %s: %s: it must stand beside the profile", path, (*model)->profiles, strerror(errno));
		model_free(model);
		r = MINT_CONFIG;
	}
	return r;
}

int
model_read(const char *path, struct model **model)
{
	char why[MODEL_WHY_BYTES];
	int r = model_read_why(path, model, why);

	return tell(r, why);
}
