/* Applications from a file or an upload, record by record as the bytes arrive: a JSON array, or one object a line.
 *
 * The first character decides: [ begins an array, { the lines. A byte order mark before it is skipped. In lines, a bad line
 * harms only itself. In an array every record is read that ends where it should; a syntax error stops the reading there,
 * because nobody can say where the next record begins. At most one record is held in memory.
 */
#ifndef MINT_BASE_APPLICATION_STREAM_H
#define MINT_BASE_APPLICATION_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "hostd/base/application.h"

struct application_stream;

/* One record, good or not. All of it lives during the call only. */
struct application_record {
	const struct application *application; /* NULL when it is refused */
	const struct findings    *findings;    /* number, place and reference of the record, and what was found */
};

struct application_totals {
	size_t records; /* read, good or not */
	size_t good;    /* of these: with an application, held ones included */
	size_t held;    /* of the good ones: with a finding of weight hold */
	size_t bad;     /* without an application */
	bool   stopped; /* the end of the data was not reached, or was not where it should be */
};

/* on_record is called for every record in order, and once more for a fault that belongs to no record (an empty file,
 * something behind the end), with an application of NULL. It returns 0, or a negative error which ends the reading and is
 * what feed and finish then return. The policy is copied.
 * On success *stream is the caller's, free it with application_stream_free. MINT_MEMORY. */
int application_stream_new(struct application_stream **stream, const struct application_policy *policy,
                           int (*on_record)(void *argument, const struct application_record *record), void *argument);

/* Takes the next bytes. 0, MINT_MEMORY, or what on_record returned. Faults of the data are no errors here: they are
 * findings. */
int application_stream_feed(struct application_stream *stream, const void *data, size_t length);

/* The data ends here. The same errors. *totals may be NULL. */
int application_stream_finish(struct application_stream *stream, struct application_totals *totals);

/* Accepts NULL; clears the caller's pointer. */
void application_stream_free(struct application_stream **stream);

#endif
