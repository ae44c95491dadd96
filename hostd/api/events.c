/* GET /v1/events: what happened after a sequence number, now, within some seconds, or for as long as the client listens.
 *
 * A waiter keeps no copy of events: it keeps where it stands, and reads on from there whenever its last bytes have left. A slow
 * client so costs one number, not memory.
 */
#include "hostd/api/api.h"
#include "hostd/api/feed.h"
#include "hostd/api/query.h"
#include "schemas/errors.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_A_PAGE = 500, BEAT_S = 15 };

struct waiter {
	struct call   *call;
	struct waiter *next, **place;
	struct event  *timer;     /* the end of a long poll; the beat of a stream */
	int64_t        after;
	int64_t        limit;
	int            streams;
	int            writing;   /* a chunk is on its way; on_written reads on */
	char           application[QUERY_TEXT_BYTES];
};

struct feed {
	struct api    *api;
	struct waiter *waiters;
};

static json_t *
read_events(struct waiter *waiter)
{
	struct binds binds = { .count = 0 };

	bind_integer(&binds, "after", waiter->after);
	bind_text(&binds, "application", waiter->application[0] ? waiter->application : NULL);
	bind_integer(&binds, "limit", waiter->limit);
	return record_rows(waiter->call->api->record, API_events, &binds);
}

/* Where the next reading begins: behind the last event given, or, when nothing more was there, behind all that was looked at. */
static int64_t
position_after(const struct waiter *waiter, const json_t *events, int64_t newest)
{
	size_t count = json_array_size(events);

	if (count < (size_t)waiter->limit)
		return newest > waiter->after ? newest : waiter->after;
	return json_integer_value(json_object_get(json_array_get(events, count - 1), "seq"));
}

static void
waiter_free(struct waiter *waiter)
{
	if (waiter->place) {
		*waiter->place = waiter->next;
		if (waiter->next)
			waiter->next->place = waiter->place;
	}
	if (waiter->timer)
		event_free(waiter->timer);
	free(waiter);
}

/* --- long polls */

/* Answers if there is something, or if there must be an answer. 1 when it has. */
static int
poll_answer(struct waiter *waiter, int must)
{
	struct call *call = waiter->call;
	int64_t newest = record_seq(call->api->record);
	json_t *events = newest > waiter->after || must ? read_events(waiter) : NULL;

	if (!must && json_array_size(events) == 0) {
		json_decref(events);
		return 0;
	}
	newest = position_after(waiter, events, newest);
	waiter_free(waiter);
	call_reply(call, 200, events ? json_pack("{s:I,s:o}", "seq", (json_int_t)newest, "events", events) : NULL);
	return 1;
}

static void
poll_ends(struct call *call)
{
	poll_answer(call->state, 1);
}

/* --- streams: Server-Sent Events (HTML Living Standard, 9.2) */

static void stream_more(struct call *call);

static void
stream_ends(struct call *call)
{
	waiter_free(call->state);
	call_end(call);
}

static void
send_bytes(struct waiter *waiter, struct evbuffer *bytes)
{
	waiter->writing = 1;
	call_chunk(waiter->call, bytes, stream_more);
}

static int
add_event(struct evbuffer *out, json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	int r = text ? evbuffer_add_printf(out, "id: %lld\ndata: %s\n\n",
	    (long long)json_integer_value(json_object_get(event, "seq")), text) : -1;

	free(text);
	return r < 0 ? MINT_MEMORY : 0;
}

static void
stream_on(struct waiter *waiter)
{
	int64_t newest = record_seq(waiter->call->api->record);
	struct evbuffer *bytes;
	json_t *events, *event;
	size_t i;

	if (waiter->writing || newest <= waiter->after)
		return;
	bytes = evbuffer_new();
	events = bytes ? read_events(waiter) : NULL;
	json_array_foreach(events, i, event)
		add_event(bytes, event);
	if (events)
		waiter->after = position_after(waiter, events, newest);
	if (bytes && evbuffer_get_length(bytes))
		send_bytes(waiter, bytes);
	json_decref(events);
	if (bytes)
		evbuffer_free(bytes);
}

static void
stream_more(struct call *call)
{
	struct waiter *waiter = call->state;

	waiter->writing = 0;
	stream_on(waiter);
}

/* Keeps intermediaries from closing it, and finds out that a client has gone. */
static void
stream_beat(struct waiter *waiter)
{
	struct evbuffer *bytes = waiter->writing ? NULL : evbuffer_new();

	if (!bytes)
		return;
	evbuffer_add_printf(bytes, ": still here\n\n");
	send_bytes(waiter, bytes);
	evbuffer_free(bytes);
}

static void
stream_begin(struct waiter *waiter)
{
	struct evbuffer *bytes = evbuffer_new();

	waiter->call->gone = stream_ends;
	waiter->call->lost = stream_ends;
	call_start(waiter->call, 200, "text/event-stream");
	if (bytes) {
		evbuffer_add_printf(bytes, "retry: 1000\n\n");
		send_bytes(waiter, bytes);
		evbuffer_free(bytes);
	}
}

/* --- both */

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct waiter *waiter = argument;

	(void)fd, (void)what;
	if (waiter->streams)
		stream_beat(waiter);
	else
		poll_answer(waiter, 1);
}

/* Last-Event-ID is what a browser sends when it connects again; it knows better than the address it began with. */
static int64_t
start_of(struct call *call)
{
	const char *last = call_header(call, "Last-Event-ID");
	int64_t after;

	if (last && query_integer(last, 0, INT64_MAX, &after) == 0)
		return after;
	return query_number(&call->query, "after", 0);
}

static struct waiter *
waiter_new(struct call *call, int seconds, int streams)
{
	struct waiter *waiter = calloc(1, sizeof *waiter);
	struct timeval interval = { seconds, 0 };
	const char *application = query_text(&call->query, "application");

	if (!waiter)
		return NULL;
	*waiter = (struct waiter){
		.call = call, .streams = streams, .after = start_of(call), .limit = query_number(&call->query, "limit", EVENTS_A_PAGE),
	};
	if (application)
		snprintf(waiter->application, sizeof waiter->application, "%s", application);
	if (seconds == 0)
		return waiter;
	waiter->timer = event_new(call->api->context->base, -1, streams ? EV_PERSIST : 0, on_timer, waiter);
	if (waiter->timer && event_add(waiter->timer, &interval) == 0)
		return waiter;
	waiter_free(waiter);
	return NULL;
}

static void
waiter_link(struct feed *feed, struct waiter *waiter)
{
	waiter->next = feed->waiters;
	waiter->place = &feed->waiters;
	if (waiter->next)
		waiter->next->place = &waiter->next;
	feed->waiters = waiter;
	waiter->call->state = waiter;
}

void
route_events(struct call *call)
{
	const char *accept = call_header(call, "Accept");
	int streams = accept && strstr(accept, "text/event-stream") != NULL;
	int seconds = streams ? BEAT_S : (int)query_number(&call->query, "wait", 0);
	struct waiter *waiter = waiter_new(call, seconds, streams);

	if (!waiter) {
		call_error(call, MINT_MEMORY, "events");
		return;
	}
	if (!streams && poll_answer(waiter, seconds == 0))
		return;
	waiter_link(call->api->feed, waiter);
	if (streams) {
		stream_begin(waiter);
		return;
	}
	call->gone = poll_ends;
	call->lost = poll_ends;
}

/* --- the feed */

struct feed *
feed_new(struct api *api)
{
	struct feed *feed = calloc(1, sizeof *feed);

	if (feed)
		feed->api = api;
	return feed;
}

void
feed_wake(struct feed *feed)
{
	struct waiter *waiter, *next;

	for (waiter = feed->waiters; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->streams)
			stream_on(waiter);
		else
			poll_answer(waiter, 0);
	}
}

void
feed_free(struct feed **place)
{
	struct feed *feed = *place;

	*place = NULL;
	if (!feed)
		return;
	while (feed->waiters)
		feed->waiters->call->lost(feed->waiters->call);
	free(feed);
}
