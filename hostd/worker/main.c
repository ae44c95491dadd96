/* mint-worker: one process for one token and one role.
 *
 * Trusted with: the bench's key (transport codes), the PKCS#11 module, one reader; it alone may start another program
 * (pkcs15-init). It sees no database, no CA key and no network. Everything it does was ordered by mint-queue on
 * descriptor 3, one step at a time, and each step's intent was committed before its message was sent.
 *
 * Asked by mintd for a worker before it has an order of its own, it gives a copy of itself, whose descriptor 3 is the one that came with
 * the question (hostd/nursery.h, spare.h): what reads configuration, models and key once is one process, and never comes near a token.
 *
 * It blocks: on the channel between steps, in the module during one. A module that hangs is ended by SIGALRM a few seconds
 * after the step's own deadline, or sooner by mintd on mint-queue's word; either way a fresh process probes the token.
 */
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/base/release.h"
#include "hostd/base/sandbox.h"
#include "hostd/worker/ahead.h"
#include "hostd/worker/spare.h"
#include "hostd/worker/worker.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NOT_YET = 0 }; /* the role before the order */

/* The permit table: which message may come in which role, and what it does. */
static const struct step {
	enum message_type type;
	int               role; /* an enum worker_role; NOT_YET for the order itself */
	const char       *name;
	step_run         *run;
	size_t            journal; /* where the message has its journal number */
} steps[] = {
	{ MESSAGE_order, NOT_YET, "order", step_order, 0 },
	{ MESSAGE_initialise, ROLE_MINT, "initialise", step_initialise, offsetof(struct message, initialise.journal) },
	{ MESSAGE_make_key, ROLE_MINT, "make_key", step_make_key, offsetof(struct message, make_key.journal) },
	{ MESSAGE_make_request, ROLE_MINT, "make_request", step_make_request, offsetof(struct message, make_request.journal) },
	{ MESSAGE_burn, ROLE_MINT, "burn", step_burn, offsetof(struct message, burn.journal) },
	{ MESSAGE_prove, ROLE_PROVE, "prove", step_prove, offsetof(struct message, prove.journal) },
	{ MESSAGE_seal, ROLE_PROVE, "seal", step_seal, offsetof(struct message, seal.journal) },
	{ MESSAGE_check, ROLE_PROVE, "check", step_check, offsetof(struct message, check.journal) },
	{ MESSAGE_survey, ROLE_SURVEY, "survey", step_survey, offsetof(struct message, survey.journal) },
};

/* Who is to blame, as far as the worker can tell. An order that this token alone cannot carry out is the token's fault: blaming the
 * order would have the same token claim, and park, one credential after the other. A token that is not recognised any more, though it
 * was when the worker came, is looked at again like one that has gone. What is not here is the host's. */
static const struct {
	int        error;
	enum fault fault;
} faults[] = {
	{ MINT_TOKEN_GONE, FAULT_GONE },       { MINT_READER, FAULT_GONE },          { MINT_TOKEN_OTHER, FAULT_GONE },
	{ MINT_TOKEN_UNKNOWN, FAULT_GONE },    { MINT_TOKEN_FOREIGN, FAULT_TOKEN },  { MINT_TOKEN_LIVE, FAULT_TOKEN },
	{ MINT_TOKEN_FULL, FAULT_TOKEN },      { MINT_TOKEN_ERROR, FAULT_TOKEN },    { MINT_TOKEN_INIT, FAULT_TOKEN },
	{ MINT_PIN_WRONG, FAULT_TOKEN },       { MINT_PIN_LOCKED, FAULT_TOKEN },     { MINT_TIMEOUT, FAULT_TOKEN },
	{ MINT_PROOF_CERTIFICATE, FAULT_TOKEN }, { MINT_PROOF_KEY, FAULT_TOKEN },    { MINT_PROOF_CHALLENGE, FAULT_TOKEN },
	{ MINT_CODE_UNKNOWN, FAULT_TOKEN },    { MINT_TOKEN_MODEL, FAULT_TOKEN },    { MINT_CERTIFICATE_SIZE, FAULT_ORDER },
	{ MINT_NOT_FOUND, FAULT_TOKEN },       { MINT_TOKEN_MECHANISM, FAULT_TOKEN }, { MINT_ARGUMENT, FAULT_ORDER },
	{ MINT_REFUSED, FAULT_TOKEN },         { MINT_EXISTS, FAULT_TOKEN },         { MINT_SYNTAX, FAULT_ORDER },
};

static enum fault
fault_of(int error)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (faults[i].error == error)
			return faults[i].fault;
	return FAULT_HOST;
}

static const struct step *
step_for(const struct worker *worker, const struct message *message)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (steps[i].type == message->type && steps[i].role == (int)worker->role)
			return &steps[i];
	return NULL;
}

static uint64_t
journal_of(const struct step *step, const struct message *message)
{
	uint64_t journal = 0;

	if (step->journal)
		memcpy(&journal, (const char *)message + step->journal, sizeof journal);
	return journal;
}

/* A step needs a token of a known model; an order that found none can only be finished. */
static int
run_step(struct worker *worker, const struct step *step, const struct message *message, struct message *answer,
    struct step_keep *keep)
{
	if (step->role != NOT_YET && step->role != ROLE_SURVEY && !worker->model)
		return worker_fail(worker, MINT_TOKEN_UNKNOWN, "no model profile knows this card");
	return step->run(worker, message, answer, keep);
}

/* A token that was pulled is not one that failed: it is looked at before it is blamed. One that is silent is not looked at, that may take
 * as long again; a fresh process does. */
static int
blame(struct worker *worker, const struct step *step, int r)
{
	access_close(worker); /* nothing stays logged in on a token that failed */
	if (!worker->model || !step->journal || r == MINT_TIMEOUT || fault_of(r) != FAULT_TOKEN)
		return r;
	r = access_or_gone(worker, r);
	access_close(worker);
	worker_at_rest();
	return r;
}

/* Does a step and answers. 0, or the error of the channel. */
static int
do_step(struct worker *worker, const struct step *step, const struct message *message)
{
	struct message answer = { 0 };
	struct step_keep keep = { .one = NULL };
	int r, sent;

	worker->detail[0] = '\0';
	r = run_step(worker, step, message, &answer, &keep);
	worker_at_rest();
	if (r != 0) {
		r = blame(worker, step, r);
		log_warning("bay %u: %s: %s: %s", worker->bay, step->name, error_info(r)->name, worker->detail);
		answer = (struct message){ .type = MESSAGE_failed };
		answer.failed = (struct message_failed){
			.journal = journal_of(step, message), .error = (uint32_t)-r, .fault = (uint8_t)fault_of(r),
			.detail = worker->detail,
		};
	}
	sent = ipc_write(IPC_PARENT_FD, &answer, -1);
	OPENSSL_cleanse(keep.fixed, sizeof keep.fixed);
	OPENSSL_free(keep.one);
	OPENSSL_free(keep.two);
	return sent;
}

/* Until something is to be read. In role watch the slot is looked at in between, and news is told. */
static int
attend(struct worker *worker)
{
	struct pollfd channel = { .fd = IPC_PARENT_FD, .events = POLLIN };
	struct message answer = { 0 };
	int ready, r = 0;

	while (r == 0 && (ready = poll(&channel, 1, watch_interval_ms(worker))) <= 0)
		if (ready == 0 && watch_look(worker, &answer))
			r = ipc_write(IPC_PARENT_FD, &answer, -1);
	return r;
}

static int
say_hello(void)
{
	struct message hello = { .type = MESSAGE_hello };

	hello.hello = (struct message_hello){
		.version = MESSAGES_VERSION, .program = PROGRAM_WORKER, .pid = (uint32_t)getpid(), .release = MINT_RELEASE,
	};
	return ipc_write(IPC_PARENT_FD, &hello, -1);
}

/* The spare is it, and another is made when nobody waits any more. mintd is to reap it, as it reaps whatever was near a token. In a copy,
 * which comes back from making it with a channel of its own, the conversation goes on there. */
static int
make_worker(const struct worker *worker, struct spare *spare, uint64_t lease, int channel_fd)
{
	struct message answer = { .type = MESSAGE_worker_started };
	enum spare_side side = SPARE_NURSERY;
	pid_t pid = spare_hand(spare, lease, channel_fd);
	int r;

	prctl(PR_SET_NAME, "mint-nursery");
	if (pid < 0 && spare_make(spare, worker->config->module, &side) == 0 && side == SPARE_NURSERY)
		pid = spare_hand(spare, lease, channel_fd);
	close(channel_fd);
	if (side == SPARE_COPY)
		return say_hello();
	answer.worker_started = (struct message_worker_started){ .lease = lease, .pid = pid > 0 ? (uint32_t)pid : 0 };
	r = ipc_write(IPC_PARENT_FD, &answer, -1);
	if (r == 0)
		(void)spare_make(spare, worker->config->module, &side); /* without one the next is made when it is asked for */
	return r == 0 && side == SPARE_COPY ? say_hello() : r;
}

/* 0: finished. Otherwise why the conversation ended. */
static int
converse(struct worker *worker)
{
	struct spare spare = { .link = -1 };
	struct message message;
	const struct step *step;
	int r, fd, finished = 0;

	while (!finished) {
		r = attend(worker);
		if (r == 0)
			r = ipc_read(IPC_PARENT_FD, &message, &fd);
		if (r != 0)
			return r;
		step = step_for(worker, &message);
		if (message.type == MESSAGE_worker_start && (int)worker->role == NOT_YET && fd >= 0) {
			r = make_worker(worker, &spare, message.worker_start.lease, fd);
			fd = -1;
		} else if (step) {
			r = do_step(worker, step, &message);
		} else if (message.type == MESSAGE_finish) {
			finished = 1;
		} else if (message.type == MESSAGE_hello && (int)worker->role == NOT_YET) {
			r = ipc_check_hello(&message);
		} else {
			log_error("mint-queue: sent %s to a worker that does not take it: ending", message_name(message.type));
			r = MINT_PROTOCOL;
		}
		message_clear(&message);
		if (fd >= 0)
			close(fd); /* no other message brings one */
		if (r != 0)
			return r;
	}
	return 0;
}

static int
prepare(struct worker *worker, const char *config_path)
{
	int r = config_read(config_path, &worker->config);

	if (r == 0)
		r = sandbox_enter(PROGRAM_WORKER);
	if (r == 0)
		r = models_read(worker->config->models, &worker->models);
	if (r == 0)
		r = codes_read_key(worker->config->station_key, worker->station_key);
	if (r == 0)
		ahead_load(worker->config->module);
	return r;
}

static void
clear(struct worker *worker)
{
	access_close(worker);
	if (worker->conf_path[0])
		unlink(worker->conf_path);
	models_free(&worker->models);
	config_free(&worker->config);
	OPENSSL_cleanse(worker, sizeof *worker);
}

int
main(int argc, char **argv)
{
	static struct worker worker;
	const char *config_path;
	int r, status;

	log_open("mint-worker");
	if (program_options("mint-worker", "Works on one token in one role, as mint-queue orders.", argc, argv, &config_path,
	    &status) != 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	unsetenv("OPENSC_DEBUG"); /* it overrides opensc.conf, and shows every PIN in the log */
	r = prepare(&worker, config_path);
	if (r == 0)
		ahead_stand_alone(worker.config->module, argv);
	if (r == 0)
		r = say_hello();
	if (r == 0)
		r = converse(&worker);
	clear(&worker);
	return r == 0 ? 0 : error_info(r)->exit_status;
}
