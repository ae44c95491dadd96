/* mint-api: HTTP for screens, scripts and people, over a Unix socket and, for reading, loopback TCP.
 *
 * Trusted with: the bytes that anyone who reaches the sockets sends, a read-only database connection, and a channel to
 * mint-queue on which it can ask for imports and commands. It cannot write the database, sees no token and no key, and links
 * neither PKCS#11 nor USB: whoever takes it over can read what screens show, and order what an operator could.
 */
#include "hostd/api/api.h"
#include "hostd/api/door.h"
#include "hostd/api/feed.h"
#include "hostd/api/orders.h"
#include "hostd/base/calendar.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_WORDS_MS = 500 };

static struct api api; /* one per process */

/* Only where hours are set does a forecast need to know which days are worked. */
static int
read_hours(const struct config *config)
{
	char why[512];
	int r = hours_read(config->hours, &api.hours);

	if (r != 0 || !*config->hours)
		return r;
	r = calendar_load(&api.calendar, config->calendar, why, sizeof why);
	if (r != 0)
		log_error("%s: mint-api needs the calendar because `hours` is set", why);
	return r;
}

static int
begin(struct program_context *context)
{
	int r = read_hours(context->config);

	if (r != 0)
		return r;

	context->state = &api;
	api.context = context;
	api.started_us = clock_utc_us();
	api.orders = orders_new(&api);
	api.feed = feed_new(&api);
	if (!api.orders || !api.feed)
		return MINT_MEMORY;
	r = record_open(context->config->database, &api.record);
	return r == 0 ? door_open(&api) : r;
}

static void
on_message(struct program_context *context, const struct message *message)
{
	int r = 0;

	switch ((int)message->type) {
	case MESSAGE_import_result:
	case MESSAGE_command_result:
		r = orders_answer(api.orders, message);
		break;
	case MESSAGE_feed:
		feed_wake(api.feed);
		break;
	case MESSAGE_standstill:
		api.standstill = (int)message->standstill.error;
		break;
	default:
		log_error("mint-queue sent %s, which mint-api does not take: ending", message_name(message->type));
		r = MINT_PROTOCOL;
	}
	if (r != 0)
		event_base_loopbreak(context->base);
}

/* Nobody is left without an answer: what is open is answered 503, and the loop runs on until the bytes are out, or for half a second at most. */
static void
say_last_words(struct program_context *context)
{
	int64_t deadline = clock_monotonic_us() + LAST_WORDS_MS * 1000;
	struct call *call, *next;

	api.ending = 1;
	door_shut(&api);
	orders_lost(api.orders);
	for (call = api.calls; call; call = next) {
		next = call->next;
		if (call->lost)
			call->lost(call);
		else
			call_error(call, MINT_CLOSED, "mint-api is restarting");
	}
	while (api.unsent > 0 && clock_monotonic_us() < deadline) {
		struct timeval left = { 0, LAST_WORDS_MS * 1000 };

		event_base_loopexit(context->base, &left);
		event_base_loop(context->base, EVLOOP_ONCE);
	}
}

static void
end(struct program_context *context)
{
	if (api.doors)
		say_last_words(context);
	feed_free(&api.feed);
	door_close(&api);
	orders_free(&api.orders);
	record_close(&api.record);
	calendar_free(&api.calendar);
	json_decref(api.glance);
}

static int
print_openapi(void)
{
	json_t *openapi = route_openapi_json();
	int failed = !openapi || json_dumpf(openapi, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;

	json_decref(openapi);
	return failed ? error_info(MINT_STORAGE)->exit_status : 0;
}

int
main(int argc, char **argv)
{
	static const struct program_info info = {
		.program = PROGRAM_API,
		.name = "mint-api",
		.purpose = "Answers HTTP: what the bench does, imports, commands. `mint-api --openapi` prints the description of the routes.",
		.begin = begin,
		.on_message = on_message,
		.end = end,
	};

	if (argc == 2 && strcmp(argv[1], "--openapi") == 0)
		return print_openapi();
	return program_main(&info, argc, argv);
}
