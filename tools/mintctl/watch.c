/* mintctl watch: live progress on a terminal, a plain line at each change when piped.
 *
 * It waits for news by long poll and draws at most some frames a second: at a peak events come faster than eyes.
 */
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/programs.h"
#include "tools/mintctl/screen.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TIMEOUT_S_MAX = 366 * 86400 };
enum { FRAME_MS = 200, LINE_MS = 1000, LOST_MS = 10000, BAR_COLUMNS = 30, COLUMNS_PRESET = 100, ROWS_PRESET = 40,
       WHAT_COLUMNS = 34, WHOSE_COLUMNS = 20 };

struct watch {
	struct run *run;
	int         live, until_idle;
	int         drawn;           /* lines on the screen that the next frame replaces */
	long long   seq;
	int64_t     deadline_us;     /* 0: none */
	char        last[512];       /* the last plain line */
};

/* --- one picture */

static json_int_t
in_work(const json_t *credentials)
{
	static const char *const states[] = { "claimed", "initialised", "keyed", "requested", "certified", "burned", "verified" };
	json_int_t sum = 0;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		sum += number_of(credentials, states[i]);
	return sum;
}

static void
overall_text(const json_t *status, char *text, size_t text_bytes)
{
	const json_t *applications = json_object_get(status, "applications"), *credentials = json_object_get(status, "credentials");
	json_int_t sealed = number_of(credentials, "sealed") + number_of(credentials, "taken") + number_of(credentials, "packed");
	json_int_t issued = number_of(applications, "issued") + number_of(applications, "invoice_requested") + number_of(applications, "invoiced");
	long long labels = number_of(json_object_get(status, "labels"), "waiting") + number_of(json_object_get(status, "labels"), "printing");
	char pace[96] = "", print[64] = "", down[128], left[SCREEN_SPAN_BYTES];

	if (json_is_number(json_object_get(status, "tokens_per_hour"))) {
		screen_span(number_of(status, "left_s"), left);
		snprintf(pace, sizeof pace, "%s%.0f %s%s%s %s", say(", ", "，"), json_number_value(json_object_get(status, "tokens_per_hour")),
		    say("tokens an hour", "支/小时"), say(", ", "，"), say("left", "剩余"), left);
	}
	if (labels > 0)
		snprintf(print, sizeof print, "%s %lld", say(", labels to print", "，待打印面单"), labels);
	programs_down(status, down, sizeof down);
	snprintf(text, text_bytes, "%s%s%s%s %lld/%lld%s %lld/%lld%s %lld%s %lld%s %lld%s%s",
	    *down ? say("DOWN: ", "已停止：") : "", down, *down ? say("; ", "；") : "", say("issued", "已发证"),
	    (long long)issued, number_of(applications, "total"), say(", tokens done", "，已制介质"), (long long)sealed,
	    number_of(credentials, "total"), say(", in work", "，制证中"), (long long)in_work(credentials), say(", waiting", "，待制证"),
	    number_of(credentials, "waiting"), say(", parked", "，搁置"), number_of(credentials, "parked"), print, pace);
}

static void
print_bar(const json_t *status)
{
	const json_t *credentials = json_object_get(status, "credentials");
	json_int_t total = number_of(credentials, "total"), packed = number_of(credentials, "packed");
	json_int_t done = packed + number_of(credentials, "sealed") + number_of(credentials, "taken");
	json_int_t full = total ? packed * BAR_COLUMNS / total : 0, half = total ? done * BAR_COLUMNS / total : 0;

	putchar('[');
	for (json_int_t i = 0; i < BAR_COLUMNS; i++)
		putchar(i < full ? '#' : i < half ? '=' : '.');
	printf("] %lld%%", (long long)(total ? packed * 100 / total : 0));
}

static int
blanks_behind(const char *text, size_t columns)
{
	size_t width = text_width(text);

	return width < columns ? (int)(columns - width) : 0;
}

/* One bay in one line; the marks in front tell states apart without colour. */
static void
bay_line(const json_t *bay, char *text, size_t text_bytes)
{
	static const struct {
		const char *state, *mark;
	} marks[] = { { "working", ">" }, { "take", "^" }, { "stock", "+" }, { "trouble", "!" }, { "empty", "_" }, { "idle", "." }, { "no_reader", "x" },
		{ "stopped", "#" } };
	const char *state = text_of(bay, "state"), *mark = "?", *trouble = words_of(json_object_get(bay, "trouble"), "what");
	const char *next = words_of(json_object_get(bay, "trouble"), "do");
	const char *what = *text_of(bay, "step") ? step_text(text_of(bay, "step")) : state_text("bay", state);
	const char *whose = *text_of(bay, "credential") ? text_of(bay, "credential") : text_of(bay, "application");
	char elapsed[SCREEN_SPAN_BYTES] = "", take[96];

	if (strcmp(state, "take") == 0 && number_of(bay, "parcel") > 0) {
		snprintf(take, sizeof take, say("%s: parcel %lld", "%s：包裹 %lld"), what, number_of(bay, "parcel"));
		what = take;
	}
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strcmp(marks[i].state, state) == 0)
			mark = marks[i].mark;
	if (json_is_integer(json_object_get(bay, "elapsed_ms")))
		screen_span(number_of(bay, "elapsed_ms") / 1000, elapsed);
	snprintf(text, text_bytes, "%s %2lld  %s%*s  %s%*s  %5s  %s%s%s", mark, number_of(bay, "bay"),
	    what, blanks_behind(what, WHAT_COLUMNS), "", whose, blanks_behind(whose, WHOSE_COLUMNS), "", elapsed, trouble, *next ? " → " : "", next);
}

/* A terminal that does not say how large it is says 0. */
static struct winsize
terminal_size(void)
{
	struct winsize size = { .ws_row = 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (size.ws_col == 0)
		size.ws_col = COLUMNS_PRESET;
	if (size.ws_row == 0)
		size.ws_row = ROWS_PRESET;
	return size;
}

/* Each line ends what stood there before; the cursor goes back up for the next frame. */
static void
draw(struct watch *watch, const json_t *status, const json_t *bays)
{
	struct winsize size = terminal_size();
	char text[512], cut[512];
	const json_t *bay;
	size_t i;
	int lines = 0;

	if (watch->drawn)
		printf("\033[%dA", watch->drawn);
	json_array_foreach(bays, i, bay) {
		if (lines + 4 > size.ws_row)
			break;
		bay_line(bay, text, sizeof text);
		text_cut(text, size.ws_col - 1u, cut, sizeof cut);
		printf("\r%s\033[K\n", cut);
		lines++;
	}
	fputs("\r", stdout);
	print_bar(status);
	overall_text(status, text, sizeof text);
	text_cut(text, size.ws_col - 1u, cut, sizeof cut);
	printf("\033[K\n\r%s\033[K\n\033[J", cut);
	watch->drawn = lines + 2;
	fflush(stdout);
}

static void
print_plain(struct watch *watch, const json_t *status)
{
	char text[512];

	overall_text(status, text, sizeof text);
	if (strcmp(text, watch->last) == 0)
		return;
	snprintf(watch->last, sizeof watch->last, "%s", text);
	puts(text);
	fflush(stdout);
}

/* --- the loop */

/* mint-api restarts with mint-queue: a short absence is no reason to give up. */
static int
look_patiently(struct watch *watch, const char *path, long timeout_ms, json_t **answer)
{
	int64_t give_up = clock_monotonic_us() + LOST_MS * 1000LL;
	int r;

	while ((r = client_get(watch->run->client, path, timeout_ms, answer)) == MINT_CLOSED && clock_monotonic_us() < give_up) {
		json_decref(*answer);
		*answer = NULL;
		poll(NULL, 0, FRAME_MS); /* bounded retry: the supervisor is starting it anew */
	}
	return r;
}

/* Waits for the next event, but not less than a frame: faster news wait for the next picture. */
static int
wait_for_news(struct watch *watch, int64_t frame_begun_us)
{
	int interval_ms = watch->live ? FRAME_MS : LINE_MS;
	int64_t left_ms;
	char path[LOOK_PATH_BYTES];
	json_t *answer;
	int r;

	snprintf(path, sizeof path, "/v1/events?after=%lld&limit=1&wait=1", watch->seq);
	r = look_patiently(watch, path, LOOK_TIMEOUT_MS, &answer);
	json_decref(answer);
	left_ms = interval_ms - (clock_monotonic_us() - frame_begun_us) / 1000;
	if (r == 0 && left_ms > 0)
		poll(NULL, 0, (int)left_ms); /* frame rate */
	return r;
}

static int
show_once(struct watch *watch, int *idle, long long *needs_person)
{
	json_t *status = NULL, *bays = NULL;
	int r = look_patiently(watch, "/v1/status", LOOK_TIMEOUT_MS, &status);

	if (r == 0 && watch->live)
		r = look_patiently(watch, "/v1/bays", LOOK_TIMEOUT_MS, &bays);
	if (r != 0) {
		json_t *error = watch->live && bays ? bays : status;

		if (error == bays)
			json_decref(status);
		return command_fail(watch->run, r, error);
	}
	watch->seq = number_of(status, "seq");
	*idle = json_is_true(json_object_get(status, "idle"));
	*needs_person = number_of(status, "needs_person");
	if (watch->run->json) {
		json_dumpf(status, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	} else if (watch->live) {
		draw(watch, status, json_object_get(bays, "bays"));
	} else {
		print_plain(watch, status);
	}
	json_decref(status);
	json_decref(bays);
	return 0;
}

/* What the standstill means: all issued, or a person is asked for. */
static int
conclude(struct watch *watch, long long needs_person)
{
	char detail[64];

	if (needs_person == 0)
		return 0;
	snprintf(detail, sizeof detail, "%lld", needs_person);
	return command_fail_with(watch->run, MINT_PARKED, detail);
}

int
run_watch(struct run *run)
{
	struct watch watch = {
		.run = run, .live = !run->json && isatty(STDOUT_FILENO), .until_idle = run->options[OPTION_UNTIL_IDLE] != NULL,
	};
	const char *timeout = run->options[OPTION_TIMEOUT];
	long long needs_person = 0;
	int idle = 0, r = 0;

	if (timeout && (number_option(run, OPTION_TIMEOUT) <= 0 || number_option(run, OPTION_TIMEOUT) > TIMEOUT_S_MAX))
		return command_fail_with(run, MINT_ARGUMENT, say("--timeout: seconds from 1", "--timeout：应为不小于 1 的秒数"));
	if (timeout)
		watch.deadline_us = clock_monotonic_us() + number_option(run, OPTION_TIMEOUT) * 1000000;
	while (r == 0) {
		int64_t begun = clock_monotonic_us();

		r = show_once(&watch, &idle, &needs_person);
		if (r == 0 && watch.until_idle && idle)
			return conclude(&watch, needs_person);
		if (r == 0 && watch.deadline_us && clock_monotonic_us() >= watch.deadline_us)
			return command_fail_with(run, MINT_TIMEOUT, "--timeout");
		if (r == 0 && (r = wait_for_news(&watch, begun)) != 0)
			command_fail_with(run, r, run->socket_path);
	}
	return r;
}
