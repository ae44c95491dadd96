/* mintctl bay learn: orders it, tells what is found as it is found, and ends with it. */
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <string.h>

/* A bay has its power for some seconds, then the next one's turn comes. */
enum { WAIT_S = 20, SILENCE_S = 120 };

struct learning {
	struct run *run;
	json_t     *bays;     /* what was found, in the order it was */
	json_t     *end;      /* the event that ends it */
	long long   seq;
	int64_t     heard_us; /* when something of it was heard last */
};

static int
is_kind(const json_t *event, const char *kind)
{
	return strcmp(text_of(event, "kind"), kind) == 0;
}

/* A later word about a bay takes the place of the one before: what was found may contradict another bay's. */
static void
keep(struct learning *learning, const json_t *event)
{
	const json_t *detail = json_object_get(event, "detail");
	const struct error_info *error = error_by_name(text_of(event, "error"));
	json_t *row = json_pack("{s:O, s:O?, s:O, s:O?}", "bay", json_object_get(event, "bay"), "port", json_object_get(detail, "port"),
	    "error", json_object_get(event, "error"), "detail", json_object_get(detail, "detail"));
	size_t i;
	json_t *before;

	json_array_foreach(learning->bays, i, before)
		if (number_of(before, "bay") == number_of(row, "bay"))
			json_array_remove(learning->bays, i--);
	json_array_append(learning->bays, row);
	if (!learning->run->json) {
		printf("%s %lld: %s%s%s%s%s\n", say("bay", "工位"), number_of(row, "bay"), text_of(row, "port"),
		    error && *text_of(row, "port") ? ": " : "", error ? error->what[screen_language()] : "", *text_of(row, "detail") ? ": " : "",
		    text_of(row, "detail"));
		fflush(stdout);
	}
	json_decref(row);
}

static void
take(struct learning *learning, json_t *event)
{
	if (!is_kind(event, "wiring.found") && !is_kind(event, "wiring.refused") && !is_kind(event, "wiring.learned"))
		return;
	learning->heard_us = clock_monotonic_us();
	if (!is_kind(event, "wiring.learned"))
		keep(learning, event);
	else if (!learning->end)
		learning->end = json_incref(event);
}

static int
follow(struct learning *learning)
{
	char path[LOOK_PATH_BYTES];
	json_t *answer, *event;
	size_t i;
	int r;

	snprintf(path, sizeof path, "/v1/events?after=%lld&wait=%d", learning->seq, WAIT_S);
	r = client_get(learning->run->client, path, (WAIT_S + 15) * 1000L, &answer);
	if (r != 0)
		return command_fail(learning->run, r, answer);
	json_array_foreach(json_object_get(answer, "events"), i, event)
		take(learning, event);
	learning->seq = number_of(answer, "seq");
	json_decref(answer);
	if (!learning->end && clock_monotonic_us() - learning->heard_us > (int64_t)SILENCE_S * 1000000)
		return command_fail_with(learning->run, MINT_TIMEOUT, say("nothing was heard of it any more: mintctl status", "长时间无进展：mintctl status"));
	return 0;
}

static int
order(struct learning *learning)
{
	struct run *run = learning->run;
	json_t *status, *body, *answer;
	int r = look(run, "/v1/status", &status);

	if (r != 0)
		return r;
	learning->seq = number_of(status, "seq");
	body = json_pack("{s:s, s:s?}", "object", text_of(status, "bench"), "why", run->options[OPTION_WHY]);
	json_decref(status);
	r = client_post(run->client, "/v1/commands/learn", body, &answer);
	json_decref(body);
	if (r != 0)
		return command_fail(run, r, answer);
	json_decref(answer);
	learning->heard_us = clock_monotonic_us();
	return 0;
}

/* MINT_WIRING where some bays stay unknown: the lines say which and why. */
static int
tell_end(struct learning *learning)
{
	const json_t *detail = json_object_get(learning->end, "detail");
	const struct error_info *error = error_by_name(text_of(learning->end, "error"));
	json_t *answer;

	if (error)
		return command_fail_with(learning->run, (int)error->code, say("the wiring stays as it was", "原接线保持不变"));
	answer = json_pack("{s:O, s:O, s:O}", "bays", learning->bays, "known", json_object_get(detail, "known"), "of", json_object_get(detail, "bays"));
	if (!command_print_json(learning->run, answer))
		printf(say("%lld of %lld bays are known; the others stay as they were\n", "已识别 %lld 个工位，共 %lld 个；其余保持原接线\n"),
		    number_of(detail, "known"), number_of(detail, "bays"));
	json_decref(answer);
	return number_of(detail, "known") < number_of(detail, "bays") ? MINT_WIRING : 0;
}

int
run_learn(struct run *run)
{
	struct learning learning = { .run = run, .bays = json_array() };
	int r = order(&learning);

	while (r == 0 && !learning.end)
		r = follow(&learning);
	if (r == 0)
		r = tell_end(&learning);
	json_decref(learning.bays);
	json_decref(learning.end);
	return r;
}
