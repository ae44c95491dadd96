/* Printers: pages in, and one of three answers out. The file printer answers at once; printers on a network answer from the
 * event loop, so callers never wait for the answer in place.
 */
#ifndef MINT_LABEL_PRINTER_H
#define MINT_LABEL_PRINTER_H

#include <stddef.h>
#include <stdint.h>

struct pages;
struct printer;

enum print_outcome {
	PRINT_DONE,
	PRINT_FAILED,  /* nothing came out: the same job may be submitted again */
	PRINT_UNKNOWN, /* it may have come out: a person looks before it is printed again */
};

struct print_job {
	uint64_t            id;          /* the same id again is the same paper: a printer never prints it twice */
	const char         *application; /* names the paper */
	unsigned int        copy;        /* 0 the first print, 1 … reprints, each a job of its own */
	const struct pages *pages;
};

struct print_result {
	enum print_outcome outcome;
	int                error;        /* 0, or the code of schemas/errors.def */
	uint8_t            sha256[32];   /* of the pages' PNGs, one behind the other; for PRINT_DONE */
	char               place[512];   /* file or printer; for PRINT_DONE */
	char               detail[512];  /* what went wrong, for technicians; no personal data */
};

typedef void print_done(uint64_t job, const struct print_result *result, void *argument);

/* Opens the printer of a URI: file:DIRECTORY. 0; MINT_ARGUMENT for a scheme that is not known, MINT_PRINTER when it cannot be used,
 * MINT_MEMORY; logged. */
int printer_open(const char *uri, struct printer **printer);

/* Prints. `done` is called exactly once, before or after this returns; job and pages are used only until then. */
void printer_submit(struct printer *printer, const struct print_job *job, print_done *done, void *argument);

/* Jobs under way are answered with PRINT_UNKNOWN first. NULL is fine. */
void printer_free(struct printer **printer);

#endif
