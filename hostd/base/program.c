#include "hostd/base/program.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/base/pulse.h"
#include "hostd/base/release.h"
#include "hostd/base/sandbox.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct running {
	const struct program_info *info;
	struct program_context     context;
};

static void
print_help(const char *name, const char *purpose, FILE *out)
{
	fprintf(out,
	    "usage: %s --config FILE\n%s\nIt is started by mintd, which passes its channel on descriptor %d.\n"
	    "  --config FILE   the bench's configuration (docs/configuration.md)\n"
	    "  --version       print the release\n"
	    "  --help          print this\n",
	    name, purpose, IPC_PARENT_FD);
}

int
program_options(const char *name, const char *purpose, int argc, char **argv, const char **config_path, int *status)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	int option;

	*config_path = NULL;
	*status = 0;
	while ((option = getopt_long(argc, argv, "c:hv", options, NULL)) != -1)
		switch (option) {
		case 'c':
			*config_path = optarg;
			break;
		case 'h':
			print_help(name, purpose, stdout);
			return 1;
		case 'v':
			printf("%s %s\n", name, MINT_RELEASE);
			return 1;
		default:
			*status = error_info(MINT_ARGUMENT)->exit_status;
			return 1;
		}
	if (*config_path && optind == argc)
		return 0;
	print_help(name, purpose, stderr);
	*status = error_info(MINT_ARGUMENT)->exit_status;
	return 1;
}

static void
on_queue(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct running *running = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		log_info("mint-queue is gone: ending, mintd starts both anew");
		event_base_loopbreak(running->context.base);
	} else if (message->type != MESSAGE_hello) {
		running->info->on_message(&running->context, message);
	} else if (ipc_check_hello(message) != 0) {
		event_base_loopbreak(running->context.base);
	}
}

static void
on_terminate(evutil_socket_t signal_number, short what, void *argument)
{
	struct running *running = argument;

	(void)signal_number, (void)what;
	event_base_loopbreak(running->context.base);
}

static int
run(struct running *running)
{
	struct program_context *context = &running->context;
	struct event *terminate;
	struct pulse *pulse = NULL;
	int r = MINT_MEMORY;

	context->base = event_base_new();
	if (!context->base)
		return MINT_MEMORY;
	terminate = evsignal_new(context->base, SIGTERM, on_terminate, running);
	if (!terminate || event_add(terminate, NULL) != 0)
		goto out;
	context->queue = ipc_new(context->base, IPC_PARENT_FD, on_queue, running);
	if (!context->queue)
		goto out;
	r = pulse_answer(context->base, &pulse);
	if (r == 0)
		r = ipc_hello(context->queue, running->info->program);
	if (r == 0)
		r = running->info->begin(context);
	if (r == 0)
		r = sandbox_serve(running->info->program);
	if (r == 0)
		event_base_dispatch(context->base);
	if (running->info->end)
		running->info->end(context);
out:
	pulse_free(&pulse);
	ipc_free(&context->queue);
	if (terminate)
		event_free(terminate);
	event_base_free(context->base);
	return r;
}

int
program_main(const struct program_info *info, int argc, char **argv)
{
	struct running running = { .info = info };
	int r, status;

	log_open(info->name);
	signal(SIGPIPE, SIG_IGN);
	if (program_options(info->name, info->purpose, argc, argv, &running.context.config_path, &status) != 0)
		return status;
	r = config_read(running.context.config_path, &running.context.config);
	if (r == 0)
		r = sandbox_enter(info->program);
	if (r == 0)
		r = run(&running);
	config_free(&running.context.config);
	return r == 0 ? 0 : error_info(r)->exit_status;
}
