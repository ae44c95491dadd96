/* What `mint-pins open` does: files in, a book of tokens and letters out. */
#ifndef PINOFFICE_WORK_H
#define PINOFFICE_WORK_H

#include "tools/pinoffice/book.h"
#include "tools/pinoffice/fault.h"
#include "tools/pinoffice/key.h"

struct work;

/* What it is given stays the caller's. NULL when memory is out. */
struct work *work_new(const struct office_key *key, struct book *book, struct faults *faults);
void work_free(struct work **work);

/* Opens a file, or every .p7m of a directory, into the book. What does not open is told; the rest goes on. */
void work_open(struct work *work, const char *path);

/* Call when all are opened: codes that a missing envelope may have superseded are withheld, and told. */
void work_check(struct work *work);

/* Writes a letter for every token into `directory`, made with mode 0700 when it is not there: LABEL-SERIAL.txt, mode 0600, whole or not at all,
 * never in the place of another. `template_path` NULL: the one that is built in. */
void work_letters(const struct book *book, const char *directory, const char *template_path, struct faults *faults);

#endif
