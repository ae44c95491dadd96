/* With libgpiod 1.6. */
#include "hostd/bench/lines.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <gpiod.h>
#include <stdlib.h>
#include <string.h>

enum { BOUNCE_MS = 20, RETRY_S = 5, NEVER_READ = -1 };

static const char consumer[] = "mintbench";

struct line {
	struct lines      *lines;
	enum config_line   which;
	struct gpiod_line *line;      /* NULL not there; its chip is open with it */
	struct event      *edge, *settle;
	int                value;     /* of an input, settled */
	bool               missed;    /* that it is not there was said */
};

struct lines {
	struct event_base        *base;
	const struct config      *config;
	const struct lines_calls *calls;
	void                     *argument;
	struct line               lines[CONFIG_LINES];
	unsigned                  lamps;
	struct event             *retry;
};

static bool
is_input(const struct line *line)
{
	return line->which >= CONFIG_LINE_PEDAL;
}

static bool
is_lit(const struct line *line)
{
	return line->lines->lamps >> line->which & 1; /* enum config_line begins with the lamps in the order of their bits */
}

static void
lose(struct line *line)
{
	if (line->edge)
		event_free(line->edge);
	line->edge = NULL;
	if (line->line)
		gpiod_line_close_chip(line->line);
	line->line = NULL;
}

static void
look_later(struct line *line, const char *why)
{
	static const struct timeval later = { RETRY_S, 0 };

	if (!line->missed)
		log_error("line %s \"%s\": %s: see `gpioinfo` for the names there are, and docs/administrators.md for who may open them",
		    config_line_name(line->which), line->lines->config->lines[line->which], why);
	line->missed = true;
	lose(line);
	evtimer_add(line->lines->retry, &later);
}

/* --- in */

static void
take_value(struct line *line)
{
	struct lines *lines = line->lines;
	int value = gpiod_line_get_value(line->line);

	if (value < 0) {
		look_later(line, strerror(errno));
		return;
	}
	if (value == line->value)
		return;
	line->value = value;
	log_debug("line %s is %d", config_line_name(line->which), value);
	if (line->which == CONFIG_LINE_STOP)
		lines->calls->stop(value != 0, lines->argument);
	else if (value)
		lines->calls->pedal(lines->argument);
}

static void
on_settled(evutil_socket_t fd, short what, void *argument)
{
	struct line *line = argument;

	(void)fd, (void)what;
	if (line->line)
		take_value(line);
}

/* Each edge begins the wait anew: a bounce ends with its last edge. */
static void
on_edge(evutil_socket_t fd, short what, void *argument)
{
	static const struct timeval bounce = { 0, BOUNCE_MS * 1000 };
	struct gpiod_line_event edges[8];
	struct line *line = argument;

	(void)fd, (void)what;
	if (gpiod_line_event_read_multiple(line->line, edges, sizeof edges / sizeof edges[0]) < 0)
		look_later(line, strerror(errno));
	else
		evtimer_add(line->settle, &bounce);
}

/* Who stands on the pedal has not pressed it now. What was last told of the stop stands: found otherwise, it is told. */
static int
listen_to(struct line *line)
{
	int fd = gpiod_line_request_both_edges_events(line->line, consumer) == 0 ? gpiod_line_event_get_fd(line->line) : -1;

	if (fd < 0)
		return -1;
	line->edge = event_new(line->lines->base, fd, EV_READ | EV_PERSIST, on_edge, line);
	if (!line->edge || event_add(line->edge, NULL) != 0)
		return -1;
	if (line->which == CONFIG_LINE_PEDAL)
		line->value = gpiod_line_get_value(line->line);
	take_value(line);
	return 0;
}

/* --- life */

static void
find(struct line *line)
{
	const char *name = line->lines->config->lines[line->which];
	int r;

	if (line->line || !name[0])
		return;
	errno = 0;
	line->line = gpiod_line_find(name);
	if (!line->line) {
		look_later(line, errno ? strerror(errno) : "there is no such line");
		return;
	}
	r = is_input(line) ? listen_to(line) : gpiod_line_request_output(line->line, consumer, is_lit(line));
	if (r != 0)
		look_later(line, strerror(errno));
	else
		line->missed = false;
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	struct lines *lines = argument;

	(void)fd, (void)what;
	for (size_t i = 0; i < CONFIG_LINES; i++)
		find(&lines->lines[i]);
}

struct lines *
lines_new(struct event_base *base, const struct config *config, const struct lines_calls *calls, void *argument)
{
	struct lines *lines = calloc(1, sizeof *lines);
	bool complete;

	if (!lines)
		return NULL;
	*lines = (struct lines){ .base = base, .config = config, .calls = calls, .argument = argument, .retry = evtimer_new(base, on_retry, lines) };
	complete = lines->retry != NULL;
	for (enum config_line which = 0; which < CONFIG_LINES && complete; which++) {
		struct line *line = &lines->lines[which];

		*line = (struct line){ .lines = lines, .which = which, .value = NEVER_READ, .settle = evtimer_new(base, on_settled, line) };
		complete = line->settle != NULL;
	}
	if (!complete)
		lines_free(&lines);
	else
		on_retry(-1, 0, lines);
	return lines;
}

void
lines_free(struct lines **place)
{
	struct lines *lines = *place;

	*place = NULL;
	if (!lines)
		return;
	for (size_t i = 0; i < CONFIG_LINES; i++) {
		lose(&lines->lines[i]);
		if (lines->lines[i].settle)
			event_free(lines->lines[i].settle);
	}
	if (lines->retry)
		event_free(lines->retry);
	free(lines);
}

void
lines_lamps(struct lines *lines, unsigned lamps)
{
	lines->lamps = lamps;
	for (size_t i = 0; i < CONFIG_LINE_PEDAL; i++) {
		struct line *line = &lines->lines[i];

		if (line->line && gpiod_line_set_value(line->line, is_lit(line)) != 0)
			look_later(line, strerror(errno));
	}
}
