/* POST /v1/commands/{verb}: checked against schemas/commands.def, passed on to mint-queue, answered with what it says. */
#include "hostd/api/api.h"
#include "hostd/api/orders.h"
#include "schemas/errors.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 16 * 1024, OBJECT_BYTES_MAX = 128, ARGUMENTS_BYTES_MAX = 8192, SERIALS_MAX = 64 };

static const char *const verbs[] = {
#define COMMAND(verb, ...) #verb,
#define ARGUMENT(...)
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
};

static const struct {
	const char *verb, *name;
	int         required;
} arguments[] = {
#define COMMAND(...)
#define ARGUMENT(verb, name, required, en, zh) { #verb, #name, required },
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
};

static int
is_verb(const char *verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i], verb) == 0)
			return 1;
	return 0;
}

static int
takes(const char *verb, const char *name)
{
	for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
		if (strcmp(arguments[i].verb, verb) == 0 && strcmp(arguments[i].name, name) == 0)
			return 1;
	return strcmp(name, "why") == 0;
}

/* A text that says something, or an array of such texts. */
static int
is_value(const json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_string(value))
		return json_string_length(value) > 0;
	if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > SERIALS_MAX)
		return 0;
	json_array_foreach(value, i, item)
		if (!json_is_string(item) || json_string_length(item) == 0)
			return 0;
	return 1;
}

/* NULL, or the name of the argument at fault; *what says in what way. */
static const char *
faulty_argument(const char *verb, json_t *body, const char **what)
{
	const char *name;
	json_t *value;

	json_object_foreach(body, name, value) {
		*what = "not an argument of this command";
		if (!takes(verb, name))
			return name;
		*what = strcmp(name, "tokens") == 0 ? "an array of serial numbers or markers" : "a text";
		if (!is_value(value) || json_is_array(value) != (strcmp(name, "tokens") == 0))
			return name;
	}
	*what = "is missing";
	for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
		if (strcmp(arguments[i].verb, verb) == 0 && arguments[i].required && !json_object_get(body, arguments[i].name))
			return arguments[i].name;
	return NULL;
}

static void
on_answered(const struct message *answer, void *argument)
{
	struct call *call = argument;
	const struct message_command_result *result;
	json_t *detail;

	call->lost = NULL;
	if (!answer) {
		call_error(call, MINT_CLOSED, "mint-queue ended before it answered: look at the object before you order again");
		return;
	}
	result = &answer->command_result;
	detail = json_loads(result->detail, JSON_DECODE_ANY, NULL);
	if (result->error != 0) {
		json_t *error = call_error_json(-(int)result->error, detail ? "" : result->detail);

		if (detail)
			json_object_set_new(error, "detail", detail);
		call_reply(call, call_status_of(-(int)result->error), error);
		return;
	}
	call_reply(call, 200, detail ? detail : json_object());
}

/* The answer of orders_lost comes for every open order, here too. */
static void
wait_for_answer(struct call *call)
{
	(void)call;
}

static void
send_order(struct call *call, const char *object, json_t *body)
{
	struct message message = { .type = MESSAGE_command };
	char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	int r = text ? 0 : MINT_MEMORY;

	if (text && strlen(text) > ARGUMENTS_BYTES_MAX)
		r = MINT_TOO_LARGE;
	message.command = (struct message_command){
		.actor = call->actor, .verb = call->object, .object = object, .arguments = text,
	};
	if (r == 0)
		r = orders_send(call->api->orders, &message, on_answered, call);
	if (r == 0)
		call->lost = wait_for_answer;
	else
		call_error(call, r, "%s", call->object);
	if (text)
		explicit_bzero(text, strlen(text)); /* it may hold a token's SO-PIN */
	free(text);
}

void
route_command(struct call *call)
{
	struct evbuffer *bytes = call_body(call);
	size_t length = evbuffer_get_length(bytes);
	json_t *body = length <= BODY_BYTES_MAX
	    ? json_loadb((const char *)evbuffer_pullup(bytes, -1), length, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *object = json_string_value(json_object_get(body, "object")), *fault, *what;
	char object_copy[OBJECT_BYTES_MAX + 1];

	if (!is_verb(call->object)) {
		call_not_found(call);
	} else if (!json_is_object(body)) {
		call_error(call, MINT_SYNTAX, "a JSON object of at most %d bytes without duplicate members", BODY_BYTES_MAX);
	} else if (!object || !object[0] || strlen(object) > OBJECT_BYTES_MAX) {
		call_error(call, MINT_ARGUMENT, "object: a text of 1 to %d bytes", OBJECT_BYTES_MAX);
	} else {
		memcpy(object_copy, object, strlen(object) + 1);
		json_object_del(body, "object");
		fault = faulty_argument(call->object, body, &what);
		if (fault)
			call_error(call, MINT_ARGUMENT, "%.64s: %s", fault, what);
		else
			send_order(call, object_copy, body);
	}
	json_decref(body);
}
