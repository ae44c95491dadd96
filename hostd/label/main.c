/* mint-label: renders labels and hands them to a printer. Trusted with names, phones and addresses, and with the printer; it never
 * changes an application, knows no key, and keeps nothing of what it printed but the paper.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/base/release.h"
#include "hostd/label/preview.h"
#include "hostd/label/printer.h"
#include "hostd/label/render.h"
#include "hostd/label/station.h"
#include "schemas/errors.h"

struct options {
	const char *layouts, *printer, *json, *out;
};

static const struct {
	struct option option; /* val is the letter that options_read switches on */
	const char *argument, *help;
} table[] = {
	{ { "layouts", required_argument, NULL, 'l' }, "DIR", "layouts to use (data/labels)" },
	{ { "printer", required_argument, NULL, 'p' }, "URI", "printer, file:DIRECTORY" },
	{ { "render", required_argument, NULL, 'r' }, "FILE", "draw the label of a JSON file, then end" },
	{ { "out", required_argument, NULL, 'o' }, "DIR", "where --render writes PNG and ZPL (.)" },
	{ { "help", no_argument, NULL, 'h' }, "", "this text" },
	{ { "version", no_argument, NULL, 'v' }, "", "the release" },
};
enum { OPTION_COUNT = sizeof table / sizeof table[0] };

static void
help(FILE *stream)
{
	fputs("usage: mint-label --printer URI [--layouts DIR]      (started by mintd, channel on descriptor 3)\n"
	      "       mint-label --render FILE [--out DIR] [--layouts DIR]\n\n", stream);
	for (int i = 0; i < OPTION_COUNT; i++)
		fprintf(stream, "  --%-8s %-5s %s\n", table[i].option.name, table[i].argument, table[i].help);
}

/* 0, 1 when all is said (--help), or MINT_ARGUMENT. */
static int
options_read(int argc, char **argv, struct options *options)
{
	struct option long_options[OPTION_COUNT + 1] = { { NULL, 0, NULL, 0 } };
	int letter;

	for (int i = 0; i < OPTION_COUNT; i++)
		long_options[i] = table[i].option;
	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (letter) {
		case 'l':
			options->layouts = optarg;
			break;
		case 'p':
			options->printer = optarg;
			break;
		case 'r':
			options->json = optarg;
			break;
		case 'o':
			options->out = optarg;
			break;
		case 'h':
			help(stdout);
			return 1;
		case 'v':
			puts("mint-label " MINT_RELEASE);
			return 1;
		default:
			return MINT_ARGUMENT;
		}
	}
	if (optind < argc || (!options->json && !options->printer)) {
		help(stderr);
		return MINT_ARGUMENT;
	}
	return 0;
}

static int
serve(struct renderer *renderer, const char *uri)
{
	struct printer *printer;
	int result = printer_open(uri, &printer);

	if (result < 0)
		return result;
	result = station_serve(IPC_PARENT_FD, renderer, printer);
	printer_free(&printer);
	return result;
}

int
main(int argc, char **argv)
{
	struct options options = { .layouts = "data/labels", .out = "." };
	struct renderer *renderer = NULL;
	int result;

	log_open("mint-label");
	result = options_read(argc, argv, &options);
	if (result == 0) {
		result = renderer_open(options.layouts, &renderer);
		if (result == 0)
			result = options.json ? preview(renderer, options.json, options.out) : serve(renderer, options.printer);
	}
	renderer_free(&renderer);
	return result < 0 ? error_info(result)->exit_status : 0;
}
