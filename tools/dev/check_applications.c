/* Reads a file of applications as the bench would and prints what it finds, one JSON object a line, without a bench:
 * check-applications [--canonical] FILE
 * With --canonical it prints the good records in their canonical form instead. Totals go to standard error.
 * Exit status: 0 when every record is good, 65 when not, 66 when the file cannot be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "hostd/base/application_stream.h"
#include "hostd/base/clock.h"

static int
print_findings(void *argument, const struct application_record *record)
{
	(void)argument;
	for (size_t i = 0; i < record->findings->count; i++) {
		json_t *finding = finding_json(record->findings, &record->findings->items[i]);

		if (!finding || json_dumpf(finding, stdout, JSON_COMPACT) != 0)
			return MINT_MEMORY;
		putchar('\n');
		json_decref(finding);
	}
	return 0;
}

static int
print_canonical(void *argument, const struct application_record *record)
{
	char *text;

	(void)argument;
	if (!record->application)
		return 0;
	if (!(text = application_canonical(record->application)))
		return MINT_MEMORY;
	puts(text);
	free(text);
	return 0;
}

static int
read_file(FILE *file, struct application_stream *stream, struct application_totals *totals)
{
	char data[65536];
	size_t length;
	int result = 0;

	while (result == 0 && (length = fread(data, 1, sizeof data, file)) > 0)
		result = application_stream_feed(stream, data, length);
	return result ? result : application_stream_finish(stream, totals);
}

int
main(int argc, char **argv)
{
	bool canonical = argc == 3 && strcmp(argv[1], "--canonical") == 0;
	struct application_policy policy = application_policy_bench(clock_utc_us());
	struct application_totals totals = { 0 };
	struct application_stream *stream = NULL;
	FILE *file = NULL;
	int status = EX_NOINPUT;

	if (argc != 2 && !canonical) {
		fprintf(stderr, "usage: check-applications [--canonical] FILE\n");
		return EX_USAGE;
	}
	if (!(file = fopen(argv[argc - 1], "re"))) {
		perror(argv[argc - 1]);
		goto out;
	}
	status = EX_OSERR;
	if (application_stream_new(&stream, &policy, canonical ? print_canonical : print_findings, NULL) != 0 ||
	    read_file(file, stream, &totals) != 0 || ferror(file))
		goto out;
	fprintf(stderr, "%zu records: %zu good (%zu held), %zu bad%s\n", totals.records, totals.good, totals.held, totals.bad,
	        totals.stopped ? "; not read to the end" : "");
	status = totals.bad > 0 || totals.stopped ? EX_DATAERR : 0;
out:
	application_stream_free(&stream);
	if (file)
		fclose(file);
	return status;
}
