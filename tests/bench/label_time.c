/* How long a label takes in a process that has drawn one before: from the JSON that mint-queue sends to the bytes of a Zebra printer.
 *
 *   label-time LAYOUTS COUNT <LABEL.json      prints a line for each label: milliseconds
 */
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "hostd/label/label_json.h"
#include "hostd/label/render.h"
#include "hostd/label/zpl.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABEL_BYTES = 65536 };

/* Every page, as the printer takes it. */
static int
draw(struct renderer *renderer, const struct label *label)
{
	char why[256], *zpl;
	struct pages pages;
	size_t length;
	int r = render_label(renderer, label, &pages, why, sizeof why);

	if (r != 0)
		return r;
	for (size_t i = 0; r == 0 && i < pages.count; i++) {
		r = zpl_make(pages.page[i], &zpl, &length);
		if (r == 0)
			free(zpl);
	}
	pages_free(&pages);
	return r;
}

/* The number makes each another label: nothing of the last one can be used again. */
static int
take_time(struct renderer *renderer, const char *template, int number)
{
	struct label_document document;
	char text[LABEL_BYTES], application[32], why[256];
	int length = snprintf(text, sizeof text, "%s", template), r;
	int64_t begun = clock_monotonic_us();

	r = label_document_read(text, (size_t)length, &document, why, sizeof why);
	if (r != 0)
		return r;
	snprintf(application, sizeof application, "MB20261123-%06d", number);
	document.label.application = application;
	r = draw(renderer, &document.label);
	label_document_clear(&document);
	if (r == 0)
		printf("%.3f\n", (double)(clock_monotonic_us() - begun) / 1000);
	return r;
}

int
main(int argc, char **argv)
{
	struct renderer *renderer = NULL;
	static char template[LABEL_BYTES];
	int r = argc == 3 ? 0 : MINT_ARGUMENT;

	log_open("label-time");
	if (r == 0 && fread(template, 1, sizeof template - 1, stdin) == 0)
		r = MINT_ARGUMENT;
	if (r == 0)
		r = renderer_open(argv[1], &renderer);
	for (int i = 1; r == 0 && i <= atoi(argv[2]); i++)
		r = take_time(renderer, template, i);
	renderer_free(&renderer);
	if (r != 0)
		fprintf(stderr, "label-time: %s\n", error_info(r)->what[MINT_EN]);
	return r == 0 ? 0 : error_info(r)->exit_status;
}
