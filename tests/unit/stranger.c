#include "tests/unit/stranger.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/x509.h>

#define OBJECTS (sizeof stranger.objects / sizeof stranger.objects[0])
#define BLANK   "                                                                "

struct stranger stranger;

static struct {
	bool          searching, signing, allowed, logged_in;
	CK_ATTRIBUTE  sought[4];
	unsigned char sought_values[4][64];
	CK_ULONG      sought_count;
	size_t        next;
} inside;

static const unsigned char p256_oid[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

/* ---------------------------------------------------------------- objects */

struct stranger_object *
stranger_object(CK_OBJECT_CLASS class)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (stranger.objects[i].handle != 0 && stranger.objects[i].class == class)
			return &stranger.objects[i];
	return NULL;
}

struct stranger_attribute *
stranger_get(struct stranger_object *object, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < object->count; i++)
		if (object->attributes[i].type == type)
			return &object->attributes[i];
	return NULL;
}

void
stranger_set(struct stranger_object *object, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct stranger_attribute *attribute = stranger_get(object, type);

	if (attribute == NULL)
		attribute = &object->attributes[object->count++];
	attribute->type = type;
	attribute->rv = CKR_OK;
	attribute->len = len;
	if (len != CK_UNAVAILABLE_INFORMATION)
		memcpy(attribute->value, value, len);
}

void
stranger_drop(struct stranger_object *object, CK_ATTRIBUTE_TYPE type)
{
	struct stranger_attribute *attribute = stranger_get(object, type);

	if (attribute != NULL)
		*attribute = object->attributes[--object->count];
}

static struct stranger_object *
by_handle(CK_OBJECT_HANDLE handle)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (handle != 0 && stranger.objects[i].handle == handle)
			return &stranger.objects[i];
	return NULL;
}

static struct stranger_object *
new_object(CK_OBJECT_CLASS class)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (stranger.objects[i].handle == 0) {
			memset(&stranger.objects[i], 0, sizeof stranger.objects[i]);
			stranger.objects[i].handle = i + 1;
			stranger.objects[i].class = class;
			stranger_set(&stranger.objects[i], CKA_CLASS, &class, sizeof class);
			return &stranger.objects[i];
		}
	return NULL;
}

/* ---------------------------------------------------------------- general, slots, tokens */

static CK_RV
initialize(void *arguments)
{
	stranger.initializes++;
	return arguments != NULL ? stranger.initialize_rv : stranger.bare_initialize_rv;
}

static CK_RV
finalize(void *reserved)
{
	(void)reserved;
	stranger.finalizes++;
	return CKR_OK;
}

static CK_RV
get_slot_list(CK_BBOOL with_token, CK_SLOT_ID *list, CK_ULONG *count)
{
	(void)with_token;
	for (size_t i = 0; list != NULL && i < stranger.slot_count; i++)
		list[i] = stranger.slots[i].id;
	*count = stranger.slot_count;
	return CKR_OK;
}

static struct stranger_slot *
slot_of(CK_SLOT_ID id)
{
	for (size_t i = 0; i < stranger.slot_count; i++)
		if (stranger.slots[i].id == id)
			return &stranger.slots[i];
	return NULL;
}

static CK_RV
get_slot_info(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	const struct stranger_slot *slot = slot_of(id);

	if (slot == NULL)
		return CKR_SLOT_ID_INVALID;
	memset(info, 0, sizeof *info);
	memcpy(info->slotDescription, BLANK, sizeof info->slotDescription);
	memcpy(info->slotDescription, slot->description, strlen(slot->description));
	info->flags = slot->present ? CKF_TOKEN_PRESENT : 0;
	return CKR_OK;
}

static CK_RV
get_token_info(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	const struct stranger_slot *slot = slot_of(id);

	if (slot == NULL || slot->token_rv != CKR_OK)
		return slot == NULL ? CKR_SLOT_ID_INVALID : slot->token_rv;
	if (!slot->present)
		return CKR_TOKEN_NOT_PRESENT;
	memset(info, 0, sizeof *info);
	memcpy(info->label, BLANK, sizeof info->label);
	memcpy(info->label, slot->label, strlen(slot->label));
	memcpy(info->serialNumber, BLANK, sizeof info->serialNumber);
	memcpy(info->serialNumber, slot->serial, strlen(slot->serial));
	info->ulMinPinLen = CK_UNAVAILABLE_INFORMATION;
	info->ulMaxPinLen = 15;
	info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
	info->flags = CKF_LOGIN_REQUIRED | (slot->initialised ? CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED : 0);
	return CKR_OK;
}

static CK_RV
init_token(CK_SLOT_ID id, CK_UTF8CHAR *pin, CK_ULONG pin_len, CK_UTF8CHAR *label)
{
	struct stranger_slot *slot = slot_of(id);
	size_t                len = sizeof stranger.init_label;

	(void)pin, (void)pin_len;
	stranger.init_tokens++;
	memcpy(stranger.init_label, label, sizeof stranger.init_label);
	if (slot == NULL)
		return CKR_SLOT_ID_INVALID;
	while (len > 0 && label[len - 1] == ' ')
		len--;
	memset(slot->label, 0, sizeof slot->label);
	memcpy(slot->label, label, len);
	slot->initialised = true;
	memset(stranger.objects, 0, sizeof stranger.objects);
	if (stranger.moves_slots) {
		stranger.slots[stranger.slot_count] = *slot;
		stranger.slots[stranger.slot_count++].id = 900;
		slot->present = false;
	}
	return CKR_OK;
}

static CK_RV
get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	CK_ULONG n = 0;

	(void)slot;
	for (; stranger.mechanisms[n] != CK_UNAVAILABLE_INFORMATION; n++)
		if (list != NULL)
			list[n] = stranger.mechanisms[n];
	*count = n;
	return CKR_OK;
}

static CK_RV
get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	(void)slot;
	for (size_t i = 0; stranger.mechanisms[i] != CK_UNAVAILABLE_INFORMATION; i++)
		if (stranger.mechanisms[i] == type) {
			*info = (CK_MECHANISM_INFO){ 256, CK_UNAVAILABLE_INFORMATION,
				CKF_HW | (type == CKM_EC_KEY_PAIR_GEN ? CKF_GENERATE_KEY_PAIR : CKF_SIGN) };
			return CKR_OK;
		}
	return CKR_MECHANISM_INVALID;
}

/* ---------------------------------------------------------------- sessions */

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	(void)flags, (void)application, (void)notify;
	*session = 77;
	return slot_of(slot) != NULL ? CKR_OK : CKR_SLOT_ID_INVALID;
}

static CK_RV
close_session(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

static CK_RV
login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
	CK_RV rv = stranger.login_rv;

	(void)session;
	if (pin_len != strlen(STRANGER_PIN) || memcmp(pin, STRANGER_PIN, pin_len) != 0)
		return CKR_PIN_INCORRECT;
	if (user == CKU_CONTEXT_SPECIFIC) {
		stranger.context_logins++;
		if (!inside.signing && !stranger.sign_init_wants_login)
			return CKR_OPERATION_NOT_INITIALIZED;
		inside.allowed = true;
		return CKR_OK;
	}
	stranger.logins++;
	stranger.login_rv = CKR_OK;
	inside.logged_in = rv == CKR_OK;
	return rv;
}

static CK_RV
logout(CK_SESSION_HANDLE session)
{
	(void)session;
	stranger.logouts++;
	return stranger.logout_rv;
}

/* ---------------------------------------------------------------- attributes, searching */

static CK_RV
get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *list, CK_ULONG count)
{
	struct stranger_object    *object = by_handle(handle);
	struct stranger_attribute *attribute;

	(void)session;
	if (object == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	attribute = count == 1 ? stranger_get(object, list[0].type) : NULL;
	if (attribute == NULL || attribute->rv != CKR_OK) {
		list[0].ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return attribute != NULL ? attribute->rv : CKR_ATTRIBUTE_TYPE_INVALID;
	}
	if (attribute->len != CK_UNAVAILABLE_INFORMATION && list[0].pValue != NULL) {
		if (list[0].ulValueLen < attribute->len)
			return CKR_BUFFER_TOO_SMALL;
		memcpy(list[0].pValue, attribute->value, attribute->len);
	}
	list[0].ulValueLen = attribute->len;
	return CKR_OK;
}

static CK_RV
set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *list, CK_ULONG count)
{
	struct stranger_object *object = by_handle(handle);

	(void)session;
	if (object == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	for (CK_ULONG i = 0; i < count; i++)
		stranger_set(object, list[i].type, list[i].pValue, list[i].ulValueLen);
	return CKR_OK;
}

static CK_RV
find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *list, CK_ULONG count)
{
	(void)session;
	if (inside.searching)
		return CKR_OPERATION_ACTIVE;
	for (CK_ULONG i = 0; i < count; i++) {
		memcpy(inside.sought_values[i], list[i].pValue, list[i].ulValueLen);
		inside.sought[i] = (CK_ATTRIBUTE){ list[i].type, inside.sought_values[i], list[i].ulValueLen };
	}
	inside.sought_count = count;
	inside.next = 0;
	inside.searching = true;
	return CKR_OK;
}

static bool
is_sought(struct stranger_object *object)
{
	for (CK_ULONG i = 0; i < inside.sought_count; i++) {
		const CK_ATTRIBUTE              *sought = &inside.sought[i];
		const struct stranger_attribute *has = stranger_get(object, sought->type);

		if (has == NULL || has->len != sought->ulValueLen || memcmp(has->value, sought->pValue, has->len) != 0)
			return false;
	}
	return object->handle != 0;
}

static CK_RV
find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *list, CK_ULONG max, CK_ULONG *count)
{
	(void)session;
	for (*count = 0; inside.next < OBJECTS && *count < max; inside.next++)
		if (is_sought(&stranger.objects[inside.next]))
			list[(*count)++] = stranger.objects[inside.next].handle;
	return CKR_OK;
}

static CK_RV
find_objects_final(CK_SESSION_HANDLE session)
{
	(void)session;
	inside.searching = false;
	return CKR_OK;
}

static CK_RV
destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle)
{
	struct stranger_object *object = by_handle(handle);

	(void)session;
	if (object == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	object->handle = 0;
	return CKR_OK;
}

/* ---------------------------------------------------------------- keys */

static bool
is_refused(const CK_ATTRIBUTE *list, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++)
		for (size_t k = 0; stranger.refused[k] != 0; k++)
			if (list[i].type == stranger.refused[k])
				return true;
	return false;
}

static void
take_template(struct stranger_object *object, const CK_ATTRIBUTE *list, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++)
		stranger_set(object, list[i].type, list[i].pValue, list[i].ulValueLen);
}

static void
make_public(const CK_ATTRIBUTE *list, CK_ULONG count)
{
	static const CK_KEY_TYPE ec = CKK_EC;
	struct stranger_object  *object = new_object(CKO_PUBLIC_KEY);
	unsigned char            point[67] = { 0x04, 65 };
	size_t                   len;

	take_template(object, list, count);
	EVP_PKEY_get_octet_string_param(stranger.key, "pub", point + 2, 65, &len);
	stranger_set(object, CKA_KEY_TYPE, &ec, sizeof ec);
	stranger_set(object, CKA_EC_PARAMS, p256_oid, sizeof p256_oid);
	stranger_set(object, CKA_EC_POINT, point, len + 2);
}

static void
make_private(const CK_ATTRIBUTE *list, CK_ULONG count)
{
	static const CK_KEY_TYPE ec = CKK_EC;
	static const CK_BBOOL    yes = CK_TRUE;
	struct stranger_object  *object = new_object(CKO_PRIVATE_KEY);

	stranger_set(object, CKA_SENSITIVE, &yes, sizeof yes);
	stranger_set(object, CKA_EXTRACTABLE, &stranger.extractable, sizeof stranger.extractable);
	take_template(object, list, count);
	stranger_set(object, CKA_KEY_TYPE, &ec, sizeof ec);
	if (!stranger.tells_secrecy) {
		stranger_get(object, CKA_SENSITIVE)->rv = CKR_ATTRIBUTE_TYPE_INVALID;
		stranger_get(object, CKA_EXTRACTABLE)->rv = CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

static CK_RV
generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG public_count,
    CK_ATTRIBUTE *private, CK_ULONG private_count, CK_OBJECT_HANDLE *public_handle, CK_OBJECT_HANDLE *private_handle)
{
	bool refused = is_refused(public, public_count) || is_refused(private, private_count);

	(void)session, (void)mechanism;
	stranger.generations++;
	if (refused && !stranger.makes_before_refusing)
		return stranger.refusal;
	EVP_PKEY_free(stranger.key);
	stranger.key = EVP_EC_gen("P-256");
	make_public(public, public_count);
	make_private(private, private_count);
	*public_handle = stranger_object(CKO_PUBLIC_KEY)->handle;
	*private_handle = stranger_object(CKO_PRIVATE_KEY)->handle;
	return refused ? stranger.refusal : CKR_OK;
}

static CK_RV
sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)session;
	stranger.sign_inits++;
	if (by_handle(key) == NULL)
		return CKR_KEY_HANDLE_INVALID;
	if (stranger.sign_init_wants_login && !inside.allowed)
		return CKR_USER_NOT_LOGGED_IN;
	stranger.signed_with = mechanism->mechanism;
	inside.signing = true;
	return CKR_OK;
}

static size_t
make_der(const CK_BYTE *data, size_t len, unsigned char *der)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(stranger.key, NULL);
	EVP_MD_CTX   *digesting = EVP_MD_CTX_new();
	size_t        der_len = 80;

	if (stranger.signed_with == CKM_ECDSA) {
		EVP_PKEY_sign_init(context);
		EVP_PKEY_sign(context, der, &der_len, data, len);
	} else {
		EVP_DigestSignInit(digesting, NULL, EVP_sha256(), NULL, stranger.key);
		EVP_DigestSign(digesting, der, &der_len, data, len);
	}
	EVP_MD_CTX_free(digesting);
	EVP_PKEY_CTX_free(context);
	return der_len;
}

/* r || s, each of `half` bytes; 0 when they do not fit. */
static size_t
make_r_s(const unsigned char *der, size_t der_len, unsigned char *out, int half)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	bool       fits = BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, half) == half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, half) == half;

	ECDSA_SIG_free(pair);
	return fits ? (size_t)half * 2 : 0;
}

static CK_RV
sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len)
{
	unsigned char der[80];
	size_t        der_len;

	(void)session;
	inside.signing = false;
	if ((stranger.login_each_use || stranger.sign_init_wants_login) && !inside.allowed)
		return CKR_USER_NOT_LOGGED_IN;
	inside.allowed = false;
	der_len = make_der(data, data_len, der);
	if (stranger.signature == SIGNATURE_DER) {
		memcpy(out, der, der_len);
		*out_len = der_len;
		return CKR_OK;
	}
	*out_len = make_r_s(der, der_len, out, 32);
	if (stranger.signature != SIGNATURE_R_S)
		*out_len += stranger.signature == SIGNATURE_ODD ? 1 : 2;
	return CKR_OK;
}

/* ---------------------------------------------------------------- the table */

CK_FUNCTION_LIST *
stranger_new(void)
{
	static CK_FUNCTION_LIST table;

	stranger_end();
	memset(&stranger, 0, sizeof stranger);
	memset(&inside, 0, sizeof inside);
	stranger.slot_count = 1;
	stranger.slots[0] = (struct stranger_slot){ 3, "Stranger 00 00", true, CKR_OK, true, "theirs", "S1" };
	stranger.refusal = CKR_TEMPLATE_INCONSISTENT;
	stranger.tells_secrecy = true;
	memcpy(stranger.mechanisms, ((CK_MECHANISM_TYPE[]){ CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CK_UNAVAILABLE_INFORMATION }),
	    3 * sizeof(CK_MECHANISM_TYPE));
	table = (CK_FUNCTION_LIST){
		.version = { 2, 40 }, .C_Initialize = initialize, .C_Finalize = finalize, .C_GetSlotList = get_slot_list,
		.C_GetSlotInfo = get_slot_info, .C_GetTokenInfo = get_token_info, .C_InitToken = init_token,
		.C_GetMechanismList = get_mechanism_list, .C_GetMechanismInfo = get_mechanism_info,
		.C_OpenSession = open_session, .C_CloseSession = close_session, .C_Login = login, .C_Logout = logout,
		.C_GetAttributeValue = get_attribute_value, .C_SetAttributeValue = set_attribute_value,
		.C_FindObjectsInit = find_objects_init, .C_FindObjects = find_objects,
		.C_FindObjectsFinal = find_objects_final, .C_DestroyObject = destroy_object,
		.C_GenerateKeyPair = generate_key_pair, .C_SignInit = sign_init, .C_Sign = sign,
	};
	return &table;
}

void
stranger_end(void)
{
	EVP_PKEY_free(stranger.key);
	stranger.key = NULL;
}
