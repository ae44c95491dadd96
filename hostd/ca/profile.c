/* Profiles from files: libconfuse parses, profile_check.c is strict, the rest here takes over what is known to be good. */
#include "hostd/ca/profile.h"
#include "hostd/ca/extension.h"
#include "hostd/ca/profile_check.h"
#include "hostd/ca/request.h"
#include "schemas/errors.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static struct words
words_of(cfg_t *section, const char *key, const char **room, size_t room_count)
{
	struct words words = { room, 0 };

	for (; words.count < cfg_size(section, key) && words.count < room_count; words.count++)
		room[words.count] = cfg_getnstr(section, key, (unsigned)words.count);
	return words;
}

/* NULL is pushed as failure: the maker could not make it. */
static int
push(struct profile *profile, X509_EXTENSION *extension)
{
	if (extension && sk_X509_EXTENSION_push(profile->fixed, extension) > 0)
		return 0;
	X509_EXTENSION_free(extension);
	return MINT_MEMORY;
}

static int
take_fixed(struct profile *profile, cfg_t *section)
{
	const char *room[PROFILE_WORDS_MAX], *more[PROFILE_WORDS_MAX];
	struct words words, ocsp;
	int r;

	profile->fixed = sk_X509_EXTENSION_new_null();
	if (!profile->fixed)
		return MINT_MEMORY;
	words = words_of(section, "key_usage", room, PROFILE_WORDS_MAX);
	r = push(profile, extension_key_usage(words));
	words = words_of(section, "extended_key_usage", room, PROFILE_WORDS_MAX);
	if (r == 0 && words.count)
		r = push(profile, extension_extended_key_usage(words));
	words = words_of(section, "policies", room, PROFILE_WORDS_MAX);
	if (r == 0 && words.count)
		r = push(profile, extension_policies(words, cfg_getstr(section, "cps")));
	words = words_of(section, "crl", room, PROFILE_WORDS_MAX);
	if (r == 0 && words.count)
		r = push(profile, extension_crl_addresses(words));
	words = words_of(section, "ca_issuers", room, PROFILE_WORDS_MAX);
	ocsp = words_of(section, "ocsp", more, PROFILE_WORDS_MAX);
	if (r == 0 && words.count + ocsp.count)
		r = push(profile, extension_authority_addresses(words, ocsp));
	return r;
}

static int
take_fields(struct profile_field **list, size_t *count, cfg_t *profile, const char *key)
{
	unsigned n = cfg_size(profile, key);

	*list = calloc(n ? n : 1, sizeof **list);
	if (!*list)
		return MINT_MEMORY;
	for (unsigned i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(profile, key, i);
		const char *field = cfg_getstr(section, "field"), *value = cfg_getstr(section, "value");
		struct profile_field *to = &(*list)[(*count)++];

		to->type = OBJ_txt2obj(cfg_title(section), 0);
		to->field = field ? strdup(field) : NULL;
		to->value = value ? strdup(value) : NULL;
		to->optional = cfg_getbool(section, "optional");
		to->critical = strcmp(key, "extension") == 0 && cfg_getbool(section, "critical");
		if (!to->type || (!to->field && !to->value))
			return MINT_MEMORY;
		profile_string_rules(section, to->type, to);
	}
	return 0;
}

static int
take_profile(struct profile *profile, cfg_t *section)
{
	int r;

	profile->name = strdup(cfg_title(section));
	profile->title = strdup(cfg_getstr(section, "title"));
	if (!profile->name || !profile->title)
		return MINT_MEMORY;
	profile->validity_days = (int)cfg_getint(section, "validity_days");
	profile->backdate_minutes = (int)cfg_getint(section, "backdate_minutes");
	for (unsigned i = 0; i < cfg_size(section, "keys"); i++)
		profile->key_types |= key_type_by_name(cfg_getnstr(section, "keys", i));
	r = take_fixed(profile, section);
	if (r == 0)
		r = take_fields(&profile->names, &profile->name_count, section, "subject");
	return r == 0 ? take_fields(&profile->values, &profile->value_count, section, "extension") : r;
}

static int
take_all(struct profiles *profiles, struct conf_file *file, cfg_t *cfg, struct reason *reason)
{
	unsigned n = cfg_size(cfg, "profile");
	struct profile *list = realloc(profiles->list, (profiles->count + n + 1) * sizeof *list);

	if (!list)
		return MINT_MEMORY;
	profiles->list = list;
	for (unsigned i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(cfg, "profile", i);
		struct profile *profile = &list[profiles->count];

		if (profile_find(profiles, cfg_title(section)))
			return conf_file_refuse(file, section, NULL, "profile \"%s\" is there twice: rename one", cfg_title(section));
		memset(profile, 0, sizeof *profile);
		profiles->count++;
		if (take_profile(profile, section) != 0)
			return reason_set_openssl(reason, MINT_MEMORY, "certificate profiles");
	}
	return 0;
}

static cfg_opt_t field_options[] = {
	CFG_STR("field", NULL, CFGF_NODEFAULT),
	CFG_STR("value", NULL, CFGF_NODEFAULT),
	CFG_STR("string", NULL, CFGF_NODEFAULT),
	CFG_INT("chars", 0, CFGF_NODEFAULT),
	CFG_BOOL("optional", cfg_false, CFGF_NONE),
	CFG_BOOL("critical", cfg_false, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t profile_options[] = {
	CFG_STR("title", "", CFGF_NONE),
	CFG_INT("validity_days", 0, CFGF_NODEFAULT),
	CFG_INT("backdate_minutes", 0, CFGF_NONE),
	CFG_STR_LIST("keys", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("key_usage", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("extended_key_usage", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("policies", NULL, CFGF_NODEFAULT),
	CFG_STR("cps", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("crl", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("ca_issuers", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("ocsp", NULL, CFGF_NODEFAULT),
	CFG_SEC("subject", field_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("extension", field_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

static cfg_opt_t options[] = {
	CFG_SEC("profile", profile_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

/* `read` is what reading the file's text has come to. */
static int
take_file(struct profiles *profiles, struct conf_file *file, int read, struct reason *reason)
{
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	char why[sizeof reason->text];
	int r = cfg ? read : MINT_MEMORY;

	*reason = (struct reason){ .error = 0 };
	if (r == 0) {
		profile_check_all(cfg);
		r = conf_file_parse(file, cfg);
	}
	if (r == 0)
		r = take_all(profiles, file, cfg, reason);
	if (cfg)
		cfg_free(cfg);
	conf_file_why(file, NULL, why, sizeof why);
	return r == 0 || reason->error ? r : reason_set(reason, r, "%s", *why ? why : "certificate profiles: out of memory");
}

int
profiles_read(struct profiles *profiles, FILE *stream, const char *file_name, struct reason *reason)
{
	char *text = malloc(PROFILE_FILE_MAX + 1);
	struct conf_file *file = conf_file_new(file_name);
	size_t bytes;
	int r;

	if (!text || !file) {
		r = reason_set(reason, MINT_MEMORY, "%s: out of memory", file_name);
		goto out;
	}
	bytes = fread(text, 1, PROFILE_FILE_MAX + 1, stream);
	if (ferror(stream))
		r = reason_set(reason, MINT_CONFIG, "%s: cannot be read: %s", file_name, strerror(errno));
	else
		r = take_file(profiles, file, conf_file_take(file, text, bytes), reason);
out:
	conf_file_free(&file);
	free(text);
	return r;
}

static int
is_profile_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int
read_named(struct profiles *profiles, const char *directory, const char *name, struct reason *reason)
{
	char *path = NULL;
	struct conf_file *file;
	int r;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return reason_set(reason, MINT_MEMORY, "%s: out of memory", name);
	file = conf_file_new(path);
	r = file ? take_file(profiles, file, conf_file_load(file), reason) : reason_set(reason, MINT_MEMORY, "%s: out of memory", name);
	conf_file_free(&file);
	free(path);
	return r;
}

int
profiles_read_directory(struct profiles *profiles, const char *path, struct reason *reason)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, is_profile_file, alphasort), r = 0;

	if (count <= 0)
		r = reason_set(reason, MINT_NOT_FOUND, "%s: %s: name the directory with the certificate profiles (*.conf)", path,
		    count < 0 ? strerror(errno) : "holds no profile");
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = read_named(profiles, path, names[i]->d_name, reason);
		free(names[i]);
	}
	free(names);
	return r;
}

static void
fields_free(struct profile_field *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ASN1_OBJECT_free(list[i].type);
		free(list[i].field);
		free(list[i].value);
	}
	free(list);
}

void
profiles_clear(struct profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++) {
		struct profile *profile = &profiles->list[i];

		fields_free(profile->names, profile->name_count);
		fields_free(profile->values, profile->value_count);
		sk_X509_EXTENSION_pop_free(profile->fixed, X509_EXTENSION_free);
		free(profile->name);
		free(profile->title);
	}
	free(profiles->list);
	*profiles = (struct profiles){ .list = NULL };
}

const struct profile *
profile_find(const struct profiles *profiles, const char *name)
{
	for (size_t i = 0; i < profiles->count; i++)
		if (strcmp(profiles->list[i].name, name) == 0)
			return &profiles->list[i];
	return NULL;
}
