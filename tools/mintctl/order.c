/* The orders of schemas/commands.def: hold, release, override, cancel, pack, resolve, reprint, clear, scrap. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

static json_t *
body_of(const struct run *run)
{
	const char *verb = run->command->name;
	json_t *body = json_pack("{s:s}", "object", run->arguments[0]);

	for (const struct order_argument *a = order_argument_next(verb, NULL); body && a; a = order_argument_next(verb, a)) {
		int option = order_option(a);

		if (option >= 0 && run->options[option]) {
			json_object_set_new(body, a->name, json_string(run->options[option]));
		} else if (option < 0) {
			json_t *list = json_array();

			for (int i = 1; i < run->argument_count; i++)
				json_array_append_new(list, json_string(run->arguments[i]));
			json_object_set_new(body, a->name, list);
		}
	}
	return body;
}

/* The object after the change, as far as mint-queue tells it. */
static void
print_result(const struct run *run, const json_t *answer)
{
	const char *state = text_of(answer, "state");

	printf("%s %s%s", run->command->name, run->arguments[0], say(": done", "：已完成"));
	if (*state)
		printf("%s%s", say(", it is now: ", "，目前："), any_state_text(state));
	if (number_of(answer, "missing") > 0)
		printf("%s%lld%s", say(", tokens still to be packed: ", "，尚有 "), number_of(answer, "missing"), say("", " 支待装袋"));
	putchar('\n');
}

int
run_order(struct run *run)
{
	char path[LOOK_PATH_BYTES];
	json_t *body = body_of(run), *answer;
	int r;

	if (!body)
		return command_fail_with(run, MINT_ARGUMENT, run->arguments[0]);
	snprintf(path, sizeof path, "/v1/commands/%s", run->command->name);
	r = client_post(run->client, path, body, &answer);
	json_decref(body);
	if (r != 0)
		return command_fail(run, r, answer);
	if (!command_print_json(run, answer))
		print_result(run, answer);
	json_decref(answer);
	return 0;
}
