/* POST /v1/import: the strict reader takes the body apart, good records go to mint-queue, every record is answered in its order.
 *
 * Many records are in flight at once so that mint-queue commits them in groups; the body is read on only as answers come in, so
 * that a large file costs its own bytes and a window of answers, not a second copy of everything.
 */
#include "hostd/api/api.h"
#include "hostd/api/orders.h"
#include "hostd/base/application_stream.h"
#include "hostd/base/clock.h"
#include "schemas/errors.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_RECORDS = 512, FEED_BYTES = 8 * 1024, CHUNK_BYTES = 32 * 1024 };

enum outcome { OUTCOME_ADDED, OUTCOME_HELD, OUTCOME_UNCHANGED, OUTCOME_DIFFERENT, OUTCOME_REFUSED, OUTCOME_UNKNOWN, OUTCOME_COUNT };

static const char *const outcome_names[] = { "added", "held", "unchanged", "different", "refused", "unknown" };

/* One record's answer; they leave in the order of the records. */
struct row {
	struct row    *next;
	struct import *import;
	json_t        *json;
	int            done;
};

struct import {
	struct call *call;
	struct application_stream *stream;
	struct evbuffer *out;
	struct row  *first, **last;
	size_t       open;          /* records at mint-queue */
	size_t       counts[OUTCOME_COUNT];
	size_t       rows_out;
	int          lines;         /* answer as one object a line */
	int          started, read_all, lost;
	int          error;         /* why reading ended early */
};

static void
row_done(struct row *row, enum outcome outcome)
{
	row->done = 1;
	row->import->counts[outcome]++;
	json_object_set_new(row->json, "outcome", json_string(outcome_names[outcome]));
}

/* --- the answer */

static int
add_json(const char *bytes, size_t length, void *buffer)
{
	return evbuffer_add(buffer, bytes, length);
}

static void
put_json(struct import *import, json_t *json)
{
	json_dump_callback(json, add_json, import->out, JSON_COMPACT);
	evbuffer_add(import->out, "\n", 1);
	json_decref(json);
}

static void
put_row(struct import *import, struct row *row)
{
	if (!import->lines)
		evbuffer_add_printf(import->out, import->rows_out ? "," : "{\"results\":[\n");
	put_json(import, row->json);
	import->rows_out++;
}

static void
flush(struct import *import)
{
	if (!import->started)
		call_start(import->call, 200, import->lines ? "application/x-ndjson" : "application/json; charset=utf-8");
	import->started = 1;
	call_chunk(import->call, import->out, NULL);
}

static void
put_done_rows(struct import *import)
{
	struct row *row;

	while ((row = import->first) != NULL && row->done) {
		import->first = row->next;
		if (!import->first)
			import->last = &import->first;
		put_row(import, row);
		free(row);
	}
	if (evbuffer_get_length(import->out) >= CHUNK_BYTES)
		flush(import);
}

static json_t *
counts_json(const struct import *import)
{
	json_t *counts = json_object();
	size_t sum = 0;

	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		json_object_set_new(counts, outcome_names[i], json_integer((json_int_t)import->counts[i]));
		sum += import->counts[i];
	}
	json_object_set_new(counts, "records", json_integer((json_int_t)sum));
	return counts;
}

static void
import_free(struct import *import)
{
	struct row *row;

	while ((row = import->first) != NULL) {
		import->first = row->next;
		json_decref(row->json);
		free(row);
	}
	application_stream_free(&import->stream);
	if (import->out)
		evbuffer_free(import->out);
	free(import);
}

static void
put_tail(struct import *import)
{
	json_t *error = import->error ? call_error_json(import->error, "import the same data again: what went in is unchanged then") : NULL;

	if (import->lines) {
		put_json(import, error ? json_pack("{s:o,s:o}", "counts", counts_json(import), "failure", error)
		                       : json_pack("{s:o}", "counts", counts_json(import)));
		return;
	}
	evbuffer_add_printf(import->out, "%s],\"counts\":", import->rows_out ? "" : "{\"results\":[");
	put_json(import, counts_json(import));
	if (error) {
		evbuffer_add_printf(import->out, ",\"failure\":");
		put_json(import, error);
	}
	evbuffer_add_printf(import->out, "}\n");
}

static void
finish(struct import *import)
{
	struct call *call = import->call;

	if (import->error && !import->started) {
		int error = import->error;

		import_free(import);
		call_error(call, error, "import the same data again: what went in is unchanged then");
		return;
	}
	put_tail(import);
	flush(import);
	import_free(import);
	call_end(call);
}

/* --- records */

static void go_on(struct import *import);

static void
take_result(struct row *row, const struct message_import_result *result)
{
	json_t *detail = result->detail[0] ? json_loads(result->detail, JSON_DECODE_ANY, NULL) : NULL;
	const char *named = json_string_value(json_object_get(json_array_get(detail, 0), "error"));
	const struct error_info *why;

	switch ((enum import_outcome)result->outcome) {
	case IMPORT_ADDED:
		row_done(row, OUTCOME_ADDED);
		break;
	case IMPORT_HELD:
		row_done(row, OUTCOME_HELD);
		break;
	case IMPORT_UNCHANGED:
		row_done(row, OUTCOME_UNCHANGED);
		break;
	case IMPORT_DIFFERENT:
		row_done(row, OUTCOME_DIFFERENT);
		json_object_set(row->json, "differences", detail);
		json_object_set_new(row->json, "error", call_error_json(MINT_DIFFERENT, ""));
		break;
	case IMPORT_FAILED:
	default:
		row_done(row, OUTCOME_REFUSED);
		why = error_by_name(named ? named : "");
		json_object_set_new(row->json, "error", call_error_json(why ? why->code : MINT_STORAGE, detail ? "" : result->detail));
		break;
	}
	json_decref(detail);
}

static void
on_result(const struct message *answer, void *argument)
{
	struct row *row = argument;
	struct import *import = row->import;

	import->open--;
	if (answer) {
		take_result(row, &answer->import_result);
	} else {
		row_done(row, OUTCOME_UNKNOWN);
		import->error = MINT_CLOSED;
	}
	go_on(import);
}

/* The findings that hold it, as mint-queue keeps them; "" when there are none. The caller frees. */
static char *
holds_of(const struct findings *findings)
{
	json_t *holds = json_array();
	char *text;

	for (size_t i = 0; i < findings->count; i++)
		if (finding_info(findings->items[i].rule)->weight == FINDING_HOLD)
			json_array_append_new(holds, finding_json(findings, &findings->items[i]));
	text = json_array_size(holds) ? json_dumps(holds, JSON_COMPACT) : strdup("");
	json_decref(holds);
	return text;
}

static int
send_record(struct row *row, const struct application_record *record)
{
	struct import *import = row->import;
	struct message message = { .type = MESSAGE_import };
	char *canonical = application_canonical(record->application), *holds = holds_of(record->findings);
	int r = MINT_MEMORY;

	if (canonical && holds) {
		message.import = (struct message_import){ .actor = import->call->actor, .record = canonical, .held = holds };
		r = orders_send(import->call->api->orders, &message, on_result, row);
	}
	free(canonical);
	free(holds);
	if (r == 0)
		import->open++;
	return r;
}

static struct row *
row_new(struct import *import, const struct findings *findings)
{
	struct row *row = calloc(1, sizeof *row);

	if (!row)
		return NULL;
	row->import = import;
	row->json = json_pack("{s:I,s:I,s:s*}", "record", (json_int_t)findings->record, "line", (json_int_t)findings->line,
	    "reference", findings->reference[0] ? findings->reference : NULL);
	if (!row->json) {
		free(row);
		return NULL;
	}
	if (findings->count)
		json_object_set_new(row->json, "findings", findings_json(findings));
	*import->last = row;
	import->last = &row->next;
	return row;
}

static int
on_record(void *argument, const struct application_record *record)
{
	struct import *import = argument;
	struct row *row = row_new(import, record->findings);

	if (!row)
		return MINT_MEMORY;
	if (record->application)
		return send_record(row, record);
	row_done(row, OUTCOME_REFUSED);
	return 0;
}

/* --- the body */

static int
feed_piece(struct import *import, struct evbuffer *body)
{
	char piece[FEED_BYTES];
	int got = evbuffer_remove(body, piece, sizeof piece);

	if (got > 0)
		return application_stream_feed(import->stream, piece, (size_t)got);
	import->read_all = 1;
	return application_stream_finish(import->stream, NULL);
}

/* Reads on while the window has room, sends what is answered, ends when everything is. */
static void
go_on(struct import *import)
{
	struct evbuffer *body = call_body(import->call);

	while (!import->read_all && !import->error && import->open < WINDOW_RECORDS)
		import->error = feed_piece(import, body);
	put_done_rows(import);
	if ((import->read_all || import->error) && import->open == 0)
		finish(import);
}

/* orders_lost answers every open record of ours, the last of which ends the call. */
static void
wait_for_last(struct call *call)
{
	(void)call;
}

void
route_import(struct call *call)
{
	struct application_policy policy = application_policy_bench(clock_utc_us());
	const char *accept = call_header(call, "Accept");
	struct import *import = calloc(1, sizeof *import);

	if (!import) {
		call_error(call, MINT_MEMORY, "import");
		return;
	}
	import->call = call;
	import->last = &import->first;
	import->lines = accept && strstr(accept, "ndjson") != NULL;
	import->out = evbuffer_new();
	if (!import->out || application_stream_new(&import->stream, &policy, on_record, import) != 0) {
		import_free(import);
		call_error(call, MINT_MEMORY, "import");
		return;
	}
	call->lost = wait_for_last;
	go_on(import);
}
