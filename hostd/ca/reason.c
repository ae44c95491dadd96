#include "hostd/ca/reason.h"
#include "schemas/utf8.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

int
reason_set(struct reason *reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason->text, sizeof reason->text, format, arguments);
	va_end(arguments);
	utf8_repair(reason->text); /* cut in the middle of a character it would be no text, and no message would carry it */
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
