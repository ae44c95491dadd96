/* mint-operator: the hands at a virtual bench. It does what a person does, by the same means: looks at the bays as a screen
 * shows them, takes tokens out when a bay says so, lays them on the table or into the stock box, packs a parcel with `mintctl pack`
 * when all its tokens lie there, puts tokens in while applications wait or some are to be keyed ahead: from the box first, then blank
 * ones. It knows nothing that the API does not tell it.
 */
#include "tools/operator/bench_api.h"
#include "tools/operator/pile.h"
#include "tools/operator/swap.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 5000, NEWS_WAIT_S = 20, RETRY_MS = 100, PARCEL_TOKENS_MAX = 20, BAYS_MAX = 256 };

struct operator {
	const char       *api_path;
	const char       *vtoken_path;
	const char       *station_path;              /* NULL: there is no station */
	const char       *pile_path;
	const char       *stock_path;
	const char       *mintctl;
	struct bench_api *api;
	struct pile      *pile;
	struct pile      *stock;
	size_t            unused;                    /* so many tokens from the box served nothing of what waits */
	long long         waiting;                   /* credentials, at the last look */
	const char       *swap_ms, *seed;            /* as given; NULL: a swap takes no time */
	struct swap      *swap;
	int64_t           free_at_ms[BAYS_MAX + 1];  /* when the hands are back at a bay with a blank token */
	int64_t           next_ms;                   /* the first of them that is waited for, INT64_MAX for none */
	char              done_at[BAYS_MAX + 1][40]; /* changed_at of what each bay showed when the hands last moved there */
};

/* What blank tokens are needed for. */
struct need {
	long long waiting;           /* credentials */
	long long wanted;            /* to be keyed ahead */
};

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One order to the virtual tokens or the station; a refusal is said, not hidden: the next look at the bays decides what follows. */
static int
tell(const char *path, const char *line)
{
	json_t *answer = control_command(path, line);
	int ok = answer && json_is_true(json_object_get(answer, "ok"));

	if (!ok) {
		char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

		fprintf(stderr, "operator: %s: %s: %s\n", path, line, text ? text : "no answer");
		free(text);
	}
	json_decref(answer);
	return ok;
}

/* The switch in a bay of the station; those behind its sixteen have none. */
static void
press_switch(struct operator *operator, long long bay, int present)
{
	enum { STATION_BAYS = 16 };
	char line[64];

	if (!operator->station_path || bay > STATION_BAYS)
		return;
	snprintf(line, sizeof line, "present %lld %d", bay, present);
	tell(operator->station_path, line);
}

/* Whether the hands have moved already for what the bay shows: the screen is a moment behind them. */
static int
is_done(struct operator *operator, long long number, const char *changed_at)
{
	char *done_at = operator->done_at[number];

	if (strcmp(done_at, changed_at) == 0)
		return 1;
	snprintf(done_at, sizeof operator->done_at[number], "%s", changed_at);
	return 0;
}

/* From the stock box while something in it may serve what waits, else a blank one. What came back unused lies at the end of the box. */
static void
put_in(struct operator *operator, long long bay, const struct need *need)
{
	int from_stock = need->waiting > 0 && operator->unused < pile_count(operator->stock);
	const char *serial = from_stock ? pile_first(operator->stock) : NULL;
	char line[128];

	if (serial)
		snprintf(line, sizeof line, "insert %lld %s", bay - 1, serial);
	else
		snprintf(line, sizeof line, "insert %lld new", bay - 1);
	if (!tell(operator->vtoken_path, line))
		return;
	press_switch(operator, bay, 1);
	if (serial)
		pile_drop(operator->stock, serial);
}

static void
take_out(struct operator *operator, long long bay)
{
	char line[64];

	snprintf(line, sizeof line, "remove %lld", bay - 1);
	if (!tell(operator->vtoken_path, line))
		return;
	press_switch(operator, bay, 0);
	if (operator->swap)
		operator->free_at_ms[bay] = now_ms() + (int64_t)swap_draw_ms(operator->swap, bay);
}

/* Whether the swap that began when the last token was taken out is over; if not, its end is waited for. */
static int
swap_is_over(struct operator *operator, long long bay)
{
	int64_t at_ms = operator->free_at_ms[bay];

	if (at_ms <= now_ms())
		return 1;
	if (at_ms < operator->next_ms)
		operator->next_ms = at_ms;
	return 0;
}

/* A token goes where it is not lost before it is taken out. */
static void
move(struct operator *operator, long long bay, struct pile *pile, const char *path, const char *name)
{
	if (pile_add(pile, name) == 0)
		take_out(operator, bay);
	else
		fprintf(stderr, "operator: %s: %s: the token stays in its bay\n", path, strerror(errno));
}

/* A token that was keyed ahead and that nothing waits for: into the box with it, also where a restart has made the bay forget to ask. */
static int
is_unused(const json_t *bay)
{
	return strcmp(text_of(bay, "state"), "idle") == 0 && strcmp(text_of(bay, "error"), "STOCK_UNUSED") == 0;
}

/* What a bay shows decides what the hands do; a state that is not here is left alone. A blank token goes in when the bay
 * shows that it is empty, so that no reader ever sees one token turn into another. */
static void
tend_bay(struct operator *operator, const json_t *bay, struct need *need)
{
	long long number = json_integer_value(json_object_get(bay, "bay"));
	const char *state = text_of(bay, "state");
	int take = strcmp(state, "take") == 0, trouble = strcmp(state, "trouble") == 0;
	int unused = is_unused(bay), stock = strcmp(state, "stock") == 0 || unused;
	int put = strcmp(state, "empty") == 0 && need->waiting + need->wanted > 0;

	if (number < 1 || number > BAYS_MAX || !(take || trouble || put || stock) || (put && !swap_is_over(operator, number)) ||
	    is_done(operator, number, text_of(bay, "changed_at")))
		return;
	operator->unused += (size_t)unused;
	if (put)
		put_in(operator, number, need);
	else if (stock)
		move(operator, number, operator->stock, operator->stock_path, text_of(bay, "token"));
	else if (take)
		move(operator, number, operator->pile, operator->pile_path, text_of(bay, "token_marker"));
	else
		take_out(operator, number); /* into the quarantine box */
}

static struct need
look_for_need(struct operator *operator)
{
	json_t *status = bench_api_get(operator->api, "/v1/status", ANSWER_MS, NULL);
	struct need need = {
		.waiting = json_integer_value(json_object_get(json_object_get(status, "credentials"), "waiting")),
		.wanted = json_integer_value(json_object_get(json_object_get(status, "stock"), "wanted")),
	};

	json_decref(status);
	if (need.waiting > operator->waiting)
		operator->unused = 0; /* there is more: what was of no use may be now */
	operator->waiting = need.waiting;
	return need;
}

static void
tend_bays(struct operator *operator)
{
	json_t *answer = bench_api_get(operator->api, "/v1/bays", ANSWER_MS, NULL);
	struct need need = look_for_need(operator);
	const json_t *bay;
	size_t i;

	operator->next_ms = INT64_MAX;
	json_array_foreach(json_object_get(answer, "bays"), i, bay)
		tend_bay(operator, bay, &need);
	json_decref(answer);
}

static void
run_pack(struct operator *operator, const char *reference, const char *const markers[], size_t count)
{
	const char *arguments[PARCEL_TOKENS_MAX + 6] = { operator->mintctl, "--socket", operator->api_path, "pack", reference };
	int status = 0;
	pid_t pid;

	memcpy(arguments + 5, markers, count * sizeof *markers);
	if (posix_spawn(&pid, operator->mintctl, NULL, NULL, (char *const *)(uintptr_t)arguments, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		fprintf(stderr, "operator: %s: packing ended with status %d\n", reference, WEXITSTATUS(status));
}

/* By its marker; a table that was laid before markers were told has serial numbers. */
static int
lies_on_table(struct operator *operator, const json_t *credential)
{
	return pile_has(operator->pile, text_of(credential, "token_marker")) || pile_has(operator->pile, text_of(credential, "token"));
}

/* A parcel is packed when each of its tokens lies on the table and its label is out. */
static void
pack_if_complete(struct operator *operator, const char *reference)
{
	const char *markers[PARCEL_TOKENS_MAX];
	const json_t *row;
	json_t *answer;
	char path[160];
	size_t i, count = 0;
	int complete = 1, label = 0;

	snprintf(path, sizeof path, "/v1/applications/%s", reference);
	answer = bench_api_get(operator->api, path, ANSWER_MS, NULL);
	json_array_foreach(json_object_get(answer, "credentials"), i, row) {
		markers[count] = text_of(row, "token_marker");
		complete = complete && strcmp(text_of(row, "state"), "taken") == 0 && lies_on_table(operator, row);
		if (!complete || ++count == PARCEL_TOKENS_MAX)
			break;
	}
	json_array_foreach(json_object_get(answer, "labels"), i, row)
		label = label || strcmp(text_of(row, "state"), "printed") == 0;
	if (complete && label && count > 0)
		run_pack(operator, reference, markers, count);
	json_decref(answer);
}

static void
pack_parcels(struct operator *operator)
{
	json_t *answer = bench_api_get(operator->api, "/v1/applications?state=minted&limit=500", ANSWER_MS, NULL);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "applications"), i, row)
		pack_if_complete(operator, text_of(row, "reference"));
	json_decref(answer);
}

/* Milliseconds to the end of the first swap that is waited for, at most `most`. */
static long
until_next_ms(const struct operator *operator, long most)
{
	int64_t left_ms = operator->next_ms == INT64_MAX ? most : operator->next_ms - now_ms();

	return left_ms < 0 ? 0 : left_ms < most ? (long)left_ms : most;
}

/* Waits until something happened after *seq or a swap is over; a lost API is waited for, it comes back. */
static void
wait_for_news(struct operator *operator, long long *seq)
{
	char path[96];
	json_t *answer, *now;

	snprintf(path, sizeof path, "/v1/events?after=%lld&wait=%d", *seq, NEWS_WAIT_S);
	answer = bench_api_get(operator->api, path, 1 + until_next_ms(operator, (NEWS_WAIT_S + 5) * 1000L), NULL);
	now = json_object_get(answer, "seq");
	if (now)
		*seq = json_integer_value(now);
	else /* bounded retry: the supervisor is starting the API anew; no pause where a swap's end cut the wait short */
		ppoll(NULL, 0, &(struct timespec){ 0, until_next_ms(operator, RETRY_MS) * 1000000L }, NULL);
	json_decref(answer);
}

static int
work(struct operator *operator)
{
	long long seq = 0;

	operator->api = bench_api_new(operator->api_path);
	operator->pile = pile_open(operator->pile_path);
	operator->stock = pile_open(operator->stock_path);
	if (!operator->api || !operator->pile || !operator->stock) {
		fprintf(stderr, "operator: %s, %s: %s\n", operator->pile_path, operator->stock_path, strerror(errno));
		return 71;
	}
	for (;;) { /* until a signal ends it: the pile is on disk, and whatever else it knew a bay shows again */
		tend_bays(operator);
		pack_parcels(operator);
		wait_for_news(operator, &seq);
	}
}

static const char usage[] =
	"usage: mint-operator --api SOCKET --vtoken SOCKET --pile FILE --stock FILE --mintctl PROGRAM [--station SOCKET] [--swap-ms MEAN[,CV]] [--seed N]\n"
	"The hands at a virtual bench: takes finished tokens out, packs parcels, puts blank tokens in. Ends on SIGTERM.\n"
	"  --api SOCKET       Unix socket of mint-api\n"
	"  --vtoken SOCKET    control socket of vtoken; bay N is its slot N-1\n"
	"  --station SOCKET   control socket of station-usb: its bays' switches say whether a token is in them\n"
	"  --pile FILE        the packing table: markers of the tokens taken out, one a line\n"
	"  --stock FILE       the stock box: serial numbers of the tokens keyed ahead, one a line\n"
	"  --mintctl PROGRAM  packs with `PROGRAM pack REFERENCE MARKER…`\n"
	"  --swap-ms MEAN[,CV] from a token taken out to the next put in: log-normal, milliseconds, coefficient of variation (0.5)\n"
	"  --seed N           of the draws of that time (default 1)\n"
	"  --help             print this\n";

static int
take_swap(struct operator *operator)
{
	char *rest = NULL;
	unsigned long long seed = operator->seed ? strtoull(operator->seed, &rest, 10) : 1;

	if (operator->seed && (*operator->seed < '0' || *operator->seed > '9' || *rest))
		return 0;
	if (operator->swap_ms)
		operator->swap = swap_new(operator->swap_ms, seed);
	return !operator->swap_ms || operator->swap;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "api", required_argument, NULL, 'a' }, { "vtoken", required_argument, NULL, 'v' },
		{ "pile", required_argument, NULL, 'p' }, { "mintctl", required_argument, NULL, 'm' }, { "stock", required_argument, NULL, 's' },
		{ "swap-ms", required_argument, NULL, 'w' }, { "station", required_argument, NULL, 't' }, { "seed", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	static struct operator operator;
	static const char letters[] = "avpmswnt";
	const char **const places[] = {
		&operator.api_path, &operator.vtoken_path, &operator.pile_path, &operator.mintctl, &operator.stock_path,
		&operator.swap_ms, &operator.seed, &operator.station_path,
	};
	enum { REQUIRED = 5 };
	int option;

	while ((option = getopt_long(argc, argv, "a:v:p:m:s:w:n:t:h", options, NULL)) != -1) {
		const char *at = option == '?' ? NULL : strchr(letters, option);

		if (option == 'h')
			return fputs(usage, stdout) < 0;
		if (!at)
			return fputs(usage, stderr), 64;
		*places[at - letters] = optarg;
	}
	for (size_t i = 0; i < REQUIRED; i++)
		if (!*places[i])
			return fputs(usage, stderr), 64;
	if (!take_swap(&operator))
		return fputs(usage, stderr), 64;
	return work(&operator);
}
