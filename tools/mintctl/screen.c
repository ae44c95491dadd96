#include "tools/mintctl/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <locale.h>
#include <time.h>
#include <wchar.h>

enum { SHANGHAI_S = 8 * 3600, GAP = 2 };

static enum mint_language language;

void
screen_open(const char *wanted)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth(3): our texts are UTF-8 whatever the terminal's locale says */
	for (size_t i = 0; !wanted && i < sizeof names / sizeof names[0]; i++) {
		wanted = getenv(names[i]);
		if (wanted && !*wanted)
			wanted = NULL;
	}
	language = wanted && strncmp(wanted, "zh", 2) == 0 ? MINT_ZH : MINT_EN;
}

enum mint_language
screen_language(void)
{
	return language;
}

const char *
say(const char *en, const char *zh)
{
	return language == MINT_ZH ? zh : en;
}

const char *
system_text(int error)
{
	switch (language == MINT_ZH ? error : 0) {
	case ENOENT:
		return "文件或目录不存在";
	case EACCES:
	case EPERM:
		return "没有权限";
	case ENOTDIR:
		return "不是目录";
	case ECONNREFUSED:
		return "无程序应答";
	default:
		return strerror(error);
	}
}

/* --- width */

/* Length in bytes of the character at `text` and its width. Not at the end of the text. */
static size_t
next_character(const char *text, size_t *width)
{
	mbstate_t shift;
	wchar_t character;
	size_t length;
	int columns;

	memset(&shift, 0, sizeof shift);
	length = mbrtowc(&character, text, strlen(text), &shift);
	if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
		*width = 1;
		return 1;
	}
	columns = wcwidth(character);
	*width = columns < 0 ? 1 : (size_t)columns;
	return length;
}

size_t
text_width(const char *text)
{
	size_t sum = 0, width;

	while (*text) {
		text += next_character(text, &width);
		sum += width;
	}
	return sum;
}

void
text_cut(const char *text, size_t width, char *out, size_t out_bytes)
{
	static const char mark[] = "…";
	int whole = text_width(text) <= width;
	size_t room = whole ? width : width ? width - 1 : 0, used = 0, columns = 0, w;

	while (*text) {
		size_t length = next_character(text, &w);

		if (columns + w > room || used + length + sizeof mark > out_bytes)
			break;
		memcpy(out + used, text, length);
		used += length;
		columns += w;
		text += length;
	}
	out[used] = '\0';
	if (*text && width && used + sizeof mark <= out_bytes)
		memcpy(out + used, mark, sizeof mark);
}

void
text_pad(FILE *out, const char *text, size_t width)
{
	size_t used = text_width(text);

	fputs(text, out);
	for (; used < width; used++)
		fputc(' ', out);
}

/* --- tables */

struct table {
	size_t columns, count, room;
	char **cells;
};

static void *
or_die(void *memory)
{
	if (!memory) {
		fprintf(stderr, "mintctl: %s\n", error_info(MINT_MEMORY)->what[language]);
		exit(error_info(MINT_MEMORY)->exit_status);
	}
	return memory;
}

struct table *
table_new(size_t columns)
{
	struct table *table = or_die(calloc(1, sizeof *table));

	table->columns = columns;
	return table;
}

/* Controls in data from outside must not steer the terminal; blanks at the end are nobody's. */
static void
disarm(char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	while (length > 0 && text[length - 1] == ' ')
		text[--length] = '\0';
}

void
table_add(struct table *table, const char *text)
{
	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cells = or_die(reallocarray(table->cells, table->room, sizeof *table->cells));
	}
	table->cells[table->count] = or_die(strdup(text && *text ? text : "-"));
	disarm(table->cells[table->count++]);
}

void
table_add_number(struct table *table, long long number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", number);
	table_add(table, text);
}

static size_t
column_width(const struct table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		size_t width = text_width(table->cells[i]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

void
table_print(const struct table *table, FILE *out, const char *empty)
{
	size_t *widths;

	if (empty && table->count <= table->columns) {
		fprintf(out, "%s\n", empty);
		return;
	}
	widths = or_die(calloc(table->columns, sizeof *widths));
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i) + GAP;
	for (size_t i = 0; i < table->count; i++) {
		int last = (i + 1) % table->columns == 0;

		text_pad(out, table->cells[i], last ? 0 : widths[i % table->columns]);
		if (last)
			fputc('\n', out);
	}
	free(widths);
}

void
table_free(struct table **place)
{
	struct table *table = *place;

	*place = NULL;
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* --- times */

int64_t
screen_time_us(const char *text)
{
	struct tm utc;
	const char *rest;
	int64_t fraction = 0, unit = 100000;

	memset(&utc, 0, sizeof utc);
	rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
	if (!rest)
		return -1;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			fraction += (*rest - '0') * unit;
	return strcmp(rest, "Z") == 0 ? (int64_t)timegm(&utc) * 1000000 + fraction : -1;
}

void
screen_time(const char *rfc3339, char *out)
{
	int64_t us = screen_time_us(rfc3339);
	time_t there = (time_t)(us / 1000000 + SHANGHAI_S);
	struct tm local;

	if (us < 0 || !gmtime_r(&there, &local) || strftime(out, SCREEN_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &local) == 0)
		snprintf(out, SCREEN_TIME_BYTES, "-");
}

void
screen_span(long long seconds, char *out)
{
	if (seconds < 0)
		snprintf(out, SCREEN_SPAN_BYTES, "-");
	else if (seconds < 60)
		snprintf(out, SCREEN_SPAN_BYTES, "%lld %s", seconds, say("s", "秒"));
	else if (seconds < 3600)
		snprintf(out, SCREEN_SPAN_BYTES, "%lld %s %02lld %s", seconds / 60, say("min", "分"), seconds % 60, say("s", "秒"));
	else
		snprintf(out, SCREEN_SPAN_BYTES, "%lld %s %02lld %s", seconds / 3600, say("h", "小时"), seconds / 60 % 60, say("min", "分"));
}

/* --- names */

static const struct {
	const char *machine, *name, *text[2];
} states[] = {
#define STATE(machine, name, en, zh) { #machine, #name, { en, zh } },
#define CHANGE(...)
#include "schemas/states.def"
#undef CHANGE
#undef STATE
};

static const struct {
	const char *name, *text[2];
} steps[] = {
#define STEP(name, performer, from, to, timeout_ms, probe, undo, hung, en, zh) { #name, { en, zh } },
#include "schemas/steps.def"
#undef STEP
};

const char *
state_text(const char *machine, const char *name)
{
	for (size_t i = 0; name && i < sizeof states / sizeof states[0]; i++)
		if (strcmp(states[i].machine, machine) == 0 && strcmp(states[i].name, name) == 0)
			return states[i].text[language];
	return name ? name : "-";
}

const char *
state_named(const char *machine, const char *word)
{
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (strcmp(states[i].machine, machine) == 0 &&
		    (strcmp(states[i].name, word) == 0 || strcmp(states[i].text[MINT_EN], word) == 0 || strcmp(states[i].text[MINT_ZH], word) == 0))
			return states[i].name;
	return NULL;
}

void
states_print(const char *machine, FILE *out)
{
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		const char *shown = states[i].text[language];

		if (strcmp(states[i].machine, machine) != 0)
			continue;
		fprintf(out, " %s", states[i].name);
		if (strcmp(shown, states[i].name) != 0)
			fprintf(out, say(" (%s)", "（%s）"), shown);
	}
}

const char *
step_text(const char *name)
{
	for (size_t i = 0; name && i < sizeof steps / sizeof steps[0]; i++)
		if (strcmp(steps[i].name, name) == 0)
			return steps[i].text[language];
	return name ? name : "-";
}

/* An answer names the state without its machine; no two machines give one name different meanings. */
const char *
any_state_text(const char *state)
{
	static const char *const machines[] = { "application", "credential", "token" };

	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
		if (state_text(machines[i], state) != state)
			return state_text(machines[i], state);
	return state;
}
