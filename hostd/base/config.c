/* One table of keys: parsing, defaults, bounds and the page in docs/ follow it. */
#include "hostd/base/config.h"
#include "hostd/base/conf_file.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_TEXT, KIND_PATH, KIND_PRINTER, KIND_INTEGER };

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
	INTEGER(separate_users, 0, 1, 0),
	INTEGER(single_operator, 0, 1, 0),
	INTEGER(attempts_max, 1, 100, 3),
	INTEGER(step_timeout_ms, 100, 3600000, 180000),
#undef TEXT
#undef PATH
#undef INTEGER
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

static int
take_text(struct config *config, const struct key *key, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	const char *value = cfg_getstr(cfg, key->name);
	char **place = text_of(config, key);

	if (!value)
		return conf_file_refuse(file, NULL, NULL, "%s: is missing: add `%s = \"…\"`", key->name, key->name);
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

static int
take_bay(struct config *config, struct conf_file *file, cfg_t *section)
{
	struct config_bay *bay = &config->bays[config->bay_count];
	const char *reader = cfg_getstr(section, "reader"), *title = cfg_title(section);
	char *end;
	long number = strtol(title, &end, 10);

	if (*end != '\0' || number < 1 || number > CONFIG_BAYS_MAX)
		return conf_file_refuse(file, section, NULL, "bay \"%s\": is no bay number: give one from 1 to %d", title, CONFIG_BAYS_MAX);
	for (size_t i = 0; i < config->bay_count; i++)
		if (config->bays[i].number == number)
			return conf_file_refuse(file, section, NULL, "bay \"%s\": bay %ld is there already: give it another number", title,
			    number);
	if (!reader || !*reader)
		return conf_file_refuse(file, section, "reader",
		    "bay %ld: has no reader: add `reader = \"…\"` with a name of `mintctl doctor`", number);
	if (config_bay_of_reader(config, reader))
		return conf_file_refuse(file, section, "reader", "bay %ld: reader \"%s\" has another bay already: one bay a reader", number,
		    reader);
	bay->reader = strdup(reader);
	if (!bay->reader)
		return MINT_MEMORY;
	bay->number = (int)number;
	config->bay_count++;
	return 0;
}

static int
take_bays(struct config *config, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "bay");
	int r = 0;

	if (count == 0 || count > CONFIG_BAYS_MAX)
		return conf_file_refuse(file, NULL, NULL, "has %u bays: give from 1 to %d sections `bay N { reader = \"…\" }`", count,
		    CONFIG_BAYS_MAX);
	config->bay_count = 0; /* those of config->bays that are whole */
	config->bays = calloc(count, sizeof *config->bays);
	if (!config->bays)
		return MINT_MEMORY;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_bay(config, file, cfg_getnsec(cfg, "bay", i));
	return r;
}

static int
take_all(struct config *config, struct conf_file *file, cfg_t *cfg, const char *directory)
{
	int r = 0;

	for (size_t i = 0; i < KEY_COUNT && r == 0; i++)
		r = keys[i].kind == KIND_INTEGER ? take_integer(config, &keys[i], file, cfg)
		                                 : take_text(config, &keys[i], file, cfg, directory);
	return r == 0 ? take_bays(config, file, cfg) : r;
}

/* libconfuse's view of the table; the last rows are the bays and the end mark. */
static void
options_from_keys(cfg_opt_t *options, cfg_opt_t *bay_options)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		options[i] = keys[i].kind == KIND_INTEGER
		    ? (cfg_opt_t)CFG_INT(keys[i].name, keys[i].number, CFGF_NONE)
		    : (cfg_opt_t)CFG_STR(keys[i].name, keys[i].preset, CFGF_NONE);
	options[KEY_COUNT] = (cfg_opt_t)CFG_SEC("bay", bay_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	options[KEY_COUNT + 1] = (cfg_opt_t)CFG_END();
}

/* Reads the file and fills `config`; relative paths start at `directory`. */
static int
read_file(struct config *config, struct conf_file *file, const char *directory)
{
	cfg_opt_t bay_options[] = { CFG_STR("reader", NULL, CFGF_NONE), CFG_END() };
	cfg_opt_t options[KEY_COUNT + 2];
	cfg_t *cfg;
	int r;

	options_from_keys(options, bay_options);
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
	for (size_t i = 0; i < config->bay_count; i++)
		free(config->bays[i].reader);
	free(config->bays);
	free(config);
}

const struct config_bay *
config_bay_of_reader(const struct config *config, const char *reader)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (strcmp(config->bays[i].reader, reader) == 0)
			return &config->bays[i];
	return NULL;
}
