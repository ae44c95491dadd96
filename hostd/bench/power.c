#include "hostd/bench/power.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/hub.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <stdlib.h>

enum {
	DISCHARGED_MV = 800,   /* vSafe0V (USB Power Delivery 3.1, 7.1.5): below it every token has forgotten */
	MEASURE_MS = 50,
	FALL_TRIES = 60,       /* of MEASURE_MS */
	RISE_MS = 5000,        /* sixteen bays one after the other, each of them slow */
	HUB_RETRY_MS = 5000
};

enum cycle { NOT_CYCLED, FALLING, RESTING, RISING };

struct bay {
	struct power            *power;
	const struct config_bay *config;
	struct event            *timer;
	bool                     wanted;
	enum cycle               cycle;
	unsigned                 tries;
	enum supply              supply;
	bool                     told_ever;
	bool                     switching;  /* of a hub: an order is out */
	bool                     given;      /* of a hub: what it was told last */
	int                      hub_error;  /* that was said; 0 it does as it is told */
	bool                     obeyed;     /* of a hub: it has done what it was told, once at least */
};

struct power {
	struct event_base        *base;
	const struct config      *config;
	struct station *const    *stations;
	struct usb               *usb;
	power_tell               *tell;
	void                     *argument;
	bool                      stopped;        /* by the echo line */
	bool                      stop_unknown;   /* there is to be an echo line, and it was not read yet */
	bool                      station_stopped[CONFIG_STATIONS_MAX];
	struct bay               *bays;           /* of each bay of the configuration */
};

static void
start(struct event *timer, unsigned ms)
{
	struct timeval after = { ms / 1000, (suseconds_t)(ms % 1000 * 1000) };

	event_add(timer, &after);
}

static unsigned
place_on_station(const struct bay *bay)
{
	return (unsigned)(bay->config->number - bay->power->config->stations[bay->config->station].first_bay);
}

static struct station *
station_of(const struct bay *bay)
{
	return bay->power->stations[bay->config->station];
}

/* --- what is told */

static void
tell_supply(struct bay *bay, enum supply supply)
{
	struct message message = { .type = MESSAGE_supply };

	if (bay->told_ever && bay->supply == supply)
		return;
	bay->told_ever = true;
	bay->supply = supply;
	message.supply.bay = (uint32_t)bay->config->number;
	message.supply.supply = (uint8_t)supply;
	bay->power->tell(&message, bay->power->argument);
}

static void
tell_cycled(struct bay *bay, int error)
{
	struct message message = { .type = MESSAGE_cycled };

	message.cycled.bay = (uint32_t)bay->config->number;
	message.cycled.error = (uint32_t)-error;
	bay->power->tell(&message, bay->power->argument);
}

/* --- switching */

/* A station sees the stop itself. Where a hub gives the power, nothing but the echo line tells of it. */
static bool
is_stopped(const struct bay *bay)
{
	return bay->power->stopped || (bay->config->power == CONFIG_POWER_STATION && bay->power->station_stopped[bay->config->station]) ||
	    (bay->config->power == CONFIG_POWER_HUB && bay->power->stop_unknown);
}

/* What the bay is to have now. */
static bool
due(const struct bay *bay)
{
	return bay->wanted && !is_stopped(bay) && bay->cycle != FALLING && bay->cycle != RESTING;
}

/* Tried every few seconds for as long as it takes: said when it changes. */
static void
say_hub(struct bay *bay, int error)
{
	if (error == bay->hub_error)
		return;
	bay->hub_error = error;
	if (error == 0)
		log_info("bay %d: the hub of port %s does as it is told again", bay->config->number, bay->config->port);
	else
		log_error("bay %d: the hub of port %s: %s: look at its cable, and at what mint-bench may open (docs/administrators.md); trying again",
		    bay->config->number, bay->config->port, libusb_strerror(error));
}

static void switch_hub(struct bay *bay);
static void go_on_hub(struct bay *bay);

static void
on_hub(int error, void *argument)
{
	struct bay *bay = argument;

	bay->switching = false;
	say_hub(bay, error);
	if (error != 0)
		bay->given = !bay->given;
	bay->obeyed |= error == 0;
	if (bay->obeyed)
		tell_supply(bay, bay->given ? SUPPLY_ON : SUPPLY_OFF);
	go_on_hub(bay);
	if (error == 0)
		switch_hub(bay);
	else if (bay->cycle == NOT_CYCLED)
		start(bay->timer, HUB_RETRY_MS);
}

static void
switch_hub(struct bay *bay)
{
	bool on = due(bay);
	int r;

	if (bay->switching || bay->given == on)
		return;
	r = bay->power->usb ? hub_switch(bay->power->base, bay->power->usb, bay->config->port, on, on_hub, bay) : LIBUSB_ERROR_NOT_FOUND;
	bay->switching = r == 0;
	if (r == 0) {
		bay->given = on;
		return;
	}
	say_hub(bay, r);
	if (bay->cycle == NOT_CYCLED)
		start(bay->timer, HUB_RETRY_MS);
}

static void
apply(struct bay *bay)
{
	if (bay->config->power == CONFIG_POWER_STATION)
		station_power(station_of(bay), place_on_station(bay), due(bay));
	else if (bay->config->power == CONFIG_POWER_HUB)
		switch_hub(bay);
}

static void
apply_all(struct power *power)
{
	for (size_t i = 0; i < power->config->bay_count; i++)
		apply(&power->bays[i]);
}

/* --- power-cycling */

static void
end_cycle(struct bay *bay, int error)
{
	bay->cycle = NOT_CYCLED;
	event_del(bay->timer);
	if (error != 0)
		log_warning("bay %d: was not power-cycled: %s", bay->config->number, error_info(error)->what[MINT_EN]);
	apply(bay);
	tell_cycled(bay, error);
}

static void
rest(struct bay *bay)
{
	bay->cycle = RESTING;
	start(bay->timer, (unsigned)bay->power->config->power_off_ms);
}

static void
rise(struct bay *bay)
{
	bay->cycle = RISING;
	start(bay->timer, RISE_MS);
	apply(bay);
}

/* VBUS may stay up behind an open switch: from a token's own capacitor, or fed back. */
static void
look_whether_it_fell(struct bay *bay)
{
	if (++bay->tries > FALL_TRIES) {
		end_cycle(bay, MINT_SUPPLY);
		return;
	}
	start(bay->timer, MEASURE_MS);
	if (bay->config->power == CONFIG_POWER_STATION && bay->supply == SUPPLY_OFF)
		station_measure(station_of(bay));
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct bay *bay = argument;

	(void)fd, (void)what;
	switch (bay->cycle) {
	case NOT_CYCLED:
		switch_hub(bay);
		break;
	case FALLING:
		look_whether_it_fell(bay);
		break;
	case RESTING:
		rise(bay);
		break;
	case RISING:
		end_cycle(bay, MINT_SUPPLY);
		break;
	}
}

/* A hub says yes or no, and nothing of the voltage. */
static void
go_on_hub(struct bay *bay)
{
	if (bay->cycle == FALLING && !bay->given)
		rest(bay);
	else if (bay->cycle == RISING && bay->given)
		end_cycle(bay, 0);
}

static void
go_on_rising(struct bay *bay)
{
	if (bay->cycle != RISING)
		return;
	if (bay->supply == SUPPLY_ON)
		end_cycle(bay, 0);
	else if (bay->supply == SUPPLY_OVER_CURRENT || bay->supply == SUPPLY_WEAK)
		end_cycle(bay, MINT_SUPPLY);
}

static struct bay *
bay_numbered(struct power *power, int number)
{
	for (size_t i = 0; i < power->config->bay_count; i++)
		if (power->config->bays[i].number == number)
			return &power->bays[i];
	return NULL;
}

void
power_cycle(struct power *power, int number)
{
	struct bay *bay = bay_numbered(power, number);

	if (!bay || bay->cycle != NOT_CYCLED)
		return; /* its answer will come */
	if (!config_bay_is_switched(bay->config) || is_stopped(bay) || !bay->wanted) {
		tell_cycled(bay, MINT_REFUSED);
		return;
	}
	if (bay->config->power == CONFIG_POWER_STATION && !station_state(station_of(bay))) {
		tell_cycled(bay, MINT_STATION);
		return;
	}
	log_info("bay %d: power-cycled", number);
	bay->cycle = FALLING;
	bay->tries = 0;
	start(bay->timer, MEASURE_MS);
	apply(bay);
}

/* --- what stations tell */

static enum supply
supply_from(const struct station_state *state, unsigned place)
{
	const struct { uint16_t bits; enum supply supply; } signs[] = {
		{ state->over_current, SUPPLY_OVER_CURRENT }, { state->weak, SUPPLY_WEAK }, { state->powered, SUPPLY_ON }, { state->pending, SUPPLY_RISING },
	};

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (signs[i].bits >> place & 1)
			return signs[i].supply;
	return SUPPLY_OFF;
}

static bool
is_on(const struct bay *bay, const struct station *station)
{
	return bay->config->power == CONFIG_POWER_STATION && bay->config->station == station_place(station);
}

/* Without a link nothing is known: what was told stands, and a cycle is over. */
void
power_station_changed(struct power *power, const struct station *station)
{
	const struct station_state *state = station_state(station);
	bool stopped = state && state->inputs >> STATION_INPUT_stopped & 1;

	if (state && stopped != power->station_stopped[station_place(station)]) {
		power->station_stopped[station_place(station)] = stopped;
		log_warning("station %s: emergency stop %s", power->config->stations[station_place(station)].name,
		    stopped ? "pressed: its bays are without power" : "released: its bays get power again");
		apply_all(power);
	}
	for (size_t i = 0; i < power->config->bay_count; i++) {
		struct bay *bay = &power->bays[i];

		if (!is_on(bay, station))
			continue;
		if (state)
			tell_supply(bay, supply_from(state, place_on_station(bay)));
		if (bay->cycle != NOT_CYCLED && (!state || is_stopped(bay)))
			end_cycle(bay, state ? MINT_SUPPLY : MINT_STATION);
		else
			go_on_rising(bay);
	}
}

void
power_station_measured(struct power *power, const struct station *station, const struct station_voltages *voltages)
{
	for (size_t i = 0; i < power->config->bay_count; i++) {
		struct bay *bay = &power->bays[i];

		if (is_on(bay, station) && bay->cycle == FALLING && bay->supply == SUPPLY_OFF && voltages->vbus_mv[place_on_station(bay)] < DISCHARGED_MV)
			rest(bay);
	}
}

void
power_stop(struct power *power, bool stopped)
{
	bool first = power->stop_unknown;

	if (power->stopped == stopped && !first)
		return;
	power->stop_unknown = false;
	if (power->stopped != stopped)
		log_warning("emergency stop %s", stopped ? "pressed: no bay has power" : "released: the bays get power again");
	power->stopped = stopped;
	for (size_t i = 0; i < power->config->bay_count; i++) {
		struct bay *bay = &power->bays[i];

		if (bay->cycle != NOT_CYCLED)
			end_cycle(bay, MINT_SUPPLY);
		else
			apply(bay);
	}
}

/* --- life */

struct power *
power_new(struct event_base *base, const struct config *config, struct station *const *stations, struct usb *usb, power_tell *tell,
    void *argument)
{
	struct power *power = calloc(1, sizeof *power);

	if (!power)
		return NULL;
	*power = (struct power){
		.base = base, .config = config, .stations = stations, .usb = usb, .tell = tell, .argument = argument,
		.stop_unknown = config->lines[CONFIG_LINE_STOP][0] != '\0', .bays = calloc(config->bay_count + 1, sizeof *power->bays),
	};
	if (!power->bays)
		power_free(&power);
	for (size_t i = 0; power && i < config->bay_count; i++) {
		power->bays[i] = (struct bay){ .power = power, .config = &config->bays[i] };
		power->bays[i].timer = evtimer_new(base, on_timer, &power->bays[i]);
		if (!power->bays[i].timer)
			power_free(&power);
	}
	return power;
}

void
power_free(struct power **place)
{
	struct power *power = *place;

	*place = NULL;
	if (!power)
		return;
	for (size_t i = 0; power->bays && i < power->config->bay_count; i++)
		if (power->bays[i].timer)
			event_free(power->bays[i].timer);
	free(power->bays);
	free(power);
}

static bool
has_hub(const struct config *config)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (config->bays[i].power == CONFIG_POWER_HUB)
			return true;
	return false;
}

void
power_begin(struct power *power)
{
	if (power->stop_unknown && has_hub(power->config))
		log_error("line stop \"%s\" cannot be read: bays whose power comes from a hub get none until it can", power->config->lines[CONFIG_LINE_STOP]);
	for (size_t i = 0; i < power->config->bay_count; i++) {
		if (!config_bay_is_switched(&power->config->bays[i]))
			continue;
		tell_supply(&power->bays[i], SUPPLY_UNKNOWN);
		power->bays[i].given = power->config->bays[i].power == CONFIG_POWER_HUB && is_stopped(&power->bays[i]); /* by itself: to be taken */
		power_want(power, i, true);
	}
}

void
power_want(struct power *power, size_t bay, bool on)
{
	if (!config_bay_is_switched(&power->config->bays[bay]))
		return;
	power->bays[bay].wanted = on;
	apply(&power->bays[bay]);
}

enum supply
power_supply(const struct power *power, size_t bay)
{
	return power->bays[bay].supply;
}
