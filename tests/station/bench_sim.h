/* All of a simulated bench's hardware together, for the orders of people and tests: orders.c says which there are. */
#ifndef MINT_TESTS_STATION_BENCH_SIM_H
#define MINT_TESTS_STATION_BENCH_SIM_H

#include <stddef.h>
#include <stdint.h>

struct board;
struct bus;
struct testbed;

enum { SIM_BUTTONS = 3 };

struct bench_sim {
	struct board   *board;
	struct bus     *bus;
	struct testbed *testbed;
	int             station_address;                /* −1 not plugged in */
	uint64_t        released_at_us[SIM_BUTTONS];    /* of the board's time: a finger that is on a button lifts; 0 none is */
	char            maker[32];                      /* in the place of the board's own, of a device of somebody else's; "" its own */
	int             ended;                          /* `quit` was ordered */
};

/* Plugs the station in, and out. 0; −1 after a line on stderr. */
int sim_plug(struct bench_sim *sim);
void sim_unplug(struct bench_sim *sim);

/* Carries out one line. The answer is JSON without a line end: {"ok":true}, {"ok":false,"error":…}, or what was asked for. */
void orders_take(struct bench_sim *sim, char *line, char *answer, size_t size);

/* All the orders, for --help. */
const char *orders_help(void);

#endif
