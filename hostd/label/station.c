/* print in, printed or print_failed out. */
#include "hostd/label/station.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/label/label_json.h"
#include "hostd/label/printer.h"
#include "hostd/label/render.h"
#include "schemas/errors.h"

struct station {
	struct program_context *context;
	struct renderer        *renderer;
	struct printer         *printer;
};

/* A job with the printer: the pages live until the printer has answered. */
struct pending {
	struct station *station;
	struct pages    pages;
};

/* An answer that cannot be sent is lost with the channel; the queue asks again for what it has no answer to. */
static void
answer(struct station *station, const struct message *message)
{
	if (ipc_send(station->context->queue, message, -1) < 0)
		event_base_loopbreak(station->context->base);
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
on_message(struct program_context *context, const struct message *message)
{
	if (message->type == MESSAGE_print) {
		on_print(context->state, &message->print);
		return;
	}
	log_error("mint-queue: sent %s, which mint-label does not take: restart the station", message_name(message->type));
	event_base_loopbreak(context->base);
}

static int
begin(struct program_context *context)
{
	struct station *station = calloc(1, sizeof *station);
	int result;

	if (!station)
		return MINT_MEMORY;
	station->context = context;
	context->state = station;
	result = renderer_open(context->config->label_layouts, &station->renderer);
	return result < 0 ? result : printer_open(context->config->printer, &station->printer);
}

static void
end(struct program_context *context)
{
	struct station *station = context->state;

	if (!station)
		return;
	printer_free(&station->printer);
	renderer_free(&station->renderer);
	free(station);
}

const struct program_info station_info = {
	.program = PROGRAM_LABEL,
	.name = "mint-label",
	.purpose = "Renders labels and hands them to a printer.\n"
	           "To see a label without a station: mint-label --render FILE [--out DIR] [--layouts DIR]",
	.begin = begin,
	.on_message = on_message,
	.end = end,
};
