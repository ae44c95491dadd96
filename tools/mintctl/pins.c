/* mintctl pins: the PIN office's envelopes, and exporting them as files for the office's own key (docs/pin-office.md).
 *
 * A file is the CMS of RFC 5652 in DER, with the suffix of RFC 8551 section 3.2.1. Its name, MARKER-SERIAL-ID.p7m, is never used twice, so
 * an export may be repeated over another; the ID, of fixed width, is what mint-pins goes by when a token has several. The list beside
 * them says which application and credential each is for: that is not inside, where only token and codes are.
 */
#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/manifest.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CELL_BYTES = 64, NAME_BYTES = 200, CMS_MAX = 64 * 1024 };

struct export {
	struct run      *run;
	const char      *path;     /* of the directory */
	int              directory;
	struct manifest *manifest;
	json_t          *files, *different;
	size_t           new_files;
	long long        settled;  /* where the next export may begin; −1 before the first page */
	int              error;    /* what `take` ended with */
	char             detail[NAME_BYTES + 64];
};

static int
path_of(struct run *run, char *path)
{
	int r = 0;

	snprintf(path, LOOK_PATH_BYTES, "/v1/pin-envelopes");
	if (run->options[OPTION_AFTER] && number_option(run, OPTION_AFTER) < 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--after: a number", "--after：应为整数"));
	r = add_query(path, "after", run->options[OPTION_AFTER]);
	if (r == 0)
		r = add_query(path, "reference", run->options[OPTION_REFERENCE]);
	return r == 0 ? 0 : command_fail_with(run, r, say("--reference: too long", "--reference：过长"));
}

/* --- list */

static void
add_codes(struct table *table, const json_t *names)
{
	char text[CELL_BYTES] = "";
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", json_string_value(name));
	}
	table_add(table, text);
}

static void
print_envelopes(const json_t *answer)
{
	struct table *table = table_new(7);
	const json_t *row;
	size_t i;

	table_add(table, say("envelope", "信封"));
	table_add(table, say("marker", "标记"));
	table_add(table, say("token", "介质"));
	table_add(table, say("credential", "证书"));
	table_add(table, say("codes", "口令"));
	table_add(table, say("superseded", "已取代"));
	table_add(table, say("set", "设置时间"));
	json_array_foreach(json_object_get(answer, "pin_envelopes"), i, row) {
		char text[SCREEN_TIME_BYTES];

		table_add_number(table, number_of(row, "id"));
		table_add(table, text_of(row, "marker"));
		table_add(table, text_of(row, "token"));
		table_add(table, text_of(row, "credential"));
		add_codes(table, json_object_get(row, "codes"));
		add_codes(table, json_object_get(row, "superseded"));
		screen_time(text_of(row, "set_at"), text);
		table_add(table, text);
	}
	table_print(table, stdout, say("no envelope", "没有信封"));
	table_free(&table);
}

int
run_pins_list(struct run *run)
{
	long long limit = number_option(run, OPTION_LIMIT);
	char path[LOOK_PATH_BYTES];
	json_t *answer;
	int r;

	if (run->options[OPTION_LIMIT] && limit <= 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--limit: a number from 1", "--limit：应为不小于 1 的整数"));
	r = path_of(run, path);
	if (r == 0)
		r = look_at_all(run, path, "pin_envelopes", limit, &answer);
	if (r != 0)
		return r;
	if (!command_print_json(run, answer))
		print_envelopes(answer);
	json_decref(answer);
	return 0;
}

/* --- export */

/* Of what the record says becomes a file name: what could leave the directory, or hide in it, is refused. */
static int
name_file(const json_t *envelope, char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
	int length = snprintf(name, NAME_BYTES, "%s-%s-%08lld", text_of(envelope, "marker"), text_of(envelope, "token"),
	    number_of(envelope, "id"));

	if (length < 0 || length >= NAME_BYTES - 16 || !*text_of(envelope, "marker") || !*text_of(envelope, "token") ||
	    strspn(name, plain) != (size_t)length || number_of(envelope, "id") <= 0)
		return MINT_PROTOCOL;
	memcpy(name + length, ".p7m", sizeof ".p7m");
	return 0;
}

/* Returns the length, 0 when it is no base64. */
static size_t
decode(const char *base64, uint8_t *der)
{
	size_t length = strlen(base64), padding = 0;
	int got;

	if (length == 0 || length % 4 != 0 || length / 4 * 3 > CMS_MAX)
		return 0;
	got = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)length);
	while (padding < 2 && base64[length - 1 - padding] == '=')
		padding++;
	return got < 0 ? 0 : (size_t)got - padding;
}

static json_t *
hash_json(const uint8_t *bytes, size_t length)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char text[2 * sizeof hash + 1];

	SHA256(bytes, length, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return json_string(text);
}

/* What the office is told of a file. Not what is superseded: that goes on changing when the line is long written. */
static int
list_file(struct export *export, const char *name, const json_t *envelope, const uint8_t *der, size_t length)
{
	static const char *const members[] = { "token", "marker", "model", "credential", "application", "codes", "made_at", "set_at" };
	json_t *line = json_object();

	json_object_set_new(line, "file", json_string(name));
	json_object_set_new(line, "sha256", hash_json(der, length));
	json_object_set(line, "envelope", json_object_get(envelope, "id"));
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		json_object_set(line, members[i], json_object_get(envelope, members[i]));
	return manifest_add(export->manifest, line);
}

static int
export_one(struct export *export, const json_t *envelope)
{
	uint8_t der[CMS_MAX + 4];
	size_t length = decode(text_of(envelope, "cms"), der);
	char name[NAME_BYTES];
	int r = length > 0 ? name_file(envelope, name) : MINT_PROTOCOL;

	if (r != 0) {
		snprintf(export->detail, sizeof export->detail, "envelope %lld", number_of(envelope, "id"));
		return r;
	}
	r = keep_file(export->directory, name, der, length);
	if (r == MINT_EXISTS) {
		json_array_append_new(export->different, json_string(name));
		return 0;
	}
	if (r < 0) {
		snprintf(export->detail, sizeof export->detail, "%s: %s", name, system_text(errno));
		return r;
	}
	export->new_files += r == KEEP_NEW;
	json_array_append_new(export->files, json_string(name));
	return list_file(export, name, envelope, der, length);
}

/* Pages are of different moments: what the earliest calls settled is so for all. */
static int
export_page(void *argument, const json_t *page)
{
	struct export *export = argument;
	const json_t *envelope;
	size_t i;

	if (export->settled < 0)
		export->settled = number_of(page, "settled");
	json_array_foreach(json_object_get(page, "pin_envelopes"), i, envelope) {
		export->error = export_one(export, envelope);
		if (export->error != 0)
			return 1;
	}
	return 0;
}

/* The directory cannot be had; errno says why. */
static int
export_fails(struct export *export)
{
	snprintf(export->detail, sizeof export->detail, "%s: %s", export->path, system_text(errno));
	return command_fail_with(export->run, MINT_STORAGE, export->detail);
}

/* Opens the directory and what an earlier export listed there. Told when it fails. */
static int
export_begin(struct export *export)
{
	int r;

	if (keep_directory(AT_FDCWD, export->path, 0700) != 0)
		return export_fails(export);
	export->directory = open(export->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (export->directory < 0)
		return export_fails(export);
	r = manifest_open(export->directory, &export->manifest, export->detail, sizeof export->detail);
	return r == 0 ? 0 : command_fail_with(export->run, r, export->detail);
}

/* The names of the files are synced before the list that names them, and then the list. */
static int
export_end(struct export *export)
{
	int r = export->error;

	if (r == 0)
		r = keep_sync(export->directory);
	if (r == 0)
		r = manifest_write(export->manifest, export->directory);
	if (r == 0)
		r = keep_sync(export->directory);
	return r == 0 ? 0 : command_fail_with(export->run, r, *export->detail ? export->detail : export->path);
}

/* --after lies behind the last envelope: a number mistyped, or another bench's. A smaller one as advice would look like an answer. */
static int
is_beyond_end(const struct export *export)
{
	return json_array_size(export->files) + json_array_size(export->different) == 0 && number_option(export->run, OPTION_AFTER) > export->settled;
}

static void
print_exported(const struct export *export)
{
	if (is_beyond_end(export))
		printf(say("no envelope lies behind --after %s: the last one whose codes are set is number %lld; is the number that of an earlier export from this bench?\n",
		    "--after %s 之后没有信封：已设置口令的最后一个信封为 %lld 号；该编号是否来自本制证台上次的导出？\n"), export->run->options[OPTION_AFTER], export->settled);
	else
		printf(say("%zu envelopes in %s, of them new: %zu; the next export may begin with --after %lld\n",
		    "%zu 个信封，位于 %s，其中新增 %zu 个；下次导出可用 --after %lld\n"), json_array_size(export->files), export->path, export->new_files, export->settled);
}

static int
export_tell(struct export *export)
{
	json_t *answer = json_pack("{s:O,s:i,s:O,s:I}", "files", export->files, "new", (int)export->new_files, "different",
	    export->different, "settled", (json_int_t)export->settled);
	const json_t *name;
	size_t i;

	if (!command_print_json(export->run, answer)) {
		print_exported(export);
		json_array_foreach(export->different, i, name)
			fprintf(stderr, "mintctl: %s/%s: %s\n", export->path, json_string_value(name),
			    say("another file of this name is there and was left as it is: move it away, then export again",
			        "已有同名但内容不同的文件，未改动：请移走后重新导出"));
	}
	json_decref(answer);
	return json_array_size(export->different) == 0 ? 0 : MINT_EXISTS;
}

int
run_pins_export(struct run *run)
{
	struct export export = { .run = run, .path = run->options[OPTION_OUT], .directory = -1, .settled = -1 };
	char path[LOOK_PATH_BYTES];
	int r;

	if (!export.path)
		return command_fail_with(run, MINT_ARGUMENT, say("--out DIR is needed", "--out 目录为必填"));
	export.files = json_array();
	export.different = json_array();
	r = path_of(run, path);
	if (r == 0)
		r = export_begin(&export);
	if (r == 0)
		r = look_at_pages(run, path, 0, export_page, &export);
	if (r == 0)
		r = export_end(&export);
	if (r == 0)
		r = export_tell(&export);
	manifest_close(&export.manifest);
	if (export.directory >= 0)
		close(export.directory);
	json_decref(export.files);
	json_decref(export.different);
	return r;
}
