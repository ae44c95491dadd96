/* The list beside exported envelopes, manifest.jsonl: one JSON object a line, in the order of the files' names. What earlier exports
 * listed stays; a file listed again takes the new line. */
#ifndef MINTCTL_MANIFEST_H
#define MINTCTL_MANIFEST_H

#include <jansson.h>
#include <stddef.h>

#define MANIFEST_NAME "manifest.jsonl"

struct manifest;

/* Reads what is there; nothing is an empty list. MINT_SYNTAX, or MINT_STORAGE, with `detail` saying where. */
int manifest_open(int directory, struct manifest **manifest, char *detail, size_t detail_bytes);

/* Takes the reference; the line's "file" is what it is known by. 0 or MINT_MEMORY. */
int manifest_add(struct manifest *manifest, json_t *line);

/* Puts it in the place of the one there, whole. 0, MINT_STORAGE, MINT_MEMORY. */
int manifest_write(const struct manifest *manifest, int directory);

void manifest_close(struct manifest **manifest);

#endif
