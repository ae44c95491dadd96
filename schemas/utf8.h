/* Well-formed UTF-8, as of RFC 3629, section 4. */
#ifndef MINT_UTF8_H
#define MINT_UTF8_H

#include <stddef.h>

/* Bytes of the character that `text` begins with, at most `length`; 0 when none well-formed begins there (overlong forms, surrogates,
 * beyond U+10FFFF, cut off). NUL is a character of one byte. length > 0. */
size_t utf8_character(const char *text, size_t length);

/* Puts '?' for each byte of a NUL-terminated text that belongs to no well-formed character. */
void utf8_repair(char *text);

#endif
