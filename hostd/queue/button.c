#include "hostd/queue/button.h"
#include "hostd/base/log.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/pack.h"
#include "hostd/queue/power.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/show.h"
#include "schemas/errors.h"
#include "schemas/station.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Parcels that could be meant. */
struct choice {
	int64_t application, parcel; /* of the first */
	char    reference[129];
	json_t *references;
};

static int
find_parcels(struct queue *queue, struct choice *choice)
{
	enum queue_statement g = QUEUE_parcels_complete;
	int r;

	choice->references = json_array();
	for (r = store_get(queue->store, g, ""); r == 0; r = store_next(queue->store, g)) {
		json_array_append_new(choice->references, json_string(store_text(queue->store, g, 1)));
		if (json_array_size(choice->references) > 1)
			continue;
		choice->application = store_i64(queue->store, g, 0);
		choice->parcel = store_i64(queue->store, g, 2);
		store_copy(queue->store, g, 1, choice->reference, sizeof choice->reference);
	}
	return r == MINT_NOT_FOUND ? 0 : r;
}

static int
tell(struct queue *queue, const char *kind, int64_t application, const char *error, json_t *detail)
{
	char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
	struct happening happening = { .kind = kind, .application = application, .error = error, .detail = text };
	int r = feed_add(queue, &happening);

	free(text);
	json_decref(detail);
	return r;
}

static int
refuse(struct queue *queue, enum reason reason, json_t *detail)
{
	int r = tell(queue, "press.refused", 0, "REFUSED", reason_give(detail, reason));

	return r == 0 ? show_sound(queue, STATION_SOUND_refused) : r;
}

static json_t *
markers_of(struct queue *queue, int64_t application)
{
	enum queue_statement g = QUEUE_markers_of_application;
	json_t *markers = json_array();

	for (int r = store_get(queue->store, g, "i", application); r == 0; r = store_next(queue->store, g))
		json_array_append_new(markers, json_string(store_text(queue->store, g, 0)));
	return markers;
}

static int
pack(struct queue *queue, const struct choice *choice)
{
	json_t *markers = markers_of(queue, choice->application), *detail = NULL;
	int r = pack_tokens(queue, choice->application, choice->reference, markers, &detail);

	if (r == 0) {
		json_object_set_new(detail, "parcel", json_integer(choice->parcel));
		json_object_set(detail, "tokens", markers);
		r = tell(queue, "press.packed", choice->application, NULL, json_incref(detail));
	}
	json_decref(detail);
	json_decref(markers);
	return r == 0 ? show_sound(queue, STATION_SOUND_done) : r;
}

static int
confirm(struct queue *queue)
{
	struct choice choice = { .application = 0 };
	int r = find_parcels(queue, &choice);

	if (r == 0 && power_is_stopped(queue))
		r = refuse(queue, REASON_bay_stopped, NULL);
	else if (r == 0 && json_array_size(choice.references) == 0)
		r = refuse(queue, REASON_confirm_none, NULL);
	else if (r == 0 && json_array_size(choice.references) > 1)
		r = refuse(queue, REASON_confirm_several, json_pack("{s:O}", "applications", choice.references));
	else if (r == 0)
		r = pack(queue, &choice);
	json_decref(choice.references);
	return r;
}

static int
quiet(struct queue *queue)
{
	int r = tell(queue, "press.quiet", 0, NULL, NULL);

	return r == 0 ? show_sound(queue, STATION_SOUND_silent) : r;
}

/* The board shows every light by itself. */
static int
leave(struct queue *queue)
{
	(void)queue;
	return 0;
}

static int (*const presses[STATION_BUTTONS])(struct queue *) = {
	[STATION_BUTTON_confirm] = confirm,
	[STATION_BUTTON_quiet] = quiet,
	[STATION_BUTTON_lamps] = leave,
};

int
button_press(struct queue *queue, const struct message_press *press)
{
	if (press->button >= STATION_BUTTONS)
		return MINT_PROTOCOL;
	snprintf(queue->actor_text, sizeof queue->actor_text, "bench:button");
	return presses[press->button](queue);
}
