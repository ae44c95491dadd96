/* mint-label: renders labels and hands them to a printer. Trusted with names, phones and addresses, and with the printer; it never
 * changes an application, knows no key, and keeps nothing of what it printed but the paper.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/label/preview.h"
#include "hostd/label/render.h"
#include "hostd/label/station.h"
#include "schemas/errors.h"

struct options {
	const char *layouts, *json, *out;
};

static const char usage[] =
    "usage: mint-label --render FILE [--out DIR] [--layouts DIR]\n"
    "Draws the label of a JSON file (docs/labels.md) as PNG and ZPL, without a station.\n"
    "  --render FILE   the label\n"
    "  --out DIR       where its pages go (.)\n"
    "  --layouts DIR   the layouts (data/labels)\n";

static int
options_read(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ "render", required_argument, NULL, 'r' }, { "out", required_argument, NULL, 'o' },
		{ "layouts", required_argument, NULL, 'l' }, { NULL, 0, NULL, 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (letter == 'r')
			options->json = optarg;
		else if (letter == 'o')
			options->out = optarg;
		else if (letter == 'l')
			options->layouts = optarg;
		else
			return MINT_ARGUMENT;
	}
	return optind == argc && options->json ? 0 : MINT_ARGUMENT;
}

static int
preview_main(int argc, char **argv)
{
	struct options options = { .layouts = "data/labels", .out = "." };
	struct renderer *renderer = NULL;
	int result;

	log_open("mint-label");
	result = options_read(argc, argv, &options);
	if (result < 0)
		fputs(usage, stderr);
	else
		result = renderer_open(options.layouts, &renderer);
	if (result == 0)
		result = preview(renderer, options.json, options.out);
	renderer_free(&renderer);
	return result < 0 ? error_info(result)->exit_status : 0;
}

static int
wants_preview(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--render", strlen("--render")) == 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	return wants_preview(argc, argv) ? preview_main(argc, argv) : program_main(&station_info, argc, argv);
}
