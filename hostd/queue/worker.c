#include "hostd/queue/worker.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/mint.h"
#include "hostd/queue/probe.h"
#include "hostd/queue/prove.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/turn.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <unistd.h>

struct incoming {
	struct bay           *bay;
	const struct message *message;
};

static int
on_failed(struct bay *bay, const struct message *message)
{
	return fault_failed(bay, &message->failed);
}

/* What a worker may say, and while which step. `proved` also answers the seal step's probe. */
static const struct {
	enum message_type type;
	enum step_id      step, also;
	int             (*handle)(struct bay *, const struct message *);
} answers[] = {
	{ MESSAGE_initialised, STEP_initialise, STEP_initialise, mint_initialised },
	{ MESSAGE_key_made, STEP_key, STEP_key, mint_key_made },
	{ MESSAGE_request_made, STEP_request, STEP_request, mint_request_made },
	{ MESSAGE_burned, STEP_burn, STEP_burn, mint_burned },
	{ MESSAGE_proved, STEP_prove, STEP_seal, prove_proved },
	{ MESSAGE_sealed, STEP_seal, STEP_seal, prove_sealed },
	{ MESSAGE_checked, STEP_check, STEP_check, stock_checked },
};

static int
greet(struct bay *bay, const struct message *message)
{
	struct message order = { .type = MESSAGE_order };
	int r = ipc_check_hello(message);

	if (r != 0)
		return r;
	bay->greeted = 1;
	snprintf(bay->release, sizeof bay->release, "%s", message->hello.release);
	order.order = (struct message_order){
		.lease = bay->lease, .bay = (uint32_t)bay->number, .role = bay->role, .reader = bay->reader,
		.atr = { .data = bay->atr, .length = bay->atr_bytes },
	};
	return turn_send(bay->queue, bay->worker, &order);
}

static int
on_probed(struct bay *bay, const struct message *message)
{
	if (message->probed.lease != bay->lease || bay->step)
		return MINT_PROTOCOL;
	bay->step_limit_ms = message->probed.step_limit_ms;
	return bay->role == ROLE_PROVE ? prove_probed(bay, &message->probed) : probe_decide(bay, &message->probed);
}

static int
on_answer(struct bay *bay, const struct message *message)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		if (answers[i].type != message->type)
			continue;
		/* Each answer begins with the journal row whose intent it settles. */
		if (!bay->step || message->initialised.journal != (uint64_t)bay->journal ||
		    (bay->step != &steps[answers[i].step] && bay->step != &steps[answers[i].also]))
			return MINT_PROTOCOL;
		return answers[i].handle(bay, message);
	}
	return MINT_PROTOCOL;
}

static int
handle(struct queue *queue, void *argument)
{
	const struct incoming *in = argument;
	struct bay *bay = in->bay;

	(void)queue;
	if (!bay->greeted)
		return greet(bay, in->message);
	if (bay->killed || bay->after != AFTER_LOST)
		return 0; /* it was told to leave: what it still says changes nothing, a probe will tell */
	if (bay->role == ROLE_WATCH)
		return in->message->type == MESSAGE_bay ? bay_report(bay, &in->message->bay) : MINT_PROTOCOL;
	if (in->message->type == MESSAGE_probed)
		return on_probed(bay, in->message);
	if (in->message->type == MESSAGE_failed)
		return on_failed(bay, in->message);
	return on_answer(bay, in->message);
}

static int
ended(struct queue *queue, void *argument)
{
	(void)queue;
	return bay_ended(argument);
}

static int
stop(struct queue *queue, void *argument)
{
	struct bay *bay = argument;

	(void)queue;
	return bay_kill(bay, AFTER_LOST, NULL);
}

static void
on_worker(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct bay *bay = argument;
	struct queue *queue = bay->queue;
	struct incoming incoming = { bay, message };
	char actor[64];
	int r;

	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		turn_forget(queue, ipc);
		ipc_free(&bay->worker);
		if (bay->reaped && queue->stalled)
			bay->lease = 0;
		else if (bay->reaped && turn_part(queue, "queue", bay, ended, bay) != 0)
			bay_forsaken(bay);
		return;
	}
	if (queue->stalled)
		return;
	snprintf(actor, sizeof actor, "worker:%u", bay->pid);
	r = turn_part(queue, actor, bay, handle, &incoming);
	if (r == 0 || r == MINT_STORAGE)
		return; /* a storage error shows at the commit */
	log_error("bay %d: %s: %s: the worker is stopped and the token looked at", bay->number, message_name(message->type),
	    error_info(r)->what[MINT_EN]);
	turn_part(queue, "queue", bay, stop, bay);
}

int
worker_connect(struct queue *queue, struct bay *bay, int fd)
{
	bay->worker = ipc_new(queue->base, fd, on_worker, bay);
	if (!bay->worker)
		return MINT_MEMORY;
	return ipc_hello(bay->worker, PROGRAM_QUEUE);
}
