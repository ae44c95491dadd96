#include "hostd/queue/journal.h"
#include "hostd/base/config.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/work.h"

int64_t
journal_begin(struct queue *queue, const struct work *work, const struct bay *bay, enum step_id step)
{
	int r = store_run(queue->store, QUEUE_journal_begin, "iiissdiissi", work->credential, work->use, work->token,
	    steps[step].name, queue->config->bench, bay ? bay->number : 0, bay ? (int64_t)bay->lease : 0,
	    bay ? (int64_t)bay->pid : 0, bay ? bay->release : NULL, queue->actor, queue_now(queue));

	return r == 0 ? store_last_id(queue->store) : r;
}

int64_t
journal_cycle(struct queue *queue, const struct work *work, const struct bay *bay, const char *because)
{
	int r = store_run(queue->store, QUEUE_journal_cycle, "iiissdsis", work ? work->credential : 0, work ? work->use : 0,
	    work ? work->token : bay->token, steps[STEP_cycle].name, queue->config->bench, bay->number, queue->actor, queue_now(queue), because);

	return r == 0 ? store_last_id(queue->store) : r;
}

int64_t
journal_cycled(struct queue *queue, const struct work *work, const char *because)
{
	return store_value(queue->store, QUEUE_journal_cycled, 0, "is", work->use, because);
}

int
journal_end(struct queue *queue, int64_t journal, const char *outcome, const char *error, const char *detail)
{
	return store_run(queue->store, QUEUE_journal_end, "iisss", journal, queue_now(queue), outcome, error, detail);
}

int64_t
journal_open(struct queue *queue, int64_t credential, enum step_id step)
{
	return store_value(queue->store, QUEUE_journal_open_step, 0, "is", credential, steps[step].name);
}

int64_t
journal_begun(struct queue *queue, const struct work *work, enum step_id step)
{
	if (!work->credential)
		return store_value(queue->store, QUEUE_journal_begun_ahead, 0, "is", work->use, steps[step].name);
	return store_value(queue->store, QUEUE_journal_begun, 0, "iis", work->credential, work->use, steps[step].name);
}

int
journal_note(struct queue *queue, const struct work *work, enum step_id step)
{
	int64_t journal = journal_begin(queue, work, NULL, step);

	return journal < 0 ? (int)journal : journal_end(queue, journal, "done", NULL, NULL);
}
