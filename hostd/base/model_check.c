#include "hostd/base/model_check.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MIN_MS = 100, TIMEOUT_MAX_MS = 3600000 };

static const struct {
	const char *name, *variable;
} codes[CODES] = {
	[CODE_SO_PIN] = { "so-pin", "MINT_SO_PIN" },
	[CODE_SO_PUK] = { "so-puk", "MINT_SO_PUK" },
	[CODE_USER_PIN] = { "user-pin", "MINT_USER_PIN" },
	[CODE_USER_PUK] = { "user-puk", "MINT_USER_PUK" },
};

/* Placeholders, and where their text is. */
static const struct {
	const char *name;
	size_t      text; /* offset in struct model_texts */
} texts[] = {
	{ "label", offsetof(struct model_texts, label) },   { "reader", offsetof(struct model_texts, reader) },
	{ "serial", offsetof(struct model_texts, serial) }, { "key-id", offsetof(struct model_texts, key_id) },
	{ "key", offsetof(struct model_texts, key) },       { "profile", offsetof(struct model_texts, profile) },
};

/* What mint-worker may run; a profile is data and no way to run anything else. */
static const char *const programs[] = { "pkcs15-init", "pkcs15-tool" };

/* Options of those programs whose value is a code, so that none is ever written into a profile. */
static const char *const code_options[] = { "--pin", "--puk", "--so-pin", "--so-puk", "--new-pin" };

static const char *const calls[] = {
	[CALL_NONE] = "", [CALL_INIT_TOKEN] = "C_InitToken", [CALL_INIT_PIN] = "C_InitPIN",
};

static const char *const key_types[] = { "rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521" };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const char *
code_name(enum code code)
{
	return codes[code].name;
}

const char *
code_variable(enum code code)
{
	return codes[code].variable;
}

enum code
model_code_from(const char *name)
{
	enum code code = 0;

	while (code < CODES && strcmp(codes[code].name, name) != 0)
		code++;
	return code;
}

const char *
model_call_name(enum model_call call)
{
	return calls[call];
}

enum model_call
model_call_from(const char *name)
{
	for (enum model_call call = CALL_INIT_TOKEN; call < COUNT(calls); call++)
		if (strcmp(calls[call], name) == 0)
			return call;
	return CALL_NONE;
}

static bool
is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

bool
model_key_type_known(const char *name)
{
	return is_one_of(name, key_types, COUNT(key_types));
}

bool
model_bytes_from(const char *text, struct model_bytes *bytes)
{
	unsigned value;
	int used;

	bytes->length = 0;
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    bytes->length == sizeof bytes->data || sscanf(text, "%2x%n", &value, &used) != 1)
			return false;
		bytes->data[bytes->length++] = (uint8_t)value;
		text += used;
	}
	return true;
}

bool
model_atr_from(const char *text, struct model_atr *atr)
{
	char *copy = strdup(text), *slash = copy ? strchr(copy, '/') : NULL;
	struct model_bytes value = { .length = 0 }, mask = { .length = 0 };
	bool good;

	if (slash)
		*slash++ = '\0';
	good = copy && model_bytes_from(copy, &value) && value.length >= 2 && value.length <= MODEL_ATR_MAX;
	if (slash)
		good = good && model_bytes_from(slash, &mask) && mask.length == value.length;
	if (good) {
		memset(atr->mask, 0xff, sizeof atr->mask);
		memcpy(atr->value, value.data, value.length);
		memcpy(atr->mask, mask.data, mask.length);
		atr->length = value.length;
	}
	free(copy);
	return good;
}

enum code
model_code_placeholder(const char *argument)
{
	size_t length = strlen(argument);
	char name[16];

	if (length < 3 || length - 2 >= sizeof name || argument[0] != '<' || argument[length - 1] != '>')
		return CODES;
	memcpy(name, argument + 1, length - 2);
	name[length - 2] = '\0';
	return model_code_from(name);
}

static bool
is_text(const char *name)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		if (strcmp(name, texts[i].name) == 0)
			return true;
	return false;
}

/* Every <…> in it is a text that we know. */
static bool
texts_known(const char *argument)
{
	char name[16];
	int used;

	while ((argument = strchr(argument, '<'))) {
		used = 0;
		if (sscanf(argument, "<%15[a-z-]>%n", name, &used) != 1 || used == 0 || !is_text(name))
			return false;
		argument += used;
	}
	return true;
}

/* "--pin=1234", or an option that getopt_long would take for one of a code, cut short. */
static bool
holds_a_code(const char *argument)
{
	size_t length = strcspn(argument, "=");

	for (size_t i = 0; length > 3 && i < COUNT(code_options); i++)
		if (strncmp(argument, code_options[i], length) == 0 && (argument[length] == '=' || code_options[i][length]))
			return true;
	return false;
}

/* What would have OpenSC show commands with PINs in them, or read options from elsewhere. */
static bool
is_dangerous(const char *argument)
{
	static const char *const refused[] = { "-v", "--verb", "--opt", "--passph" };

	for (size_t i = 0; i < COUNT(refused); i++)
		if (strncmp(argument, refused[i], strlen(refused[i])) == 0)
			return true;
	return false;
}

/* Called for each value as it is read: looks at the last one and the one before it. */
static int
check_run(cfg_t *cfg, cfg_opt_t *option)
{
	unsigned last = cfg_opt_size(option) - 1;
	const char *argument = cfg_opt_getnstr(option, last);
	const char *before = last > 0 ? cfg_opt_getnstr(option, last - 1) : "";

	if (last == 0 && !is_one_of(argument, programs, COUNT(programs)))
		cfg_error(cfg, "run: \"%s\" is no program a profile may run: %s and %s are", argument, programs[0], programs[1]);
	else if (is_dangerous(argument))
		cfg_error(cfg, "run: %s is not for a profile: it shows codes, or takes options from elsewhere", argument);
	else if (holds_a_code(argument))
		cfg_error(cfg, "run: \"%.*s…\" holds a code: write the option and the placeholder as two texts", 8, argument);
	else if (is_one_of(before, code_options, COUNT(code_options)) && model_code_placeholder(argument) == CODES)
		cfg_error(cfg, "run: %s takes a code: <so-pin>, <so-puk>, <user-pin> or <user-puk>, nothing else", before);
	else if (model_code_placeholder(argument) == CODES && !texts_known(argument))
		cfg_error(cfg, "run: \"%s\" has an unknown placeholder", argument);
	else
		return 0;
	return -1;
}

bool
model_command_complete(const struct model_command *command)
{
	size_t count = 0;

	while (command->arguments[count])
		count++;
	return count > 0 && !is_one_of(command->arguments[count - 1], code_options, COUNT(code_options));
}

static bool
wants(const struct model_command *command, enum code code)
{
	for (char **argument = command->arguments; *argument; argument++)
		if (model_code_placeholder(*argument) == code)
			return true;
	for (size_t i = 0; i < command->prompt_count; i++)
		if (command->prompts[i].answer == code)
			return true;
	return (command->call != CALL_NONE && code == CODE_SO_PIN) || (command->call == CALL_INIT_PIN && code == CODE_USER_PIN);
}

enum code
model_command_lacks(const struct model_command *command, const struct model *model)
{
	enum code code = 0;

	while (code < CODES && (model->codes[code].length > 0 || !wants(command, code)))
		code++;
	return code;
}

enum code
model_command_lacking(const struct model_command *command, const char (*known)[MODEL_CODE_MAX + 1])
{
	enum code code = 0;

	while (code < CODES && (known[code][0] || !wants(command, code)))
		code++;
	return code;
}

static int
check_apdu(cfg_t *cfg, cfg_opt_t *option)
{
	struct model_bytes bytes;

	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		const char *text = cfg_opt_getnstr(option, i);

		if (model_bytes_from(text, &bytes) && bytes.length >= 4)
			continue;
		cfg_error(cfg, "%s: \"%s\" is no command APDU: give 4 to %d bytes in hex", cfg_opt_name(option), text,
		    MODEL_APDU_MAX);
		return -1;
	}
	return 0;
}

static int
check_atr(cfg_t *cfg, cfg_opt_t *option)
{
	struct model_atr atr;
	const char *text = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);

	if (model_atr_from(text, &atr))
		return 0;
	cfg_error(cfg, "atr: \"%s\" is not valid: give 2 to %d bytes in hex, and a mask of as many after a slash", text,
	    MODEL_ATR_MAX);
	return -1;
}

static int
check_range(cfg_t *cfg, cfg_opt_t *option, long low, long high)
{
	long value = cfg_opt_getnint(option, cfg_opt_size(option) - 1);

	if (value >= low && value <= high)
		return 0;
	cfg_error(cfg, "%s: is %ld: give a number from %ld to %ld", cfg_opt_name(option), value, low, high);
	return -1;
}

static int
check_timeout(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
}

static int
check_mean(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 1, TIMEOUT_MAX_MS / 6);
}

static int
check_byte(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 0, 255);
}

static int
check_serial_length(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 1, 32);
}

/* A pattern that fits any label would have every stranger's token taken for a blank one. */
static int
check_blank_label(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);
	size_t letters = 0;

	for (const char *c = text; *c; c++)
		letters += *c != '*' && *c != '?';
	if (letters >= 4 || !*text)
		return 0;
	cfg_error(cfg, "blank_label: \"%s\" would fit too much: give at least four characters that are neither * nor ?", text);
	return -1;
}

static int
check_certificate_max(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 256, 8192);
}

static int
check_code_length(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 4, MODEL_CODE_MAX);
}

/* At least ten different printable characters, none of which a shell, an environment or JSON would treat in its own way. */
static int
check_alphabet(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);

	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) || strchr(c + 1, *c)) {
			cfg_error(cfg, "alphabet: '%c' stands twice or is neither letter nor digit", *c);
			return -1;
		}
	if (strlen(text) >= 10)
		return 0;
	cfg_error(cfg, "alphabet: has fewer than ten characters");
	return -1;
}

static int
check_factory(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);

	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c)) {
			cfg_error(cfg, "factory: '%c' is neither letter nor digit", *c);
			return -1;
		}
	return 0;
}

void
model_set_checks(cfg_t *cfg)
{
	static const struct {
		const char          *option;
		cfg_validate_callback_t check;
	} checks[] = {
		{ "atr", check_atr }, { "alphabet", check_alphabet }, { "step_timeout_ms", check_timeout },
		{ "probe|select", check_apdu }, { "probe|serial", check_apdu }, { "probe|blank", check_apdu },
		{ "probe|user_tries", check_apdu }, { "probe|so_tries", check_apdu }, { "code|alphabet", check_alphabet },
		{ "code|factory", check_factory }, { "token|blank_label", check_blank_label }, { "key|mean_ms", check_mean }, { "certificate_max", check_certificate_max },
		{ "initialise|send", check_apdu }, { "unblock|run", check_run }, { "unblock|timeout_ms", check_timeout }, { "probe|lifecycle_tag", check_byte }, { "probe|lifecycle_finished", check_byte },
		{ "probe|serial_offset", check_byte }, { "probe|serial_length", check_serial_length },
		{ "code|length", check_code_length }, { "key|timeout_ms", check_timeout }, { "initialise|run", check_run },
		{ "initialise|timeout_ms", check_timeout }, { "erase|run", check_run }, { "erase|timeout_ms", check_timeout },
		{ "erase_half|run", check_run }, { "erase_half|timeout_ms", check_timeout },
	};

	for (size_t i = 0; i < COUNT(checks); i++)
		cfg_set_validate_func(cfg, checks[i].option, checks[i].check);
}

bool
model_initialise_makes_key(const struct model *model, const char *type)
{
	const struct model_key *key = model_key(model, type);

	if (!key || !key->name[0])
		return false;
	for (size_t i = 0; i < model->initialise.count; i++)
		for (char **argument = model->initialise.list[i].arguments; *argument; argument++)
			if (strstr(*argument, "<key>"))
				return true;
	return false;
}

/* The text of the placeholder at the beginning of `at`, whose length goes to *length; NULL when there is none. */
static const char *
text_at(const char *at, const struct model_texts *known, size_t *length)
{
	for (size_t i = 0; *at == '<' && i < COUNT(texts); i++) {
		size_t name = strlen(texts[i].name);
		const char *text;

		if (strncmp(at + 1, texts[i].name, name) != 0 || at[name + 1] != '>')
			continue;
		*length = name + 2;
		memcpy(&text, (const char *)known + texts[i].text, sizeof text);
		return text;
	}
	return NULL;
}

char *
model_expand(const char *argument, const struct model_texts *known)
{
	enum code code = model_code_placeholder(argument);
	char *text = NULL;
	size_t size;
	FILE *out;

	if (code != CODES)
		return asprintf(&text, "env:%s", codes[code].variable) < 0 ? NULL : text;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	while (*argument) {
		size_t length = 0;
		const char *value = text_at(argument, known, &length);

		if (value)
			fputs(value, out);
		else
			fputc(*argument, out);
		argument += value ? length : 1;
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
