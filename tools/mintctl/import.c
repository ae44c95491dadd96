/* mintctl import: sends a file, tells record by record what became of it. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 256 * 1024 * 1024, PIECE_BYTES = 64 * 1024, PROGRESS_ROWS = 100 };

struct answers {
	char   *line;      /* what of a line has come */
	size_t  used, room;
	json_t *rows;      /* kept for --json only */
	json_t *counts;
	json_t *failure;
	size_t  count;
	int     json, live; /* live: a terminal that shows how far it is */
};

static int
is_directory(FILE *file)
{
	struct stat status;

	return fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode);
}

/* The whole of a file or of standard input. The caller frees. */
static int
read_all(const char *path, char **bytes, size_t *length)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t room = 0, got;
	int r = 0;

	*bytes = NULL;
	*length = 0;
	if (!file || (file != stdin && is_directory(file))) {
		if (file)
			fclose(file);
		return MINT_NOT_FOUND;
	}
	do {
		char *grown = room - *length >= PIECE_BYTES ? *bytes : realloc(*bytes, room = 2 * room + PIECE_BYTES);

		if (!grown) {
			r = MINT_MEMORY;
			break;
		}
		*bytes = grown;
		got = fread(*bytes + *length, 1, room - *length, file);
		*length += got;
		if (*length > FILE_BYTES_MAX)
			r = MINT_TOO_LARGE;
	} while (got > 0 && r == 0);
	if (ferror(file))
		r = MINT_SYSTEM;
	if (file != stdin)
		fclose(file);
	return r;
}

/* --- what became of each record */

static void
print_finding(const json_t *row, const json_t *finding)
{
	printf("%s %lld%s%s%s%s %lld%s%s%s%s%s → %s\n", say("record", "第"), number_of(row, "record"), say("", " 条"),
	    *text_of(row, "reference") ? " " : "", text_of(row, "reference"), say(", line", "，第"), number_of(finding, "line"),
	    say("", " 行"), *text_of(finding, "path") ? say(", ", "，") : "", text_of(finding, "path"), say(": ", "："),
	    words_of(finding, "what"), words_of(finding, "do"));
}

static void
print_difference(const json_t *row, const json_t *difference)
{
	char *old = json_dumps(json_object_get(difference, "old"), JSON_ENCODE_ANY);
	char *new = json_dumps(json_object_get(difference, "new"), JSON_ENCODE_ANY);

	printf("%s %lld%s %s%s%s%s%s → %s\n", say("record", "第"), number_of(row, "record"), say("", " 条"), text_of(row, "reference"),
	    say(", ", "，"), text_of(difference, "path"), say(": ", "："), old ? old : "", new ? new : "");
	free(old);
	free(new);
}

/* Records that simply went in say nothing: the counts at the end do. */
static void
print_row(const json_t *row)
{
	const json_t *item, *error = json_object_get(row, "error");
	size_t i;

	if (json_is_object(error))
		printf("%s %lld%s %s: %s%s%s → %s\n", say("record", "第"), number_of(row, "record"), say("", " 条"), text_of(row, "reference"),
		    words_of(error, "what"), *text_of(error, "detail") ? ": " : "", text_of(error, "detail"), words_of(error, "do"));
	json_array_foreach(json_object_get(row, "differences"), i, item)
		print_difference(row, item);
	json_array_foreach(json_object_get(row, "findings"), i, item)
		print_finding(row, item);
}

static void
take_row(struct answers *answers, json_t *row)
{
	if (json_object_get(row, "counts")) {
		answers->counts = json_incref(json_object_get(row, "counts"));
		answers->failure = json_incref(json_object_get(row, "failure"));
		return;
	}
	answers->count++;
	if (answers->json)
		json_array_append(answers->rows, row);
	else
		print_row(row);
	if (answers->live && answers->count % PROGRESS_ROWS == 0)
		fprintf(stderr, "\r%zu", answers->count);
}

static int
take_line(struct answers *answers)
{
	json_t *row = json_loadb(answers->line, answers->used, 0, NULL);

	answers->used = 0;
	if (!row)
		return MINT_PROTOCOL;
	take_row(answers, row);
	json_decref(row);
	return 0;
}

static int
add_to_line(struct answers *answers, const char *bytes, size_t length)
{
	if (answers->used + length > answers->room) {
		size_t room = 2 * (answers->used + length);
		char *grown = realloc(answers->line, room);

		if (!grown)
			return MINT_MEMORY;
		answers->line = grown;
		answers->room = room;
	}
	memcpy(answers->line + answers->used, bytes, length);
	answers->used += length;
	return 0;
}

static int
take_bytes(void *argument, const char *bytes, size_t length)
{
	struct answers *answers = argument;
	int r = 0;

	while (length > 0 && r == 0) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end ? (size_t)(end - bytes) : length;

		r = add_to_line(answers, bytes, part);
		if (r == 0 && end)
			r = take_line(answers);
		part += end != NULL;
		bytes += part;
		length -= part;
	}
	return r;
}

/* --- the end */

static void
print_counts(const json_t *counts)
{
	printf(say("%lld records: %lld added, %lld held for a second person, %lld known already, %lld known with other content, "
	           "%lld refused\n", "%lld 条记录：新增 %lld，待第二人复核 %lld，已存在 %lld，内容不同 %lld，拒绝 %lld\n"),
	    number_of(counts, "records"), number_of(counts, "added"), number_of(counts, "held"), number_of(counts, "unchanged"),
	    number_of(counts, "different"), number_of(counts, "refused"));
	if (number_of(counts, "unknown") > 0)
		printf("%lld %s\n", number_of(counts, "unknown"), say("unanswered: import the same file again", "未获应答：请重新导入同一文件"));
}

static int
conclude(struct run *run, struct answers *answers)
{
	if (answers->live && answers->count >= PROGRESS_ROWS)
		fputs("\r", stderr);
	if (!answers->counts)
		return command_fail_with(run, MINT_CLOSED, say("the answer was cut off; import the same file again", "应答中断；请重新导入同一文件"));
	if (run->json) {
		json_t *all = json_pack("{s:O,s:O}", "results", answers->rows, "counts", answers->counts);

		if (answers->failure)
			json_object_set(all, "failure", answers->failure);
		command_print_json(run, all);
		json_decref(all);
	} else {
		print_counts(answers->counts);
	}
	if (answers->failure && !run->json)
		return command_fail(run, MINT_CLOSED, json_incref(answers->failure));
	if (answers->failure || number_of(answers->counts, "unknown") > 0)
		return MINT_CLOSED;
	return number_of(answers->counts, "refused") + number_of(answers->counts, "different") > 0 ? MINT_FIELD : 0;
}

int
run_import(struct run *run)
{
	struct answers answers = { .json = run->json, .live = !run->json && isatty(STDERR_FILENO), .rows = json_array() };
	json_t *refusal = NULL;
	char *bytes;
	size_t length;
	int r = read_all(run->arguments[0], &bytes, &length);

	if (r != 0) {
		char fault[512];

		snprintf(fault, sizeof fault, "%s%s", run->arguments[0],
		    r == MINT_NOT_FOUND ? say(": no file that can be read", "：不是可读取的文件") : "");
		command_fail_with(run, r, fault);
		goto out;
	}
	r = client_stream(run->client, "/v1/import", "application/x-ndjson", bytes, length, take_bytes, &answers, &refusal);
	if (r == 0)
		r = conclude(run, &answers);
	else if (refusal)
		command_fail(run, r, refusal);
	else
		command_fail_with(run, r = MINT_PROTOCOL, "the answer is not one object a line");
out:
	free(bytes);
	free(answers.line);
	json_decref(answers.rows);
	json_decref(answers.counts);
	json_decref(answers.failure);
	return r;
}
