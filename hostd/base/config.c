/* One table of keys: parsing, defaults, bounds and the page in docs/ follow it. */
#include "hostd/base/config.h"
#include "hostd/base/conf_file.h"
#include "hostd/base/config_internal.h"
#include "hostd/base/hours.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_TEXT, KIND_PATH, KIND_PRINTER, KIND_HOURS, KIND_KEY_TYPE, KIND_INTEGER };

static const struct key {
	const char *name;
	enum kind   kind;
	size_t      offset;
	const char *preset;     /* default of a text or path; NULL: must be given */
	long        low, high, number; /* bounds and default of an integer */
} keys[] = {
#define TEXT(name, preset) { #name, KIND_TEXT, offsetof(struct config, name), preset, 0, 0, 0 }
#define PATH(name, preset) { #name, KIND_PATH, offsetof(struct config, name), preset, 0, 0, 0 }
#define INTEGER(name, low, high, number) { #name, KIND_INTEGER, offsetof(struct config, name), "", low, high, number }
	TEXT(bench, "bench-1"),
	PATH(programs, "/usr/lib/mintbench"),
	PATH(database, NULL),
	PATH(calendar, "/usr/share/mintbench/calendar/cn.conf"),
	PATH(module, "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"),
	PATH(models, "/usr/share/mintbench/models"),
	PATH(pcscd_socket, ""),
	PATH(work, "/run/mintbench"),
	PATH(station_key, NULL),
	PATH(office_certificate, NULL),
	PATH(api_socket, "/run/mintbench/api.sock"),
	INTEGER(api_port, -1, 65535, -1),
	PATH(api_port_file, ""),
	PATH(ca_directory, NULL),
	PATH(ca_passphrase, ""),
	PATH(ca_profiles, "/usr/share/mintbench/profiles"),
	TEXT(ca_profile, "institution"),
	PATH(label_layouts, "/usr/share/mintbench/labels"),
	{ "printer", KIND_PRINTER, offsetof(struct config, printer), NULL, 0, 0, 0 },
	{ "hours", KIND_HOURS, offsetof(struct config, hours), "", 0, 0, 0 },
	INTEGER(separate_users, 0, 1, 0),
	INTEGER(single_operator, 0, 1, 0),
	INTEGER(attempts_max, 1, 100, 3),
	INTEGER(step_timeout_ms, 100, 3600000, 180000),
	INTEGER(deaths_max, 2, 100, 10),
	INTEGER(deaths_within_s, 1, 86400, 600),
	INTEGER(down_s, 0, 86400, 600),
	INTEGER(silent_max_s, 0, 86400, 0),
	INTEGER(stock_keep, 0, 100000, 0),
	INTEGER(stock_low, 0, 100000, 0),
	{ "stock_key_type", KIND_KEY_TYPE, offsetof(struct config, stock_key_type), "p256", 0, 0, 0 },
	INTEGER(power_off_ms, 100, 60000, 800),
#undef TEXT
#undef PATH
#undef INTEGER
};

enum { SOCKET_PATH_MAX = 107 }; /* unix(7) */
enum { SECTIONS = 4 };

struct section {
	const char *name;
	cfg_opt_t  *options;
	bool        repeated; /* each with a title of its own */
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

static char **
text_of(struct config *config, const struct key *key)
{
	return (char **)((char *)config + key->offset);
}

/* A path of the file is relative to the file; an empty one stays empty. */
static char *
path_from(const char *directory, const char *path)
{
	char *joined = NULL;

	if (path[0] == '/' || path[0] == '\0')
		return strdup(path);
	return asprintf(&joined, "%s/%s", directory, path) < 0 ? NULL : joined;
}

static char *
printer_from(const char *directory, const char *printer)
{
	static const char scheme[] = "file:";
	char *path, *joined = NULL;

	if (strncmp(printer, scheme, sizeof scheme - 1) != 0)
		return strdup(printer);
	path = path_from(directory, printer + sizeof scheme - 1);
	if (path && asprintf(&joined, "%s%s", scheme, path) < 0)
		joined = NULL;
	free(path);
	return joined;
}

/* Those that an application can ask for: " rsa2048 p256". */
static const char key_types[] = ""
#define KEY(name, text, ...) " " text
#include "schemas/application.def"
    ;

static bool
is_key_type(const char *name)
{
	size_t length = strlen(name);
	const char *at = key_types;

	while (length > 0 && (at = strchr(at, ' ')))
		if (strncmp(++at, name, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static int
take_text(struct config *config, const struct key *key, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	const char *value = cfg_getstr(cfg, key->name);
	char **place = text_of(config, key);
	struct hours hours;

	if (!value)
		return conf_file_refuse(file, NULL, NULL, "%s: is missing: add `%s = \"…\"`", key->name, key->name);
	if (key->kind == KIND_HOURS && hours_read(value, &hours) != 0)
		return conf_file_refuse(file, cfg, key->name, "%s: \"%s\": give \"hh:mm-hh:mm\", the second later than the first, or \"\"", key->name, value);
	if (key->kind == KIND_KEY_TYPE && !is_key_type(value))
		return conf_file_refuse(file, cfg, key->name, "%s: there is no key type \"%s\": give one of%s", key->name, value, key_types);
	*place = key->kind == KIND_PATH ? path_from(directory, value)
	       : key->kind == KIND_PRINTER ? printer_from(directory, value) : strdup(value);
	return *place ? 0 : MINT_MEMORY;
}

static int
take_integer(struct config *config, const struct key *key, struct conf_file *file, cfg_t *cfg)
{
	long value = cfg_getint(cfg, key->name);

	if (value < key->low || value > key->high)
		return conf_file_refuse(file, cfg, key->name, "%s: is %ld: give a number from %ld to %ld", key->name, value, key->low, key->high);
	*(int *)((char *)config + key->offset) = (int)value;
	return 0;
}

/* --- instances of pcscd */

static bool
is_pcscd_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(name);

	return length > 0 && length <= CONFIG_PCSCD_NAME_MAX && strspn(name, allowed) == length;
}

/* The program is a path like any other; its arguments are its own and go on as they are. */
static int
take_start(struct config_pcscd *pcscd, struct conf_file *file, cfg_t *section, const char *directory)
{
	unsigned count = cfg_size(section, "start");

	pcscd->start = calloc(count + 1, sizeof *pcscd->start);
	for (unsigned i = 0; pcscd->start && i < count; i++) {
		const char *word = cfg_getnstr(section, "start", i);

		pcscd->start[i] = i == 0 ? path_from(directory, word) : strdup(word);
		if (!pcscd->start[i])
			return MINT_MEMORY;
	}
	if (pcscd->start && count > 0 && !pcscd->start[0][0])
		return conf_file_refuse(file, section, "start", "pcscd %s: start: is empty: give a program and its arguments, or take it away", pcscd->name);
	return pcscd->start ? 0 : MINT_MEMORY;
}

static int
check_pcscd(const struct config *config, struct conf_file *file, cfg_t *section, const struct config_pcscd *pcscd)
{
	if (!is_pcscd_name(pcscd->name))
		return conf_file_refuse(file, section, NULL, "pcscd \"%s\": is no name: give letters, digits, _ and -, at most %d", pcscd->name,
		    CONFIG_PCSCD_NAME_MAX);
	if (!pcscd->socket[0])
		return conf_file_refuse(file, section, NULL, "pcscd %s: has no socket: add `socket = \"…\"`", pcscd->name);
	if (strlen(pcscd->socket) > SOCKET_PATH_MAX)
		return conf_file_refuse(file, section, "socket", "pcscd %s: socket: is longer than %d bytes: give a shorter path", pcscd->name, SOCKET_PATH_MAX);
	for (size_t i = 0; i < config->pcscd_count; i++)
		if (strcmp(config_pcscd_path(&config->pcscds[i]), pcscd->socket) == 0)
			return conf_file_refuse(file, section, "socket", "pcscd %s: another instance has this socket already: two would watch one reader",
			    pcscd->name);
	return 0;
}

static int
take_pcscd(struct config *config, struct conf_file *file, cfg_t *section, const char *directory)
{
	struct config_pcscd *pcscd = &config->pcscds[config->pcscd_count];
	int r;

	pcscd->name = strdup(cfg_title(section));
	pcscd->socket = path_from(directory, cfg_getstr(section, "socket"));
	r = pcscd->name && pcscd->socket ? take_start(pcscd, file, section, directory) : MINT_MEMORY;
	if (r == 0)
		r = check_pcscd(config, file, section, pcscd);
	config->pcscd_count += r == 0;
	return r;
}

/* The first is there without a section. */
static int
take_pcscds(struct config *config, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	unsigned count = cfg_size(cfg, "pcscd");
	int r = 0;

	if (count > CONFIG_PCSCD_MAX)
		return conf_file_refuse(file, NULL, NULL, "has %u sections `pcscd`: give at most %d", count, CONFIG_PCSCD_MAX);
	config->pcscds = calloc(count + 2, sizeof *config->pcscds); /* the last one may be half made */
	if (!config->pcscds)
		return MINT_MEMORY;
	config->pcscds[0] = (struct config_pcscd){
		.name = strdup(""), .socket = strdup(config->pcscd_socket), .start = calloc(1, sizeof *config->pcscds[0].start),
	};
	if (!config->pcscds[0].name || !config->pcscds[0].socket || !config->pcscds[0].start)
		return MINT_MEMORY;
	config->pcscd_count = 1;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_pcscd(config, file, cfg_getnsec(cfg, "pcscd", i), directory);
	return r;
}

/* --- bays */

static int
bay_number(const struct config *config, struct conf_file *file, cfg_t *section, int *number)
{
	const char *title = cfg_title(section);
	char *end;
	long value = strtol(title, &end, 10);

	if (*end != '\0' || value < 1 || value > CONFIG_BAYS_MAX)
		return conf_file_refuse(file, section, NULL, "bay \"%s\": is no bay number: give one from 1 to %d", title, CONFIG_BAYS_MAX);
	if (config_bay(config, (int)value))
		return conf_file_refuse(file, section, NULL, "bay \"%s\": bay %ld is there already: give it another number", title, value);
	*number = (int)value;
	return 0;
}

/* Variables that steer us or the dynamic linker, and the one that makes OpenSC log PINs. */
static bool
is_ours(const char *variable)
{
	static const char *const ours[] = { "LD_", "MINT_", "OPENSC_DEBUG=", "OPENSC_CONF=", "PATH=", "HOME=" };

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static int
take_environment(struct config_bay *bay, struct conf_file *file, cfg_t *section)
{
	unsigned count = cfg_size(section, "environment");

	bay->environment = calloc(count + 1, sizeof *bay->environment);
	for (unsigned i = 0; bay->environment && i < count; i++) {
		const char *variable = cfg_getnstr(section, "environment", i);

		if (strcspn(variable, "=") == 0 || !strchr(variable, '=') || is_ours(variable))
			return conf_file_refuse(file, section, "environment",
			    "bay %d: environment: \"%s\" is not NAME=value, or a variable that a bay may not set", bay->number, variable);
		bay->environment[i] = strdup(variable);
		if (!bay->environment[i])
			return MINT_MEMORY;
	}
	return bay->environment ? 0 : MINT_MEMORY;
}

/* The same name may stand for a reader of each instance. */
static const struct config_bay *
bay_of_reader(const struct config *config, size_t pcscd, const char *reader)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (config->bays[i].pcscd == pcscd && strcmp(config->bays[i].reader, reader) == 0)
			return &config->bays[i];
	return NULL;
}

static bool
same_environment(char *const *one, char *const *other)
{
	for (; *one && *other; one++, other++)
		if (strcmp(*one, *other) != 0)
			return false;
	return !*one && !*other;
}

/* Without a slot of its own a bay takes whatever the module shows. */
static bool
slot_of_another(const struct config *config, const struct config_bay *bay)
{
	for (size_t i = 0; i < config->bay_count; i++) {
		const struct config_bay *other = &config->bays[i];

		if (config_bay_is_slot(other) && strcmp(other->module, bay->module) == 0 &&
		    (!other->slot[0] || !bay->slot[0] || strcmp(other->slot, bay->slot) == 0) &&
		    same_environment(other->environment, bay->environment))
			return true;
	}
	return false;
}

static int
take_pcscd_of_bay(const struct config *config, struct config_bay *bay, struct conf_file *file, cfg_t *section)
{
	const char *name = cfg_getstr(section, "pcscd");

	if (!name)
		return 0;
	for (size_t i = 1; i < config->pcscd_count; i++)
		if (strcmp(config->pcscds[i].name, name) == 0)
			bay->pcscd = i;
	if (bay->pcscd == 0)
		return conf_file_refuse(file, section, "pcscd", "bay %d: there is no pcscd \"%s\": add `pcscd %s { socket = \"…\" }`, or name one that is there",
		    bay->number, name, name);
	if (config_bay_is_slot(bay))
		return conf_file_refuse(file, section, "pcscd", "bay %d: is a slot, which no pcscd knows: take `pcscd` away, or add `reader = \"…\"`",
		    bay->number);
	return 0;
}

static int
check_bay(const struct config *config, struct conf_file *file, cfg_t *section, const struct config_bay *bay)
{
	if (!bay->reader[0] && !bay->module[0])
		return conf_file_refuse(file, section, "reader", "bay %d: has no reader: add `reader = \"…\"` with a name of `mintctl doctor`, "
		    "or `module = \"…\"` for a PKCS#11 slot that PC/SC does not know", bay->number);
	if (config_bay_is_slot(bay) && slot_of_another(config, bay))
		return conf_file_refuse(file, section, "module", "bay %d: another bay has the same module, slot and environment already: two would work on "
		    "one token", bay->number);
	if (bay->reader[0] && !config_bay_is_pattern(bay) && bay_of_reader(config, bay->pcscd, bay->reader))
		return conf_file_refuse(file, section, "reader", "bay %d: reader \"%s\" has another bay already: one bay a reader", bay->number,
		    bay->reader);
	return 0;
}

static int
take_bay(struct config *config, struct conf_file *file, cfg_t *section, const char *directory)
{
	struct config_bay *bay = &config->bays[config->bay_count];
	int r = bay_number(config, file, section, &bay->number);

	if (r != 0)
		return r;
	bay->reader = strdup(cfg_getstr(section, "reader"));
	bay->module = path_from(directory, cfg_getstr(section, "module"));
	bay->slot = strdup(cfg_getstr(section, "slot"));
	bay->model = strdup(cfg_getstr(section, "model"));
	if (!bay->reader || !bay->module || !bay->slot || !bay->model)
		return MINT_MEMORY;
	r = take_environment(bay, file, section);
	if (r == 0)
		r = take_pcscd_of_bay(config, bay, file, section);
	if (r == 0)
		r = check_bay(config, file, section, bay);
	config->bay_count += r == 0;
	return r;
}

static int
take_bays(struct config *config, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	unsigned count = cfg_size(cfg, "bay");
	int r = 0;

	if (count == 0 || count > CONFIG_BAYS_MAX)
		return conf_file_refuse(file, NULL, NULL, "has %u bays: give from 1 to %d sections `bay N { reader = \"…\" }`", count,
		    CONFIG_BAYS_MAX);
	config->bay_count = 0; /* those of config->bays that are whole */
	config->bays = calloc(count + 1, sizeof *config->bays); /* the last one may be half made */
	if (!config->bays)
		return MINT_MEMORY;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_bay(config, file, cfg_getnsec(cfg, "bay", i), directory);
	return r;
}

static int
take_all(struct config *config, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	int r = 0;

	for (size_t i = 0; i < KEY_COUNT && r == 0; i++)
		r = keys[i].kind == KIND_INTEGER ? take_integer(config, &keys[i], file, cfg)
		                                 : take_text(config, &keys[i], file, cfg, directory);
	if (r == 0)
		r = take_pcscds(config, file, cfg, directory);
	if (r == 0)
		r = take_bays(config, file, cfg, directory);
	return r == 0 ? config_take_hardware(config, file, cfg) : r;
}

/* libconfuse's view of the table; the last rows are the sections and the end mark. */
static void
options_from_keys(cfg_opt_t *options, const struct section *sections)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		options[i] = keys[i].kind == KIND_INTEGER
		    ? (cfg_opt_t)CFG_INT(keys[i].name, keys[i].number, CFGF_NONE)
		    : (cfg_opt_t)CFG_STR(keys[i].name, keys[i].preset, CFGF_NONE);
	for (size_t i = 0; i < SECTIONS; i++)
		options[KEY_COUNT + i] = (cfg_opt_t)CFG_SEC(sections[i].name, sections[i].options,
		    sections[i].repeated ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE);
	options[KEY_COUNT + SECTIONS] = (cfg_opt_t)CFG_END();
}

/* Reads the file and fills `config`; relative paths start at `directory`. */
static int
read_file(struct config *config, struct conf_file *file, const char *directory)
{
	cfg_opt_t pcscd_options[] = { CFG_STR("socket", "", CFGF_NONE), CFG_STR_LIST("start", NULL, CFGF_NONE), CFG_END() };
	cfg_opt_t bay_options[] = {
		CFG_STR("pcscd", NULL, CFGF_NONE), CFG_STR("reader", "", CFGF_NONE), CFG_STR("module", "", CFGF_NONE), CFG_STR("slot", "", CFGF_NONE),
		CFG_STR("model", "", CFGF_NONE), CFG_STR_LIST("environment", NULL, CFGF_NONE), CFG_STR("port", "", CFGF_NONE),
		CFG_STR("power", NULL, CFGF_NONE), CFG_END(),
	};
	cfg_opt_t station_options[] = { CFG_STR("serial", "", CFGF_NONE), CFG_INT("first_bay", 1, CFGF_NONE), CFG_END() };
	cfg_opt_t line_options[CONFIG_LINES + 1];
	const struct section sections[SECTIONS] = {
		{ "pcscd", pcscd_options, true }, { "bay", bay_options, true }, { "station", station_options, true }, { "lines", line_options, false },
	};
	cfg_opt_t options[KEY_COUNT + SECTIONS + 1];
	cfg_t *cfg;
	int r;

	for (enum config_line line = 0; line < CONFIG_LINES; line++)
		line_options[line] = (cfg_opt_t)CFG_STR(config_line_name(line), "", CFGF_NONE);
	line_options[CONFIG_LINES] = (cfg_opt_t)CFG_END();
	options_from_keys(options, sections);
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return MINT_MEMORY;
	if ((r = conf_file_load(file)) == 0 && (r = conf_file_parse(file, cfg)) == 0)
		r = take_all(config, file, cfg, directory);
	cfg_free(cfg);
	return r;
}

int
config_read(const char *path, struct config **out)
{
	struct config *config = calloc(1, sizeof *config);
	char *whole = realpath(path, NULL), *copy = whole ? strdup(whole) : NULL, why[PATH_MAX + 512];
	struct conf_file *file = whole ? conf_file_new(whole) : NULL;
	int r = MINT_MEMORY;

	*out = NULL;
	if (!whole) {
		log_error("%s: %s: name the configuration with --config", path, strerror(errno));
		r = MINT_NOT_FOUND;
		goto out;
	}
	if (!config || !copy || !file)
		goto out;
	r = read_file(config, file, dirname(copy));
	conf_file_why(file, error_info(MINT_CONFIG)->next[MINT_EN], why, sizeof why);
	if (r != 0 && *why)
		log_error("%s", why);
out:
	conf_file_free(&file);
	free(whole);
	free(copy);
	if (r == 0)
		*out = config;
	else
		config_free(&config);
	return r;
}

static void
free_list(char **list)
{
	for (char **text = list; text && *text; text++)
		free(*text);
	free(list);
}

static void
pcscd_free(struct config_pcscd *pcscd)
{
	free(pcscd->name);
	free(pcscd->socket);
	free_list(pcscd->start);
}

static void
bay_free(struct config_bay *bay)
{
	free_list(bay->environment);
	free(bay->reader);
	free(bay->module);
	free(bay->slot);
	free(bay->model);
	free(bay->port);
}

void
config_free(struct config **place)
{
	struct config *config = *place;

	*place = NULL;
	if (!config)
		return;
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].kind != KIND_INTEGER)
			free(*text_of(config, &keys[i]));
	for (size_t i = 0; config->pcscds && i <= config->pcscd_count; i++)
		pcscd_free(&config->pcscds[i]);
	free(config->pcscds);
	for (size_t i = 0; config->bays && i <= config->bay_count; i++)
		bay_free(&config->bays[i]);
	free(config->bays);
	config_free_hardware(config);
	free(config);
}

const struct config_bay *
config_bay(const struct config *config, int number)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (config->bays[i].number == number)
			return &config->bays[i];
	return NULL;
}

bool
config_pcscd_has_bays(const struct config *config, size_t pcscd)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (!config_bay_is_slot(&config->bays[i]) && config->bays[i].pcscd == pcscd)
			return true;
	return false;
}

const char *
config_pcscd_path(const struct config_pcscd *pcscd)
{
	return pcscd->socket[0] ? pcscd->socket : "/run/pcscd/pcscd.comm"; /* pcsc-lite's own, as Debian builds it */
}

void
config_pcscd_choose(const struct config_pcscd *pcscd)
{
	if (pcscd->socket[0])
		setenv("PCSCLITE_CSOCK_NAME", pcscd->socket, 1);
}

bool
config_bay_is_slot(const struct config_bay *bay)
{
	return bay->reader[0] == '\0';
}

bool
config_bay_is_pattern(const struct config_bay *bay)
{
	return strpbrk(bay->reader, "*?") != NULL;
}
