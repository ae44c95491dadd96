/* Generating key pairs, also on tokens that do not take the whole template. */
#include <string.h>

#include "pkcs11/attributes.h"
#include "pkcs11/key_internal.h"
#include "pkcs11/object.h"
#include "schemas/errors.h"

static const unsigned char f4[] = { 0x01, 0x00, 0x01 };

static const struct template_row public_rows[] = {
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_VERIFY, FROM_TRUE },
	{ CKA_MODULUS_BITS, FROM_BITS },
	{ CKA_PUBLIC_EXPONENT, FROM_VALUE },
	{ CKA_EC_PARAMS, FROM_PARAMETERS },
	{ CKA_ID, FROM_ID },
	{ CKA_LABEL, FROM_LABEL },
};

static const struct template_row private_rows[] = {
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_PRIVATE, FROM_TRUE },
	{ CKA_SENSITIVE, FROM_TRUE },
	{ CKA_EXTRACTABLE, FROM_FALSE },
	{ CKA_SIGN, FROM_TRUE },
	{ CKA_ID, FROM_ID },
	{ CKA_LABEL, FROM_LABEL },
};

/* How far we give way to a module that refuses the template without saying which attribute it means. The last wish stays
 * for ever: a key on the token, private. */
enum concession {
	WHOLE_TEMPLATE,
	WITHOUT_USE,    /* the defaults are the token's; that it signs is shown by the request, whose signature is verified */
	WITHOUT_SECRET, /* the defaults are the token's: the key must say that it cannot be taken out */
	WITHOUT_NAME,   /* id and label are set afterwards */
	CONCESSIONS
};

static const struct {
	CK_ATTRIBUTE_TYPE type;
	enum concession   gone_from;
} conceded[] = {
	{ CKA_SIGN, WITHOUT_USE },
	{ CKA_VERIFY, WITHOUT_USE },
	{ CKA_SENSITIVE, WITHOUT_SECRET },
	{ CKA_EXTRACTABLE, WITHOUT_SECRET },
	{ CKA_ID, WITHOUT_NAME },
	{ CKA_LABEL, WITHOUT_NAME },
};

/* Where a private key has its secret, by kind. */
static const CK_ATTRIBUTE_TYPE secrets[] = { CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1 };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

struct generation {
	struct key             *key;
	const struct key_order *order;
	CK_OBJECT_HANDLE        public;
	enum concession         concession;
};

static void
fill_values(struct template_values *values, const struct key_order *order, const CK_ULONG *bits)
{
	if (order->type->kind == CKK_RSA) {
		template_set(values, FROM_BITS, bits, sizeof *bits);
		template_set(values, FROM_VALUE, f4, sizeof f4);
	} else {
		template_set(values, FROM_PARAMETERS, order->type->parameters, order->type->parameters_len);
	}
	template_set(values, FROM_ID, order->id, order->id_len);
	template_set(values, FROM_LABEL, order->label, strlen(order->label));
}

static bool
is_conceded(CK_ATTRIBUTE_TYPE type, enum concession concession)
{
	for (size_t i = 0; i < COUNT(conceded); i++)
		if (conceded[i].type == type)
			return concession >= conceded[i].gone_from;
	return false;
}

static CK_ULONG
concede(CK_ATTRIBUTE *template, CK_ULONG count, enum concession concession)
{
	CK_ULONG kept = 0;

	for (CK_ULONG i = 0; i < count; i++)
		if (!is_conceded(template[i].type, concession))
			template[kept++] = template[i];
	return kept;
}

/* Not token_explain: which value it was decides whether the template is tried with less in it. */
static int
generate_once(struct generation *generation, int64_t deadline_ms)
{
	struct session        *session = generation->key->session;
	const struct key_type *type = generation->order->type;
	struct template_values values = { 0 };
	CK_ATTRIBUTE           public[TEMPLATE_MAX], private[TEMPLATE_MAX];
	CK_MECHANISM           mechanism = { type->generate, NULL, 0 };
	CK_ULONG               bits = type->bits, public_count, private_count;
	int64_t                begun_us = module_now_us(session->token->module);
	int                    error;

	fill_values(&values, generation->order, &bits);
	public_count = template_fill(public, public_rows, COUNT(public_rows), &values);
	private_count = template_fill(private, private_rows, COUNT(private_rows), &values);
	public_count = concede(public, public_count, generation->concession);
	private_count = concede(private, private_count, generation->concession);
	error = module_call(session->token->module, deadline_ms, C_GenerateKeyPair, session->handle, &mechanism, public,
	    public_count, private, private_count, &generation->public, &generation->key->private);
	generation->key->generation_us = module_now_us(session->token->module) - begun_us;
	return error;
}

/* Fails when any object has the id: modules answer that with anything from a general error to two keys under one id. */
static int
id_is_free(struct session *session, const struct key_order *order, int64_t deadline_ms)
{
	int error = MINT_NOT_FOUND;

	for (enum object_class c = OBJECT_PRIVATE_KEY; error == MINT_NOT_FOUND && c <= OBJECT_CERTIFICATE; c++)
		error = object_find(session, c, order->id, order->id_len, deadline_ms);
	if (error == MINT_NOT_FOUND)
		return 0;
	if (error != 0)
		return error;
	return module_fail(session->token->module, "C_GenerateKeyPair", MINT_EXISTS, "the id is taken");
}

static bool
template_was_refused(const struct module *module)
{
	return module_failed_with(module, CKR_ATTRIBUTE_TYPE_INVALID) ||
	    module_failed_with(module, CKR_ATTRIBUTE_READ_ONLY) ||
	    module_failed_with(module, CKR_ATTRIBUTE_VALUE_INVALID) ||
	    module_failed_with(module, CKR_TEMPLATE_INCONSISTENT);
}

/* The refusal of a template is one before any work, by the standard; that it was is looked at before the next attempt, for
 * two keys must never stand under one id. */
static int
generate(struct generation *generation, int64_t deadline_ms)
{
	struct session       *session = generation->key->session;
	struct module        *module = session->token->module;
	struct module_failure refusal;
	int                   error;

	error = generate_once(generation, deadline_ms);
	while (error != 0 && template_was_refused(module) && generation->concession + 1 < CONCESSIONS) {
		refusal = module->failure;
		if (id_is_free(session, generation->order, deadline_ms) != 0) {
			module->failure = refusal;
			break;
		}
		generation->concession++;
		error = generate_once(generation, deadline_ms);
	}
	return token_explain(session->token, error);
}

/* The label is for people; the id is how everything else finds the key. */
static int
name_objects(struct generation *generation, int64_t deadline_ms)
{
	const struct key_order *order = generation->order;
	const CK_OBJECT_HANDLE  objects[] = { generation->key->private, generation->public };
	struct session         *session = generation->key->session;
	int                     error = 0;

	for (size_t i = 0; error == 0 && i < COUNT(objects); i++) {
		error = attribute_write(session, objects[i], CKA_ID, order->id, order->id_len, deadline_ms);
		if (error == 0)
			attribute_write(session, objects[i], CKA_LABEL, order->label, strlen(order->label), deadline_ms);
	}
	return error;
}

/* Only the length is asked for: where a secret can be had it does not come into our memory. */
static bool
shows_a_secret(const struct generation *generation)
{
	struct session *session = generation->key->session;

	for (size_t i = 0; i < COUNT(secrets); i++) {
		CK_ATTRIBUTE attribute = { secrets[i], NULL, 0 };

		if (module_rv(session->token->module, C_GetAttributeValue, session->handle, generation->key->private,
			&attribute, 1) == CKR_OK &&
		    attribute.ulValueLen != 0 && attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION)
			return true;
	}
	return false;
}

/* A key that is not extractable does not show its secret, whatever CKA_SENSITIVE is (PKCS#11 2.40, section 4.9), so that
 * one answer counts. CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE do not: OpenSC answers no to all three
 * for keys that never left the card. Where we could order it, a module that does not say is believed: it took the order. */
static int
check_secrecy(const struct generation *generation, int64_t deadline_ms)
{
	struct session       *session = generation->key->session;
	bool                  ordered = generation->concession < WITHOUT_SECRET;
	enum attribute_answer answer;

	answer = attribute_answer(session, generation->key->private, CKA_EXTRACTABLE, deadline_ms);
	if ((answer == ANSWER_NO || (answer == ANSWER_NONE && ordered)) && !shows_a_secret(generation))
		return 0;
	return module_fail(session->token->module, "C_GenerateKeyPair", MINT_TOKEN_ERROR,
	    "the token made a key that it does not promise to keep to itself");
}

static int
read_public(struct generation *generation, int64_t deadline_ms)
{
	struct key *key = generation->key;
	int         error;

	error = public_key_read(key->session, generation->public, &key->public, deadline_ms);
	if (error == MINT_NOT_FOUND)
		error = public_key_read(key->session, key->private, &key->public, deadline_ms);
	return error;
}

/* A pair that must not be used. That it cannot be removed is no reason to forget why. */
static void
destroy(struct generation *generation)
{
	struct session       *session = generation->key->session;
	struct module        *module = session->token->module;

	(void)module_rv(module, C_DestroyObject, session->handle, generation->key->private);
	(void)module_rv(module, C_DestroyObject, session->handle, generation->public);
}

static int
generate_checked(struct generation *generation, int64_t deadline_ms)
{
	int error;

	error = generate(generation, deadline_ms);
	if (error != 0)
		return error;
	if (generation->concession >= WITHOUT_NAME)
		error = name_objects(generation, deadline_ms);
	if (error == 0)
		error = check_secrecy(generation, deadline_ms);
	if (error != 0) {
		destroy(generation);
		return error;
	}
	return read_public(generation, deadline_ms);
}

int
key_generate(struct key **out, struct session *session, const struct key_order *order, int64_t deadline_ms)
{
	struct generation generation = { .order = order };
	int               error;

	*out = NULL;
	error = id_is_free(session, order, deadline_ms);
	if (error == 0)
		error = key_type_offered(session->token, order->type, deadline_ms);
	if (error == 0)
		error = key_new(&generation.key, session);
	if (error == 0)
		error = generate_checked(&generation, deadline_ms);
	if (error != 0) {
		key_free(&generation.key);
		return error;
	}
	key_learn(generation.key, deadline_ms);
	*out = generation.key;
	return 0;
}
