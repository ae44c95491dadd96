#include "tests/unit/queue_acts.h"

#include <event2/event.h>
#include <stdlib.h>

const char OPERATOR[] = "uid:1000(op)";

int
act_set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	*state = stage;
	stage_open(stage);
	stage_fit_station(stage);
	stage_start(stage);
	stage_run(stage);
	return 0;
}

int
act_tear_down(void **state)
{
	stage_check_laws(*state);
	stage_close(*state);
	free(*state);
	return 0;
}

void
act_import(struct stage *stage, const char *reference, int n)
{
	stage_import(stage, OPERATOR, reference, n, "");
	stage_run(stage);
}

void
act_insert(struct stage *stage, int bay, int token)
{
	stage_insert(stage, bay, token);
	stage_run(stage);
}

void
act_vanish(struct stage *stage, int bay)
{
	stage_remove(stage, bay);
	stage_run(stage);
}

void
act_time_is_up(struct stage *stage, int bay)
{
	assert_true(event_pending(stage->queue->bays[bay].deadline, EV_TIMEOUT, NULL));
	event_active(stage->queue->bays[bay].deadline, EV_TIMEOUT, 0);
	stage_run(stage);
}

int
act_keep_silent_at_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	return bay && message->type == MESSAGE_make_key;
}

int
act_keep_worker(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	return message->type == MESSAGE_worker_kill || (bay && message->type == MESSAGE_make_key);
}
