#include "pkcs11/attributes.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/errors.h"

/* No attribute that is read here is larger: a guard against a module that answers nonsense. */
#define ATTRIBUTE_MAX_BYTES 65536

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

void
template_set(struct template_values *values, enum template_source source, const void *data, size_t len)
{
	values->of[source].data = data;
	values->of[source].len = len;
}

CK_ULONG
template_fill(CK_ATTRIBUTE *out, const struct template_row *rows, size_t row_count,
    const struct template_values *values)
{
	CK_ULONG count = 0;

	for (size_t i = 0; i < row_count && count < TEMPLATE_MAX; i++) {
		const void *data = values->of[rows[i].source].data;
		size_t      len = values->of[rows[i].source].len;

		if (rows[i].source == FROM_TRUE || rows[i].source == FROM_FALSE) {
			data = rows[i].source == FROM_TRUE ? &yes : &no;
			len = sizeof yes;
		}
		if (data != NULL)
			out[count++] = (CK_ATTRIBUTE){ rows[i].type, (void *)data, len };
	}
	return count;
}

int
attribute_read(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, unsigned char **out,
    size_t *out_len, int64_t deadline_ms)
{
	struct module *module = session->token->module;
	CK_ATTRIBUTE   attribute = { type, NULL, 0 };
	int            error;

	*out = NULL;
	*out_len = 0;
	error = module_call(module, deadline_ms, C_GetAttributeValue, session->handle, object, &attribute, 1);
	if (error != 0)
		return token_explain(session->token, error);
	if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute.ulValueLen == 0)
		return module_fail(module, "C_GetAttributeValue", MINT_NOT_FOUND, "the attribute has no value");
	if (attribute.ulValueLen > ATTRIBUTE_MAX_BYTES)
		return module_fail(module, "C_GetAttributeValue", MINT_MODULE, "an attribute of absurd length");
	attribute.pValue = malloc(attribute.ulValueLen);
	if (attribute.pValue == NULL)
		return MINT_MEMORY;
	error = module_call(module, deadline_ms, C_GetAttributeValue, session->handle, object, &attribute, 1);
	if (error != 0) {
		free(attribute.pValue);
		return token_explain(session->token, error);
	}
	*out = attribute.pValue;
	*out_len = attribute.ulValueLen;
	return 0;
}

bool
attribute_true(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, int64_t deadline_ms)
{
	CK_BBOOL     value = CK_FALSE;
	CK_ATTRIBUTE attribute = { type, &value, sizeof value };
	int          error;

	error = module_call(session->token->module, deadline_ms, C_GetAttributeValue, session->handle, object,
	    &attribute, 1);
	return error == 0 && attribute.ulValueLen == sizeof value && value == CK_TRUE;
}

int
attribute_ulong(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out,
    int64_t deadline_ms)
{
	CK_ATTRIBUTE attribute = { type, out, sizeof *out };
	int          error;

	error = module_call(session->token->module, deadline_ms, C_GetAttributeValue, session->handle, object,
	    &attribute, 1);
	if (error == 0 && attribute.ulValueLen != sizeof *out)
		return module_fail(session->token->module, "C_GetAttributeValue", MINT_MODULE, "not a CK_ULONG");
	return token_explain(session->token, error);
}
