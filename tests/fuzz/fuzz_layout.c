/* Any bytes as a layout: refused with a reason, or a layout whose things lie on the page. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/label/layout.h"
#include "schemas/errors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layout *layout;
	char why[256];
	int result = layout_parse((const char *)data, size, &layout, why, sizeof why);

	if (result != 0 && (layout || (result == MINT_CONFIG && *why == '\0')))
		abort();
	for (size_t i = 0; layout && i < layout->count; i++) {
		struct box box = layout->items[i].box;
		if (box.x < 0 || box.y < 0 || box.width < 1 || box.height < 1 || box.x + box.width > layout->width ||
		    box.y + box.height > layout->height)
			abort();
	}
	if (layout && !layout_list(layout))
		abort();
	layout_free(&layout);
	return 0;
}
