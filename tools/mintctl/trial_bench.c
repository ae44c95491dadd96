#include "tools/mintctl/trial_bench.h"
#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tools/drive/office.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATION_KEY_BYTES = 32, PROFILE_MAX = 64 * 1024, WALK_FDS = 16 };

void
bench_path(const struct trial_bench *bench, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/%s", bench->directory, name);
}

/* --- files */

static int
write_into(const char *path, const char *name, const void *bytes, size_t length)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (directory < 0)
		return MINT_STORAGE;
	r = keep_instead(directory, name, bytes, length);
	if (r == 0)
		r = keep_sync(directory);
	close(directory);
	return r;
}

static int
write_file(const struct trial_bench *bench, const char *name, const void *bytes, size_t length)
{
	return write_into(bench->directory, name, bytes, length);
}

int
bench_keep(const struct trial_bench *bench, const char *name, const struct blob *blob)
{
	return write_file(bench, name, blob->data, blob->length);
}

struct blob
bench_kept(const struct trial_bench *bench, const char *name, uint8_t *bytes)
{
	char path[PATH_MAX];
	size_t length = 0;
	FILE *file;

	bench_path(bench, name, path);
	file = fopen(path, "re");
	if (file) {
		length = fread(bytes, 1, TRIAL_BLOB_MAX, file);
		fclose(file);
	}
	return (struct blob){ bytes, (uint32_t)length };
}

void
bench_forget(const struct trial_bench *bench, const char *name)
{
	char path[PATH_MAX];

	bench_path(bench, name, path);
	unlink(path);
}

static int
make_directory(const struct trial_bench *bench, const char *name)
{
	char path[PATH_MAX];

	bench_path(bench, name, path);
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : MINT_STORAGE;
}

/* --- making it */

static int
make_secrets(const struct trial_bench *bench)
{
	uint8_t key[STATION_KEY_BYTES];
	char office_key[PATH_MAX], office[PATH_MAX];
	int r = RAND_priv_bytes(key, sizeof key) == 1 ? write_file(bench, "station.key", key, sizeof key) : MINT_CRYPTO;

	OPENSSL_cleanse(key, sizeof key);
	bench_path(bench, "office.key", office_key);
	bench_path(bench, "office.pem", office);
	return r == 0 ? office_found(office_key, office) : r;
}

int
bench_make(struct trial_bench *bench, const char *again)
{
	const char *base = getenv("TMPDIR");
	char path[PATH_MAX];
	int r;

	*bench = (struct trial_bench){ .kept = again != NULL };
	if (again) {
		if (!realpath(again, path) || strlen(path) >= sizeof bench->directory)
			return MINT_NOT_FOUND;
		memcpy(bench->directory, path, strlen(path) + 1);
		bench_path(bench, "station.key", path);
		return access(path, R_OK) == 0 ? 0 : MINT_NOT_FOUND;
	}
	snprintf(bench->directory, sizeof bench->directory, "%s/mintbench-trial-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(bench->directory))
		return MINT_STORAGE;
	r = make_directory(bench, "work");
	return r == 0 ? make_secrets(bench) : r;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

void
bench_wipe(const struct trial_bench *bench)
{
	nftw(bench->directory, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}

/* --- configurations */

/* A text of libconfuse: quote and backslash would end it or change it. */
static void
put_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (strchr("\"\\", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void
put_key(FILE *out, const char *key, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "%s = ", key);
	put_text(out, text);
	fputc('\n', out);
}

static void
put_bay(FILE *out, const struct trial_place *place, const char *only)
{
	fprintf(out, "bay %d {\n", TRIAL_BAY);
	put_key(out, "reader", place->reader.name);
	put_key(out, "module", place->bay ? place->bay->module : place->module);
	put_key(out, "slot", place->bay ? place->bay->slot : place->slot);
	put_key(out, "model", only);
	for (char **variable = place->bay ? place->bay->environment : NULL; variable && *variable; variable++) {
		fputs("environment += {", out);
		put_text(out, *variable);
		fputs("}\n", out);
	}
	fputs("}\n", out);
}

static int
write_configuration(const struct trial_bench *bench, const char *name, const struct config *config, const struct trial_place *place,
    const char *models, const char *only)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int r;

	if (!out)
		return MINT_MEMORY;
	fputs("database = \"no.db\"\nca_directory = \"no\"\nprinter = \"file:no\"\nwork = \"work\"\nstation_key = \"station.key\"\n"
	      "office_certificate = \"office.pem\"\n", out);
	put_key(out, "module", config->module);
	put_key(out, "models", models);
	put_key(out, "pcscd_socket", config->pcscds[place->pcscd].socket);
	fprintf(out, "step_timeout_ms = %d\n", config->step_timeout_ms);
	put_bay(out, place, only);
	r = fclose(out) == 0 ? write_file(bench, name, text, length) : MINT_MEMORY;
	free(text);
	return r;
}

/* The bytes of a file with a NUL behind them; the caller frees. */
static int
read_text(const char *path, char **text)
{
	FILE *file = fopen(path, "re");
	size_t length;

	*text = file ? calloc(1, PROFILE_MAX + 1) : NULL;
	length = *text ? fread(*text, 1, PROFILE_MAX, file) : 0;
	if (file)
		fclose(file);
	return !file ? MINT_NOT_FOUND : *text && length > 0 ? 0 : MINT_CONFIG;
}

/* A profile may name a directory beside it (`opensc_profiles`): all that stand there are shown beside the copy. */
static int
link_directories(const char *from, const char *to)
{
	char base[PATH_MAX], *target;
	const struct dirent *entry;
	DIR *directory = realpath(from, base) ? opendir(base) : NULL;
	int r = directory ? 0 : MINT_NOT_FOUND, place = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (r == 0 && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
			continue;
		r = asprintf(&target, "%s/%s", base, entry->d_name) < 0 ? MINT_MEMORY : 0;
		if (r == 0 && symlinkat(target, place, entry->d_name) != 0 && errno != EEXIST)
			r = MINT_STORAGE;
		free(target);
	}
	if (place >= 0)
		close(place);
	if (directory)
		closedir(directory);
	return r;
}

/* A copy in DIR/FOLDER under its own name; `stripped` of what initialises. */
static int
copy_profile(const struct trial_bench *bench, const char *folder, const char *profile, bool stripped)
{
	char path[PATH_MAX], *text = NULL, *changed = NULL, *copy = strdup(profile);
	size_t length = 0;
	FILE *out = open_memstream(&changed, &length);
	int r = copy && out ? read_text(profile, &text) : MINT_MEMORY;

	if (r == 0 && stripped)
		bench_strip(text, out);
	else if (r == 0)
		fputs(text, out);
	if (out)
		fclose(out);
	if (r == 0)
		r = make_directory(bench, folder);
	bench_path(bench, folder, path);
	if (r == 0)
		r = write_into(path, basename(copy), changed, length);
	if (r == 0)
		r = link_directories(dirname(copy), path);
	free(changed);
	free(text);
	free(copy);
	return r;
}

int
bench_configure(const struct trial_bench *bench, const struct config *config, const struct trial_place *place, const char *profile,
    const char *only)
{
	int r = profile ? copy_profile(bench, "models", profile, false) : 0;

	return r == 0 ? write_configuration(bench, "mint.conf", config, place, profile ? "models" : config->models, only) : r;
}

int
bench_configure_erasing(const struct trial_bench *bench, const struct config *config, const struct trial_place *place,
    const char *profile)
{
	int r = copy_profile(bench, "erasing", profile, true);

	return r == 0 ? write_configuration(bench, "erasing.conf", config, place, "erasing", "") : r;
}

/* --- a profile that does not initialise */

/* What a comment or a text is over: it may hold braces that are none. The place behind it, `at` itself where neither begins. */
static const char *
skip_quiet(const char *at)
{
	char quote = *at;

	if (*at == '#' || (at[0] == '/' && at[1] == '/'))
		return at + strcspn(at, "\n");
	if (at[0] == '/' && at[1] == '*') {
		const char *end = strstr(at + 2, "*/");

		return end ? end + 2 : at + strlen(at);
	}
	if (quote != '"' && quote != '\'')
		return at;
	for (at++; *at && *at != quote; at++)
		at += at[0] == '\\' && at[1];
	return *at ? at + 1 : at;
}

/* The place behind the section that begins at `at`. */
static const char *
skip_section(const char *at)
{
	int depth = 0;

	while (*at) {
		const char *behind = skip_quiet(at);

		if (behind > at) {
			at = behind;
			continue;
		}
		depth += (*at == '{') - (*at == '}');
		if (*at++ == '}' && depth == 0)
			break;
	}
	return at;
}

void
bench_strip(const char *text, FILE *out)
{
	static const char name[] = "initialise";
	int depth = 0;
	bool word_before = false;

	for (const char *at = text; *at;) {
		const char *behind = skip_quiet(at);
		bool word = isalnum((unsigned char)*at) || strchr("_-", *at);

		if (behind == at && depth == 0 && !word_before && strncmp(at, name, sizeof name - 1) == 0 &&
		    strchr(" \t\n\"'", at[sizeof name - 1])) {
			at = skip_section(at);
			continue;
		}
		depth += behind == at ? (*at == '{') - (*at == '}') : 0;
		behind += behind == at;
		fwrite(at, 1, (size_t)(behind - at), out);
		word_before = word;
		at = behind;
	}
}
