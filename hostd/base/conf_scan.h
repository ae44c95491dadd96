/* The syntax of configuration files, looked through before libconfuse is: conf_file.c only. See conf_file.h for what it is. */
#ifndef MINT_BASE_CONF_SCAN_H
#define MINT_BASE_CONF_SCAN_H

#include "hostd/base/conf_file.h"

#include <stdbool.h>

/* A key or a section where it stands in the file. */
struct conf_entry {
	char         name[CONF_FILE_NAME_MAX + 1];
	unsigned     line;
	int          parent;  /* place of the section it stands in; −1 top */
	bool         section;
	cfg_t       *parsed;  /* of a section, once libconfuse has read it */
};

struct conf_entries {
	struct conf_entry *list; /* in the order of the file */
	int                count;
};

/* What is wrong, "…: what to do", at which line (0: the file as a whole). */
struct conf_fault {
	int      error;  /* 0, or negative */
	unsigned line;
	bool     whole;  /* the text says what to do */
	char     text[320];
};

/* Keeps the first fault only; controls and what is no UTF-8 become '?'. Returns its error. */
int conf_fault_set(struct conf_fault *fault, int error, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with the words for what stands where nothing can make sense of it. */
int conf_fault_misplaced(struct conf_fault *fault, unsigned line);

/* Looks through `length` bytes, behind which a NUL stands: overwrites comments, a byte order mark and carriage returns with blanks,
 * line ends stay. Fills `entries`, whose list the caller frees, also after an error. MINT_CONFIG, MINT_MEMORY. */
int conf_scan(char *text, size_t length, struct conf_entries *entries, struct conf_fault *fault);

#endif
