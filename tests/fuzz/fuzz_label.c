/* Any bytes as the JSON of a label: refused, or a label with strings in every field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/label/fields.h"
#include "hostd/label/label_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct label_document document;
	struct fields fields;
	char why[256];

	if (label_document_read((const char *)data, size, &document, why, sizeof why) < 0)
		return 0;
	if (label_check(&document.label, why, sizeof why) == 0) {
		if (fields_make(&document.label, &fields) == 0 && strcmp(fields.value[FIELD_application], document.label.application) != 0)
			abort();
		fields_clear(&fields);
	}
	label_document_clear(&document);
	return 0;
}
