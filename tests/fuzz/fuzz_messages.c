/* The decoder of the messages against any bytes: what it accepts, it writes back the same. */
#include "schemas/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[MESSAGE_MAX_BYTES];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message;
	int length;

	if (size > sizeof out || message_get(&message, data, size) != 0)
		return 0;
	length = message_put(&message, out, sizeof out);
	if (length < 0 || (size_t)length != size || memcmp(out, data, size) != 0)
		abort();
	message_clear(&message);
	return 0;
}
