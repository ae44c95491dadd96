/* The host's own GPIO lines, by name: stack light out; foot pedal and emergency-stop echo in.
 *
 * Thin on purpose: lines.c is all that knows libgpiod 1.6, and another file of the same four functions is all that 2.x needs. A line that
 * is not there is looked for again every few seconds: a GPIO expander on USB may come late. */
#ifndef MINT_BENCH_LINES_H
#define MINT_BENCH_LINES_H

#include <stdbool.h>

struct config;
struct event_base;
struct lines;

struct lines_calls {
	/* The pedal was pressed: once for each time it went down and stayed down for the time of a bounce. */
	void (*pedal)(void *argument);
	/* The echo of the emergency stop: as it is found first, maybe within lines_new, then at each change. */
	void (*stop)(bool pressed, void *argument);
};

/* NULL when out of memory. */
struct lines *lines_new(struct event_base *base, const struct config *config, const struct lines_calls *calls, void *argument);
void lines_free(struct lines **lines);

/* Lights lamps, bits as of message `lamps`: 1 red, 2 amber, 4 green; the others go out. */
void lines_lamps(struct lines *lines, unsigned lamps);

#endif
