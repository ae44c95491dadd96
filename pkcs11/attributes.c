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

static int
get(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute, int64_t deadline_ms)
{
	return module_call(session->token->module, deadline_ms, C_GetAttributeValue, session->handle, object, attribute, 1);
}

/* Asks for the attribute and checks the length that is said of it: MINT_NOT_FOUND where there is no value. */
static int
get_some(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute, int64_t deadline_ms)
{
	struct module *module = session->token->module;
	CK_ULONG       len;
	int            error;

	error = get(session, object, attribute, deadline_ms);
	if (error != 0)
		return error;
	len = attribute->ulValueLen;
	if (len == CK_UNAVAILABLE_INFORMATION || len == 0)
		return module_fail(module, "C_GetAttributeValue", MINT_NOT_FOUND, "the attribute has no value");
	if (len > ATTRIBUTE_MAX_BYTES)
		return module_fail(module, "C_GetAttributeValue", MINT_MODULE, "an attribute of absurd length");
	return 0;
}

/* One attribute a call: where several are asked for at once, modules differ in what they leave of the others when one
 * fails. Once for its length, once for its value (section 11.7). */
int
attribute_read(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, unsigned char **out,
    size_t *out_len, int64_t deadline_ms)
{
	CK_ATTRIBUTE attribute = { type, NULL, 0 };
	CK_ULONG     room;
	int          error;

	*out = NULL;
	*out_len = 0;
	error = get_some(session, object, &attribute, deadline_ms);
	if (error != 0)
		return token_explain(session->token, error);
	room = attribute.ulValueLen;
	attribute.pValue = malloc(room > 0 ? room : 1);
	if (attribute.pValue == NULL)
		return MINT_MEMORY;
	error = get_some(session, object, &attribute, deadline_ms);
	if (error == 0 && attribute.ulValueLen > room)
		error = module_fail(session->token->module, "C_GetAttributeValue", MINT_MODULE, "an attribute that grew");
	if (error != 0) {
		free(attribute.pValue);
		return token_explain(session->token, error);
	}
	*out = attribute.pValue;
	*out_len = attribute.ulValueLen;
	return 0;
}

enum attribute_answer
attribute_answer(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, int64_t deadline_ms)
{
	CK_BBOOL     value = CK_FALSE;
	CK_ATTRIBUTE attribute = { type, &value, sizeof value };

	if (get(session, object, &attribute, deadline_ms) != 0 || attribute.ulValueLen != sizeof value)
		return ANSWER_NONE;
	return value == CK_FALSE ? ANSWER_NO : ANSWER_YES;
}

int
attribute_ulong(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out,
    int64_t deadline_ms)
{
	CK_ATTRIBUTE attribute = { type, out, sizeof *out };
	int          error;

	error = get(session, object, &attribute, deadline_ms);
	if (error == 0 && attribute.ulValueLen != sizeof *out)
		return module_fail(session->token->module, "C_GetAttributeValue", MINT_MODULE, "not a CK_ULONG");
	return token_explain(session->token, error);
}

int
attribute_write(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data, size_t len,
    int64_t deadline_ms)
{
	CK_ATTRIBUTE attribute = { type, (void *)data, len };
	int          error;

	error = module_call(session->token->module, deadline_ms, C_SetAttributeValue, session->handle, object, &attribute,
	    1);
	return token_explain(session->token, error);
}
