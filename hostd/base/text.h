/* Texts from outside: UTF-8 one character at a time, and what must not stand in a name or an address.
 *
 * A character is a code point: what X.520 counts in its upper bounds and JSON Schema in maxLength.
 */
#ifndef MINT_BASE_TEXT_H
#define MINT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_INVALID UINT32_MAX

/* Decodes the character at *text, which ends before `end`, and moves *text behind it. Malformed UTF-8 (RFC 3629: overlong
 * forms, surrogates, beyond U+10FFFF, cut off) yields TEXT_INVALID and moves by one byte. *text < end. */
uint32_t text_next(const char **text, const char *end);

/* Characters of a valid, NUL-terminated text. */
size_t text_length(const char *text);

enum text_fault {
	TEXT_OK,
	TEXT_BLANK,      /* empty, or nothing but blanks */
	TEXT_EDGE,       /* begins or ends with a blank, the ideographic one included */
	TEXT_CONTROL,    /* controls, line breaks, zero-width and direction marks, noncharacters */
	TEXT_LOST,       /* U+FFFD: a converter before us lost a character */
	TEXT_PRIVATE_USE /* private use: old GBK systems keep rare characters of names there (䶮 as U+E863) */
};

/* The first fault of a valid, NUL-terminated text; *character (may be NULL) is the character at fault or 0. */
enum text_fault text_check(const char *text, uint32_t *character);

/* Copies text for people, at most size - 1 bytes: whole characters only, malformed bytes and controls as '?', cut off with
 * an ellipsis. size >= 4. */
void text_copy(char *copy, size_t size, const char *text, size_t length);

/* Whether `text` fits `pattern` as a whole: * stands for any characters or none, ? for one byte, every other for itself. */
bool text_fits(const char *pattern, const char *text);

/* The first character and "***": how personal data stands where it must be named but not shown. size >= 8. */
void text_mask(char *mask, size_t size, const char *text);

#endif
