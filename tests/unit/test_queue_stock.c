/* Tokens that are keyed ahead: how they come into stock, what serves whom, what is refused. */
#include "tests/unit/queue_stage.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

static int
set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	*state = stage;
	stage_open(stage);
	return 0;
}

static int
tear_down(void **state)
{
	stage_close(*state);
	free(*state);
	return 0;
}

static void
put(struct stage *stage, int bay, int token)
{
	stage_insert(stage, bay, token);
	stage_run(stage);
}

static void
take(struct stage *stage, int bay)
{
	stage_remove(stage, bay);
	stage_run(stage);
}

/* Token 0 is keyed ahead in bay 0, and lies in the box. */
static void
stock_one(struct stage *stage)
{
	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\",\"lot\":\"L7\"}"), 0);
	put(stage, 0, 0);
	assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 1");
	take(stage, 0);
}

static void
blank_token_is_keyed_ahead_and_checked_by_another_process_when_it_is_ordered(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	put(stage, 0, 0);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1"); /* nobody has ordered anything */
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\",\"lot\":\"L7\"}"), 0);
	assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "prekeyed L7", "SELECT state || ' ' || lot FROM token");
	assert_sql(stage, "ready", "SELECT state FROM stock");
	assert_sql(stage, "1", "SELECT codes IS NOT NULL FROM token");
	assert_sql(stage, "initialise,key,check", "SELECT group_concat(step) FROM journal WHERE outcome = 'done' AND credential_id IS NULL");
	assert_sql(stage, "1", "SELECT check_pid <> (SELECT pid FROM journal WHERE step = 'key') AND signature IS NOT NULL FROM stock");
	assert_sql(stage, "1", "SELECT made = 1 AND ended_at IS NOT NULL FROM stock_order");
	take(stage, 0);
	assert_sql(stage, "1", "SELECT count(*) FROM event WHERE kind = 'stock.taken'");
	put(stage, 0, 1);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1"); /* no more than was ordered */
	stage_check_laws(stage);
}

static void
credential_that_a_token_from_stock_serves_begins_at_its_request(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	put(stage, 1, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].keys_made, 1);
	assert_int_equal(stage->tokens[0].initialised, 1);
	assert_sql(stage, "request,certify,burn,prove,seal", "SELECT group_concat(step) FROM journal WHERE credential_id IS NOT NULL");
	assert_sql(stage, "1", "SELECT count(*) FROM token_use");
	assert_sql(stage, "used", "SELECT state FROM stock");
	assert_sql(stage, "1", "SELECT k.made_at < s.ready_at AND s.ready_at < s.used_at FROM stock s JOIN key k ON k.use_id = s.id");
	assert_int_equal(stage_operate(stage), 0);
	assert_sql(stage, "issued", "SELECT state FROM application");
	stage_check_laws(stage);
}

static void
token_keyed_ahead_that_still_lies_in_its_bay_serves_what_comes(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	put(stage, 0, 0);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static void
work_comes_before_stock(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	put(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "0", "SELECT count(*) FROM stock");
}

/* Its key takes a while. */
static int
take_time_over_the_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	return bay && message->type == MESSAGE_make_key && bay->token == 0;
}

static void
bay_that_keys_ahead_keeps_no_work_from_another(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	stage->hook = take_time_over_the_key;
	put(stage, 0, 0);
	put(stage, 1, 1);
	assert_sql(stage, "working idle", "SELECT group_concat(state, ' ') FROM (SELECT state FROM bay ORDER BY bay)");
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "working take", "SELECT group_concat(state, ' ') FROM (SELECT state FROM bay ORDER BY bay)");
}

/* --- what is not as it was put into stock */

static void
refused(struct stage *stage)
{
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	put(stage, 0, 0);
	assert_sql(stage, "trouble TOKEN_TAMPERED", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_sql(stage, "quarantined TOKEN_TAMPERED", "SELECT state || ' ' || failed_error FROM token");
	assert_sql(stage, "waiting 0", "SELECT state || ' ' || attempt FROM credential");
	assert_sql(stage, "given_up failed", "SELECT s.state || ' ' || u.outcome FROM stock s JOIN token_use u ON u.id = s.id");
	take(stage, 0);
	put(stage, 0, 0);
	assert_sql(stage, "trouble", "SELECT state FROM bay WHERE bay = 1"); /* once refused, refused */
	stage_check_laws(stage);
}

static void
other_key_is_refused(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	EVP_PKEY_free(stage->tokens[0].key);
	stage->tokens[0].key = EVP_EC_gen("P-256");
	refused(stage);
}

static void
other_key_id_is_refused(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage->tokens[0].key_id[0] ^= 1;
	refused(stage);
}

static void
certificate_is_refused(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage->tokens[0].certificate_bytes = 100;
	refused(stage);
}

static void
code_that_was_tried_is_refused(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage->tokens[0].tries_lost = 1;
	refused(stage);
}

static void
half_initialised_one_is_refused(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage->tokens[0].content = CONTENT_HALF;
	refused(stage);
}

/* A token that makes the key which another one has made before. */
static int
clone_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_make_key || bay->token != 1)
		return 0;
	EVP_PKEY_up_ref(stage->tokens[0].key);
	stage->tokens[1].key = stage->tokens[0].key;
	stage->tokens[1].key_id_bytes = message->make_key.key_id.length;
	memcpy(stage->tokens[1].key_id, message->make_key.key_id.data, message->make_key.key_id.length);
	{
		struct message answer = { .type = MESSAGE_key_made };
		uint8_t spki[1024], *at = spki;

		answer.key_made = (struct message_key_made){
			.journal = message->make_key.journal, .spki = { spki, (uint32_t)i2d_PUBKEY(stage->tokens[1].key, &at) },
		};
		stage_say(bay->fd, &answer);
	}
	return 1;
}

static void
key_that_was_seen_before_does_not_come_into_stock(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage->hook = clone_key;
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	put(stage, 0, 1);
	assert_sql(stage, "quarantined KEY_SEEN", "SELECT state || ' ' || failed_error FROM token WHERE id = 2");
	assert_sql(stage, "1", "SELECT count(*) FROM stock WHERE state = 'ready'");
	assert_sql(stage, "0", "SELECT made FROM stock_order WHERE ended_at IS NULL");
}

/* --- what it can serve */

static void
token_of_another_key_type_stays_in_stock_and_the_bay_says_so(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	stage_import_text(stage, "uid:1000(op)",
	    "{\"reference\":\"SQ-1\",\"kind\":\"new\",\"medium\":\"token\",\"quantity\":1,\"key_type\":\"rsa2048\","
	    "\"organisation\":{\"name\":\"北京示例有限公司\",\"uscc\":\"91110000101623741K\",\"division\":\"110000\"},"
	    "\"person\":{\"name\":\"张三丰\",\"id_card\":\"11010519491231002X\",\"phone\":\"13800138000\"},"
	    "\"delivery\":{\"method\":\"post\",\"recipient\":\"李四\",\"phone\":\"13900139000\",\"province\":\"北京市\","
	    "\"city\":\"北京市\",\"district\":\"海淀区\",\"address\":\"中关村南大街甲12号\"},\"approved_at\":\"2026-01-05T09:00:00+08:00\"}", "");
	stage_run(stage);
	put(stage, 0, 0);
	assert_sql(stage, "idle STOCK_UNUSED", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_sql(stage, "prekeyed", "SELECT state FROM token");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
}

static void
longer_name_than_it_has_room_for_is_left_for_a_blank_token(void **state)
{
	struct stage *stage = *state;

	stage->tokens[0].subject_max = 20;
	stock_one(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	put(stage, 0, 0);
	assert_sql(stage, "idle STOCK_UNUSED", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	put(stage, 1, 1);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
configured_level_is_kept_when_nothing_waits(void **state)
{
	struct stage *stage = *state;

	stage->config.stock_keep = 2;
	stage->config.stock_low = 2;
	stage_start(stage);
	for (int i = 0; i < 2; i++) {
		put(stage, 0, i);
		assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 1");
		take(stage, 0);
	}
	put(stage, 0, 2);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	take(stage, 0);
	assert_sql(stage, "0", "SELECT count(*) FROM event WHERE kind = 'stock.low'");
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	put(stage, 0, 0);
	assert_sql(stage, "1", "SELECT count(*) FROM event WHERE kind = 'stock.low'");
	take(stage, 0);
	put(stage, 0, 2);
	assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 1");
}

/* --- orders */

static void
order_outlives_a_restart_and_is_stopped_by_a_person(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"5\"}"), 0);
	stage_kill(stage);
	stage_start(stage);
	put(stage, 0, 0);
	assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 1");
	take(stage, 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "stop", "any", "{}"), 0);
	put(stage, 0, 1);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "stop", "any", "{}"), MINT_NOT_FOUND);
}

static void
order_of_a_key_type_that_the_token_does_not_offer_is_said_by_its_bay_until_it_is_stopped(void **state)
{
	struct stage *stage = *state;

	stage->tokens[0].key_types = stage->tokens[1].key_types = "p256";
	stage_start(stage);
	put(stage, 0, 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "rsa2048", "{\"count\":\"5\"}"), 0);
	assert_sql(stage, "idle TOKEN_MECHANISM", "SELECT state || ' ' || error FROM bay WHERE bay = 1"); /* it lay there before the order */
	put(stage, 1, 1);
	assert_sql(stage, "idle TOKEN_MECHANISM", "SELECT state || ' ' || error FROM bay WHERE bay = 2");
	assert_sql(stage, "0", "SELECT count(*) FROM stock");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "stop", "rsa2048", "{}"), 0);
	assert_sql(stage, "2", "SELECT count(*) FROM bay WHERE state = 'idle' AND error IS NULL");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "rsa2048", "{\"count\":\"5\"}"), 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"2\"}"), 0);
	assert_sql(stage, "2", "SELECT count(*) FROM bay WHERE state = 'stock'");
}

static void
order_that_makes_no_sense_is_refused_with_the_reason(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"0\"}"), MINT_ARGUMENT);
	assert_non_null(strstr(stage->last_detail, "stock_count"));
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"5O\"}"), MINT_ARGUMENT);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "dsa", "{\"count\":\"1\"}"), MINT_ARGUMENT);
	assert_non_null(strstr(stage->last_detail, "stock_key_type"));
	assert_int_equal(stage_command(stage, "uid:1000(op)", "stop", "dsa", "{}"), MINT_ARGUMENT);
	assert_non_null(strstr(stage->last_detail, "stock_key_type"));
	assert_int_equal(stage_command(stage, "uid:1000(op)", "stop", "p256", "{}"), MINT_NOT_FOUND);
	assert_non_null(strstr(stage->last_detail, "stock_none_ordered"));
	assert_sql(stage, "0", "SELECT count(*) FROM stock_order");
}

static void
lost_token_is_struck_off_the_stock(void **state)
{
	struct stage *stage = *state;

	stock_one(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "scrap", "A000", "{\"why\":\"lost\"}"), 0);
	assert_sql(stage, "given_up", "SELECT state FROM stock");
	assert_sql(stage, "scrapped", "SELECT state FROM token");
}

/* --- cut short */

static int
pull_at_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_make_key || stage->hook_count++)
		return 0;
	stage_remove(stage, 0);
	return 1;
}

static void
token_taken_out_in_mid_work_goes_on_when_it_comes_back(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	stage->hook = pull_at_key;
	put(stage, 0, 0);
	assert_sql(stage, "empty", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "initialised", "SELECT state FROM stock");
	put(stage, 1, 0);
	assert_sql(stage, "stock", "SELECT state FROM bay WHERE bay = 2");
	assert_sql(stage, "1", "SELECT count(*) FROM token_use");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	stage_check_laws(stage);
}

static void
token_taken_out_in_mid_work_and_lost_is_struck_off(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"1\"}"), 0);
	stage->hook = take_time_over_the_key;
	put(stage, 0, 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "scrap", "A000", "{\"why\":\"lost\"}"), MINT_REFUSED);
	assert_sql(stage, "bound initialised", "SELECT t.state || ' ' || s.state FROM token t, stock s");
	take(stage, 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "scrap", "A000", "{\"why\":\"lost\"}"), 0);
	assert_sql(stage, "scrapped given_up", "SELECT t.state || ' ' || s.state FROM token t, stock s");
	assert_sql(stage, "0", "SELECT count(*) FROM token_use WHERE ended_at IS NULL");
	put(stage, 0, 0);
	assert_sql(stage, "trouble TOKEN_SCRAPPED", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
}

/* Two tokens for stock, then work for both; 1 when the power was cut. */
static int
scenario(struct stage *stage, int *ordered)
{
	stage_start(stage);
	if (stage_run(stage))
		return 1;
	if (!*ordered) {
		*ordered = 1;
		if (stage_command(stage, "uid:1000(op)", "prekey", "p256", "{\"count\":\"2\"}") == 1)
			return 1;
	}
	for (int i = 0; i < STAGE_BAYS; i++) {
		if (stage->bays[i].token < 0)
			stage_insert(stage, i, i);
		if (stage_run(stage))
			return 1;
	}
	for (int i = 0; i < STAGE_BAYS; i++) {
		stage_remove(stage, i);
		if (stage_run(stage))
			return 1;
	}
	stage_import(stage, "uid:1000(op)", "SQ-1", 2, "");
	for (int i = 0; i < STAGE_BAYS; i++) {
		stage_insert(stage, i, i);
		if (stage_run(stage))
			return 1;
	}
	return stage_operate(stage);
}

static int
cut_at(int n)
{
	struct stage *stage = calloc(1, sizeof *stage);
	int ordered = 0, cut;

	stage_open(stage);
	stage->cut_after = n;
	cut = scenario(stage, &ordered);
	stage->cut_after = 0;
	if (cut) {
		/* Whether the order was taken, only the record knows. */
		ordered = strcmp(stage_sql(stage, "SELECT count(*) FROM stock_order"), "0") != 0;
		assert_int_equal(scenario(stage, &ordered), 0);
	}
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	assert_sql(stage, "0", "SELECT count(*) FROM token WHERE state = 'quarantined'");
	assert_sql(stage, "2 2", "SELECT sum(made) || ' ' || (SELECT count(*) FROM stock WHERE state = 'used') FROM stock_order");
	assert_int_equal(stage->issued_count, 2);
	stage_check_laws(stage);
	stage_close(stage);
	free(stage);
	return cut;
}

static void
nothing_is_lost_or_done_twice_wherever_the_power_is_cut(void **state)
{
	int n = 1;

	(void)state;
	while (cut_at(n))
		n++;
	assert_true(n > 60);
	print_message("%d points\n", n - 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(blank_token_is_keyed_ahead_and_checked_by_another_process_when_it_is_ordered),
		TEST(credential_that_a_token_from_stock_serves_begins_at_its_request),
		TEST(token_keyed_ahead_that_still_lies_in_its_bay_serves_what_comes),
		TEST(work_comes_before_stock),
		TEST(bay_that_keys_ahead_keeps_no_work_from_another),
		TEST(other_key_is_refused),
		TEST(other_key_id_is_refused),
		TEST(certificate_is_refused),
		TEST(code_that_was_tried_is_refused),
		TEST(half_initialised_one_is_refused),
		TEST(key_that_was_seen_before_does_not_come_into_stock),
		TEST(token_of_another_key_type_stays_in_stock_and_the_bay_says_so),
		TEST(longer_name_than_it_has_room_for_is_left_for_a_blank_token),
		TEST(configured_level_is_kept_when_nothing_waits),
		TEST(order_outlives_a_restart_and_is_stopped_by_a_person),
		TEST(order_of_a_key_type_that_the_token_does_not_offer_is_said_by_its_bay_until_it_is_stopped),
		TEST(order_that_makes_no_sense_is_refused_with_the_reason),
		TEST(lost_token_is_struck_off_the_stock),
		TEST(token_taken_out_in_mid_work_goes_on_when_it_comes_back),
		TEST(token_taken_out_in_mid_work_and_lost_is_struck_off),
		cmocka_unit_test(nothing_is_lost_or_done_twice_wherever_the_power_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
