#include "hostd/queue/wiring.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/power.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/turn.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is known */

static const char *
configured(const struct bay *bay)
{
	const char *port = config_bay(bay->queue->config, bay->number)->port;

	return port ? port : "";
}

static void
take_row(struct queue *queue, uint32_t number, const char *port)
{
	struct bay *bay = queue_bay(queue, number);

	if (bay && !configured(bay)[0])
		snprintf(bay->wired, sizeof bay->wired, "%s", port);
}

int
wiring_load(struct queue *queue)
{
	enum queue_statement g = QUEUE_wiring_all;
	int r;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		snprintf(queue->bays[i].wired, sizeof queue->bays[i].wired, "%s", configured(&queue->bays[i]));
	for (r = store_get(queue->store, g, ""); r == 0; r = store_next(queue->store, g))
		take_row(queue, (uint32_t)store_i64(queue->store, g, 0), store_text(queue->store, g, 1));
	return r == MINT_NOT_FOUND ? 0 : r;
}

static int
tell(const struct bay *bay)
{
	struct message message = { .type = MESSAGE_wired, .wired = { .bay = (uint32_t)bay->number, .port = bay->wired } };

	return turn_send(bay->queue, bay->queue->peers[PROGRAM_BENCH].ipc, &message);
}

/* The configuration is mint-bench's own affair. */
int
wiring_tell(struct queue *queue)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		if (queue->bays[i].wired[0] && !configured(&queue->bays[i])[0])
			r = tell(&queue->bays[i]);
	return r;
}

int
wiring_differs(const struct bay *bay)
{
	return bay->wired[0] && bay->port[0] && strcmp(bay->wired, bay->port) != 0;
}

/* --- learning: it begins */

/* A bay that is empty and without power is what the proof may find the cause of. */
static int
is_waited_for(const struct bay *bay)
{
	return bay->power != POWER_GIVEN && !(bay->power == POWER_OUT && !bay->token && !bay->vanished);
}

/* A token that serves somebody, or one that is being looked at: its bay is not cut for this. */
static int
is_at_work(const struct bay *bay)
{
	return !bay_is_free(bay) || bay->credential || is_waited_for(bay) || bay->state == STATE_bay_take || bay->state == STATE_bay_stock;
}

static json_t *
bays_at_work(const struct queue *queue)
{
	json_t *bays = json_array();

	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (is_at_work(&queue->bays[i]))
			json_array_append_new(bays, json_integer(queue->bays[i].number));
	return bays;
}

static int
any_switched(const struct queue *queue)
{
	int any = 0;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		any |= queue->bays[i].switched;
	return any;
}

static enum reason
hindrance(const struct queue *queue)
{
	if (queue->learning)
		return REASON_bay_learning;
	if (power_is_stopped(queue))
		return REASON_bay_stopped;
	return queue->peers[PROGRAM_BENCH].ipc && any_switched(queue) ? REASON_NONE : REASON_bay_no_station;
}

static int
begin(struct queue *queue, const char *actor)
{
	struct message message = { .type = MESSAGE_learn, .learn = { .bay = 0 } };
	int r;

	queue->learning = 1;
	snprintf(queue->learner, sizeof queue->learner, "%s", actor);
	for (size_t i = 0; i < queue->config->bay_count; i++)
		queue->bays[i].learned = 0;
	r = power_changed(queue);
	if (r == 0)
		r = turn_send(queue, queue->peers[PROGRAM_BENCH].ipc, &message);
	queue->learning = r == 0;
	return r;
}

int
wiring_learn(struct queue *queue, const char *actor, json_t **detail)
{
	enum reason reason = hindrance(queue);
	json_t *bays = bays_at_work(queue);
	int r = 0;

	if (reason == REASON_NONE && json_array_size(bays) > 0) {
		*detail = json_pack("{s:O}", "bays", bays);
		reason = REASON_learn_at_work;
	}
	json_decref(bays);
	if (reason != REASON_NONE) {
		*detail = reason_give(*detail, reason);
		return MINT_REFUSED;
	}
	r = begin(queue, actor);
	if (r == 0)
		*detail = json_pack("{s:I}", "bays", (json_int_t)queue->config->bay_count);
	return r;
}

/* --- learning: what is found */

static int
note(struct queue *queue, const char *kind, int number, int error, json_t *detail)
{
	char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
	struct happening happening = { .kind = kind, .error = error ? error_info(error)->name : NULL, .detail = text };
	int r;

	queue->actor_bay = number;
	r = feed_add(queue, &happening);
	free(text);
	json_decref(detail);
	return r;
}

static int
keep_found(struct queue *queue, const struct message_learned *learned)
{
	struct bay *bay = queue_bay(queue, learned->bay);

	if (!bay)
		return 0;
	bay->learned = 1;
	bay->learn_error = learned->error || !learned->port[0] ? (learned->error ? -(int)learned->error : MINT_NOT_FOUND) : 0;
	snprintf(bay->learn_port, sizeof bay->learn_port, "%s", learned->port);
	return note(queue, "wiring.found", bay->number, bay->learn_error,
	    json_pack("{s:s?, s:s?}", "port", learned->port[0] ? learned->port : NULL, "detail", learned->detail[0] ? learned->detail : NULL));
}

/* Its port is found out, as far as it can be told by itself. */
static int
is_found(const struct bay *bay)
{
	return bay->learned && bay->learn_error == 0;
}

/* Another bay was found at this port too, or keeps it: one of them is wrong, and nobody can tell which. */
static int
is_contradicted(const struct bay *bay)
{
	const struct queue *queue = bay->queue;

	for (size_t i = 0; i < queue->config->bay_count; i++) {
		const struct bay *other = &queue->bays[i];

		if (other != bay && strcmp(is_found(other) ? other->learn_port : other->wired, bay->learn_port) == 0)
			return 1;
	}
	return configured(bay)[0] && strcmp(configured(bay), bay->learn_port) != 0;
}

/* What one bay keeps may contradict the next: until nothing changes any more, which it can do once for each bay at most. */
static int
refuse_contradictions(struct queue *queue)
{
	int r = 0;

	for (size_t round = 0, news = 1; r == 0 && news && round <= queue->config->bay_count; round++) {
		news = 0;
		for (size_t i = 0; i < queue->config->bay_count; i++)
			if (is_found(&queue->bays[i]) && is_contradicted(&queue->bays[i]))
				queue->bays[i].learned = 2;
		for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++) {
			struct bay *bay = &queue->bays[i];

			if (bay->learned != 2)
				continue;
			news = 1;
			bay->learned = 1;
			bay->learn_error = MINT_WIRING;
			r = note(queue, "wiring.refused", bay->number, MINT_WIRING, json_pack("{s:s, s:s}", "port", bay->learn_port, "keeps", bay->wired));
		}
	}
	return r;
}

static int
is_new(const struct bay *bay)
{
	return is_found(bay) && !configured(bay)[0];
}

/* The old rows first: two bays may have changed places, and no port is two bays'. */
static int
keep(struct queue *queue)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		if (is_new(&queue->bays[i]))
			r = store_run(queue->store, QUEUE_wiring_drop, "ds", queue->bays[i].number, queue->bays[i].learn_port);
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++) {
		struct bay *bay = &queue->bays[i];

		if (!is_new(bay))
			continue;
		snprintf(bay->wired, sizeof bay->wired, "%s", bay->learn_port);
		r = store_run(queue->store, QUEUE_wiring_add, "dsis", bay->number, bay->wired, queue_now(queue), queue->learner);
		if (r == 0)
			r = tell(bay);
	}
	return r;
}

static int
end(struct queue *queue, int error)
{
	int found = 0, r = 0;

	if (error == 0)
		r = refuse_contradictions(queue);
	if (r == 0 && error == 0)
		r = keep(queue);
	for (size_t i = 0; i < queue->config->bay_count; i++)
		found += error == 0 && is_found(&queue->bays[i]);
	if (r == 0)
		r = note(queue, "wiring.learned", 0, error, json_pack("{s:i, s:I, s:s}", "known", found, "bays",
		    (json_int_t)queue->config->bay_count, "ordered_by", queue->learner));
	if (r != 0)
		return r;
	queue->learning = 0;
	r = power_changed(queue);
	queue->learning = r != 0;
	return r;
}

int
wiring_failed(struct queue *queue, int error)
{
	return queue->learning ? end(queue, error) : 0;
}

int
wiring_learned(struct queue *queue, const struct message_learned *learned)
{
	if (!queue->learning)
		return 0;
	return learned->bay ? keep_found(queue, learned) : end(queue, -(int)learned->error);
}

int
wiring_go_on(struct queue *queue)
{
	int r = 0;

	if (queue->learning_cut)
		r = note(queue, "wiring.learned", 0, MINT_STORAGE, json_pack("{s:i, s:I, s:s}", "known", 0, "bays",
		    (json_int_t)queue->config->bay_count, "ordered_by", queue->learner));
	queue->learning_cut = r != 0;
	return r == 0 && queue->peers[PROGRAM_BENCH].greeted ? wiring_tell(queue) : r;
}

int
wiring_lost(struct queue *queue)
{
	int r = wiring_failed(queue, MINT_CLOSED);

	queue->learning = 0; /* whatever became of its record: nobody cuts bays any more */
	return r;
}
