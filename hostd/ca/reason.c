#include "hostd/ca/reason.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text cut in the middle of a character would be no UTF-8, and no message would carry it. */
static void
trim_character(char *text)
{
	size_t end = strlen(text), start = end;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
		return;
	start--;
	if (end - start < ((unsigned char)text[start] >= 0xf0 ? 4u : (unsigned char)text[start] >= 0xe0 ? 3u : 2u))
		text[start] = '\0';
}

int
reason_set(struct reason *reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason->text, sizeof reason->text, format, arguments);
	va_end(arguments);
	trim_character(reason->text);
	reason->error = error;
	return error;
}

int
reason_set_openssl(struct reason *reason, int error, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	char words[160] = "";

	if (code != 0)
		ERR_error_string_n(code, words, sizeof words);
	ERR_clear_error();
	return reason_set(reason, error, "%s%s%s", what, words[0] ? ": " : "", words);
}
