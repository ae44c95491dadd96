/* Configuration files: the one way to read them, whatever they configure. libconfuse parses, but only what this reader has passed.
 *
 * libconfuse 3.3 by itself counts the lines of comments more than once, chokes on comments within a list, takes a file that ends
 * inside a section, takes the last of two values of a key or of two sections of one name, passes over a stray + or *, and puts the
 * environment in place of ${NAME}. After a text in quotes that does not end it reads the next file wrongly too. So each file is read
 * through here first: comments become blanks, and all of that is refused with the line to mend.
 *
 * The syntax, a part of libconfuse's:
 *   statement  name = value | name = { value, … } | name += { value, … } | name [title] { statement … }
 *   name       letters, digits, _ and -; given once in its section, unless it is added to with +=; a section without a title once
 *   value      a word, or a text in "…" or '…' that ends on its line; \ takes the next character along, \n and \t work in "…"
 *   comment    # or // to the end of the line, or as in C
 *
 * A use: conf_file_new, one of conf_file_load and conf_file_take, conf_file_parse, then the cfg_get… functions of libconfuse and
 * conf_file_refuse for what makes no sense; conf_file_why on the first error; conf_file_free. Not reentrant: libconfuse is not.
 */
#ifndef MINT_BASE_CONF_FILE_H
#define MINT_BASE_CONF_FILE_H

#include <confuse.h>
#include <stddef.h>

enum { CONF_FILE_BYTES_MAX = 64 * 1024, CONF_FILE_NAME_MAX = 40, CONF_FILE_ENTRIES_MAX = 4096 };

struct conf_file;

/* `name` is the path for conf_file_load, and what messages call the file; NULL: messages say "line N" alone. It is copied.
 * NULL when out of memory. Free with conf_file_free. */
struct conf_file *conf_file_new(const char *name);

/* Accepts NULL; clears the caller's pointer. */
void conf_file_free(struct conf_file **file);

/* Reads the file. MINT_NOT_FOUND: it cannot be opened; MINT_SYSTEM: read; MINT_CONFIG: it is no regular file, longer than
 * CONF_FILE_BYTES_MAX, no UTF-8 text, or against the syntax above; MINT_MEMORY. */
int conf_file_load(struct conf_file *file);

/* The same with `length` bytes of memory, which are copied: MINT_CONFIG, MINT_MEMORY. */
int conf_file_take(struct conf_file *file, const char *text, size_t length);

/* Fills `cfg`, which the caller has made with cfg_init and frees with cfg_free after the last use of `file`; its error function is
 * replaced. The first complaint, of libconfuse or of a validating function by cfg_error, is kept with its line: MINT_CONFIG. */
int conf_file_parse(struct conf_file *file, cfg_t *cfg);

/* The line of `key` in `section`, a cfg_t within (or the very one) that conf_file_parse has filled; where the section does not say
 * `key`, or with NULL, the line the section begins on; 0 for the file as a whole. */
unsigned conf_file_line(const struct conf_file *file, const cfg_t *section, const char *key);

/* A complaint about what was parsed, at conf_file_line(file, section, key): "what is wrong: what to do". Returns MINT_CONFIG. */
int conf_file_refuse(struct conf_file *file, const cfg_t *section, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Writes the first error as "NAME:LINE: what is wrong: what to do", NAME alone where no line is to blame. `remedy` (may be NULL)
 * stands for what to do behind complaints that do not say so, which are libconfuse's and those by cfg_error. "" when there was
 * no error. */
void conf_file_why(const struct conf_file *file, const char *remedy, char *text, size_t size);

#endif
