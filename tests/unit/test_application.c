/* One application record: the rules for every field of the list, canonical form, comparison, the published schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/base/application.h"
#include "hostd/base/application_field.h"
#include "hostd/base/application_schema.h"
#include "hostd/base/date.h"

/* Everything optional is there but the previous reference. Numbers are the standards' examples. */
static const char whole[] =
	"{\"reference\": \"SQ-1\", \"kind\": \"new\", \"medium\": \"token\", \"quantity\": 2, \"key_type\": \"p256\","
	" \"credentials\": [{\"role\": \"unit\"}, {\"role\": \"handler\", \"holder\": \"张䶮\"}],"
	" \"organisation\": {\"name\": \"福州样例有限公司\", \"uscc\": \"91350100M000100Y43\", \"division\": \"350100\"},"
	" \"person\": {\"name\": \"张䶮\", \"id_card\": \"11010519491231002X\", \"phone\": \"13800138000\","
	" \"email\": \"a@example.com\"},"
	" \"delivery\": {\"method\": \"post\", \"recipient\": \"李四\", \"phone\": \"0591-87654321\", \"province\": \"福建省\","
	" \"city\": \"福州市\", \"district\": \"鼓楼区\", \"address\": \"五四路1号\", \"freight_collect\": true},"
	" \"approved_at\": \"2026-03-02T09:30:00+08:00\", \"urgent\": false, \"remark\": \"样例\"}";

static struct application_policy
policy(void)
{
	return application_policy_bench(date_day(2026, 11, 1) * DATE_DAY_US);
}

static struct findings found;

/* Parses; what was found is in `found`. NULL when it was refused. */
static struct application *
parse(const char *text)
{
	struct application_policy bench = policy();
	struct application *application = NULL;
	int result;

	findings_begin(&found, 1, 1, 1);
	result = application_parse(text, strlen(text), &bench, &found, &application);
	assert_int_equal(result == 0, application != NULL);
	assert_int_equal(result == 0, !findings_have(&found, FINDING_ERROR));
	return application;
}

static struct application *
parse_json(const json_t *json)
{
	char *text = json_dumps(json, 0);
	struct application *application;

	assert_non_null(text);
	application = parse(text);
	free(text);
	return application;
}

static json_t *
load_whole(void)
{
	json_t *json = json_loads(whole, 0, NULL);

	assert_non_null(json);
	return json;
}

static bool
was_found(enum finding_rule rule, const char *path)
{
	for (size_t i = 0; i < found.count; i++)
		if (found.items[i].rule == rule && strcmp(found.items[i].path, path) == 0)
			return true;
	return false;
}

static void
whole_record_is_read_field_by_field(void **state)
{
	struct application *a = parse(whole);

	(void)state;
	assert_non_null(a);
	assert_int_equal(found.all, 0);
	assert_string_equal(found.reference, "SQ-1");
	assert_string_equal(a->reference, "SQ-1");
	assert_int_equal(a->kind, APPLICATION_KIND_NEW);
	assert_int_equal(a->medium, APPLICATION_MEDIUM_TOKEN);
	assert_int_equal(a->quantity, 2);
	assert_int_equal(a->credential_count, 2);
	assert_int_equal(a->credentials[0].role, APPLICATION_ROLE_UNIT);
	assert_null(a->credentials[0].holder);
	assert_int_equal(a->credentials[1].role, APPLICATION_ROLE_HANDLER);
	assert_string_equal(a->credentials[1].holder, "张䶮");
	assert_int_equal(a->key_type, APPLICATION_KEY_P256);
	assert_null(a->previous_reference);
	assert_string_equal(a->organisation.name, "福州样例有限公司");
	assert_string_equal(a->organisation.uscc, "91350100M000100Y43");
	assert_string_equal(a->organisation.division, "350100");
	assert_string_equal(a->person.name, "张䶮");
	assert_string_equal(a->person.id_card, "11010519491231002X");
	assert_string_equal(a->person.phone, "13800138000");
	assert_string_equal(a->person.email, "a@example.com");
	assert_int_equal(a->delivery.method, APPLICATION_DELIVERY_POST);
	assert_string_equal(a->delivery.recipient, "李四");
	assert_string_equal(a->delivery.phone, "0591-87654321");
	assert_string_equal(a->delivery.province, "福建省");
	assert_string_equal(a->delivery.city, "福州市");
	assert_string_equal(a->delivery.district, "鼓楼区");
	assert_string_equal(a->delivery.address, "五四路1号");
	assert_true(a->delivery.freight_collect);
	assert_null(a->delivery.collection_point);
	assert_int_equal(a->approved_at_us, INT64_C(1772415000000000)); /* date -d …  +%s */
	assert_false(a->urgent);
	assert_string_equal(a->remark, "样例");
	application_free(&a);
	assert_null(a);
}

/* The object of a record in which the fields of a listed object stand, and the path before them. */
static json_t *
object_of(json_t *root, enum field_object object, const char **prefix)
{
	static const char *const prefixes[] = { "", "organisation.", "person.", "delivery.", "delivery.", "credentials[1]." };

	*prefix = prefixes[object];
	switch (object) {
	case OBJECT_ROOT:
		return root;
	case OBJECT_ORGANISATION:
		return json_object_get(root, "organisation");
	case OBJECT_PERSON:
		return json_object_get(root, "person");
	case OBJECT_ON_SITE:
		json_object_set_new(root, "delivery", json_pack("{s:s, s:s}", "method", "on_site", "collection_point", "3号窗口"));
		return json_object_get(root, "delivery");
	case OBJECT_POST:
		return json_object_get(root, "delivery");
	case OBJECT_CREDENTIAL:
		return json_array_get(json_object_get(root, "credentials"), 1);
	case OBJECT_COUNT:
		break;
	}
	return NULL;
}

/* For each listed field: what `change` does to it in a whole record must lead to `rule` at its path (or to none). */
static void
for_each_field(void (*change)(json_t *object, const struct field *), bool (*concerns)(const struct field *),
               enum finding_rule (*rule)(const struct field *))
{
	size_t count, tried = 0;
	const struct field *rows = field_rows(&count);

	for (size_t i = 0; i < count; i++) {
		json_t *root = load_whole();
		const char *prefix;
		json_t *object = object_of(root, rows[i].object, &prefix);
		struct application *application;
		char path[96];

		if (concerns(&rows[i])) {
			tried++;
			change(object, &rows[i]);
			application = parse_json(root);
			snprintf(path, sizeof path, "%.40s%.40s", prefix, rows[i].name);
			if (!was_found(rule(&rows[i]), path) || application)
				fail_msg("%s: %s was not found", path, finding_info(rule(&rows[i]))->name);
			application_free(&application);
		}
		json_decref(root);
	}
	assert_true(tried >= 3);
}

static bool
is_required(const struct field *field)
{
	return field->required;
}

static bool
is_text(const struct field *field)
{
	return field->type == FIELD_TEXT;
}

static bool
has_length(const struct field *field)
{
	return is_text(field) && field->minimum != field->maximum;
}

static bool
is_any(const struct field *field)
{
	return field->name != NULL;
}

static void
remove_it(json_t *object, const struct field *field)
{
	json_object_del(object, field->name);
}

static enum finding_rule
rule_missing(const struct field *field)
{
	(void)field;
	return RULE_MISSING;
}

static void
every_required_field_is_missed(void **state)
{
	(void)state;
	for_each_field(remove_it, is_required, rule_missing);
}

static void
set_null(json_t *object, const struct field *field)
{
	json_object_set_new(object, field->name, json_null());
}

static enum finding_rule
rule_type(const struct field *field)
{
	static const enum finding_rule rules[] = {
		[FIELD_TEXT] = RULE_TYPE_TEXT, [FIELD_COUNT] = RULE_TYPE_COUNT,   [FIELD_FLAG] = RULE_TYPE_FLAG,
		[FIELD_TIME] = RULE_TYPE_TEXT, [FIELD_CHOICE] = RULE_TYPE_TEXT,   [FIELD_OBJECT] = RULE_TYPE_OBJECT,
		[FIELD_LIST] = RULE_TYPE_LIST,
	};

	return rules[field->type];
}

static void
no_field_may_be_null(void **state)
{
	(void)state;
	for_each_field(set_null, is_any, rule_type);
}

static void
set_too_long(json_t *object, const struct field *field)
{
	char text[512];

	assert_true(field->maximum + 1 < sizeof text);
	memset(text, '1', field->maximum + 1);
	json_object_set_new(object, field->name, json_stringn(text, field->maximum + 1));
}

static enum finding_rule
rule_too_long(const struct field *field)
{
	(void)field;
	return RULE_TOO_LONG;
}

static void
no_text_may_be_one_character_longer_than_listed(void **state)
{
	(void)state;
	for_each_field(set_too_long, has_length, rule_too_long);
}

static void
set_control(json_t *object, const struct field *field)
{
	json_object_set_new(object, field->name, json_string("a\nb"));
}

static enum finding_rule
rule_control(const struct field *field)
{
	(void)field;
	return RULE_CONTROL;
}

static void
no_text_may_have_a_line_break(void **state)
{
	(void)state;
	for_each_field(set_control, is_text, rule_control);
}

static void
texts_of_the_listed_length_are_taken(void **state)
{
	json_t *root = load_whole();
	struct application *application;
	char name[64 * 3 + 1];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		memcpy(name + 3 * i, "长", sizeof "长");
	json_object_set_new(json_object_get(root, "organisation"), "name", json_string(name));
	application = parse_json(root);
	assert_non_null(application);
	assert_int_equal(found.all, 0);
	application_free(&application);
	json_decref(root);
}

static void
everything_wrong_is_said_at_once(void **state)
{
	json_t *root = load_whole();

	(void)state;
	json_object_set_new(root, "quantity", json_integer(21));
	json_object_set_new(root, "colour", json_string("red"));
	json_object_set_new(json_object_get(root, "person"), "id_card", json_string("110105194912310021"));
	json_object_del(json_object_get(root, "delivery"), "address");
	assert_null(parse_json(root));
	assert_int_equal(found.all, 4);
	assert_true(was_found(RULE_RANGE, "quantity"));
	assert_true(was_found(RULE_UNKNOWN_KEY, "colour"));
	assert_true(was_found(RULE_ID_CARD_CHECK, "person.id_card"));
	assert_true(was_found(RULE_MISSING, "delivery.address"));
	json_decref(root);
}

static void
findings_never_repeat_values(void **state)
{
	json_t *root = load_whole(), *list;
	char *text;

	(void)state;
	json_object_set_new(json_object_get(root, "person"), "id_card", json_string("110105194912310021"));
	json_object_set_new(json_object_get(root, "person"), "name", json_string("王五\t"));
	json_object_set_new(json_object_get(root, "person"), "phone", json_string("12345678901"));
	assert_null(parse_json(root));
	list = findings_json(&found);
	text = json_dumps(list, 0);
	assert_non_null(text);
	assert_null(strstr(text, "110105"));
	assert_null(strstr(text, "王五"));
	assert_null(strstr(text, "1234567"));
	free(text);
	json_decref(list);
	json_decref(root);
}

static void
duplicate_key_is_named_and_the_rest_still_judged(void **state)
{
	(void)state;
	assert_null(parse("{\n \"reference\": \"SQ-9\",\n \"person\": {\"name\": \"a\", \"name\": \"b\"}\n}"));
	assert_true(was_found(RULE_DUPLICATE_KEY, "person.name"));
	assert_int_equal(found.items[0].line, 3);
	assert_true(was_found(RULE_MISSING, "person.phone"));
	assert_string_equal(found.reference, "SQ-9");
}

static void
one_wrong_check_character_of_a_credit_code_holds_the_record(void **state)
{
	json_t *root = load_whole();
	struct application *application;

	(void)state;
	json_object_set_new(json_object_get(root, "organisation"), "uscc", json_string("91350211M0000XUF46"));
	json_object_set_new(json_object_get(root, "organisation"), "division", json_string("350211"));
	application = parse_json(root);
	assert_non_null(application);
	assert_true(findings_have(&found, FINDING_HOLD));
	assert_true(was_found(RULE_USCC_CHECK, "organisation.uscc"));
	assert_int_equal(finding_info(found.items[0].rule)->code, MINT_OVERRIDE);
	application_free(&application);
	json_decref(root);
}

static void
other_kinds_and_media_are_refused_unless_the_policy_has_them(void **state)
{
	struct application_policy wide = policy();
	struct application *application = NULL;
	json_t *root = load_whole();
	char *text;

	(void)state;
	json_object_set_new(root, "kind", json_string("renew"));
	json_object_set_new(root, "previous_reference", json_string("SQ-0"));
	json_object_set_new(root, "medium", json_string("mobile"));
	json_object_del(root, "delivery");
	assert_null(parse_json(root));
	assert_int_equal(found.all, 2);
	assert_true(was_found(RULE_KIND_ELSEWHERE, "kind"));
	assert_true(was_found(RULE_MEDIUM_ELSEWHERE, "medium"));

	wide.kinds |= 1U << APPLICATION_KIND_RENEW;
	wide.media |= 1U << APPLICATION_MEDIUM_MOBILE;
	text = json_dumps(root, 0);
	findings_begin(&found, 1, 1, 1);
	assert_int_equal(application_parse(text, strlen(text), &wide, &found, &application), 0);
	assert_int_equal(found.all, 0);
	assert_int_equal(application->delivery.method, APPLICATION_DELIVERY_NONE);
	assert_string_equal(application->previous_reference, "SQ-0");
	application_free(&application);
	free(text);
	json_decref(root);
}

/* Written by hand from RFC 8785, section 3: members sorted, no blanks, UTF-8 as it is, defaults and credentials filled in.
 * The digest is sha256sum(1) of this text. */
static const char canonical[] =
	"{\"approved_at\":\"2026-03-02T01:30:00Z\",\"credentials\":[{\"role\":\"unit\"},{\"role\":\"unit\"}],"
	"\"delivery\":{\"collection_point\":\"3号窗口\",\"method\":\"on_site\"},\"key_type\":\"rsa2048\",\"kind\":\"new\","
	"\"medium\":\"token\",\"organisation\":{\"division\":\"350100\",\"name\":\"a\\\"b\\\\/\",\"uscc\":\"91350100M000100Y43\"},"
	"\"person\":{\"id_card\":\"11010519491231002X\",\"name\":\"张䶮\",\"phone\":\"13800138000\"},\"quantity\":2,"
	"\"reference\":\"SQ-1\",\"urgent\":false}";
static const char canonical_sha256[] = "e380c894ffeff4a79883e4b6c467931b123aec8a796186d873d3175aba1dc477";

static const char loose[] =
	"\n{ \"reference\":\"SQ-1\", \"medium\":\"token\", \"kind\":\"new\", \"quantity\": 2, \"key_type\":\"rsa2048\","
	"\"organisation\":{\"uscc\":\"91350100M000100Y43\",\"name\":\"a\\u0022b\\\\\\/\",\"division\":\"350100\"},"
	"\"person\":{\"name\":\"\\u5f20\\u4dae\",\"id_card\":\"11010519491231002X\",\"phone\":\"13800138000\"},"
	"\"delivery\":{\"method\":\"on_site\",\"collection_point\":\"3号窗口\"},"
	"\"approved_at\":\"2026-03-02T09:30:00.000+08:00\"}\r\n";

static void
canonical_form_has_one_spelling(void **state)
{
	struct application *application = parse(loose), *again;
	char *text = application_canonical(application);
	unsigned char digest[APPLICATION_DIGEST_BYTES];
	char hex[2 * APPLICATION_DIGEST_BYTES + 1];

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, canonical);
	assert_int_equal(application_digest(application, digest), 0);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(hex, canonical_sha256);
	free(text);

	again = parse(canonical);
	assert_non_null(again);
	text = application_canonical(again);
	assert_string_equal(text, canonical);
	free(text);
	application_free(&again);
	application_free(&application);
}

static void
equal_records_do_not_differ(void **state)
{
	struct application *a = parse(loose), *b = parse(canonical);
	json_t *changes = application_diff(a, b);

	(void)state;
	assert_int_equal(json_array_size(changes), 0);
	assert_true(json_is_array(changes));
	json_decref(changes);
	application_free(&a);
	application_free(&b);
}

static json_t *
change_at(json_t *changes, const char *path)
{
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change)
		if (strcmp(json_string_value(json_object_get(change, "path")), path) == 0)
			return change;
	fail_msg("no change at %s", path);
	return NULL;
}

static void
assert_change(json_t *changes, const char *path, const char *old, const char *new)
{
	json_t *change = change_at(changes, path);
	const json_t *o = json_object_get(change, "old"), *n = json_object_get(change, "new");

	assert_true(old ? json_is_string(o) && strcmp(json_string_value(o), old) == 0 : json_is_null(o));
	assert_true(new ? json_is_string(n) && strcmp(json_string_value(n), new) == 0 : json_is_null(n));
}

static void
differences_are_named_and_personal_data_masked(void **state)
{
	json_t *root = load_whole(), *changes;
	struct application *a = parse(whole), *b;

	(void)state;
	json_object_set_new(root, "quantity", json_integer(3));
	json_array_append_new(json_object_get(root, "credentials"), json_pack("{s:s, s:s}", "role", "department", "holder", "财务部"));
	json_object_set_new(json_object_get(root, "organisation"), "name", json_string("厦门样例有限公司"));
	json_object_set_new(json_object_get(root, "person"), "name", json_string("李四"));
	json_object_del(json_object_get(root, "person"), "email");
	json_object_set_new(root, "delivery", json_pack("{s:s, s:s}", "method", "on_site", "collection_point", "3号窗口"));
	json_object_del(root, "remark");
	b = parse_json(root);
	assert_non_null(b);
	changes = application_diff(a, b);
	assert_int_equal(json_array_size(changes), 16);
	assert_int_equal(json_integer_value(json_object_get(change_at(changes, "quantity"), "new")), 3);
	assert_change(changes, "credentials[2].role", NULL, "department");
	assert_change(changes, "credentials[2].holder", NULL, "财***");
	assert_change(changes, "organisation.name", "福州样例有限公司", "厦门样例有限公司");
	assert_change(changes, "person.name", "张***", "李***");
	assert_change(changes, "person.email", "a***", NULL);
	assert_change(changes, "delivery.method", "post", "on_site");
	assert_change(changes, "delivery.recipient", "李***", NULL);
	assert_change(changes, "delivery.address", "五***", NULL);
	assert_change(changes, "delivery.city", "福州市", NULL);
	assert_change(changes, "delivery.collection_point", NULL, "3号窗口");
	assert_change(changes, "remark", "样例", NULL);
	json_decref(changes);
	application_free(&a);
	application_free(&b);
	json_decref(root);
}

static void
published_schema_is_the_list_of_fields(void **state)
{
	json_error_t error;
	json_t *published = json_load_file("schemas/application.schema.json", JSON_REJECT_DUPLICATES, &error);
	json_t *made = application_schema();

	(void)state;
	assert_non_null(made);
	if (!published || !json_equal(published, made))
		fail_msg("schemas/application.schema.json is not what the list of fields says: run `make published`");
	json_decref(published);
	json_decref(made);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_record_is_read_field_by_field),
		cmocka_unit_test(every_required_field_is_missed),
		cmocka_unit_test(no_field_may_be_null),
		cmocka_unit_test(no_text_may_be_one_character_longer_than_listed),
		cmocka_unit_test(no_text_may_have_a_line_break),
		cmocka_unit_test(texts_of_the_listed_length_are_taken),
		cmocka_unit_test(everything_wrong_is_said_at_once),
		cmocka_unit_test(findings_never_repeat_values),
		cmocka_unit_test(duplicate_key_is_named_and_the_rest_still_judged),
		cmocka_unit_test(one_wrong_check_character_of_a_credit_code_holds_the_record),
		cmocka_unit_test(other_kinds_and_media_are_refused_unless_the_policy_has_them),
		cmocka_unit_test(canonical_form_has_one_spelling),
		cmocka_unit_test(equal_records_do_not_differ),
		cmocka_unit_test(differences_are_named_and_personal_data_masked),
		cmocka_unit_test(published_schema_is_the_list_of_fields),
	};

	return cmocka_run_group_tests_name("application", tests, NULL, NULL);
}
