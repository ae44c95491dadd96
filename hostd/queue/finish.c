#include "hostd/queue/finish.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/label.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <stdio.h>

int
finish_left(struct queue *queue, int64_t credential)
{
	struct work work;
	int r = work_of_credential(queue, credential, &work);

	if (r == MINT_NOT_FOUND)
		return 0; /* given up before: the token is nobody's */
	if (r == 0 && work.state == STATE_credential_sealed) {
		snprintf(queue->actor_text, sizeof queue->actor_text, "operator");
		r = journal_note(queue, &work, STEP_take);
		if (r == 0)
			r = states_apply(queue, MACHINE_credential, credential, "take", NULL);
		if (r == 0)
			r = finish_check(queue, work.application);
	} else if (r == 0 && steps_from(work.state)) {
		r = fault_gone(queue, &work);
	}
	work_wipe(&work);
	return r;
}

static int
issue(struct queue *queue, int64_t application)
{
	int r;

	if (store_value(queue->store, QUEUE_print_job_is_out, 0, "i", application) == 0)
		return 0; /* when the label is out */
	r = states_apply(queue, MACHINE_application, application, "issue", NULL);
	return r == 0 ? store_run(queue->store, QUEUE_application_issued, "ii", application, queue_now(queue)) : r;
}

int
finish_check(struct queue *queue, int64_t application)
{
	enum queue_statement g = QUEUE_application_progress;
	enum state state = states_of(queue, MACHINE_application, application);
	int64_t all, sealed, packed, verified;
	int r = store_get(queue->store, g, "i", application);

	if (r != 0)
		return r;
	all = store_i64(queue->store, g, 0);
	sealed = store_i64(queue->store, g, 1);
	packed = store_i64(queue->store, g, 2);
	verified = store_i64(queue->store, g, 3);
	store_done(queue->store, g);
	if (all == 0)
		return 0;
	if (verified == all)
		r = label_order(queue, application);
	if (r == 0 && state == STATE_application_minting && sealed == all) {
		r = states_apply(queue, MACHINE_application, application, "all_sealed", NULL);
		state = STATE_application_minted;
	}
	if (r == 0 && state == STATE_application_minted && packed == all) {
		r = states_apply(queue, MACHINE_application, application, "all_packed", NULL);
		state = STATE_application_packed;
	}
	return r == 0 && state == STATE_application_packed ? issue(queue, application) : r;
}

int
finish_reopened(struct queue *queue, int64_t credential)
{
	enum queue_statement g = QUEUE_credential_state;
	int64_t application;
	int waits, r = store_get(queue->store, g, "i", credential);

	if (r != 0)
		return r;
	waits = states_by_name(MACHINE_credential, store_text(queue->store, g, 0)) == STATE_credential_waiting;
	application = store_i64(queue->store, g, 1);
	store_done(queue->store, g);
	if (waits && states_of(queue, MACHINE_application, application) == STATE_application_minted)
		r = states_apply(queue, MACHINE_application, application, "redo", NULL);
	return r == 0 ? finish_check(queue, application) : r;
}
