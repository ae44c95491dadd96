/* The host's lines when their expander comes and goes: libgpiod's functions are this file's. */
#include "hostd/base/config.h"
#include "hostd/bench/lines.h"

#include <errno.h>
#include <event2/event.h>
#include <gpiod.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20, TRIES = 500 };

/* One expander with one input. */
static int is_there, value, reads_fail, edges[2];

struct gpiod_line *
gpiod_line_find(const char *name)
{
	static char line;

	(void)name;
	errno = 0;
	return is_there ? (struct gpiod_line *)(void *)&line : NULL;
}

void
gpiod_line_close_chip(struct gpiod_line *line)
{
	(void)line;
}

int
gpiod_line_request_both_edges_events(struct gpiod_line *line, const char *consumer)
{
	(void)line, (void)consumer;
	return 0;
}

int
gpiod_line_event_get_fd(struct gpiod_line *line)
{
	(void)line;
	return edges[0];
}

int
gpiod_line_event_read_multiple(struct gpiod_line *line, struct gpiod_line_event *events, unsigned int count)
{
	char byte;

	(void)line, (void)events, (void)count;
	if (read(edges[0], &byte, 1) != 1 || reads_fail) {
		errno = ENODEV;
		return -1;
	}
	return 1;
}

int
gpiod_line_get_value(struct gpiod_line *line)
{
	(void)line;
	return value;
}

/* --- */

static char           told[256];
static struct config  config;
static struct lines  *lines;
static struct event_base *base;

static void
on_pedal(void *argument)
{
	(void)argument;
	strcat(told, "pedal ");
}

static void
on_stop(bool pressed, void *argument)
{
	(void)argument;
	strcat(told, pressed ? "stopped " : "released ");
}

static int
begin(void **state)
{
	static char none[] = "", name[] = "EXPANDER";
	const enum config_line *which = *state;

	for (size_t i = 0; i < CONFIG_LINES; i++)
		config.lines[i] = none;
	config.lines[*which] = name;
	is_there = 1;
	reads_fail = value = 0;
	told[0] = '\0';
	base = event_base_new();
	return pipe(edges);
}

static int
end(void **state)
{
	(void)state;
	lines_free(&lines);
	event_base_free(base);
	close(edges[0]);
	close(edges[1]);
	return 0;
}

static void
find_lines(void)
{
	static const struct lines_calls calls = { on_pedal, on_stop };

	lines = lines_new(base, &config, &calls, NULL);
	assert_non_null(lines);
}

static void
edge(void)
{
	assert_int_equal(write(edges[1], "x", 1), 1);
}

/* Until it was told: a line is looked for again after some seconds. */
static void
wait_for(const char *expected)
{
	const struct timeval step = { 0, WAIT_MS * 1000 };

	for (int i = 0; i < TRIES && strcmp(told, expected) != 0; i++) {
		event_base_loopexit(base, &step);
		event_base_dispatch(base);
	}
	assert_string_equal(told, expected);
}

/* Edges that came while nobody could read them are lost. */
static void
stop_released_while_its_line_was_away_is_told(void **state)
{
	(void)state;
	value = 1;
	find_lines();
	wait_for("stopped ");
	reads_fail = 1;
	edge();
	value = 0;
	wait_for("stopped released ");
}

static void
pedal_that_is_down_when_its_line_comes_was_not_pressed(void **state)
{
	(void)state;
	value = 1;
	find_lines();
	assert_string_equal(told, "");
	value = 0;
	edge();
	for (int i = 0; i < 3; i++) {
		const struct timeval step = { 0, WAIT_MS * 1000 };

		event_base_loopexit(base, &step);
		event_base_dispatch(base);
	}
	value = 1;
	edge();
	wait_for("pedal ");
}

int
main(void)
{
	static enum config_line stop = CONFIG_LINE_STOP, pedal = CONFIG_LINE_PEDAL;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(stop_released_while_its_line_was_away_is_told, begin, end, &stop),
		cmocka_unit_test_prestate_setup_teardown(pedal_that_is_down_when_its_line_comes_was_not_pressed, begin, end, &pedal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
