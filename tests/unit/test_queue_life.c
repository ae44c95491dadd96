/* The life of credentials, from import to issued, on the real queue and database. */
#include "tests/unit/queue_stage.h"

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
one_credential_goes_from_import_to_issued(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_int_equal(stage->last_outcome, IMPORT_ADDED);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "take", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "sealed", "SELECT state FROM token");
	assert_sql(stage, "1", "SELECT codes IS NULL FROM token");
	assert_sql(stage, "live", "SELECT state FROM certificate");
	assert_sql(stage, "minted", "SELECT state FROM application");
	assert_int_equal(stage->printed, 1);
	stage_remove(stage, 0);
	stage_run(stage);
	assert_sql(stage, "taken", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), 0);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_sql(stage, "shipped", "SELECT state FROM token");
	assert_sql(stage, "packed", "SELECT outcome FROM token_use");
	assert_int_equal(stage->tokens[0].keys_made, 1);
	stage_check_laws(stage);
}

/* --- several at once */

static void
two_bays_mint_all_and_the_operator_packs_them(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 3, "");
	stage_import(stage, "uid:1000(op)", "SQ-2", 2, "");
	assert_int_equal(stage_operate(stage), 0);
	assert_sql(stage, "2", "SELECT count(*) FROM application WHERE state = 'issued'");
	assert_sql(stage, "5", "SELECT count(DISTINCT prove_pid) FROM proof");
	assert_sql(stage, "0", "SELECT count(*) FROM proof WHERE prove_pid = mint_pid");
	assert_int_equal(stage->printed, 2);
	assert_int_equal(stage->issued_count, 5);
	stage_check_laws(stage);
}

static void
urgent_comes_first_then_the_earliest_deadline_and_an_application_stays_together(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "LATE", 1, ",\"approved_at\":\"2026-01-07T09:00:00+08:00\"");
	stage_import(stage, "uid:1000(op)", "EARLY", 2, ",\"approved_at\":\"2026-01-05T09:00:00+08:00\"");
	stage_import(stage, "uid:1000(op)", "SAME-DAY", 1, ",\"approved_at\":\"2026-01-05T08:00:00+08:00\"");
	stage_import(stage, "uid:1000(op)", "URGENT", 1, ",\"approved_at\":\"2026-01-08T09:00:00+08:00\",\"urgent\":true");
	assert_int_equal(stage_operate(stage), 0);
	assert_sql(stage, "URGENT-01 EARLY-01 EARLY-02 SAME-DAY-01 LATE-01",
	    "SELECT group_concat(name, ' ') FROM (SELECT c.name FROM token_use u JOIN credential c ON c.id = u.credential_id "
	    "ORDER BY u.id)");
}

static void
idle_bay_starts_by_itself_when_work_arrives(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "blank", "SELECT state FROM token");
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].initialised, 1);
}

/* --- answers and commits */

static int commits_seen_by_peer;

static int
look_at_record_before_acting(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	uint64_t journal = message->type == MESSAGE_make_key ? message->make_key.journal
	    : message->type == MESSAGE_initialise ? message->initialise.journal
	    : message->type == MESSAGE_burn ? message->burn.journal
	    : message->type == MESSAGE_prove ? message->prove.journal
	    : message->type == MESSAGE_seal ? message->seal.journal : 0;

	(void)bay;
	if (journal) {
		assert_sql(stage, "1", "SELECT count(*) FROM journal WHERE id = %llu AND ended_at IS NULL",
		    (unsigned long long)journal);
		commits_seen_by_peer++;
	}
	if (message->type == MESSAGE_certify)
		assert_sql(stage, "asked", "SELECT state FROM certificate WHERE id = %llu",
		    (unsigned long long)message->certify.request_id);
	if (message->type == MESSAGE_seal)
		assert_sql(stage, "1", "SELECT count(*) FROM pin_envelope");
	if (message->type == MESSAGE_import_result)
		assert_sql(stage, "1", "SELECT count(*) FROM application");
	return 0;
}

static void
intent_is_on_disk_before_anyone_is_told_to_act(void **state)
{
	struct stage *stage = *state;

	commits_seen_by_peer = 0;
	stage_start(stage);
	stage->hook = look_at_record_before_acting;
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(commits_seen_by_peer, 5);
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	assert_sql(stage, "initialise key request certify burn prove seal",
	    "SELECT group_concat(step, ' ') FROM (SELECT step FROM journal WHERE outcome = 'done' ORDER BY id)");
}

static void
every_step_and_event_names_who_did_it(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_sql(stage, "worker worker worker worker ca worker worker operator uid", "SELECT group_concat(substr(actor, 1, instr(actor "
	    "|| ':', ':') - 1), ' ') FROM (SELECT actor FROM journal WHERE step <> 'label' ORDER BY id)");
	assert_sql(stage, "uid:1000(op)", "SELECT actor FROM event WHERE kind = 'application.imported'");
}

static void
imports_that_wait_together_are_one_turn(void **state)
{
	struct stage *stage = *state;
	char reference[16];

	stage_start(stage);
	stage_run(stage);
	for (int i = 0; i < 20; i++) {
		snprintf(reference, sizeof reference, "SQ-%d", i);
		stage_import(stage, "uid:1000(op)", reference, 1, "");
	}
	stage_turn(stage);
	assert_sql(stage, "20", "SELECT count(*) FROM application");
}

/* --- what others are told */

static void
label_names_recipient_tokens_and_application(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 2, ",\"urgent\":true");
	assert_int_equal(stage_operate(stage), 0);
	assert_string_equal(stage->last_label + strlen(stage->last_label) - 10, "ent\":true}");
	assert_non_null(strstr(stage->last_label, "\"kind\":\"shipping\""));
	assert_non_null(strstr(stage->last_label, "\"application\":\"SQ-1\""));
	assert_non_null(strstr(stage->last_label, "\"name\":\"李四\""));
	assert_non_null(strstr(stage->last_label, "\"address\":\"北京市海淀区中关村南大街甲12号\""));
	assert_non_null(strstr(stage->last_label, "\"tokens\":[\"A000\",\"A001\"]"));
	assert_non_null(strstr(stage->last_label, "\"freight_collect\":true"));
}

static void
subject_names_the_unit_its_province_and_the_applicant(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	assert_int_equal(stage_operate(stage), 0);
	assert_string_equal(stage->last_subject,
	    "{\"application\":\"SQ-1\",\"common_name\":\"北京示例有限公司\",\"credential\":\"SQ-1-01\",\"division\":\"110000\","
	    "\"organisation\":\"北京示例有限公司\",\"person_id\":\"11010519491231002X\",\"person_name\":\"张三丰\","
	    "\"province\":\"北京市\",\"role\":\"unit\",\"uscc\":\"91110000101623741K\"}");
}

static void
no_personal_data_stands_outside_its_table(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	assert_int_equal(stage_operate(stage), 0);
	assert_sql(stage, "0", "SELECT count(*) FROM event WHERE detail LIKE '%%张三%%' OR detail LIKE '%%13800138000%%'");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE detail LIKE '%%张三%%'");
	assert_sql(stage, "0", "SELECT count(*) FROM print_job WHERE detail IS NOT NULL");
}

static void
feed_is_announced_after_the_commit(void **state)
{
	struct stage *stage = *state;

	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
	assert_true(stage->last_feed > 0);
	assert_int_equal((uint64_t)strtoull(stage_sql(stage, "SELECT max(seq) FROM event"), NULL, 10), stage->last_feed);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_credential_goes_from_import_to_issued),
		TEST(two_bays_mint_all_and_the_operator_packs_them),
		TEST(urgent_comes_first_then_the_earliest_deadline_and_an_application_stays_together),
		TEST(idle_bay_starts_by_itself_when_work_arrives),
		TEST(intent_is_on_disk_before_anyone_is_told_to_act),
		TEST(every_step_and_event_names_who_did_it),
		TEST(imports_that_wait_together_are_one_turn),
		TEST(label_names_recipient_tokens_and_application),
		TEST(subject_names_the_unit_its_province_and_the_applicant),
		TEST(no_personal_data_stands_outside_its_table),
		TEST(feed_is_announced_after_the_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
