/* mint-bench: what the bays show, told to mint-queue. Decides nothing.
 *
 * Trusted with: the readers' presence through pcscd (later the station board over USB and the host's GPIO lines). It never
 * connects to a card: nothing but a worker may touch a token.
 */
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/bench/presence.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <unistd.h>

/* From the watching thread: on to mint-queue as it is. */
static void
on_report(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct program_context *context = argument;

	if (passed_fd >= 0)
		close(passed_fd);
	if (message)
		ipc_send(context->queue, message, -1);
	else
		ipc_free(&ipc);
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
	int fds[2];

	if (ipc_pair(fds) != 0)
		return MINT_SYSTEM;
	if (!ipc_new(context->base, fds[0], on_report, context))
		return MINT_MEMORY;
	return presence_watch(context->config, fds[1]);
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
