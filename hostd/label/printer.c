/* Printers by the scheme of their URI. */
#include "hostd/label/printer.h"

#include <stdlib.h>
#include <string.h>

#include "hostd/base/log.h"
#include "hostd/label/printer_driver.h"
#include "schemas/errors.h"

static const struct printer_driver *const drivers[] = { &printer_file };

struct printer {
	const struct printer_driver *driver;
	void                        *state;
};

int
printer_open(const char *uri, struct printer **printer)
{
	struct printer *made = calloc(1, sizeof *made);
	int result = MINT_ARGUMENT;

	*printer = NULL;
	if (!made)
		return MINT_MEMORY;
	for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
		size_t length = strlen(drivers[i]->scheme);
		if (strncmp(uri, drivers[i]->scheme, length) == 0 && uri[length] == ':') {
			made->driver = drivers[i];
			result = made->driver->open(uri + length + 1, &made->state);
		}
	}
	if (!made->driver)
		log_error("%s: no printer of this kind: write file:DIRECTORY", uri);
	if (result < 0)
		free(made);
	else
		*printer = made;
	return result;
}

void
printer_submit(struct printer *printer, const struct print_job *job, print_done *done, void *argument)
{
	printer->driver->submit(printer->state, job, done, argument);
}

void
printer_free(struct printer **printer)
{
	if (!*printer)
		return;
	(*printer)->driver->close((*printer)->state);
	free(*printer);
	*printer = NULL;
}
