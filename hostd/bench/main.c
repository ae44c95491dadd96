/* mint-bench: what the bays show, told to mint-queue. Decides nothing.
 *
 * Trusted with: the readers' presence through pcscd (later the station board over USB and the host's GPIO lines). It never
 * connects to a card: nothing but a worker may touch a token. A process of its own watches each pcscd (watchers.h); this one hands on
 * what they tell.
 */
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/bench/watchers.h"

#include <event2/event.h>
#include <unistd.h>

/* From a watcher: on to mint-queue as it is. One that is gone is not started again alone: mintd counts this program's ends. */
static void
on_report(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct program_context *context = argument;

	if (passed_fd >= 0)
		close(passed_fd);
	if (message) {
		ipc_send(context->queue, message, -1);
	} else {
		log_error("a process that watches readers has ended: ending, to be started anew");
		ipc_free(&ipc);
		event_base_loopbreak(context->base);
	}
}

/* mint-queue orders nothing of this program yet; losing it ends the program (hostd/base/program.h). */
static void
on_order(struct program_context *context, const struct message *message)
{
	log_error("mint-queue: sent %s, which mint-bench does not take", message_name(message->type));
	event_base_loopbreak(context->base);
}

static int
begin(struct program_context *context)
{
	return watchers_start(context->base, context->config, on_report, context);
}

int
main(int argc, char **argv)
{
	static const struct program_info info = {
		.program = PROGRAM_BENCH,
		.name = "mint-bench",
		.purpose = "Watches the readers of the bays and tells mint-queue what each shows.",
		.begin = begin,
		.on_message = on_order,
	};

	return program_main(&info, argc, argv);
}
