/* Attribute templates of PKCS#11 objects, written as tables: inside pkcs11/ only. */
#ifndef MINT_PKCS11_ATTRIBUTES_H
#define MINT_PKCS11_ATTRIBUTES_H

#include <stddef.h>

#include <p11-kit/pkcs11.h>

#include "pkcs11/internal.h"

#define TEMPLATE_MAX 16

/* Where the value of an attribute comes from. Sources beyond the fixed ones are slots of struct template_values. */
enum template_source {
	FROM_TRUE,
	FROM_FALSE,
	FROM_CLASS,
	FROM_ID,
	FROM_LABEL,
	FROM_BITS,
	FROM_PARAMETERS,
	FROM_VALUE,
	FROM_SUBJECT,
	FROM_ISSUER,
	FROM_SERIAL,
	FROM_KIND,
	TEMPLATE_SOURCES
};

struct template_row {
	CK_ATTRIBUTE_TYPE    type;
	enum template_source source;
};

/* One value for each source; a source without a value leaves its rows out. All borrowed. */
struct template_values {
	struct {
		const void *data;
		size_t      len;
	} of[TEMPLATE_SOURCES];
};

void template_set(struct template_values *values, enum template_source source, const void *data, size_t len);

/* Fills `out` (TEMPLATE_MAX entries) from the rows; returns how many. */
CK_ULONG template_fill(CK_ATTRIBUTE *out, const struct template_row *rows, size_t row_count,
    const struct template_values *values);

/* Reads one attribute into a new buffer; the caller frees it. MINT_NOT_FOUND when the object has none or it is empty. */
int attribute_read(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, unsigned char **out,
    size_t *out_len, int64_t deadline_ms);

/* What an object says to a CK_BBOOL; not every module knows every attribute. */
enum attribute_answer { ANSWER_NONE, ANSWER_NO, ANSWER_YES };

enum attribute_answer attribute_answer(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    int64_t deadline_ms);

/* Reads a CK_ULONG. */
int attribute_ulong(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out,
    int64_t deadline_ms);

/* Sets one attribute of an object. */
int attribute_write(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data, size_t len,
    int64_t deadline_ms);

#endif
