/* The tokens as a table or as JSON. Codes only where they were asked for. */
#ifndef PINOFFICE_PRINT_H
#define PINOFFICE_PRINT_H

#include "tools/pinoffice/book.h"
#include "tools/pinoffice/fault.h"

/* 0, or −1 when standard output does not take it. */
int print_table(const struct book *book, int show);

/* {"tokens": [{label, serial, model, application, credential, envelopes: {user, so}, codes: [names] or {name: code}}], "faults": […]} */
int print_json(const struct book *book, const struct faults *faults, int show);

#endif
