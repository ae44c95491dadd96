#include "hostd/bench/learn.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/usb_path.h"
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_MAX = 4, CLEAR_TRIES = 10, DETAIL_BYTES = 200 };

enum phase {
	IDLE,
	CLEARING,  /* all without power: until no reader goes any more */
	RISING,    /* one has power */
	AWAITING,  /* it has it: until a reader comes */
	SETTLING,  /* one came: until no more come */
	EMPTYING   /* without power again: until what came is gone */
};

struct learn {
	const struct config      *config;
	struct learn_times        times;
	const struct learn_calls *calls;
	void                     *argument;
	struct event             *timer;
	enum phase                phase;
	int                       only;     /* number of the one bay; 0 all */
	size_t                    bay;      /* whose turn it is */
	unsigned                  tries;
	int                       came;     /* readers since it got power, less those that went */
	size_t                    found;    /* different ports among them, as many as are kept */
	char                      ports[FOUND_MAX][USB_PATH_BYTES];
	char                    (*learned)[USB_PATH_BYTES]; /* of each bay, in this run */
};

static void on_timer(evutil_socket_t fd, short what, void *argument);

struct learn *
learn_new(struct event_base *base, const struct config *config, const struct learn_times *times, const struct learn_calls *calls, void *argument)
{
	struct learn *learn = calloc(1, sizeof *learn);

	if (!learn)
		return NULL;
	*learn = (struct learn){
		.config = config, .times = *times, .calls = calls, .argument = argument, .timer = evtimer_new(base, on_timer, learn),
		.learned = calloc(config->bay_count + 1, sizeof *learn->learned),
	};
	if (!learn->timer || !learn->learned)
		learn_free(&learn);
	return learn;
}

void
learn_free(struct learn **place)
{
	struct learn *learn = *place;

	*place = NULL;
	if (!learn)
		return;
	if (learn->timer)
		event_free(learn->timer);
	free(learn->learned);
	free(learn);
}

static void
enter(struct learn *learn, enum phase phase, unsigned ms)
{
	struct timeval after = { ms / 1000, (suseconds_t)(ms % 1000 * 1000) };

	learn->phase = phase;
	evtimer_add(learn->timer, &after);
}

static void
want_all(struct learn *learn, bool on)
{
	for (size_t i = 0; i < learn->config->bay_count; i++)
		learn->calls->want(i, on, learn->argument);
}

/* --- what is told */

static void
tell(struct learn *learn, int number, int error, const char *port, const char *detail)
{
	struct message message = { .type = MESSAGE_learned };

	message.learned.bay = (uint32_t)number;
	message.learned.error = (uint32_t)-error;
	message.learned.port = port;
	message.learned.detail = detail;
	learn->calls->tell(&message, learn->argument);
}

/* Known to be another bay's: by the configuration, by this run, or, where only one bay is looked at, by the record. */
static const struct config_bay *
owner_of(const struct learn *learn, const char *port)
{
	for (size_t i = 0; i < learn->config->bay_count; i++)
		if (i != learn->bay && (strcmp(learn->config->bays[i].port, port) == 0 || strcmp(learn->learned[i], port) == 0 ||
		    (learn->only && strcmp(learn->calls->port(i, learn->argument), port) == 0)))
			return &learn->config->bays[i];
	return NULL;
}

static void
refuse(struct learn *learn, int error, const char *detail)
{
	const struct config_bay *bay = &learn->config->bays[learn->bay];

	log_warning("bay %d: its port cannot be told: %s", bay->number, detail);
	tell(learn, bay->number, error, "", detail);
}

static void
judge(struct learn *learn)
{
	const struct config_bay *bay = &learn->config->bays[learn->bay], *owner;
	const char *port = learn->ports[0];
	char detail[DETAIL_BYTES];

	if (learn->found > 1) {
		snprintf(detail, sizeof detail, "readers came at more than one port: %s and %s", port, learn->ports[1]);
		refuse(learn, MINT_WIRING, detail);
	} else if (!port[0]) {
		refuse(learn, MINT_WIRING, "its reader is not on USB, or its driver does not say where");
	} else if ((owner = owner_of(learn, port))) {
		snprintf(detail, sizeof detail, "its reader came at port %s, which is bay %d's", port, owner->number);
		refuse(learn, MINT_WIRING, detail);
	} else if (bay->port[0] && strcmp(bay->port, port) != 0) {
		snprintf(detail, sizeof detail, "its reader came at port %s, the configuration says %s", port, bay->port);
		refuse(learn, MINT_WIRING, detail);
	} else {
		log_info("bay %d: is at port %s", bay->number, port);
		snprintf(learn->learned[learn->bay], sizeof learn->learned[learn->bay], "%s", port);
		tell(learn, bay->number, 0, port, "");
	}
}

/* --- one bay after the other */

static void
finish(struct learn *learn)
{
	learn->phase = IDLE;
	evtimer_del(learn->timer);
	want_all(learn, true);
	tell(learn, 0, 0, "", "");
}

static bool
is_meant(const struct learn *learn, size_t bay)
{
	const struct config_bay *configured = &learn->config->bays[bay];

	return config_bay_is_switched(configured) && (learn->only == 0 || learn->only == configured->number);
}

static void
power_from(struct learn *learn, size_t bay)
{
	while (bay < learn->config->bay_count && !is_meant(learn, bay))
		bay++;
	learn->bay = bay;
	learn->found = 0;
	learn->came = 0;
	if (bay == learn->config->bay_count) {
		finish(learn);
		return;
	}
	enter(learn, RISING, learn->times.rise_ms);
	learn->calls->want(bay, true, learn->argument);
}

static bool
all_are_off(const struct learn *learn)
{
	for (size_t i = 0; i < learn->config->bay_count; i++)
		if (config_bay_is_switched(&learn->config->bays[i]) && learn->calls->given(i, learn->argument) != 0)
			return false;
	return true;
}

static void
empty(struct learn *learn)
{
	enter(learn, EMPTYING, learn->came > 0 ? learn->times.appear_ms : learn->times.quiet_ms);
	learn->calls->want(learn->bay, false, learn->argument);
}

/* A bay that keeps its power makes everything ambiguous: nothing is learned. */
static void
on_cleared(struct learn *learn)
{
	if (all_are_off(learn)) {
		power_from(learn, 0);
	} else if (++learn->tries < CLEAR_TRIES) {
		enter(learn, CLEARING, learn->times.quiet_ms);
	} else {
		log_error("the wiring cannot be learned: not every bay could be cut: look at the stations' links and supplies");
		learn->phase = IDLE;
		want_all(learn, true);
		tell(learn, 0, MINT_STATION, "", "not every bay could be cut");
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct learn *learn = argument;

	(void)fd, (void)what;
	switch (learn->phase) {
	case IDLE:
		break;
	case CLEARING:
		on_cleared(learn);
		break;
	case RISING:
		if (learn->calls->given(learn->bay, learn->argument) == 1) {
			enter(learn, AWAITING, learn->times.appear_ms);
			break;
		}
		refuse(learn, MINT_SUPPLY, "it got no power");
		empty(learn);
		break;
	case AWAITING:
		refuse(learn, MINT_READER, "no reader came: is a token or a reader in the bay?");
		empty(learn);
		break;
	case SETTLING:
		judge(learn);
		empty(learn);
		break;
	case EMPTYING:
		power_from(learn, learn->bay + 1);
		break;
	}
}

void
learn_begin(struct learn *learn, int number)
{
	const struct config_bay *bay = number ? config_bay(learn->config, number) : NULL;

	if (learn->phase != IDLE) {
		log_warning("the wiring is being learned already: not begun again");
		return;
	}
	if (number && (!bay || !config_bay_is_switched(bay))) {
		tell(learn, number, MINT_REFUSED, "", "the bay cannot be switched (`power` in the configuration)");
		tell(learn, 0, 0, "", "");
		return;
	}
	log_info("learning which port is which bay's: all bays are cut, then given power one by one");
	learn->only = number;
	learn->tries = 0;
	memset(learn->learned, 0, learn->config->bay_count * sizeof *learn->learned);
	enter(learn, CLEARING, learn->times.quiet_ms);
	want_all(learn, false);
}

static void
take_reader(struct learn *learn, const char *port)
{
	size_t i = 0;

	learn->came++;
	while (i < learn->found && strcmp(learn->ports[i], port) != 0)
		i++;
	if (i == learn->found && learn->found < FOUND_MAX)
		snprintf(learn->ports[learn->found++], USB_PATH_BYTES, "%s", port);
	enter(learn, SETTLING, learn->times.quiet_ms);
}

void
learn_reader(struct learn *learn, const char *port, bool came)
{
	switch (learn->phase) {
	case IDLE:
		break;
	case CLEARING:
		enter(learn, CLEARING, learn->times.quiet_ms);
		break;
	case RISING:
	case AWAITING:
	case SETTLING:
		if (came)
			take_reader(learn, port);
		else
			learn->came--;
		break;
	case EMPTYING:
		learn->came += came ? 1 : -1;
		if (learn->came <= 0)
			enter(learn, EMPTYING, learn->times.quiet_ms);
		break;
	}
}
