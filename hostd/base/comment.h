/* Comments of configuration files, taken out before libconfuse sees them.
 *
 * libconfuse 3.3 counts the line of a comment three times, and then names lines in its errors that are not the ones to mend.
 */
#ifndef MINT_BASE_COMMENT_H
#define MINT_BASE_COMMENT_H

/* Overwrites every comment of libconfuse's syntax (# and // to the end of the line, and those of C) with blanks; line ends stay,
 * and so does all that stands in quotes. `text` is NUL-terminated. */
void comment_blank(char *text);

#endif
