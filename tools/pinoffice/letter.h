/* PIN letters: plain UTF-8 text, one a token, from a template with {names}. */
#ifndef PINOFFICE_LETTER_H
#define PINOFFICE_LETTER_H

#include "tools/pinoffice/book.h"

#include <stddef.h>

enum { LETTER_TEMPLATE_MAX = 16 * 1024, LETTER_BYTES_MAX = 2 * LETTER_TEMPLATE_MAX };

/* Both languages on one page. */
extern const char letter_template[];

/* 0 when every {name} in it is one that letters have; −1. */
int letter_check(const char *template_text);

/* Fills in; returns the length, 0 when it does not fit. `text` holds codes: the caller wipes it. */
size_t letter_write(const char *template_text, const struct page *page, char text[LETTER_BYTES_MAX]);

#endif
