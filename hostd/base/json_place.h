/* Where in a JSON text a byte is: the path that leads to it. For messages about text that no parser accepts. */
#ifndef MINT_BASE_JSON_PLACE_H
#define MINT_BASE_JSON_PLACE_H

#include <stddef.h>

/* Writes the path of the value or key at `offset` ("person.name", "credentials[2].holder", "" for the whole), cut to size
 * (at least 4). The text may be broken from there on; what stands before decides. */
void json_place(const char *text, size_t length, size_t offset, char *path, size_t size);

#endif
