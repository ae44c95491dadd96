/* The published JSON Schema of an application record, made from the list of fields. */
#ifndef MINT_BASE_APPLICATION_SCHEMA_H
#define MINT_BASE_APPLICATION_SCHEMA_H

#include <jansson.h>

/* JSON Schema, draft 2020-12: every rule of the reader that the language can say; check digits, dates, byte limits, blanks
 * at the edges and the agreement of quantity and credentials are said in words.
 * The caller owns it; NULL when memory is out. */
json_t *application_schema(void);

#endif
