/* The tokens of all opened envelopes, each with the latest codes known of it. */
#ifndef PINOFFICE_BOOK_H
#define PINOFFICE_BOOK_H

#include "tools/pinoffice/content.h"

enum { BOOK_NAME_BYTES = 65 };

struct book;

struct page {
	struct content content;                   /* codes of seats that are unclear are "" */
	long long      envelope[SEAT_COUNT];      /* which one the codes are of; 0: the name did not say */
	long long      expected[SEAT_COUNT];      /* the highest number a list names for the token */
	int            unclear[SEAT_COUNT];       /* two envelopes differ and neither is known to be later, or a later one is missing */
	char           application[BOOK_NAME_BYTES], credential[BOOK_NAME_BYTES]; /* of the latest user PIN, "" unknown */
};

/* NULL when memory is out. */
struct book *book_new(void);
/* Wipes the codes. */
void book_free(struct book **book);

/* Takes in what one envelope holds: for each seat the higher number counts, whatever the order of calls. `application` and
 * `credential` may be "". 0; 1 when it became unclear which codes are the latest; −1 when memory is out. */
int book_add(struct book *book, const struct content *content, long long envelope, const char *application, const char *credential);

/* That the token, where the book has it, ought to have an envelope of this number for the seat. */
void book_expect(struct book *book, const char *model, const char *serial, const char *label, enum seat seat, long long envelope);

/* Withholds the codes of every seat for which a later envelope is expected than was added, and calls `told` for its page. Call when
 * everything was added. */
void book_check(struct book *book, void (*told)(const struct page *page, void *argument), void *argument);

/* Calls `each` for every token, by label and serial number. */
void book_each(const struct book *book, void (*each)(const struct page *page, void *argument), void *argument);

#endif
