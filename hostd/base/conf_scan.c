/* One pass over a configuration file: characters, words, and how they make keys and sections.
 *
 * What passes here, libconfuse's scanner (src/lexer.l of 3.3) reads in the same way, and without an error of its own: those leave
 * it in a state that spoils the next file.
 */
#include "hostd/base/conf_scan.h"
#include "hostd/base/text.h"
#include "schemas/errors.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	struct conf_entries *entries;
	struct conf_fault   *fault;
	char                *at, *end;
	unsigned             line;
	int                  section;     /* the one that is open; −1 top */
	unsigned             list_line;   /* where the list that is open began; 0 none is */
	char                 name[CONF_FILE_NAME_MAX + 1]; /* begins a statement; "" none does */
	unsigned             name_line;
	bool                 titled;      /* a title stands behind the name */
	bool                 value_due;   /* = stands behind the name */
};

static int
refuse(struct scan *scan, const char *what)
{
	return conf_fault_set(scan->fault, MINT_CONFIG, scan->line, "%s", what);
}

static int
misplaced(struct scan *scan)
{
	return conf_fault_misplaced(scan->fault, scan->line);
}

/* --- keys and sections */

static int
refuse_twice(struct scan *scan, const struct conf_entry *first, const char *name)
{
	if (first->section)
		return conf_fault_set(scan->fault, MINT_CONFIG, scan->name_line,
		    "%s: is a section already at line %u: put both into one", name, first->line);
	return conf_fault_set(scan->fault, MINT_CONFIG, scan->name_line,
	    "%s: has a value already at line %u: take one of the two away", name, first->line);
}

/* Notes the name that begins a statement, and that what it begins is clear. Sections with a title may come again: libconfuse has a
 * flag for whether their titles may. */
static int
add_entry(struct scan *scan, bool section, bool added)
{
	struct conf_entries *entries = scan->entries;
	struct conf_entry *grown;

	for (int i = 0; i < entries->count && !scan->titled && !added; i++) {
		const struct conf_entry *entry = &entries->list[i];

		if (entry->parent == scan->section && strcmp(entry->name, scan->name) == 0)
			return refuse_twice(scan, entry, scan->name);
	}
	if (entries->count == CONF_FILE_ENTRIES_MAX)
		return refuse(scan, "has more than 4096 keys and sections up to here: shorten it");
	if ((entries->count & (entries->count - 1)) == 0) {
		grown = realloc(entries->list, sizeof *grown * (entries->count ? 2 * (size_t)entries->count : 1));
		if (!grown)
			return conf_fault_set(scan->fault, MINT_MEMORY, 0, "out of memory: close other programs");
		entries->list = grown;
	}
	grown = &entries->list[entries->count++];
	*grown = (struct conf_entry){ .line = scan->name_line, .parent = scan->section, .section = section };
	memcpy(grown->name, scan->name, sizeof grown->name);
	scan->name[0] = '\0';
	scan->titled = false;
	return 0;
}

/* A statement that has begun and cannot be complete. */
static int
check_complete(struct scan *scan)
{
	if (scan->value_due)
		return refuse(scan, "the value behind = is missing: write one");
	if (scan->name[0])
		return conf_fault_set(scan->fault, MINT_CONFIG, scan->name_line,
		    "%s: has no value and is no section: write `%s = …` or `%s … { … }`", scan->name, scan->name, scan->name);
	return 0;
}

static int
open_list_left(struct scan *scan)
{
	return conf_fault_set(scan->fault, MINT_CONFIG, scan->list_line,
	    "a brace is not closed: write } behind the last entry of this list");
}

static int
take_name(struct scan *scan, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_' && word[i] != '-')
			return misplaced(scan);
	if (length == 0 || length > CONF_FILE_NAME_MAX)
		return refuse(scan, "a name is too long to be one: write a key or section that the manual names");
	memcpy(scan->name, word, length);
	scan->name[length] = '\0';
	scan->name_line = scan->line;
	return 0;
}

static int
take_word(struct scan *scan, const char *word, size_t length)
{
	if (scan->list_line)
		return 0;
	if (scan->value_due) {
		scan->value_due = false;
		return 0;
	}
	if (!scan->name[0])
		return take_name(scan, word, length);
	if (scan->titled)
		return check_complete(scan);
	scan->titled = true;
	return 0;
}

static int
take_equals(struct scan *scan, bool added)
{
	if (scan->list_line)
		return open_list_left(scan);
	if (!scan->name[0] || scan->titled)
		return misplaced(scan);
	scan->value_due = true;
	return add_entry(scan, false, added);
}

static int
take_open(struct scan *scan)
{
	if (scan->list_line)
		return open_list_left(scan);
	if (scan->value_due) {
		scan->value_due = false;
		scan->list_line = scan->line;
		return 0;
	}
	if (!scan->name[0])
		return misplaced(scan);
	if (add_entry(scan, true, false) != 0)
		return scan->fault->error;
	scan->section = scan->entries->count - 1;
	return 0;
}

static int
take_close(struct scan *scan)
{
	if (scan->list_line) {
		scan->list_line = 0;
		return 0;
	}
	if (check_complete(scan) != 0)
		return scan->fault->error;
	if (scan->section < 0)
		return refuse(scan, "a brace closes what was not opened: take it away");
	scan->section = scan->entries->list[scan->section].parent;
	return 0;
}

static int
take_end(struct scan *scan)
{
	const struct conf_entry *open = scan->section < 0 ? NULL : &scan->entries->list[scan->section];

	if (scan->list_line)
		return open_list_left(scan);
	if (check_complete(scan) != 0)
		return scan->fault->error;
	if (open)
		return conf_fault_set(scan->fault, MINT_CONFIG, open->line,
		    "%s: a brace is not closed: write } where the section ends, or copy the file again: its end may be missing", open->name);
	return 0;
}

/* --- words, texts, comments */

static int
refuse_environment(struct scan *scan)
{
	return refuse(scan, "holds ${…}, and the environment configures nothing here: write the value itself, or '${' in single quotes");
}

/* Onto what a backslash takes along. libconfuse would make bytes of numbers, and so a NUL or what is no UTF-8. */
static int
take_escaped(struct scan *scan)
{
	scan->at++;
	if (scan->at[0] == 'x' || isdigit((unsigned char)scan->at[0]))
		return refuse(scan, "holds a character by its number (\\x…): write the character itself");
	return 0;
}

static int
take_double_quoted(struct scan *scan)
{
	for (scan->at++; scan->at[0] != '"'; scan->at++) {
		if (scan->at[0] == '$' && scan->at[1] == '{')
			return refuse_environment(scan);
		if (scan->at[0] == '\\' && take_escaped(scan) != 0)
			return scan->fault->error;
		if (scan->at == scan->end || scan->at[0] == '\n')
			return refuse(scan, "a quote is not closed: write \" where the text ends, on the same line");
	}
	scan->at++;
	return 0;
}

static int
take_single_quoted(struct scan *scan)
{
	for (scan->at++; scan->at[0] != '\''; scan->at++) {
		if (scan->at[0] == '\\')
			scan->at++;
		if (scan->at == scan->end || scan->at[0] == '\n')
			return refuse(scan, "a quote is not closed: write ' where the text ends, on the same line");
	}
	scan->at++;
	return 0;
}

static int
take_quoted(struct scan *scan)
{
	int r = scan->at[0] == '"' ? take_double_quoted(scan) : take_single_quoted(scan);

	if (r != 0)
		return r;
	/* Keys are not written in quotes, where a backslash could make two spellings of one. */
	if (!scan->list_line && !scan->value_due && !scan->name[0])
		return misplaced(scan);
	return take_word(scan, "", 0);
}

static int
take_bare(struct scan *scan)
{
	const char *word = scan->at;

	while (scan->at < scan->end && !strchr(" \t\r\n={}()+,#*\"'", scan->at[0])) {
		if (scan->at[0] == '$' && scan->at[1] == '{')
			return refuse_environment(scan);
		scan->at++;
	}
	if (scan->at[0] == '#' || scan->at[0] == '*')
		return refuse(scan, "holds # or * within a word: put the text in quotes, or a blank before the comment");
	return take_word(scan, word, (size_t)(scan->at - word));
}

static int
blank_line(struct scan *scan)
{
	while (scan->at < scan->end && scan->at[0] != '\n')
		*scan->at++ = ' ';
	return 0;
}

static int
blank_block(struct scan *scan)
{
	const char *close = strstr(scan->at + 2, "*/");

	if (!close)
		return refuse(scan, "a comment is not closed: write */ where it ends");
	for (; scan->at < close + 2; scan->at++) {
		scan->line += scan->at[0] == '\n';
		if (scan->at[0] != '\n')
			scan->at[0] = ' ';
	}
	return 0;
}

static int
take_mark(struct scan *scan)
{
	switch (*scan->at++) {
	case '=':
		return take_equals(scan, false);
	case '{':
		return take_open(scan);
	case '}':
		return take_close(scan);
	case ',':
		return scan->list_line ? 0 : misplaced(scan);
	case '+':
		if (scan->at[0] != '=')
			return refuse(scan, "holds + outside of quotes: put the text in quotes");
		scan->at++;
		return take_equals(scan, true);
	default:
		return refuse(scan, "holds ( ) or * outside of quotes: put the text in quotes");
	}
}

static int
step(struct scan *scan)
{
	switch (scan->at[0]) {
	case '\n':
		scan->line++;
		scan->at++;
		return 0;
	case ' ':
	case '\t':
	case '\r':
		*scan->at++ = ' ';
		return 0;
	case '#':
		return blank_line(scan);
	case '"':
	case '\'':
		return take_quoted(scan);
	case '/':
		if (scan->at[1] == '/')
			return blank_line(scan);
		return scan->at[1] == '*' ? blank_block(scan) : take_bare(scan);
	case '=':
	case '{':
	case '}':
	case '(':
	case ')':
	case ',':
	case '+':
	case '*':
		return take_mark(scan);
	default:
		return take_bare(scan);
	}
}

/* --- characters */

/* Editors on some systems put a byte order mark (RFC 3629, section 6) at the front. */
static void
blank_mark(char *text, size_t length)
{
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		memset(text, ' ', 3);
}

static int
check_characters(const char *text, size_t length, struct conf_fault *fault)
{
	const char *end = text + length;
	unsigned line = 1;

	while (text < end) {
		uint32_t c = text_next(&text, end);

		if (c == TEXT_INVALID)
			return conf_fault_set(fault, MINT_CONFIG, line, "is not UTF-8: save the file as UTF-8 text");
		if (c == 0)
			return conf_fault_set(fault, MINT_CONFIG, line, "holds a NUL byte: save the file as plain UTF-8 text");
		if ((c < 0x20 && !strchr("\t\n\r", (int)c)) || c == 0x7f)
			return conf_fault_set(fault, MINT_CONFIG, line, "holds a control character: take it away");
		line += c == '\n';
	}
	return 0;
}

int
conf_scan(char *text, size_t length, struct conf_entries *entries, struct conf_fault *fault)
{
	struct scan scan = { .entries = entries, .fault = fault, .at = text, .end = text + length, .line = 1, .section = -1 };

	blank_mark(text, length);
	if (check_characters(text, length, fault) != 0)
		return fault->error;
	while (scan.at < scan.end)
		if (step(&scan) != 0)
			return fault->error;
	return take_end(&scan);
}
