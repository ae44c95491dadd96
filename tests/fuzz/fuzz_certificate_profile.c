/* The profile reader against any bytes. A profile that is taken must be whole. */
#include "hostd/ca/profile.h"
#include "schemas/errors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct profile *profile)
{
	if (!profile->name[0] || profile->validity_days < 1 || !profile->key_types || !profile->name_count ||
	    sk_X509_EXTENSION_num(profile->fixed) < 1)
		abort();
	for (size_t i = 0; i < profile->name_count; i++)
		if (!profile->names[i].type || !profile->names[i].field == !profile->names[i].value || profile->names[i].chars_max < 1)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profiles profiles = { .list = NULL };
	struct reason reason = { .error = 0 };
	FILE *file;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	if (!file)
		abort();
	if (profiles_read(&profiles, file, "fuzz.conf", &reason) == 0) {
		for (size_t i = 0; i < profiles.count; i++)
			check(&profiles.list[i]);
	} else if (reason.error == MINT_OK || !reason.text[0]) {
		abort();
	}
	profiles_clear(&profiles);
	fclose(file);
	return 0;
}
