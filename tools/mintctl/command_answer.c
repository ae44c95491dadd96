/* How mintctl answers: JSON when it was asked for, else sentences. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/screen.h"

#include <stdlib.h>
#include <string.h>

int
command_print_json(const struct run *run, json_t *answer)
{
	if (!run->json)
		return 0;
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	return 1;
}

static const char *
pair_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, name), say("en", "zh")));

	return text ? text : "";
}

/* What of it: a sentence, or the members by which mint-queue names the object at fault and why. */
static char *
detail_text(const json_t *detail)
{
	const char *const members[] = { "object", "token", "credential", "argument", say("why", "why_zh") };
	char *text = NULL;
	size_t length, i;
	json_t *marker;
	FILE *out;

	if (json_is_string(detail))
		return strdup(json_string_value(detail));
	out = open_memstream(&text, &length);
	for (i = 0; out && i < sizeof members / sizeof members[0]; i++) {
		const char *value = json_string_value(json_object_get(detail, members[i]));

		if (value)
			fprintf(out, "%s%s", ftell(out) > 0 ? ": " : "", value);
	}
	json_array_foreach(json_object_get(detail, "markers"), i, marker)
		if (out)
			fprintf(out, " %s", json_string_value(marker));
	if (out && json_is_string(json_object_get(detail, "state")))
		fprintf(out, "%s%s", say(": it is now: ", "：目前："), any_state_text(json_string_value(json_object_get(detail, "state"))));
	if (out)
		fclose(out);
	return text;
}

int
command_fail(const struct run *run, int error, json_t *object)
{
	char *text = detail_text(json_object_get(object, "detail"));

	if (!command_print_json(run, object))
		fprintf(stderr, "mintctl: %s%s%s: %s\n", pair_text(object, "what"), text && *text ? ": " : "", text ? text : "",
		    pair_text(object, "do"));
	free(text);
	json_decref(object);
	return error;
}

int
command_fail_with(const struct run *run, int error, const char *detail)
{
	return command_fail(run, error, client_error(error, detail));
}

int
command_fail_next(const struct run *run, int error, const char *detail, const char *const next[2])
{
	json_t *object = client_error(error, detail);

	json_object_set_new(object, "do", json_pack("{s:s,s:s}", "en", next[MINT_EN], "zh", next[MINT_ZH]));
	return command_fail(run, error, object);
}
