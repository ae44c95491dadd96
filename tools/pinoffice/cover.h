/* The list beside exported envelopes (manifest.jsonl of `mintctl pins export`): which application and credential each is for. */
#ifndef PINOFFICE_COVER_H
#define PINOFFICE_COVER_H

#include <stddef.h>

struct cover;

/* One file's line. Texts live as long as the cover, "" where the line has none. */
struct cover_line {
	const char *model, *serial, *label, *application, *credential;
	long long   number;    /* of the envelope, 0 unknown */
	int         user, so;  /* which codes it holds */
};

/* Reads the list in `directory`. 0, with *cover NULL when there is none; −1 when it is damaged. */
int cover_open(const char *directory, struct cover **cover);
void cover_close(struct cover **cover);

/* 1 and the line of a file; 0 when the list has none, or `cover` is NULL. */
int cover_find(const struct cover *cover, const char *file, struct cover_line *line);

/* Calls `each` for every line; nothing for a NULL cover. */
void cover_each(const struct cover *cover, void (*each)(const struct cover_line *line, void *argument), void *argument);

/* The number in a name that the export gave, MARKER-SERIAL-NUMBER.p7m; 0 for other names. */
long long cover_number(const char *file);

#endif
