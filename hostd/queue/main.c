/* mint-queue: the only writer of the record; decides what happens next.
 *
 * Trusted with: the database, in which stand personal data, transport codes sealed with a key it does not have, and envelopes
 * it cannot open. It loads no PKCS#11 module, opens no device and no network connection; all it hears comes over channels
 * that mintd made, and every message has passed the one decoder.
 */
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/base/pulse.h"
#include "hostd/base/sandbox.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/stat.h>

static void
on_terminate(evutil_socket_t signal_number, short what, void *argument)
{
	struct queue *queue = argument;

	(void)signal_number, (void)what;
	queue->ended = 1;
}

/* Tokens in mid-step are left as they are: the journal knows, and the next start looks. */
static int
run(const struct config *config)
{
	struct event_base *base = event_base_new();
	struct event *terminate = NULL;
	struct pulse *pulse = NULL;
	struct queue *queue = NULL;
	int r = base ? queue_open(base, config, IPC_PARENT_FD, &queue) : MINT_MEMORY;

	if (r != 0)
		goto out;
	terminate = evsignal_new(base, SIGTERM, on_terminate, queue);
	if (!terminate || event_add(terminate, NULL) != 0) {
		r = MINT_MEMORY;
		goto out;
	}
	r = pulse_answer(base, &pulse);
	if (r != 0)
		goto out;
	while (!queue_turn(queue))
		continue;
out:
	pulse_free(&pulse);
	queue_close(&queue);
	if (terminate)
		event_free(terminate);
	if (base)
		event_base_free(base);
	return r;
}

int
main(int argc, char **argv)
{
	const char *config_path;
	struct config *config;
	int r, status;

	log_open("mint-queue");
	signal(SIGPIPE, SIG_IGN);
	umask(027);
	if (program_options("mint-queue", "Keeps the record of the bench and decides what happens next.", argc, argv, &config_path,
	        &status) != 0)
		return status;
	r = config_read(config_path, &config);
	if (r == 0)
		r = sandbox_enter(PROGRAM_QUEUE);
	if (r == 0)
		r = run(config);
	config_free(&config);
	return r == 0 ? 0 : error_info(r)->exit_status;
}
