/* The orders of schemas/commands.def. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <string.h>

enum { SECRET_BYTES = 64 };

/* The first line of a file; what else is in it is none of our business. 0 or MINT_ARGUMENT. */
static int
read_secret(const char *path, char *secret, size_t secret_bytes)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t length;

	secret[0] = '\0';
	if (!file)
		return MINT_ARGUMENT;
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it is left in a buffer */
	if (!fgets(secret, (int)secret_bytes, file))
		secret[0] = '\0';
	if (file != stdin)
		fclose(file);
	length = strcspn(secret, "\r\n");
	if (length == 0 || (!secret[length] && length == secret_bytes - 1))
		return MINT_ARGUMENT;
	secret[length] = '\0';
	return 0;
}

/* 0 with the secret in the body, or MINT_ARGUMENT. */
static int
add_secret(const struct run *run, json_t *body)
{
	const char *path = run->options[OPTION_SO_PIN_FILE];
	char secret[SECRET_BYTES + 3];
	int r = path ? read_secret(path, secret, sizeof secret) : 0;

	if (path && r == 0)
		json_object_set_new(body, "so_pin", json_string(secret));
	explicit_bzero(secret, sizeof secret);
	return r;
}

/* What it is about. Of stock: a key type; to order none any more, all of them unless one is said. */
static const char *
object_of(const struct run *run)
{
	if (run->argument_count > 0)
		return run->arguments[0];
	if (run->options[OPTION_KEY_TYPE])
		return run->options[OPTION_KEY_TYPE];
	return strcmp(command_verb(run->command), "stop") == 0 ? "any" : "p256";
}

static json_t *
body_of(const struct run *run)
{
	const char *verb = command_verb(run->command);
	json_t *body = json_pack("{s:s}", "object", object_of(run));

	for (const struct order_argument *a = order_argument_next(verb, NULL); body && a; a = order_argument_next(verb, a)) {
		int option = order_option(a);

		if (option == OPTION_SO_PIN_FILE)
			continue;
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

	printf("%s %s%s", run->command->name, object_of(run), say(": done", "：已完成"));
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
		return command_fail_with(run, MINT_ARGUMENT, object_of(run));
	if (add_secret(run, body) != 0) {
		json_decref(body);
		return command_fail_with(run, MINT_ARGUMENT, say("--so-pin-file: its first line must be a code of 1 to 64 characters",
		    "--so-pin-file：首行应为 1 至 64 个字符的口令"));
	}
	snprintf(path, sizeof path, "/v1/commands/%s", command_verb(run->command));
	r = client_post(run->client, path, body, &answer);
	json_decref(body);
	if (r != 0)
		return command_fail(run, r, answer);
	if (!command_print_json(run, answer))
		print_result(run, answer);
	json_decref(answer);
	return 0;
}
