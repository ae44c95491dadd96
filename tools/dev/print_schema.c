/* Prints the JSON Schema of an application record, as schemas/application.schema.json holds it: `make schema`. */
#include <jansson.h>
#include <stdio.h>

#include "hostd/base/application_schema.h"

int
main(void)
{
	json_t *schema = application_schema();
	int bad = !schema || json_dumpf(schema, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;

	json_decref(schema);
	return bad || fflush(stdout) != 0;
}
