#include "pkcs11/rv.h"

#include <stddef.h>

#include "pkcs11/later_names.h"
#include "schemas/errors.h"

static const struct rv_info ok = { CKR_OK, MINT_OK, "CKR_OK", "done" };

static const struct rv_info unknown = {
	CKR_VENDOR_DEFINED, MINT_TOKEN_ERROR, "CKR_?", "a value the standard does not define"
};

static const struct rv_info list[] = {
#define RV(name, error, text) { CKR_##name, MINT_##error, "CKR_" #name, text },
#include "pkcs11/rv.def"
#undef RV
};

const struct rv_info *
rv_info(unsigned long value)
{
	if (value == CKR_OK)
		return &ok;
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		if (list[i].value == value)
			return &list[i];
	return &unknown;
}
