/* mint-bench: what the bays show, told to mint-queue; what their lights and their power shall be, told to the stations. Decides nothing.
 *
 * Trusted with: the readers' presence and ports through pcscd, the station boards and hubs over USB, the host's GPIO lines. No command
 * of its ever reaches a card: nothing but a worker may touch a token. A process of its own watches each pcscd (watchers.h), so nothing
 * that a board does or leaves undone delays what a bay shows; boards and lines are on this process's loop and are never waited for.
 */
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/bench/bays.h"
#include "hostd/bench/learn.h"
#include "hostd/bench/lines.h"
#include "hostd/bench/power.h"
#include "hostd/bench/station.h"
#include "hostd/bench/watchers.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <stdlib.h>

struct bench {
	struct program_context *context;
	const struct config    *config;
	struct watchers        *watchers;
	struct bays            *bays;
	struct usb             *usb;                           /* NULL: no station, no hub */
	struct station         *stations[CONFIG_STATIONS_MAX];
	struct power           *power;
	struct learn           *learn;
	struct lines           *lines;
};

/* --- to mint-queue */

static void
tell(const struct message *message, void *argument)
{
	struct bench *bench = argument;

	ipc_send(bench->context->queue, message, -1);
}

static void
on_press(enum station_button button, void *argument)
{
	struct message message = { .type = MESSAGE_press };

	message.press.button = (uint8_t)button;
	tell(&message, argument);
}

/* --- readers */

/* A watcher that is gone is not started again alone: mintd counts this program's ends. */
static void
on_report(size_t pcscd, const struct message *report, void *argument)
{
	struct bench *bench = argument;

	if (report && report->type == MESSAGE_bay) {
		bays_take(bench->bays, pcscd, report);
		return;
	}
	log_error("a process that watches readers has ended: ending, to be started anew");
	event_base_loopbreak(bench->context->base);
}

static void
on_reader(const char *name, const char *port, int is_there, void *argument)
{
	struct bench *bench = argument;

	(void)name;
	learn_reader(bench->learn, port, is_there != 0);
}

/* --- stations, power and lines */

/* The numbers alone are everybody's who tests (schemas/station.h): what is not a station must not be claimed. */
static bool
is_station(const char *path)
{
	if (usb_path_is_named(path, STATION_USB_MAKER, STATION_USB_NAME))
		return true;
	log_warning("USB device %s has a station's numbers, but is not called \"%s %s\": left alone", path, STATION_USB_MAKER, STATION_USB_NAME);
	return false;
}

static void
on_device(libusb_device *device, int came, void *argument)
{
	struct bench *bench = argument;
	char path[USB_PATH_BYTES];
	bool taken = false;

	usb_path_of(device, path);
	if (came && !is_station(path))
		return;
	for (size_t i = 0; i < bench->config->station_count && !taken; i++) {
		if (came)
			taken = station_offer(bench->stations[i], device, path);
		else
			station_lost(bench->stations[i], device);
	}
	for (size_t i = 0; i < bench->config->station_count && came && !taken; i++)
		station_turn_away(bench->stations[i], device, path);
}

static void
on_station(struct station *station, void *argument)
{
	struct bench *bench = argument;

	power_station_changed(bench->power, station);
}

static void
on_voltages(struct station *station, const struct station_voltages *voltages, void *argument)
{
	struct bench *bench = argument;

	power_station_measured(bench->power, station, voltages);
}

static void
on_pedal(void *argument)
{
	on_press(STATION_BUTTON_confirm, argument);
}

static void
on_stop(bool pressed, void *argument)
{
	struct bench *bench = argument;

	power_stop(bench->power, pressed);
	for (size_t i = 0; i < bench->config->station_count; i++)
		station_echo_stop(bench->stations[i], pressed);
}

/* --- learning */

static void
want(size_t bay, bool on, void *argument)
{
	struct bench *bench = argument;

	power_want(bench->power, bay, on);
}

static int
given(size_t bay, void *argument)
{
	struct bench *bench = argument;
	enum supply supply = power_supply(bench->power, bay);

	return supply == SUPPLY_ON ? 1 : supply == SUPPLY_OFF ? 0 : -1;
}

static const char *
known_port(size_t bay, void *argument)
{
	struct bench *bench = argument;

	return bays_port(bench->bays, bay);
}

/* --- orders */

static void
wired(struct bench *bench, const struct message *message)
{
	bays_wire(bench->bays, (int)message->wired.bay, message->wired.port);
}

static void
show(struct bench *bench, const struct message *message)
{
	const struct config_bay *bay = config_bay(bench->config, (int)message->show.bay);

	if (bay && bay->station < bench->config->station_count && message->show.light < STATION_LIGHTS_OF_HOST)
		station_show(bench->stations[bay->station], (unsigned)(bay->number - bench->config->stations[bay->station].first_bay),
		    (enum station_light)message->show.light, message->show.burning != 0);
}

/* Where the operator stands is not known: every station sounds. */
static void
sound(struct bench *bench, const struct message *message)
{
	for (size_t i = 0; i < bench->config->station_count && message->sound.sound < STATION_SOUNDS; i++)
		station_sound(bench->stations[i], (enum station_sound)message->sound.sound);
}

static void
lamps(struct bench *bench, const struct message *message)
{
	lines_lamps(bench->lines, message->lamps.lamps);
}

static void
cycle(struct bench *bench, const struct message *message)
{
	power_cycle(bench->power, (int)message->cycle.bay);
}

static void
learn(struct bench *bench, const struct message *message)
{
	learn_begin(bench->learn, (int)message->learn.bay);
}

static const struct order {
	enum message_type type;
	void            (*take)(struct bench *bench, const struct message *message);
} orders[] = {
	{ MESSAGE_wired, wired }, { MESSAGE_show, show },   { MESSAGE_sound, sound },
	{ MESSAGE_lamps, lamps }, { MESSAGE_cycle, cycle }, { MESSAGE_learn, learn },
};

/* Losing mint-queue ends the program (hostd/base/program.h). */
static void
on_order(struct program_context *context, const struct message *message)
{
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
		if (orders[i].type == message->type) {
			orders[i].take(context->state, message);
			return;
		}
	log_error("mint-queue: sent %s, which mint-bench does not take", message_name(message->type));
	event_base_loopbreak(context->base);
}

/* --- life */

static bool
needs_usb(const struct config *config)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (config->bays[i].power == CONFIG_POWER_HUB)
			return true;
	return config->station_count > 0;
}

static int
begin_stations(struct bench *bench)
{
	static const struct station_calls calls = { tell, on_station, on_voltages, on_press };

	for (size_t i = 0; i < bench->config->station_count; i++) {
		bench->stations[i] = station_new(bench->context->base, bench->usb, bench->config, i, &calls, bench);
		if (!bench->stations[i])
			return MINT_MEMORY;
	}
	return 0;
}

/* A bench without USB or lines still shows its readers: only memory ends it. */
static int
begin_hardware(struct bench *bench)
{
	static const struct learn_calls learn_calls = { tell, want, given, known_port };
	static const struct learn_times times = { .quiet_ms = 1500, .rise_ms = 5000, .appear_ms = 15000 };
	static const struct lines_calls lines_calls = { on_pedal, on_stop };
	struct event_base *base = bench->context->base;
	int r = needs_usb(bench->config) ? usb_new(&bench->usb, base, on_device, bench) : 0;

	if (r == MINT_MEMORY)
		return r;
	r = begin_stations(bench);
	if (r != 0)
		return r;
	bench->power = power_new(base, bench->config, bench->stations, bench->usb, tell, bench);
	bench->learn = learn_new(base, bench->config, &times, &learn_calls, bench);
	if (!bench->power || !bench->learn)
		return MINT_MEMORY;
	bench->lines = lines_new(base, bench->config, &lines_calls, bench); /* a stop that is pressed comes before any power */
	if (!bench->lines)
		return MINT_MEMORY;
	power_begin(bench->power);
	return 0;
}

/* Watchers first: they are forked before there is any thread. */
static int
begin(struct program_context *context)
{
	struct bench *bench = calloc(1, sizeof *bench);
	int r;

	context->state = bench;
	if (!bench)
		return MINT_MEMORY;
	bench->context = context;
	bench->config = context->config;
	bench->bays = bays_new(bench->config, tell, on_reader, bench);
	if (!bench->bays)
		return MINT_MEMORY;
	r = watchers_start(&bench->watchers, context->base, bench->config, on_report, bench);
	return r == 0 ? begin_hardware(bench) : r;
}

/* Bays keep their power: a bench that is started again finds its tokens as they were. */
static void
end(struct program_context *context)
{
	struct bench *bench = context->state;

	if (!bench)
		return;
	if (bench->lines)
		lines_free(&bench->lines);
	learn_free(&bench->learn);
	power_free(&bench->power);
	for (size_t i = 0; i < bench->config->station_count; i++)
		station_free(&bench->stations[i]);
	usb_free(&bench->usb);
	watchers_free(&bench->watchers);
	bays_free(&bench->bays);
	free(bench);
	context->state = NULL;
}

int
main(int argc, char **argv)
{
	static const struct program_info info = {
		.program = PROGRAM_BENCH,
		.name = "mint-bench",
		.purpose = "Tells mint-queue what each bay shows, and lights and powers the bays as it is told.",
		.begin = begin,
		.on_message = on_order,
		.end = end,
	};

	return program_main(&info, argc, argv);
}
