/* mintctl token model check: profiles read as mint-worker reads them, then looked at more closely. */
#include "hostd/base/config.h"
#include "schemas/errors.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/model_lint.h"
#include "tools/mintctl/screen.h"

#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

/* The profiles that this one has to go with: of its own directory, and of the configuration. A neighbour that does not read is its own
 * trouble, not this file's. */
static void
read_neighbours(const char *directory, struct models *models)
{
	char pattern[PATH_BYTES], why[MODEL_WHY_BYTES];
	struct model **grown;
	glob_t found = { 0 };

	snprintf(pattern, sizeof pattern, "%s/*.conf", directory);
	if (glob(pattern, 0, NULL, &found) == 0) {
		grown = realloc(models->list, (models->count + found.gl_pathc) * sizeof *models->list);
		models->list = grown ? grown : models->list;
		for (size_t i = 0; grown && i < found.gl_pathc; i++)
			models->count += model_read_why(found.gl_pathv[i], &models->list[models->count], why) == 0;
	}
	globfree(&found);
}

static void
forget(struct models *models)
{
	for (size_t i = 0; i < models->count; i++)
		model_free(&models->list[i]);
	free(models->list);
	*models = (struct models){ NULL, 0 };
}

static void
print_finding(const char *path, const struct lint_finding *finding)
{
	char what[LINT_TEXT_BYTES], next[LINT_TEXT_BYTES];

	lint_words(finding, what, next);
	printf("%s: %s: %s: %s\n", path, lint_weight_of(finding->rule) == LINT_ERROR ? say("error", "错误") : say("advice", "建议"), what,
	    next);
}

/* One that does not read has one fault: the first. */
static void
tell_unread(struct run *run, const char *path, int error, const char *why, json_t *files)
{
	json_array_append_new(files, json_pack("{s:s,s:b,s:s,s:s,s:[]}", "file", path, "ok", 0, "error", error_info(error)->name, "why", why,
	    "findings"));
	if (!run->json)
		printf("%s: %s\n", say("error", "错误"), *why ? why : error_info(error)->what[screen_language()]);
}

static void
tell_findings(struct run *run, const char *path, const struct lint *lint, json_t *files)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < lint->count; i++) {
		json_array_append_new(findings, lint_json(&lint->list[i]));
		if (!run->json)
			print_finding(path, &lint->list[i]);
	}
	if (!run->json && !lint_has_errors(lint))
		printf("%s: %s\n", path, say("ok", "正常"));
	json_array_append_new(files, json_pack("{s:s,s:b,s:o}", "file", path, "ok", !lint_has_errors(lint), "findings", findings));
}

/* `models` is the configuration's directory; NULL when none was named. */
static int
check_file(struct run *run, const char *path, const char *models, json_t *files)
{
	char why[MODEL_WHY_BYTES] = "";
	struct models others = { NULL, 0 };
	struct model *model = NULL;
	char *copy = strdup(path);
	struct lint lint;
	int r = copy ? model_read_why(path, &model, why) : MINT_MEMORY;

	if (r != 0) {
		tell_unread(run, path, r, why, files);
	} else {
		read_neighbours(dirname(copy), &others);
		if (models)
			read_neighbours(models, &others);
		lint_model(model, &others, &lint);
		tell_findings(run, path, &lint, files);
		r = lint_has_errors(&lint) ? MINT_CONFIG : 0;
	}
	forget(&others);
	model_free(&model);
	free(copy);
	return r;
}

int
run_token_model_check(struct run *run)
{
	struct config *config = NULL;
	json_t *files, *answer;
	int first = run->config_path ? config_read(run->config_path, &config) : 0, r;

	if (first != 0)
		return command_fail_with(run, first, run->config_path);
	files = json_array();
	for (int i = 0; i < run->argument_count; i++) {
		r = check_file(run, run->arguments[i], config ? config->models : NULL, files);
		if (first == 0)
			first = r;
	}
	answer = json_pack("{s:b,s:o}", "ok", first == 0, "files", files);
	command_print_json(run, answer);
	json_decref(answer);
	config_free(&config);
	return first;
}
