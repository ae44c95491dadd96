/* Certificate requests of any bytes: refused or taken, never a crash, a leak or a read past the end. What is taken must be what the
 * rules allow. */
#include "hostd/ca/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request_key key;
	struct reason reason = { .error = 0 };
	int r;

	if (size > 4096) /* the message's limit */
		return 0;
	r = request_read(&key, (struct blob){ data, (uint32_t)size }, KEY_ALL, &reason);
	if (r != reason.error || (r == 0) != (key.key != NULL) || (r != 0 && !reason.text[0]))
		abort();
	if (r == 0 && strcmp(key_type_name(key.type), "?") == 0)
		abort();
	request_key_clear(&key);
	return 0;
}
