/* Uploads: any bytes may come. What must hold whatever they are:
 * - how the bytes arrive (at once or in pieces) changes nothing;
 * - what is taken is taken again in its canonical form, which is the same then;
 * - a refused record has a finding that says so. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/base/application_stream.h"

/* A day in 2026; not the clock, so that an input means the same tomorrow. */
static const struct application_policy policy = {
	.now_us = INT64_C(1790000000000000),
	.kinds = 1U << APPLICATION_KIND_NEW | 1U << APPLICATION_KIND_RENEW,
	.media = 1U << APPLICATION_MEDIUM_TOKEN | 1U << APPLICATION_MEDIUM_MOBILE,
};

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_canonical(const struct application *application)
{
	char *text = application_canonical(application), *text_again;
	struct application *again = NULL;
	struct findings findings;
	json_t *changes;
	int result;

	assert(text);
	findings_begin(&findings, 1, 1, 1);
	result = application_parse(text, strlen(text), &policy, &findings, &again);
	assert(result == 0);
	text_again = application_canonical(again);
	assert(text_again && strcmp(text, text_again) == 0);
	changes = application_diff(application, again);
	assert(json_is_array(changes) && json_array_size(changes) == 0);
	json_decref(changes);
	application_free(&again);
	free(text);
	free(text_again);
}

struct sum {
	size_t records, findings, weights;
};

static int
check_record(void *argument, const struct application_record *record)
{
	struct sum *sum = argument;
	json_t *list = findings_json(record->findings);

	/* Only well-formed UTF-8 becomes JSON. */
	assert(list && json_array_size(list) == record->findings->count);
	json_decref(list);
	assert((record->application == NULL) == findings_have(record->findings, FINDING_ERROR));
	if (record->application)
		check_canonical(record->application);
	sum->records++;
	sum->findings = sum->findings * 31 + record->findings->all;
	for (size_t i = 0; i < record->findings->count; i++)
		sum->weights = sum->weights * 31 + record->findings->items[i].rule + record->findings->items[i].column;
	return 0;
}

static struct sum
run(const uint8_t *data, size_t size, size_t piece)
{
	struct sum sum = { 0 };
	struct application_stream *stream = NULL;
	int result = application_stream_new(&stream, &policy, check_record, &sum);

	for (size_t at = 0; at < size && result == 0; at += piece)
		result = application_stream_feed(stream, data + at, size - at < piece ? size - at : piece);
	if (result == 0)
		result = application_stream_finish(stream, NULL);
	assert(result == 0);
	application_stream_free(&stream);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole = run(data, size, size + 1);
	struct sum pieces = run(data, size, 1 + size % 7);

	assert(whole.records == pieces.records && whole.findings == pieces.findings && whole.weights == pieces.weights);
	return 0;
}
