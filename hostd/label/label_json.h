/* A label as JSON (RFC 8259): what mint-queue sends with `print`, and what designers write by hand. docs/labels.md describes it. */
#ifndef MINT_LABEL_LABEL_JSON_H
#define MINT_LABEL_LABEL_JSON_H

#include <stddef.h>

#include "hostd/label/label.h"

struct json_t;

struct label_document {
	struct label   label;   /* points into json and serials */
	struct json_t *json;
	const char   **serials;
};

/* Reads one object: unknown or doubled keys, wrong types, bad UTF-8 and anything behind it are refused. 0; MINT_SYNTAX or
 * MINT_FIELD with `why` filled (place and key, no content); MINT_MEMORY. Free with label_document_clear, on success only. */
int label_document_read(const char *text, size_t length, struct label_document *document, char *why, size_t why_size);
void label_document_clear(struct label_document *document);

#endif
