/* What can be done to a simulated bench, one line an order. */
#include "tests/station/bench_sim.h"
#include "tests/station/board.h"
#include "tests/station/host_bus.h"
#include "tests/station/lines.h"
#include "tests/station/testbed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4, PRESS_US = 120000 };

static const char *const buttons[SIM_BUTTONS] = { "confirm", "quiet", "lamps" };
static const char *const manglings[BUS_MANGLINGS] = { "none", "short", "garbage", "silent", "version", "sequence", "stall" };
static const char *const tears[] = { "never", "in-command", "before-answer" };

static int
place_of(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* 0 to BOARD_BAYS − 1 of "1" to "16"; −1. */
static int
bay_of(const char *word)
{
	int bay = atoi(word);

	return bay >= 1 && bay <= BOARD_BAYS ? bay - 1 : -1;
}

/* --- the orders; −1: an argument makes no sense */

static int
order_present(struct bench_sim *sim, char **words)
{
	int bay = bay_of(words[1]);

	if (bay >= 0)
		board_presence(sim->board, (unsigned)bay, atoi(words[2]));
	return bay >= 0 ? 0 : -1;
}

static int
order_over_current(struct bench_sim *sim, char **words)
{
	int bay = bay_of(words[1]);

	if (bay >= 0)
		board_over_current(sim->board, (unsigned)bay, atoi(words[2]));
	return bay >= 0 ? 0 : -1;
}

static int
order_vbus(struct bench_sim *sim, char **words)
{
	int bay = bay_of(words[1]);

	if (bay >= 0)
		board_vbus_mv(sim->board, (unsigned)bay, (uint16_t)atoi(words[2]));
	return bay >= 0 ? 0 : -1;
}

static int
order_press(struct bench_sim *sim, char **words)
{
	int button = place_of(buttons, SIM_BUTTONS, words[1]);

	if (button < 0)
		return -1;
	board_button(sim->board, (enum board_button)button, 1);
	sim->released_at_us[button] = board_now_us(sim->board) + PRESS_US;
	return 0;
}

static int
order_lid(struct bench_sim *sim, char **words)
{
	board_lid(sim->board, atoi(words[1]));
	return 0;
}

static int
order_stop(struct bench_sim *sim, char **words)
{
	board_stop(sim->board, atoi(words[1]));
	return 0;
}

static int
order_line(struct bench_sim *sim, char **words)
{
	(void)sim;
	return lines_drive(words[1], atoi(words[2]));
}

/* As a contact that closes does: on and off some times, at last as it is to be. */
static int
order_bounce(struct bench_sim *sim, char **words)
{
	int value = atoi(words[2]), r = 0;

	(void)sim;
	for (int i = 0; i < 5 && r == 0; i++) {
		r = lines_drive(words[1], value);
		if (r == 0 && i < 4)
			r = lines_drive(words[1], !value);
	}
	return r;
}

static int
order_unplug(struct bench_sim *sim, char **words)
{
	(void)words;
	sim_unplug(sim);
	return 0;
}

static int
order_plug(struct bench_sim *sim, char **words)
{
	(void)words;
	return bus_is_plugged(sim->bus) ? -1 : sim_plug(sim);
}

static int
order_tear(struct bench_sim *sim, char **words)
{
	int when = place_of(tears, 3, words[1]);

	if (when >= 0)
		bus_arm(sim->bus, (enum bus_unplugging)when);
	return when >= 0 ? 0 : -1;
}

static int
order_mangle(struct bench_sim *sim, char **words)
{
	int mangling = place_of(manglings, BUS_MANGLINGS, words[1]);

	if (mangling >= 0)
		bus_mangle(sim->bus, (enum bus_mangling)mangling, (unsigned)atoi(words[2]));
	return mangling >= 0 ? 0 : -1;
}

static int
order_serial(struct bench_sim *sim, char **words)
{
	if (bus_is_plugged(sim->bus) || strlen(words[1]) > BOARD_SERIAL_MAX)
		return -1;
	board_serial(sim->board, words[1]);
	board_reset(sim->board, BOARD_EXTERNAL);
	return 0;
}

static int
order_maker(struct bench_sim *sim, char **words)
{
	if (bus_is_plugged(sim->bus))
		return -1;
	snprintf(sim->maker, sizeof sim->maker, "%s", strcmp(words[1], "own") == 0 ? "" : words[1]);
	return 0;
}

static int
order_reset(struct bench_sim *sim, char **words)
{
	(void)words;
	board_reset(sim->board, BOARD_EXTERNAL);
	return 0;
}

static int
order_quit(struct bench_sim *sim, char **words)
{
	(void)words;
	sim->ended = 1;
	return 0;
}

static const struct order {
	const char *name;
	int         arguments;
	int       (*take)(struct bench_sim *sim, char **words);
	const char *help;
} orders[] = {
	{ "present", 2, order_present, "present BAY 0|1          something is in the bay" },
	{ "over_current", 2, order_over_current, "over_current BAY 0|1     its switch says that too much flows" },
	{ "vbus", 2, order_vbus, "vbus BAY MV              what is measured while it is switched on" },
	{ "press", 1, order_press, "press confirm|quiet|lamps   a finger, for a tenth of a second" },
	{ "lid", 1, order_lid, "lid 0|1                  1: open" },
	{ "stop", 1, order_stop, "stop 0|1                 the emergency stop" },
	{ "line", 2, order_line, "line NAME 0|1            drives PEDAL or STOP of the host" },
	{ "bounce", 2, order_bounce, "bounce NAME 0|1          the same, as a contact that bounces" },
	{ "unplug", 0, order_unplug, "unplug                   the station's cable" },
	{ "plug", 0, order_plug, "plug" },
	{ "tear", 1, order_tear, "tear in-command|before-answer   the cable comes out just then" },
	{ "mangle", 2, order_mangle, "mangle short|garbage|silent|version|sequence|stall COUNT   the next answers" },
	{ "serial", 1, order_serial, "serial NUMBER            another board, while none is plugged in" },
	{ "maker", 1, order_maker, "maker NAME|own           a device of another make with the station's numbers, while none is plugged in" },
	{ "reset", 0, order_reset, "reset                    the board's reset line" },
	{ "quit", 0, order_quit, "quit" },
};

const char *
orders_help(void)
{
	static char text[2048];
	size_t used = 0;

	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "  %s\n", orders[i].help);
	snprintf(text + used, sizeof text - used, "  show                     all that can be seen, as JSON\n");
	return text;
}

/* --- show */

static json_t *
show_commands(const struct bench_sim *sim)
{
	static const struct { const char *name; uint8_t number; } names[] = {
#define BARE(name, number, way) { #name, number },
#define FRAME(name, number, way, fields) { #name, number },
#include "schemas/station.def"
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number < STATION_identity)
			json_object_set_new(object, names[i].name, json_integer(bus_commands(sim->bus, names[i].number)));
	return object;
}

static json_t *
show_bays(const struct bench_sim *sim)
{
	static const char *const lights[] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) #name,
#include "schemas/station.def"
	};
	const struct station_set *set = bus_last_set(sim->bus);
	uint16_t switches = board_switches(sim->board);
	json_t *array = json_array();

	for (unsigned i = 0; i < BOARD_BAYS; i++) {
		const uint8_t *led = board_led(sim->board, i);

		json_array_append_new(array, json_pack("{s:b, s:b, s:b, s:s, s:[i,i,i]}", "power", switches >> i & 1, "wanted", set->powered >> i & 1,
		    "burning", set->burning >> i & 1, "light", lights[set->light[i] < STATION_LIGHTS ? set->light[i] : 0], "led", led[0], led[1], led[2]));
	}
	return array;
}

static json_t *
show_lines(void)
{
	json_t *object = json_object();
	const char *name;
	int value;

	for (unsigned i = 0; (name = lines_value(i, &value)); i++)
		json_object_set_new(object, name, json_integer(value));
	return object;
}

static void
show(struct bench_sim *sim, char *answer, size_t size)
{
	json_t *all = json_pack("{s:b, s:i, s:o, s:i, s:i, s:b, s:o, s:o, s:f, s:i}", "plugged", bus_is_plugged(sim->bus), "address", sim->station_address,
	    "commands", show_commands(sim), "sound", bus_last_set(sim->bus)->sound, "hub_power", (int)bus_hub_power(sim->bus), "buzzer",
	    board_buzzer(sim->board), "lines", show_lines(), "bays", show_bays(sim), "time_s", (double)board_now_us(sim->board) / 1e6, "pressed",
	    (sim->released_at_us[0] > 0) + (sim->released_at_us[1] > 0) + (sim->released_at_us[2] > 0));
	size_t length = all ? json_dumpb(all, answer, size - 1, JSON_COMPACT) : 0;

	answer[length < size ? length : 0] = '\0';
	json_decref(all);
}

void
orders_take(struct bench_sim *sim, char *line, char *answer, size_t size)
{
	char *words[WORDS_MAX + 1] = { NULL }, *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " \t\r\n", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " \t\r\n", &rest))
		words[count++] = word;
	if (count == 1 && strcmp(words[0], "show") == 0) {
		show(sim, answer, size);
		return;
	}
	snprintf(answer, size, "{\"ok\":false,\"error\":\"no such order: see --help\"}");
	for (size_t i = 0; count > 0 && i < sizeof orders / sizeof orders[0]; i++)
		if (strcmp(orders[i].name, words[0]) == 0 && orders[i].arguments == count - 1)
			snprintf(answer, size, "%s", orders[i].take(sim, words) == 0 ? "{\"ok\":true}" : "{\"ok\":false,\"error\":\"not that, or not now\"}");
}
