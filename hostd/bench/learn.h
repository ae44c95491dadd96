/* The proof of the wiring: one bay at a time has power, and the reader that then comes shows at which port the bay is.
 *
 * All bays that can be switched are without power first, those of every station; what readers are there then do not count. A bay's port is
 * told when just one came, on USB, at a port that is not known to be another's; everything else is refused with what was seen.
 * Afterwards every bay has power again. mint-queue sees to it that no bay is at work. */
#ifndef MINT_BENCH_LEARN_H
#define MINT_BENCH_LEARN_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct learn;
struct message;

struct learn_calls {
	/* Message `learned`. */
	void (*tell)(const struct message *message, void *argument);
	void (*want)(size_t bay, bool on, void *argument);
	/* 1: VBUS of the bay is given and in order; 0: it is off; −1: neither. */
	int (*given)(size_t bay, void *argument);
	/* The port that is known of a bay now, from the configuration or the record; "" none. */
	const char *(*port)(size_t bay, void *argument);
};

struct learn_times {
	unsigned quiet_ms;   /* no reader came or went for so long: no more will */
	unsigned rise_ms;    /* within it a bay has power */
	unsigned appear_ms;  /* within it a reader comes, and goes */
};

/* NULL when out of memory. */
struct learn *learn_new(struct event_base *base, const struct config *config, const struct learn_times *times, const struct learn_calls *calls,
    void *argument);
void learn_free(struct learn **learn);

/* The bay of that number, or all (0). Answered by `learned` of each bay, then of bay 0. While one runs another is not begun. */
void learn_begin(struct learn *learn, int number);

/* A reader came, with its port ("" it is not on USB), or went. */
void learn_reader(struct learn *learn, const char *port, bool came);

#endif
