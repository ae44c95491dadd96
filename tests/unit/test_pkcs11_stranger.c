/* pkcs11/ on modules that do what the standard allows and ours do not: a function table of the test (stranger.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/x509.h>

#include "pkcs11/certificate.h"
#include "pkcs11/key.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/module.h"
#include "pkcs11/object.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"
#include "tests/unit/stranger.h"

#define NEVER MODULE_NO_DEADLINE

static CK_FUNCTION_LIST   *table;
static struct module      *module;
static struct token       *token;
static struct session     *session;
static const unsigned char id_1[] = { 0x45 };
static const CK_BBOOL      no = CK_FALSE;

static int
begin(void **state)
{
	(void)state;
	table = stranger_new();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	session_free(&session);
	token_free(&token);
	module_free(&module);
	stranger_end();
	return 0;
}

static int
find(const struct token_where *where)
{
	if (module == NULL)
		assert_int_equal(module_adopt(&module, table, NULL), 0);
	token_free(&token);
	return token_open(&token, module, where, NEVER);
}

static void
log_in(void)
{
	const struct token_where any = { .reader = NULL };

	assert_int_equal(find(&any), 0);
	assert_int_equal(session_open(&session, token, NEVER), 0);
	assert_int_equal(session_login(session, SESSION_USER, STRANGER_PIN, strlen(STRANGER_PIN), NEVER), 0);
}

static int
try_to_generate(struct key **key)
{
	const struct key_order order = { key_type_by_name("p256"), id_1, sizeof id_1, "credential" };

	if (session == NULL)
		log_in();
	return key_generate(key, session, &order, NEVER);
}

static struct key *
generate(void)
{
	struct key *key = NULL;

	assert_int_equal(try_to_generate(&key), 0);
	assert_int_equal(EVP_PKEY_eq(key_public(key), stranger.key), 1);
	return key;
}

static void
add_slot(CK_SLOT_ID id, bool initialised, const char *label)
{
	struct stranger_slot *slot = &stranger.slots[stranger.slot_count++];

	*slot = stranger.slots[0];
	slot->id = id;
	slot->initialised = initialised;
	strcpy(slot->label, label);
}

/* ---------------------------------------------------------------- loading */

static void
module_that_cannot_lock_is_initialised_without_arguments(void **state)
{
	static const CK_RV answers[] = { CKR_CANT_LOCK, CKR_NEED_TO_CREATE_THREADS, CKR_ARGUMENTS_BAD };

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		table = stranger_new();
		stranger.initialize_rv = answers[i];
		assert_int_equal(module_adopt(&module, table, NULL), 0);
		assert_int_equal(stranger.initializes, 2);
		module_free(&module);
		assert_int_equal(stranger.finalizes, 1);
	}
	stranger.bare_initialize_rv = CKR_GENERAL_ERROR;
	assert_int_equal(module_adopt(&module, table, NULL), MINT_MODULE);
	assert_null(module);
	assert_int_equal(stranger.finalizes, 1);
}

static void
module_that_somebody_else_has_initialised_is_used_and_left_to_them(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	stranger.initialize_rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
	assert_int_equal(find(&any), 0);
	token_free(&token);
	module_free(&module);
	assert_int_equal(stranger.finalizes, 0);
}

static void
function_list_of_version_3_is_used_and_of_1_refused(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	table->version = (CK_VERSION){ 3, 1 };
	assert_int_equal(find(&any), 0);
	token_free(&token);
	module_free(&module);
	table->version = (CK_VERSION){ 1, 0 };
	assert_int_equal(module_adopt(&module, table, NULL), MINT_MODULE);
}

static void
function_that_the_list_leaves_out_is_not_supported(void **state)
{
	struct module_facts facts;
	struct key         *key = NULL;

	(void)state;
	table->C_GenerateKeyPair = NULL;
	table->C_CloseSession = NULL;
	table->C_Logout = NULL;
	table->C_Finalize = NULL;
	assert_int_equal(try_to_generate(&key), MINT_TOKEN_MECHANISM);
	assert_string_equal(token_failure(token)->function, "C_GenerateKeyPair");
	assert_string_equal(token_failure(token)->name, "CKR_FUNCTION_NOT_SUPPORTED");
	assert_int_equal(module_facts(module, &facts), MINT_MODULE); /* C_GetInfo is left out too */
}

/* ---------------------------------------------------------------- slots and tokens */

static void
initialised_token_goes_before_others_and_must_be_the_only_one(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	stranger.slots[0].initialised = false;
	add_slot(9, true, "ours");
	add_slot(2, false, "");
	assert_int_equal(find(&any), 0);
	assert_string_equal(token_facts(token)->label, "ours");
	add_slot(1, true, "another");
	assert_int_equal(find(&any), MINT_READER);
	assert_string_equal(module_failure(module)->text, "more than one slot fits");
}

static void
pattern_of_a_description_knows_star_and_question_mark_only(void **state)
{
	static const struct {
		const char *pattern;
		bool        fits;
	} cases[] = {
		{ "*", true }, { "ACS [CCID*] ?0 00", true }, { "ACS [CCID] 00 00", true }, { "*00*00", true }, { "ACS*0?", true },
		{ "ACS [C]*", false }, { "ACS", false }, { "*00 0", false }, { "?*ACS*", false }, { "", false },
		{ "ACS [CCID] 00 00?", false }, { "ACS [CCID] 00 00*", true },
	};

	(void)state;
	strcpy(stranger.slots[0].description, "ACS [CCID] 00 00");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct token_where where = { .description = cases[i].pattern };

		assert_int_equal(find(&where), cases[i].fits ? 0 : MINT_READER);
	}
}

#define LONG_READER "Gemalto Gemplus USB SmartCard Reader 433-Swap [CCID Interface] (1-0000:00:04.0-1.2) 01 00"

static void
reader_whose_name_the_module_cut_is_found_by_what_is_left_of_it(void **state)
{
	static const struct {
		const char *description;
		bool        fits;
	} cases[] = {
		{ "Gemalto Gemplus USB SmartCard Reader 433-Swap [CCID Interface] (", true },
		{ "Gemalto Gemplus USB SmartCard Reader 433-Swap [CCID Interface...", true }, /* as OpenSC 0.23 */
		{ "Gemalto Gemplus USB SmartCard Reader 433-Swap [CCID Interface]", false },
		{ "Gemalto Gemplus USB SmartCard Reader 434-Swap [CCID Interface...", false },
		{ "Gemalto...", false },
		{ "...", false },
		{ "", false },
	};
	const struct token_where where = { .reader = LONG_READER };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		strcpy(stranger.slots[0].description, cases[i].description);
		assert_int_equal(find(&where), cases[i].fits ? 0 : MINT_READER);
	}
}

static void
of_tokens_that_are_not_initialised_the_lowest_slot_is_taken(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	stranger.slots[0].initialised = false;
	add_slot(2, false, "lowest");
	add_slot(7, false, "");
	assert_int_equal(find(&any), 0);
	assert_string_equal(token_facts(token)->label, "lowest");
}

static void
blank_token_is_not_taken_for_one_that_cannot_be_read(void **state)
{
	const struct token_where any = { .reader = NULL };
	const struct token_where named = { .label = "ours" };

	(void)state;
	stranger.slots[0].initialised = false;
	add_slot(9, true, "ours");
	stranger.slots[1].token_rv = CKR_GENERAL_ERROR;
	assert_int_equal(find(&any), MINT_TOKEN_ERROR);
	assert_int_equal(find(&named), MINT_TOKEN_ERROR);
	stranger.slots[1].token_rv = CKR_TOKEN_NOT_RECOGNIZED;
	assert_int_equal(find(&any), MINT_TOKEN_UNKNOWN);
	assert_int_equal(find(&named), MINT_READER);
	stranger.slots[1].token_rv = CKR_TOKEN_NOT_PRESENT;
	assert_int_equal(find(&any), 0);
	assert_string_equal(token_facts(token)->label, "theirs");
}

static void
strange_cards_and_empty_slots_beside_the_token_do_no_harm(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	add_slot(1, true, "");
	add_slot(2, true, "");
	stranger.slots[1].token_rv = CKR_TOKEN_NOT_RECOGNIZED;
	stranger.slots[2].present = false;
	assert_int_equal(find(&any), 0);
	assert_string_equal(token_facts(token)->label, "theirs");
}

/* The standard says UTF-8; tokens of before say Latin-1, or cut their maker's name in the middle of a character. */
static void
label_that_is_no_utf8_shows_a_question_mark_for_each_bad_byte(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	strcpy(stranger.slots[0].label, "caf\xe9 \xe4\xbb\x8b \xe4\xbb");
	assert_int_equal(find(&any), 0);
	assert_string_equal(token_facts(token)->label, "caf? \xe4\xbb\x8b ??");
}

static void
only_slot_is_empty_or_holds_a_strange_card(void **state)
{
	const struct token_where any = { .reader = NULL };
	const struct token_where reader = { .reader = "Stranger 00 00" };
	const struct token_where named = { .serial = "S1" };

	(void)state;
	stranger.slots[0].present = false;
	assert_int_equal(find(&any), MINT_TOKEN_GONE);
	assert_int_equal(find(&reader), MINT_TOKEN_GONE);
	assert_int_equal(find(&named), MINT_READER);
	stranger.slots[0].present = true;
	stranger.slots[0].token_rv = CKR_TOKEN_NOT_PRESENT;
	assert_int_equal(find(&any), MINT_TOKEN_GONE);
	stranger.slots[0].token_rv = CKR_TOKEN_NOT_RECOGNIZED;
	assert_int_equal(find(&any), MINT_TOKEN_UNKNOWN);
	assert_int_equal(find(&reader), MINT_TOKEN_UNKNOWN);
	stranger.slot_count = 0;
	assert_int_equal(find(&any), MINT_READER);
}

static void
information_that_is_not_available_is_told_as_not_said(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	assert_int_equal(find(&any), 0);
	assert_int_equal(token_facts(token)->pin_min_len, 0);
	assert_int_equal(token_facts(token)->pin_max_len, 15);
}

/* ---------------------------------------------------------------- C_InitToken */

static int
initialise(const char *label)
{
	return token_initialise(token, "12345678", 8, label, NEVER);
}

static void
token_is_found_again_in_whatever_slot_it_shows_after_its_initialisation(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	stranger.slots[0].initialised = false;
	stranger.moves_slots = true;
	assert_int_equal(find(&any), 0);
	assert_int_equal(initialise("MB-00000001"), 0);
	assert_memory_equal(stranger.init_label, "MB-00000001                     ", 32);
	assert_string_equal(token_facts(token)->label, "MB-00000001");
	assert_true(token_facts(token)->flags & TOKEN_INITIALISED);
	assert_int_equal(session_open(&session, token, NEVER), 0);
}

static void
token_that_does_not_show_with_its_new_label_was_not_initialised(void **state)
{
	const struct token_where any = { .reader = NULL };

	(void)state;
	add_slot(9, false, "");
	assert_int_equal(find(&any), 0);
	strcpy(stranger.slots[1].label, "MB-00000001"); /* one with this label is there already */
	stranger.slots[1].initialised = true;
	assert_int_equal(initialise("MB-00000001"), MINT_TOKEN_INIT);
}

static void
initialisation_is_refused_while_a_session_is_open(void **state)
{
	(void)state;
	log_in();
	assert_int_equal(initialise("MB-00000001"), MINT_BUSY);
	session_free(&session);
	assert_int_equal(stranger.init_tokens, 0);
	assert_int_equal(initialise("MB-00000001"), 0);
}

static void
label_that_no_token_can_bear_is_refused_before_anything_is_destroyed(void **state)
{
	static const char *const bad[] = { "", "123456789012345678901234567890123", "ends in a blank ", "tab\there",
		"\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "cut \xe8\xaf", "\xff", "\x7f" };
	const struct token_where any = { .reader = NULL };

	(void)state;
	assert_int_equal(find(&any), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(initialise(bad[i]), MINT_ARGUMENT);
	assert_int_equal(stranger.init_tokens, 0);
	assert_int_equal(initialise("12345678901234567890123456789012"), 0);
	assert_int_equal(initialise("证书介质 \xf0\xa0\x80\x80"), 0);
}

/* ---------------------------------------------------------------- logins */

static void
login_of_another_is_ended_and_the_pin_is_tried_all_the_same(void **state)
{
	(void)state;
	stranger.login_rv = CKR_USER_ALREADY_LOGGED_IN;
	log_in();
	assert_int_equal(stranger.logouts, 1);
	assert_int_equal(stranger.logins, 2);
	assert_int_equal(session_logout(session, NEVER), 0);
	stranger.login_rv = CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
	assert_int_equal(session_login(session, SESSION_USER, "000000", 6, NEVER), MINT_PIN_WRONG);
	assert_int_equal(session_login(session, SESSION_USER, STRANGER_PIN, strlen(STRANGER_PIN), NEVER), 0);
	assert_int_equal(stranger.logins, 4);
}

static void
token_that_has_logged_out_by_itself_is_logged_out(void **state)
{
	(void)state;
	log_in();
	stranger.logout_rv = CKR_USER_NOT_LOGGED_IN;
	assert_int_equal(session_logout(session, NEVER), 0);
	stranger.logout_rv = CKR_GENERAL_ERROR;
	assert_int_equal(session_logout(session, NEVER), 0);
	assert_int_equal(stranger.logouts, 1);
}

/* ---------------------------------------------------------------- templates */

static void
refuse(const CK_ATTRIBUTE_TYPE *types, size_t size)
{
	memset(stranger.refused, 0, sizeof stranger.refused);
	memcpy(stranger.refused, types, size);
}

static const CK_BBOOL *
told(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
	struct stranger_attribute *attribute = stranger_get(stranger_object(class), type);

	return attribute != NULL ? (const CK_BBOOL *)attribute->value : NULL;
}

static void
attribute_that_a_module_refuses_is_left_out_of_the_template(void **state)
{
	static const CK_ATTRIBUTE_TYPE use[] = { CKA_SIGN, CKA_VERIFY };
	static const CK_RV             refusals[] = { CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY,
		CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT };
	struct key                    *key;

	(void)state;
	refuse(use, sizeof use);
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		stranger.refusal = refusals[i];
		stranger.generations = 0;
		memset(stranger.objects, 0, sizeof stranger.objects);
		key = generate();
		assert_int_equal(stranger.generations, 2);
		assert_null(told(CKO_PRIVATE_KEY, CKA_SIGN));
		assert_int_equal(*told(CKO_PRIVATE_KEY, CKA_EXTRACTABLE), CK_FALSE);
		key_free(&key);
	}
}

static void
key_made_without_an_order_for_secrecy_must_say_that_it_is_secret(void **state)
{
	static const CK_ATTRIBUTE_TYPE secret[] = { CKA_SENSITIVE, CKA_EXTRACTABLE };
	struct key                    *key = NULL;

	(void)state;
	refuse(secret, sizeof secret);
	stranger.extractable = CK_TRUE;
	assert_int_equal(try_to_generate(&key), MINT_TOKEN_ERROR);
	assert_null(key);
	assert_null(stranger_object(CKO_PRIVATE_KEY));
	assert_null(stranger_object(CKO_PUBLIC_KEY));
	stranger.extractable = CK_FALSE;
	stranger.tells_secrecy = false;
	assert_int_equal(try_to_generate(&key), MINT_TOKEN_ERROR);
	stranger.tells_secrecy = true;
	key = generate();
	key_free(&key);
}

static CK_C_GenerateKeyPair honest_generate;
static CK_ATTRIBUTE_TYPE    shown;

static CK_RV
showing_more(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG public_count,
    CK_ATTRIBUTE *private, CK_ULONG private_count, CK_OBJECT_HANDLE *public_handle, CK_OBJECT_HANDLE *private_handle)
{
	CK_RV rv;

	rv = honest_generate(handle, mechanism, public, public_count, private, private_count, public_handle, private_handle);
	stranger_set(stranger_object(CKO_PRIVATE_KEY), shown, &no, sizeof no);
	return rv;
}

static void
key_whose_secret_can_be_read_is_destroyed(void **state)
{
	struct key *key = NULL;

	(void)state;
	honest_generate = table->C_GenerateKeyPair;
	table->C_GenerateKeyPair = showing_more;
	shown = CKA_VALUE;
	assert_int_equal(try_to_generate(&key), MINT_TOKEN_ERROR);
	assert_null(stranger_object(CKO_PRIVATE_KEY));
}

/* What OpenSC says of keys that were made on a card. */
static void
key_that_is_not_extractable_is_taken_whatever_else_it_says(void **state)
{
	static const CK_ATTRIBUTE_TYPE modest[] = { CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE };
	struct key                    *key;

	(void)state;
	honest_generate = table->C_GenerateKeyPair;
	table->C_GenerateKeyPair = showing_more;
	for (size_t i = 0; i < sizeof modest / sizeof modest[0]; i++) {
		shown = modest[i];
		memset(stranger.objects, 0, sizeof stranger.objects);
		key = generate();
		key_free(&key);
	}
}

static void
key_of_a_module_that_does_not_tell_is_believed_where_secrecy_was_ordered(void **state)
{
	struct key *key;

	(void)state;
	stranger.tells_secrecy = false;
	key = generate();
	assert_int_equal(stranger.generations, 1);
	key_free(&key);
}

static void
id_that_is_refused_in_the_template_is_set_afterwards(void **state)
{
	static const CK_ATTRIBUTE_TYPE names[] = { CKA_ID };
	struct key                    *key;

	(void)state;
	refuse(names, sizeof names);
	key = generate();
	assert_int_equal(object_find(session, OBJECT_PRIVATE_KEY, id_1, 1, NEVER), 0);
	assert_int_equal(object_find(session, OBJECT_PUBLIC_KEY, id_1, 1, NEVER), 0);
	key_free(&key);
}

static void
refusal_after_the_pair_was_made_is_not_answered_by_a_second_pair(void **state)
{
	static const CK_ATTRIBUTE_TYPE use[] = { CKA_SIGN };
	struct key                    *key = NULL;

	(void)state;
	refuse(use, sizeof use);
	stranger.makes_before_refusing = true;
	assert_int_equal(try_to_generate(&key), MINT_TOKEN_MECHANISM);
	assert_string_equal(token_failure(token)->name, "CKR_TEMPLATE_INCONSISTENT");
	assert_int_equal(stranger.generations, 1);
}

/* ---------------------------------------------------------------- public keys */

static void
check_opens(int expected)
{
	struct key *key = NULL;

	assert_int_equal(key_open(&key, session, id_1, 1, NEVER), expected);
	if (expected == 0)
		assert_int_equal(EVP_PKEY_eq(key_public(key), stranger.key), 1);
	key_free(&key);
}

static void
point_is_read_wrapped_and_bare(void **state)
{
	struct stranger_object *public;
	struct key             *key;
	unsigned char           point[65];
	size_t                  len;

	(void)state;
	key = generate();
	key_free(&key);
	public = stranger_object(CKO_PUBLIC_KEY);
	check_opens(0);
	/* Until one is found whose bare point looks like an OCTET STRING: one in 256. */
	for (int i = 0; i < 20000; i++) {
		EVP_PKEY_get_octet_string_param(stranger.key, "pub", point, sizeof point, &len);
		if (point[1] == sizeof point - 2)
			break;
		EVP_PKEY_free(stranger.key);
		stranger.key = EVP_EC_gen("P-256");
	}
	assert_int_equal(point[1], sizeof point - 2);
	stranger_set(public, CKA_EC_POINT, point, sizeof point);
	check_opens(0);
	stranger_set(public, CKA_EC_POINT, point, sizeof point - 1);
	check_opens(MINT_TOKEN_ERROR);
}

/* SubjectPublicKeyInfo of the stranger's key. */
static void
set_info(struct stranger_object *object)
{
	unsigned char *der = NULL;
	int            len = i2d_PUBKEY(stranger.key, &der);

	stranger_set(object, CKA_PUBLIC_KEY_INFO, der, (size_t)len);
	OPENSSL_free(der);
}

static void
public_key_comes_from_its_info_where_the_point_is_missing(void **state)
{
	struct key *key;

	(void)state;
	key = generate();
	key_free(&key);
	stranger_drop(stranger_object(CKO_PUBLIC_KEY), CKA_EC_POINT);
	check_opens(MINT_NOT_FOUND);
	set_info(stranger_object(CKO_PUBLIC_KEY));
	check_opens(0);
	stranger_set(stranger_object(CKO_PUBLIC_KEY), CKA_EC_POINT, NULL, CK_UNAVAILABLE_INFORMATION);
	check_opens(0);
	stranger_set(stranger_object(CKO_PUBLIC_KEY), CKA_PUBLIC_KEY_INFO, "nonsense", 8);
	check_opens(MINT_TOKEN_ERROR);
}

static void
public_key_comes_from_the_private_one_where_the_token_keeps_none(void **state)
{
	struct key *key;

	(void)state;
	key = generate();
	key_free(&key);
	stranger_object(CKO_PUBLIC_KEY)->handle = 0;
	check_opens(MINT_NOT_FOUND);
	set_info(stranger_object(CKO_PRIVATE_KEY));
	check_opens(0);
	stranger_get(stranger_object(CKO_PRIVATE_KEY), CKA_PUBLIC_KEY_INFO)->rv = CKR_ATTRIBUTE_SENSITIVE;
	check_opens(MINT_NOT_FOUND);
}

static void
rsa_public_key_comes_from_modulus_and_exponent_of_the_private_one(void **state)
{
	static const CK_KEY_TYPE rsa = CKK_RSA;
	struct stranger_object  *private;
	struct key              *key;
	BIGNUM                  *n = NULL;
	unsigned char            modulus[256];

	(void)state;
	key = generate();
	key_free(&key);
	stranger_object(CKO_PUBLIC_KEY)->handle = 0;
	EVP_PKEY_free(stranger.key);
	stranger.key = EVP_RSA_gen(2048);
	EVP_PKEY_get_bn_param(stranger.key, "n", &n);
	BN_bn2binpad(n, modulus, sizeof modulus);
	BN_free(n);
	private = stranger_object(CKO_PRIVATE_KEY);
	stranger_set(private, CKA_KEY_TYPE, &rsa, sizeof rsa);
	stranger_set(private, CKA_MODULUS, modulus, sizeof modulus);
	stranger_set(private, CKA_PUBLIC_EXPONENT, "\x01\x00\x01", 3);
	check_opens(0);
}

/* ---------------------------------------------------------------- attributes that misbehave */

static CK_ULONG second_length;

static CK_RV
growing(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *list, CK_ULONG count)
{
	(void)handle, (void)object, (void)count;
	list[0].ulValueLen = list[0].pValue == NULL ? 4 : second_length;
	return CKR_OK;
}

static void
attribute_whose_second_length_is_another_is_not_read_beyond_its_room(void **state)
{
	struct object_facts facts;
	struct key         *key;
	size_t              count;

	(void)state;
	key = generate();
	key_free(&key);
	table->C_GetAttributeValue = growing;
	second_length = 5000;
	assert_int_equal(object_list(session, OBJECT_PUBLIC_KEY, &facts, 1, &count, NEVER), MINT_MODULE);
	second_length = CK_UNAVAILABLE_INFORMATION;
	assert_int_equal(object_list(session, OBJECT_PUBLIC_KEY, &facts, 1, &count, NEVER), 0);
	assert_int_equal(facts.id_len, 0);
}

static void
object_without_label_or_id_is_listed_without(void **state)
{
	struct object_facts facts;
	struct key         *key;
	size_t              count;

	(void)state;
	key = generate();
	key_free(&key);
	stranger_drop(stranger_object(CKO_PUBLIC_KEY), CKA_LABEL);
	stranger_set(stranger_object(CKO_PUBLIC_KEY), CKA_ID, NULL, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(object_list(session, OBJECT_PUBLIC_KEY, &facts, 1, &count, NEVER), 0);
	assert_int_equal(count, 1);
	assert_string_equal(facts.label, "");
	assert_int_equal(facts.id_len, 0);
}

static CK_RV
finding_too_many(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *list, CK_ULONG max, CK_ULONG *count)
{
	(void)handle, (void)list;
	*count = max + 1;
	return CKR_OK;
}

static void
module_that_finds_more_than_it_was_asked_for_is_refused(void **state)
{
	(void)state;
	log_in();
	table->C_FindObjects = finding_too_many;
	assert_int_equal(object_find(session, OBJECT_PRIVATE_KEY, id_1, 1, NEVER), MINT_MODULE);
}

/* ---------------------------------------------------------------- signatures */

static int
sign_and_verify(struct key *key)
{
	unsigned char *sig = NULL;
	size_t         len;
	int            error;

	error = key_challenge(key, stranger.key, id_1, 1, &sig, &len, NEVER);
	OPENSSL_free(sig);
	return error;
}

static void
login_for_each_use_that_is_not_announced_is_made_after_a_refusal(void **state)
{
	struct key *key;

	(void)state;
	stranger.login_each_use = true;
	key = generate();
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.context_logins, 1);
	assert_int_equal(stranger.sign_inits, 2);
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.sign_inits, 3); /* it is known from then on */
	key_free(&key);
}

static void
login_for_each_use_that_the_profile_knows_is_made_at_once(void **state)
{
	static const struct token_quirks quirks = { .login_each_use = true };
	struct key                      *key;

	(void)state;
	stranger.login_each_use = true;
	log_in();
	token_set_quirks(token, &quirks);
	key = generate();
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.context_logins, 1);
	assert_int_equal(stranger.sign_inits, 1);
	key_free(&key);
}

static void
token_that_refuses_to_begin_a_signature_gets_its_login_first(void **state)
{
	struct key *key;

	(void)state;
	stranger.sign_init_wants_login = true;
	key = generate();
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.context_logins, 1);
	key_free(&key);
}

static void
token_that_nobody_is_logged_in_to_is_not_asked_twice(void **state)
{
	struct key *key;

	(void)state;
	key = generate();
	stranger.login_each_use = true;
	assert_int_equal(session_logout(session, NEVER), 0);
	assert_int_equal(sign_and_verify(key), MINT_REFUSED);
	assert_int_equal(stranger.sign_inits, 1);
	assert_int_equal(stranger.context_logins, 0);
	key_free(&key);
}

static void
ecdsa_signature_is_taken_as_r_and_s_or_der_and_in_no_other_length(void **state)
{
	static const struct {
		enum stranger_signature signature;
		int                     expected;
	} cases[] = {
		{ SIGNATURE_R_S, 0 },
		{ SIGNATURE_DER, 0 },
		{ SIGNATURE_ODD, MINT_PROOF_CHALLENGE },
		{ SIGNATURE_LONG, MINT_PROOF_CHALLENGE },
	};
	struct key *key;

	(void)state;
	key = generate();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		stranger.signature = cases[i].signature;
		assert_int_equal(sign_and_verify(key), cases[i].expected);
	}
	key_free(&key);
}

/* ---------------------------------------------------------------- mechanisms */

static void
offer(const CK_MECHANISM_TYPE *types, size_t count)
{
	memcpy(stranger.mechanisms, types, count * sizeof *types);
	stranger.mechanisms[count] = CK_UNAVAILABLE_INFORMATION;
}

static void
token_that_signs_over_sha1_only_is_told_so(void **state)
{
	static const CK_MECHANISM_TYPE offered[] = { CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA1 };
	struct key                    *key;

	(void)state;
	offer(offered, 2);
	key = generate();
	assert_int_equal(sign_and_verify(key), MINT_TOKEN_MECHANISM);
	assert_non_null(strstr(token_failure(token)->text, "SHA-1 only"));
	offer(offered, 1);
	assert_int_equal(sign_and_verify(key), MINT_TOKEN_MECHANISM);
	assert_string_equal(token_failure(token)->text, "the token offers no signature mechanism for this key type");
	assert_int_equal(stranger.sign_inits, 0);
	key_free(&key);
}

static void
profile_chooses_among_the_signature_mechanisms(void **state)
{
	static const CK_MECHANISM_TYPE offered[] = { CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKM_ECDSA_SHA256 };
	static const char *const       combined[] = { "SHA256_RSA_PKCS", "ECDSA_SHA256", "ECDSA", NULL };
	static const char *const       other[] = { "RSA_PKCS", NULL };
	struct token_quirks            quirks = { .signatures = combined };
	struct key                    *key;

	(void)state;
	offer(offered, 3);
	key = generate();
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.signed_with, CKM_ECDSA);
	token_set_quirks(token, &quirks);
	assert_int_equal(sign_and_verify(key), 0);
	assert_int_equal(stranger.signed_with, CKM_ECDSA_SHA256);
	quirks.signatures = other;
	token_set_quirks(token, &quirks);
	assert_int_equal(sign_and_verify(key), MINT_TOKEN_MECHANISM);
	assert_non_null(strstr(token_failure(token)->text, "model profile"));
	token_set_quirks(token, NULL);
	assert_int_equal(sign_and_verify(key), 0);
	key_free(&key);
}

static void
names_of_signature_mechanisms_are_the_standards(void **state)
{
	static const char *const known[] = { "SHA256_RSA_PKCS", "RSA_PKCS", "ECDSA", "ECDSA_SHA256", "ECDSA_SHA384",
		"ECDSA_SHA512", NULL };

	(void)state;
	for (unsigned n = 0; n < sizeof known / sizeof known[0]; n++)
		assert_true(known[n] == NULL ? signature_name_at(n) == NULL : strcmp(signature_name_at(n), known[n]) == 0);
	assert_true(signature_name_known("ECDSA_SHA384"));
	assert_false(signature_name_known("ECDSA_SHA1"));
	assert_false(signature_name_known("CKM_ECDSA"));
	assert_false(signature_name_known(""));
}

static void
mechanisms_of_a_token_are_listed_with_names_sizes_and_flags(void **state)
{
	static const CK_MECHANISM_TYPE offered[] = { CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, CKM_VENDOR_DEFINED | 7 };
	const struct token_where       any = { .reader = NULL };
	struct mechanism_facts         list[2];
	size_t                         count;

	(void)state;
	offer(offered, 3);
	assert_int_equal(find(&any), 0);
	assert_int_equal(token_mechanisms(token, list, 2, &count, NEVER), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].name, "EC_KEY_PAIR_GEN");
	assert_int_equal(list[0].min_bits, 256);
	assert_int_equal(list[0].max_bits, 0);
	assert_int_equal(list[0].flags, MECHANISM_HARDWARE | MECHANISM_GENERATE_KEY_PAIR);
	assert_string_equal(list[1].name, "ECDSA");
	assert_int_equal(list[1].flags, MECHANISM_HARDWARE | MECHANISM_SIGN);
	offer(offered + 2, 1);
	assert_int_equal(token_mechanisms(token, list, 2, &count, NEVER), 0);
	assert_string_equal(list[0].name, "");
	assert_int_equal(list[0].number, CKM_VENDOR_DEFINED | 7);
	assert_string_equal(mechanism_flag_name(0), "hw");
	assert_null(mechanism_flag_name(11));
}

#define with_stranger(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_stranger(module_that_cannot_lock_is_initialised_without_arguments),
		with_stranger(module_that_somebody_else_has_initialised_is_used_and_left_to_them),
		with_stranger(function_list_of_version_3_is_used_and_of_1_refused),
		with_stranger(function_that_the_list_leaves_out_is_not_supported),
		with_stranger(initialised_token_goes_before_others_and_must_be_the_only_one),
		with_stranger(pattern_of_a_description_knows_star_and_question_mark_only),
		with_stranger(reader_whose_name_the_module_cut_is_found_by_what_is_left_of_it),
		with_stranger(of_tokens_that_are_not_initialised_the_lowest_slot_is_taken),
		with_stranger(blank_token_is_not_taken_for_one_that_cannot_be_read),
		with_stranger(strange_cards_and_empty_slots_beside_the_token_do_no_harm),
		with_stranger(label_that_is_no_utf8_shows_a_question_mark_for_each_bad_byte),
		with_stranger(only_slot_is_empty_or_holds_a_strange_card),
		with_stranger(information_that_is_not_available_is_told_as_not_said),
		with_stranger(token_is_found_again_in_whatever_slot_it_shows_after_its_initialisation),
		with_stranger(token_that_does_not_show_with_its_new_label_was_not_initialised),
		with_stranger(initialisation_is_refused_while_a_session_is_open),
		with_stranger(label_that_no_token_can_bear_is_refused_before_anything_is_destroyed),
		with_stranger(login_of_another_is_ended_and_the_pin_is_tried_all_the_same),
		with_stranger(token_that_has_logged_out_by_itself_is_logged_out),
		with_stranger(attribute_that_a_module_refuses_is_left_out_of_the_template),
		with_stranger(key_made_without_an_order_for_secrecy_must_say_that_it_is_secret),
		with_stranger(key_whose_secret_can_be_read_is_destroyed),
		with_stranger(key_that_is_not_extractable_is_taken_whatever_else_it_says),
		with_stranger(key_of_a_module_that_does_not_tell_is_believed_where_secrecy_was_ordered),
		with_stranger(id_that_is_refused_in_the_template_is_set_afterwards),
		with_stranger(refusal_after_the_pair_was_made_is_not_answered_by_a_second_pair),
		with_stranger(point_is_read_wrapped_and_bare),
		with_stranger(public_key_comes_from_its_info_where_the_point_is_missing),
		with_stranger(public_key_comes_from_the_private_one_where_the_token_keeps_none),
		with_stranger(rsa_public_key_comes_from_modulus_and_exponent_of_the_private_one),
		with_stranger(attribute_whose_second_length_is_another_is_not_read_beyond_its_room),
		with_stranger(object_without_label_or_id_is_listed_without),
		with_stranger(module_that_finds_more_than_it_was_asked_for_is_refused),
		with_stranger(login_for_each_use_that_is_not_announced_is_made_after_a_refusal),
		with_stranger(login_for_each_use_that_the_profile_knows_is_made_at_once),
		with_stranger(token_that_refuses_to_begin_a_signature_gets_its_login_first),
		with_stranger(token_that_nobody_is_logged_in_to_is_not_asked_twice),
		with_stranger(ecdsa_signature_is_taken_as_r_and_s_or_der_and_in_no_other_length),
		with_stranger(token_that_signs_over_sha1_only_is_told_so),
		with_stranger(profile_chooses_among_the_signature_mechanisms),
		with_stranger(names_of_signature_mechanisms_are_the_standards),
		with_stranger(mechanisms_of_a_token_are_listed_with_names_sizes_and_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
