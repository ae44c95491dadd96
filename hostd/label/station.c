/* print in, printed or print_failed out. */
#include "hostd/label/station.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/label/label_json.h"
#include "hostd/label/printer.h"
#include "hostd/label/render.h"
#include "schemas/errors.h"

struct station {
	struct event_base *base;
	struct ipc        *ipc;
	struct renderer   *renderer;
	struct printer    *printer;
	int                greeted, result;
};

/* A job with the printer: the pages live until the printer has answered. */
struct pending {
	struct station *station;
	struct pages    pages;
};

static void
stop(struct station *station, int result)
{
	station->result = result;
	event_base_loopbreak(station->base);
}

static void
answer(struct station *station, const struct message *message)
{
	int result = ipc_send(station->ipc, message, -1);

	if (result < 0)
		stop(station, result);
}

static void
answer_failed(struct station *station, uint64_t job, int error, const char *detail)
{
	struct message message = { .type = MESSAGE_print_failed };

	message.print_failed.job = job;
	message.print_failed.error = (uint32_t)abs(error);
	message.print_failed.detail = detail;
	answer(station, &message);
}

static void
on_printed(uint64_t job, const struct print_result *result, void *argument)
{
	struct pending *pending = argument;
	struct message message = { .type = MESSAGE_printed };

	switch (result->outcome) {
	case PRINT_DONE:
		message.printed.job = job;
		message.printed.sha256 = (struct blob){ result->sha256, sizeof result->sha256 };
		message.printed.place = result->place;
		answer(pending->station, &message);
		break;
	case PRINT_FAILED:
		answer_failed(pending->station, job, result->error, result->detail);
		break;
	case PRINT_UNKNOWN:
		answer_failed(pending->station, job, MINT_PRINTER_UNKNOWN, result->detail);
		break;
	}
	pages_free(&pending->pages);
	free(pending);
}

static int
submit(struct station *station, uint64_t id, const struct label *label, char *why, size_t why_size)
{
	struct pending *pending = malloc(sizeof *pending);
	struct print_job job = { .id = id, .application = label->application, .copy = label->copy };
	int result;

	if (!pending)
		return MINT_MEMORY;
	pending->station = station;
	result = render_label(station->renderer, label, &pending->pages, why, why_size);
	if (result < 0) {
		free(pending);
		return result;
	}
	job.pages = &pending->pages;
	printer_submit(station->printer, &job, on_printed, pending);
	return 0;
}

static void
on_print(struct station *station, const struct message_print *print)
{
	struct label_document document;
	char why[256] = "out of memory";
	int result = label_document_read(print->label, strlen(print->label), &document, why, sizeof why);

	if (result == 0) {
		result = submit(station, print->job, &document.label, why, sizeof why);
		label_document_clear(&document);
	}
	if (result == 0)
		return;
	log_warning("print job %" PRIu64 ": %s: %s", print->job, why, error_info(result)->next[MINT_EN]);
	answer_failed(station, print->job, result, why);
}

static void
on_message(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct station *station = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		stop(station, 0); /* the queue is gone: mintd starts both anew */
	} else if (!station->greeted) {
		station->greeted = 1;
		if (ipc_check_hello(message) < 0)
			stop(station, MINT_PROTOCOL);
	} else if (message->type == MESSAGE_print) {
		on_print(station, &message->print);
	} else {
		log_error("queue: sent %s, which is none of mint-label's: restart the station", message_name(message->type));
		stop(station, MINT_PROTOCOL);
	}
}

static void
on_signal(evutil_socket_t signal_number, short events, void *argument)
{
	(void)signal_number;
	(void)events;
	stop(argument, 0);
}

int
station_serve(int fd, struct renderer *renderer, struct printer *printer)
{
	struct station station = { .renderer = renderer, .printer = printer, .result = MINT_MEMORY };
	struct event *terminate = NULL, *interrupt = NULL;
	int result = MINT_MEMORY;

	station.base = event_base_new();
	if (!station.base)
		return MINT_MEMORY;
	station.ipc = ipc_new(station.base, fd, on_message, &station);
	terminate = evsignal_new(station.base, SIGTERM, on_signal, &station);
	interrupt = evsignal_new(station.base, SIGINT, on_signal, &station);
	if (!station.ipc || !terminate || !interrupt || evsignal_add(terminate, NULL) < 0 || evsignal_add(interrupt, NULL) < 0)
		goto out;
	result = ipc_hello(station.ipc, PROGRAM_LABEL);
	if (result == 0)
		result = event_base_dispatch(station.base) < 0 ? MINT_SYSTEM : station.result;
out:
	ipc_free(&station.ipc);
	if (terminate)
		event_free(terminate);
	if (interrupt)
		event_free(interrupt);
	event_base_free(station.base);
	return result;
}
