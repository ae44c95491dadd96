/* Applications record by record: finds where each record begins and ends; application_read.c judges it. */
#include "hostd/base/application_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
	AT_START,
	IN_LINES,
	BEFORE_FIRST, /* behind [ : a record or ] */
	BEFORE_NEXT,  /* behind , : a record */
	IN_RECORD,
	AFTER_RECORD, /* , or ] */
	AFTER_END,    /* behind ] : blanks only */
	STOPPED,
	STATE_COUNT
};

struct application_stream {
	struct application_policy policy;
	int (*on_record)(void *, const struct application_record *);
	void *argument;
	enum state state;
	size_t offset, line, column; /* of the next byte; line and column from 1, columns in characters */

	/* The record at hand. */
	char record[APPLICATION_RECORD_BYTES + 1];
	size_t used;
	size_t record_line, record_column;
	size_t depth;
	bool in_string, escaped;
	bool too_large, too_deep;

	struct application_totals totals;
	struct findings findings;
};

int
application_stream_new(struct application_stream **stream, const struct application_policy *policy,
                       int (*on_record)(void *, const struct application_record *), void *argument)
{
	struct application_stream *new = calloc(1, sizeof *new);

	if (!new)
		return MINT_MEMORY;
	new->policy = *policy;
	new->on_record = on_record;
	new->argument = argument;
	new->line = new->column = 1;
	*stream = new;
	return 0;
}

void
application_stream_free(struct application_stream **stream)
{
	free(*stream);
	*stream = NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int
report(struct application_stream *stream, const struct application *application)
{
	struct application_record record = { application, &stream->findings };

	return stream->on_record(stream->argument, &record);
}

/* A fault that belongs to no record: at the present place. */
static int
report_fault(struct application_stream *stream, enum finding_rule rule)
{
	findings_begin(&stream->findings, stream->totals.records + 1, stream->line, stream->column);
	findings_add(&stream->findings, rule, NULL, NULL);
	stream->state = STOPPED;
	stream->totals.stopped = true;
	return report(stream, NULL);
}

/* A syntax error where one record of the array ends and the next begins. */
static int
report_break(struct application_stream *stream)
{
	char before[24];

	snprintf(before, sizeof before, "%zu", stream->totals.records);
	findings_begin(&stream->findings, stream->totals.records + 1, stream->line, stream->column);
	findings_add(&stream->findings, RULE_JSON_SYNTAX, NULL, NULL);
	findings_add(&stream->findings, RULE_STOPPED, NULL, before);
	stream->state = STOPPED;
	stream->totals.stopped = true;
	return report(stream, NULL);
}

static void
begin_record(struct application_stream *stream)
{
	stream->used = 0;
	stream->depth = 0;
	stream->in_string = stream->escaped = false;
	stream->too_large = stream->too_deep = false;
	stream->record_line = stream->line;
	stream->record_column = stream->column;
}

/* The text at hand to a record; a record that was not kept whole is only named. */
static int
judge(struct application_stream *stream, struct application **application)
{
	struct findings *findings = &stream->findings;
	char limit[24];

	findings_begin(findings, stream->totals.records + 1, stream->record_line, stream->record_column);
	if (stream->too_large) {
		snprintf(limit, sizeof limit, "%d", APPLICATION_RECORD_BYTES);
		findings_add(findings, RULE_TOO_LARGE, NULL, limit);
		return MINT_FIELD;
	}
	if (stream->too_deep) {
		snprintf(limit, sizeof limit, "%d", APPLICATION_RECORD_DEPTH);
		findings_add(findings, RULE_TOO_DEEP, NULL, limit);
		return MINT_FIELD;
	}
	return application_parse(stream->record, stream->used, &stream->policy, findings, application);
}

static void
count(struct application_stream *stream, bool good)
{
	stream->totals.records++;
	stream->totals.good += good;
	stream->totals.bad += !good;
	stream->totals.held += good && findings_have(&stream->findings, FINDING_HOLD);
}

static int
end_record(struct application_stream *stream, enum state next)
{
	bool in_array = stream->state == IN_RECORD;
	struct application *application = NULL;
	int verdict = judge(stream, &application), result;

	if (verdict == MINT_MEMORY)
		return verdict;
	stream->state = next;
	if (verdict == MINT_SYNTAX && in_array) {
		char before[24];

		snprintf(before, sizeof before, "%zu", stream->totals.records);
		findings_add(&stream->findings, RULE_STOPPED, NULL, before);
		stream->state = STOPPED;
		stream->totals.stopped = true;
	}
	stream->used = 0;
	stream->too_large = false;
	count(stream, application != NULL);
	result = report(stream, application);
	application_free(&application);
	return result;
}

static void
keep(struct application_stream *stream, char c)
{
	if (stream->used < APPLICATION_RECORD_BYTES)
		stream->record[stream->used++] = c;
	else
		stream->too_large = true;
}

/* Follows strings and brackets of the record at hand; whether the record ends with this character. */
static bool
follow(struct application_stream *stream, char c)
{
	if (stream->in_string) {
		if (stream->escaped)
			stream->escaped = false;
		else if (c == '\\')
			stream->escaped = true;
		else if (c == '"')
			stream->in_string = false;
		return false;
	}
	if (c == '"') {
		stream->in_string = true;
	} else if (c == '{' || c == '[') {
		if (++stream->depth > APPLICATION_RECORD_DEPTH)
			stream->too_deep = true;
	} else if ((c == '}' || c == ']') && stream->depth > 0) {
		return --stream->depth == 0;
	}
	return false;
}

/* ---------------------------------------------------------------- one byte in each state */

static int
at_start(struct application_stream *stream, char c)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (stream->offset < 3 && c == mark[stream->offset]) {
		stream->column = 0; /* stands for nothing */
		return 0;
	}
	if (is_blank(c))
		return 0;
	if (c == '[') {
		stream->state = BEFORE_FIRST;
		return 0;
	}
	if (c != '{')
		return report_fault(stream, RULE_NOT_JSON);
	begin_record(stream);
	stream->state = IN_LINES;
	(void)follow(stream, c);
	keep(stream, c);
	return 0;
}

static int
in_lines(struct application_stream *stream, char c)
{
	if (c == '\n')
		return stream->used > 0 ? end_record(stream, IN_LINES) : 0;
	if (stream->used == 0 && !stream->too_large) {
		if (is_blank(c))
			return 0;
		begin_record(stream);
	}
	(void)follow(stream, c);
	keep(stream, c);
	return 0;
}

static int in_record(struct application_stream *stream, char c);

static int
before_next(struct application_stream *stream, char c)
{
	if (is_blank(c))
		return 0;
	if (c == ',' || c == ']' || c == '}' || c == ':')
		return report_break(stream);
	begin_record(stream);
	stream->state = IN_RECORD;
	return in_record(stream, c);
}

static int
before_first(struct application_stream *stream, char c)
{
	if (c != ']')
		return before_next(stream, c);
	stream->state = AFTER_END;
	return 0;
}

static int
after_record(struct application_stream *stream, char c)
{
	if (is_blank(c))
		return 0;
	if (c != ',' && c != ']')
		return report_break(stream);
	stream->state = c == ',' ? BEFORE_NEXT : AFTER_END;
	return 0;
}

/* An object or list ends with its bracket; a lone number or word (never a good record) before what follows it. */
static int
in_record(struct application_stream *stream, char c)
{
	int result;

	if (stream->depth == 0 && !stream->in_string && stream->used > 0 && (is_blank(c) || c == ',' || c == ']')) {
		result = end_record(stream, AFTER_RECORD);
		return result == 0 && stream->state == AFTER_RECORD ? after_record(stream, c) : result;
	}
	keep(stream, c);
	return follow(stream, c) ? end_record(stream, AFTER_RECORD) : 0;
}

static int
after_end(struct application_stream *stream, char c)
{
	return is_blank(c) ? 0 : report_fault(stream, RULE_AFTER_END);
}

static int
stopped(struct application_stream *stream, char c)
{
	(void)stream, (void)c;
	return 0;
}

static void
advance(struct application_stream *stream, char c)
{
	stream->offset++;
	if (c == '\n') {
		stream->line++;
		stream->column = 1;
	} else if (((unsigned char)c & 0xc0) != 0x80 || stream->column == 0) {
		stream->column++;
	}
}

int
application_stream_feed(struct application_stream *stream, const void *data, size_t length)
{
	static int (*const steps[STATE_COUNT])(struct application_stream *, char) = {
		[AT_START] = at_start,
		[IN_LINES] = in_lines,
		[BEFORE_FIRST] = before_first,
		[BEFORE_NEXT] = before_next,
		[IN_RECORD] = in_record,
		[AFTER_RECORD] = after_record,
		[AFTER_END] = after_end,
		[STOPPED] = stopped,
	};
	const char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		int result = steps[stream->state](stream, bytes[i]);

		if (result != 0) {
			stream->state = STOPPED;
			return result;
		}
		advance(stream, bytes[i]);
	}
	return 0;
}

/* What the end of the data means in the present state. */
static int
end(struct application_stream *stream)
{
	switch (stream->state) {
	case AT_START:
		return report_fault(stream, RULE_EMPTY);
	case IN_LINES:
		return stream->used > 0 ? end_record(stream, IN_LINES) : 0;
	case IN_RECORD:
		return end_record(stream, STOPPED);
	case BEFORE_FIRST:
	case BEFORE_NEXT:
	case AFTER_RECORD:
		return report_break(stream);
	case AFTER_END:
	case STOPPED:
	case STATE_COUNT:
		break;
	}
	return 0;
}

int
application_stream_finish(struct application_stream *stream, struct application_totals *totals)
{
	int result = end(stream);

	stream->state = STOPPED;
	if (totals)
		*totals = stream->totals;
	return result;
}
