/* What a kind of printer gives to printer.c. */
#ifndef MINT_LABEL_PRINTER_DRIVER_H
#define MINT_LABEL_PRINTER_DRIVER_H

#include "hostd/label/printer.h"

struct printer_driver {
	const char *scheme;                                 /* "file": what stands before the colon */
	int (*open)(const char *rest, void **state);        /* `rest` is what stands behind the colon; errors as printer_open */
	void (*submit)(void *state, const struct print_job *job, print_done *done, void *argument);
	void (*close)(void *state);
};

extern const struct printer_driver printer_file;

#endif
