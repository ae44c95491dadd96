#include "pkcs11/object.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/attributes.h"
#include "pkcs11/find.h"
#include "schemas/errors.h"

/* More objects than any token of ours holds; a module that lists more is not believed. */
#define OBJECTS_MAX 256

static const struct {
	CK_OBJECT_CLASS class;
	const char     *name;
} class_table[OBJECT_CLASSES] = {
	[OBJECT_PRIVATE_KEY] = { CKO_PRIVATE_KEY, "private key" },
	[OBJECT_PUBLIC_KEY] = { CKO_PUBLIC_KEY, "public key" },
	[OBJECT_CERTIFICATE] = { CKO_CERTIFICATE, "certificate" },
	[OBJECT_DATA] = { CKO_DATA, "data" },
};

static const struct template_row find_rows[] = {
	{ CKA_CLASS, FROM_CLASS },
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_ID, FROM_ID },
};

const char *
object_class_name(enum object_class class)
{
	return class_table[class].name;
}

static int
collect(struct session *session, CK_OBJECT_HANDLE *handles, size_t max, size_t *count, int64_t deadline_ms)
{
	CK_ULONG got = 1;
	int      error = 0;

	while (error == 0 && got > 0 && *count < max) {
		got = 0;
		error = module_call(session->token->module, deadline_ms, C_FindObjects, session->handle,
		    handles + *count, max - *count, &got);
		if (error == 0 && got > max - *count)
			error = module_fail(session->token->module, "C_FindObjects", MINT_MODULE,
			    "more objects than there is room for");
		if (error == 0)
			*count += got;
	}
	return error;
}

int
find_objects(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    CK_OBJECT_HANDLE *handles, size_t max, size_t *count, int64_t deadline_ms)
{
	struct module         *module = session->token->module;
	struct template_values values = { 0 };
	CK_ATTRIBUTE           template[TEMPLATE_MAX];
	CK_ULONG               n;
	int                    error, end;

	*count = 0;
	template_set(&values, FROM_CLASS, &class_table[class].class, sizeof class_table[class].class);
	template_set(&values, FROM_ID, id, id_len);
	n = template_fill(template, find_rows, sizeof find_rows / sizeof find_rows[0], &values);
	error = module_call(module, deadline_ms, C_FindObjectsInit, session->handle, template, n);
	if (error != 0)
		return token_explain(session->token, error);
	error = collect(session, handles, max, count, deadline_ms);
	/* Always, or the session takes no other search; not a reason to forget why the search failed. */
	if (error != 0)
		(void)module_rv(module, C_FindObjectsFinal, session->handle);
	else {
		end = module_call(module, MODULE_NO_DEADLINE, C_FindObjectsFinal, session->handle);
		error = end;
	}
	return token_explain(session->token, error);
}

int
find_one(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    CK_OBJECT_HANDLE *handle, int64_t deadline_ms)
{
	CK_OBJECT_HANDLE found[2];
	size_t           count;
	int              error;

	error = find_objects(session, class, id, id_len, found, 2, &count, deadline_ms);
	if (error != 0)
		return error;
	if (count == 0)
		return module_fail(session->token->module, "C_FindObjects", MINT_NOT_FOUND, "no such object");
	if (count > 1)
		return module_fail(session->token->module, "C_FindObjects", MINT_EXISTS, "two objects under one id");
	*handle = found[0];
	return 0;
}

int
object_find(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    int64_t deadline_ms)
{
	CK_OBJECT_HANDLE handle;

	return find_one(session, class, id, id_len, &handle, deadline_ms);
}

/* Reads a byte string attribute, cut to `max`; an absent one has length 0. */
static int
read_cut(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, size_t max,
    size_t *true_len, int64_t deadline_ms)
{
	unsigned char *value = NULL;
	int            error;

	error = attribute_read(session, object, type, &value, true_len, deadline_ms);
	if (error == MINT_NOT_FOUND)
		return 0;
	if (error == 0)
		memcpy(out, value, *true_len < max ? *true_len : max);
	free(value);
	return error;
}

static int
describe(struct session *session, CK_OBJECT_HANDLE object, struct object_facts *facts, int64_t deadline_ms)
{
	size_t label_len;
	int    error;

	error = read_cut(session, object, CKA_LABEL, facts->label, sizeof facts->label - 1, &label_len, deadline_ms);
	if (error == 0 && facts->class != OBJECT_DATA)
		error = read_cut(session, object, CKA_ID, facts->id, sizeof facts->id, &facts->id_len, deadline_ms);
	if (error == 0 && (facts->class == OBJECT_PRIVATE_KEY || facts->class == OBJECT_PUBLIC_KEY))
		facts->local = attribute_answer(session, object, CKA_LOCAL, deadline_ms) == ANSWER_YES;
	return error;
}

int
object_list(struct session *session, enum object_class class, struct object_facts *list, size_t max, size_t *count,
    int64_t deadline_ms)
{
	CK_OBJECT_HANDLE handles[OBJECTS_MAX];
	int              error;

	error = find_objects(session, class, NULL, 0, handles, OBJECTS_MAX, count, deadline_ms);
	for (size_t i = 0; error == 0 && i < *count && i < max; i++) {
		memset(&list[i], 0, sizeof list[i]);
		list[i].class = class;
		error = describe(session, handles[i], &list[i], deadline_ms);
	}
	return error;
}

/* Marks the one-byte ids that objects of the class have. */
static int
mark_ids(struct session *session, enum object_class class, bool *taken, int64_t deadline_ms)
{
	CK_OBJECT_HANDLE handles[OBJECTS_MAX];
	unsigned char    id = 0;
	size_t           count, len = 0;
	int              error;

	error = find_objects(session, class, NULL, 0, handles, OBJECTS_MAX, &count, deadline_ms);
	for (size_t i = 0; error == 0 && i < count; i++) {
		error = read_cut(session, handles[i], CKA_ID, &id, 1, &len, deadline_ms);
		if (error == 0 && len == 1)
			taken[id] = true;
	}
	return error;
}

int
object_unused_id(struct session *session, unsigned char first, unsigned char *out, int64_t deadline_ms)
{
	bool taken[256] = { true }; /* 0 is no id: some modules read it as none */
	int  error = 0;

	for (enum object_class c = OBJECT_PRIVATE_KEY; error == 0 && c <= OBJECT_CERTIFICATE; c++)
		error = mark_ids(session, c, taken, deadline_ms);
	if (error != 0)
		return error;
	for (unsigned i = 0; i < 256; i++) {
		*out = (unsigned char)(first + i);
		if (!taken[*out])
			return 0;
	}
	return module_fail(session->token->module, "C_FindObjects", MINT_TOKEN_FULL, "every id is taken");
}

int
object_delete(struct session *session, enum object_class class, const unsigned char *id, size_t id_len,
    size_t *deleted, int64_t deadline_ms)
{
	CK_OBJECT_HANDLE handles[OBJECTS_MAX];
	size_t           count, done = 0;
	int              error;

	error = find_objects(session, class, id, id_len, handles, OBJECTS_MAX, &count, deadline_ms);
	for (size_t i = 0; error == 0 && i < count; i++) {
		error = module_call(session->token->module, deadline_ms, C_DestroyObject, session->handle, handles[i]);
		if (error == 0)
			done++;
	}
	if (deleted != NULL)
		*deleted = done;
	return token_explain(session->token, error);
}
