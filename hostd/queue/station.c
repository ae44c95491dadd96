#include "hostd/queue/station.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/button.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/power.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/show.h"
#include "hostd/queue/wiring.h"
#include "schemas/errors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)STATIONS_MAX == (int)CONFIG_STATIONS_MAX, "a station of the configuration has a place here");

static const struct {
	const char *name, *event, *error;
} links[] = {
	[STATION_LINK_NONE] = { "none", "station.lost", "STATION" },
	[STATION_LINK_UP] = { "up", "station.back", NULL },
	[STATION_LINK_REFUSED] = { "refused", "station.refused", "STATION_REFUSED" },
	[STATION_LINK_SILENT] = { "silent", "station.lost", "STATION" },
};

/* --- the boards */

static int
show_station(struct queue *queue, size_t place)
{
	const struct station *station = &queue->stations[place];

	return store_run(queue->store, QUEUE_station_show, "dsddsssi", (int)place, links[station->link].name, station->stopped,
	    station->lid_open, station->serial, station->build, station->detail, queue_now(queue));
}

static int
note(struct queue *queue, size_t place, const char *kind, const char *error)
{
	const struct station *station = &queue->stations[place];
	json_t *detail = json_pack("{s:i, s:s, s:s, s:s}", "station", (int)place, "serial", station->serial, "build", station->build,
	    "detail", station->detail);
	char *text = json_dumps(detail, JSON_COMPACT);
	struct happening happening = { .kind = kind, .error = error, .detail = text };
	int r = feed_add(queue, &happening);

	free(text);
	json_decref(detail);
	return r;
}

/* Whether the link is another one than the last event says. A mint-bench that has just come looks for its boards first. */
static int
is_news(const struct station *before, const struct station *now)
{
	if (now->link == STATION_LINK_UP)
		return before->missed;
	return strcmp(links[now->link].event, links[before->link].event) != 0 && (before->seen || now->link == STATION_LINK_REFUSED);
}

static int
note_changes(struct queue *queue, size_t place, const struct station *before)
{
	struct station *now = &queue->stations[place];
	int r = 0;

	if (is_news(before, now)) {
		now->missed = now->link != STATION_LINK_UP;
		r = note(queue, place, links[now->link].event, links[now->link].error);
	}
	if (r == 0 && now->stopped != before->stopped)
		r = note(queue, place, now->stopped ? "station.stopped" : "station.released", now->stopped ? "STATION_STOPPED" : NULL);
	if (r == 0 && now->lid_open != before->lid_open)
		r = note(queue, place, now->lid_open ? "station.lid_opened" : "station.lid_closed", NULL);
	return r;
}

/* A stop that nobody tells of any more stands: a board that is away, or a mint-bench that has just begun, is no release. */
static void
remember(struct station *station, const struct message_station *message)
{
	if (station->link != STATION_LINK_NONE && message->link == STATION_LINK_NONE)
		station->lost_us = clock_monotonic_us();
	station->told = 1;
	station->seen |= message->link == STATION_LINK_UP || message->link == STATION_LINK_REFUSED;
	station->link = message->link;
	if (message->stopped != STOP_NOT_SAID)
		station->stopped = message->stopped == STOP_PRESSED;
	if (message->link == STATION_LINK_UP)
		station->lid_open = message->lid_open != 0;
	snprintf(station->serial, sizeof station->serial, "%s", message->serial);
	snprintf(station->build, sizeof station->build, "%s", message->build);
	snprintf(station->detail, sizeof station->detail, "%s", message->detail);
}

static int
is_station(const struct message_station *message)
{
	return message->station < STATIONS_MAX && message->stopped <= STOP_NOT_SAID && message->link < sizeof links / sizeof links[0];
}

static int
on_station(struct queue *queue, const struct message *message)
{
	size_t place = message->station.station;
	struct station before;
	int r;

	if (!is_station(&message->station))
		return MINT_PROTOCOL;
	before = queue->stations[place];
	remember(&queue->stations[place], &message->station);
	r = show_station(queue, place);
	if (r == 0)
		r = note_changes(queue, place, &before);
	return r == 0 ? power_changed(queue) : r;
}

/* --- the bays */

static struct bay *
bay_of(struct queue *queue, uint32_t number)
{
	struct bay *bay = queue_bay(queue, number);

	if (!bay)
		log_error("mint-bench: tells of bay %u, which the configuration does not have", number);
	else
		queue->actor_bay = bay->number;
	return bay;
}

static int
on_bay(struct queue *queue, const struct message *message)
{
	struct bay *bay = bay_of(queue, message->bay.bay);

	return bay ? bay_report(bay, &message->bay) : 0;
}

static int
on_supply(struct queue *queue, const struct message *message)
{
	struct bay *bay = bay_of(queue, message->supply.bay);

	return bay ? power_supply(bay, &message->supply) : 0;
}

static int
on_cycled(struct queue *queue, const struct message *message)
{
	struct bay *bay = bay_of(queue, message->cycled.bay);

	return bay ? power_cycled(bay, &message->cycled) : 0;
}

static int
on_press(struct queue *queue, const struct message *message)
{
	return button_press(queue, &message->press);
}

static int
on_learned(struct queue *queue, const struct message *message)
{
	return wiring_learned(queue, &message->learned);
}

static const struct {
	enum message_type type;
	int             (*handle)(struct queue *, const struct message *);
} says[] = {
	{ MESSAGE_bay, on_bay },
	{ MESSAGE_station, on_station },
	{ MESSAGE_supply, on_supply },
	{ MESSAGE_press, on_press },
	{ MESSAGE_cycled, on_cycled },
	{ MESSAGE_learned, on_learned },
};

int
station_message(struct queue *queue, const struct message *message)
{
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		if (says[i].type == message->type)
			return says[i].handle(queue, message);
	return MINT_PROTOCOL;
}

void
station_remember(struct queue *queue, const struct message *message)
{
	struct bay *bay = message->type == MESSAGE_supply ? queue_bay(queue, message->supply.bay) : NULL;

	if (message->type == MESSAGE_bay)
		on_bay(queue, message);
	if (message->type == MESSAGE_station && is_station(&message->station))
		remember(&queue->stations[message->station.station], &message->station);
	if (bay && message->supply.supply <= SUPPLY_UNKNOWN) {
		bay->switched = 1;
		bay->supply = message->supply.supply;
	}
}

/* --- mint-bench comes and goes */

/* A new mint-bench knows nothing of what its forerunner saw: the next report of each bay counts as news. */
int
station_connected(struct queue *queue)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		queue->bays[i].reported &= queue->bays[i].is_slot;
	show_forget(queue);
	return wiring_tell(queue);
}

/* How the boards stand nobody tells now: what was last known of them stays, an emergency stop above all. */
int
station_disconnected(struct queue *queue)
{
	int r = wiring_lost(queue);

	for (size_t i = 0; i < STATIONS_MAX; i++)
		queue->stations[i].seen = 0;
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		r = power_lost(&queue->bays[i]);
	return r;
}

void
station_unseen(struct queue *queue)
{
	queue->learning_cut |= queue->learning;
	queue->learning = 0;
	for (size_t i = 0; i < STATIONS_MAX; i++)
		queue->stations[i].seen = 0;
	for (size_t i = 0; i < queue->config->bay_count; i++) {
		queue->bays[i].reported &= queue->bays[i].is_slot;
		queue->bays[i].switched = 0;
	}
}

static int
recall_stops(struct queue *queue)
{
	enum queue_statement g = QUEUE_station_stopped;
	int r;

	for (r = store_get(queue->store, g, ""); r == 0; r = store_next(queue->store, g)) {
		int64_t place = store_i64(queue->store, g, 0);

		if (place < STATIONS_MAX && !queue->stations[place].told)
			queue->stations[place].stopped = 1;
	}
	return r == MINT_NOT_FOUND ? 0 : r;
}

int
station_begin(struct queue *queue)
{
	int r = recall_stops(queue);

	if (r == 0)
		r = store_run(queue->store, QUEUE_station_clear, "");
	for (size_t i = 0; r == 0 && i < STATIONS_MAX; i++)
		if (queue->stations[i].told || queue->stations[i].stopped)
			r = show_station(queue, i);
	return r == 0 ? wiring_load(queue) : r;
}
