/* Comments of configuration files, taken out before libconfuse sees them. */
#include "hostd/base/comment.h"

#include <stdbool.h>
#include <string.h>

/* Behind the closing quote; the end of the text when there is none. A backslash takes the next character along. */
static char *
skip_quoted(char *at)
{
	char quote = *at++;

	while (*at && *at != quote)
		at += at[0] == '\\' && at[1] ? 2 : 1;
	return *at ? at + 1 : at;
}

static char *
blank_line(char *at)
{
	for (; *at && *at != '\n'; at++)
		*at = ' ';
	return at;
}

/* An unfinished comment is left to libconfuse, which refuses it. */
static char *
blank_block(char *at)
{
	char *end = strstr(at + 2, "*/");

	if (!end)
		return at + strlen(at);
	for (; at < end + 2; at++)
		if (*at != '\n')
			*at = ' ';
	return at;
}

void
comment_blank(char *text)
{
	bool in_word = false; /* a # or // within an unquoted word is part of it */

	for (char *at = text; *at;) {
		if (*at == '"' || *at == '\'') {
			at = skip_quoted(at);
			in_word = false;
		} else if (!in_word && (*at == '#' || (at[0] == '/' && at[1] == '/'))) {
			at = blank_line(at);
		} else if (!in_word && at[0] == '/' && at[1] == '*') {
			at = blank_block(at);
		} else {
			in_word = strchr(" \t\r\n={}(),+", *at) == NULL;
			at++;
		}
	}
}
