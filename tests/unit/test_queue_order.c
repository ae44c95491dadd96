/* What people and scripts may order: imports, commands, parcels, labels. And storage that fails. */
#include "tests/unit/queue_stage.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char OPERATOR[] = "uid:1000(op)", SECOND[] = "uid:1001(second)";

static int
set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	*state = stage;
	stage_open(stage);
	stage_start(stage);
	stage_run(stage);
	return 0;
}

static int
tear_down(void **state)
{
	stage_check_laws(*state);
	stage_close(*state);
	free(*state);
	return 0;
}

static void
import(struct stage *stage, const char *reference, int n, const char *extra)
{
	stage_import(stage, OPERATOR, reference, n, extra);
	stage_run(stage);
}

/* --- import */

static void
same_record_again_changes_nothing(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2, "");
	assert_int_equal(stage->last_outcome, IMPORT_ADDED);
	/* The same, said in another way: the default written out, the time in another zone. */
	import(stage, "SQ-1", 2, ",\"urgent\":false,\"approved_at\":\"2026-01-05T01:00:00Z\"");
	assert_int_equal(stage->last_outcome, IMPORT_UNCHANGED);
	assert_sql(stage, "2", "SELECT count(*) FROM credential");
	assert_sql(stage, "1", "SELECT count(*) FROM event WHERE kind = 'application.imported'");
}

static void
known_reference_with_other_content_is_refused_with_the_difference(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2, "");
	import(stage, "SQ-1", 3, "");
	assert_int_equal(stage->last_outcome, IMPORT_DIFFERENT);
	assert_non_null(strstr(stage->last_detail, "\"path\":\"quantity\""));
	assert_null(strstr(stage->last_detail, "张三丰"));
	assert_sql(stage, "2", "SELECT quantity FROM application");
}

static void
deadline_is_the_close_of_the_next_working_day(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, ",\"approved_at\":\"2026-01-05T15:00:00+08:00\"");
	assert_sql(stage, "2026-01-06 18:00:00", "SELECT datetime(deadline_at / 1000000, 'unixepoch', '+8 hours') FROM application");
}

/* --- after a restore */

/* What mintctl restore writes, while nothing runs. */
static void
restore(struct stage *stage)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(stage->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO fact (name, value) VALUES ('restored_unsettled', '{}')", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
after_a_restore_nothing_new_is_begun_until_a_person_settles_it(void **state)
{
	struct stage *stage = *state;

	stage_kill(stage);
	restore(stage);
	stage_start(stage);
	import(stage, "SQ-1", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "settle", "another", "{\"why\":\"x\"}"), MINT_NOT_FOUND);
	assert_int_equal(stage_command(stage, OPERATOR, "settle", stage->config.bench, "{}"), MINT_ARGUMENT);
	stage_run(stage);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "settle", stage->config.bench, "{\"why\":\"all revoked\"}"), 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, OPERATOR, "SELECT actor FROM event WHERE kind = 'command.settle' AND detail LIKE '%%all revoked%%'");
	assert_int_equal(stage_command(stage, OPERATOR, "settle", stage->config.bench, "{\"why\":\"again\"}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "settle_nothing"));
}

/* A token in work at the backup: its credential may have got a certificate on another one since. */
static void
after_a_restore_no_certificate_is_asked_for_until_a_person_settles_it(void **state)
{
	struct stage *stage = *state;

	stage->no_ca = 1;
	stage_kill(stage);
	stage_start(stage);
	import(stage, "SQ-1", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	stage_kill(stage);
	restore(stage);
	stage->no_ca = 0;
	stage_start(stage);
	stage_run(stage);
	assert_int_equal(stage->issued_count, 0);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "settle", stage->config.bench, "{\"why\":\"all revoked\"}"), 0);
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	assert_int_equal(stage->issued_count, 1);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static const char doubtful[] =
    "{\"reference\":\"SQ-9\",\"kind\":\"new\",\"medium\":\"token\",\"quantity\":1,\"key_type\":\"p256\","
    "\"organisation\":{\"name\":\"某公司\",\"uscc\":\"91350211M0000XUF46\",\"division\":\"350211\"},"
    "\"person\":{\"name\":\"张三\",\"id_card\":\"11010519491231002X\",\"phone\":\"13800138000\"},"
    "\"delivery\":{\"method\":\"on_site\",\"collection_point\":\"一号窗口\"},\"approved_at\":\"2026-01-05T09:00:00+08:00\"}";

static void
doubtful_credit_code_is_held_until_a_second_person_overrides(void **state)
{
	struct stage *stage = *state;

	stage_import_text(stage, OPERATOR, doubtful, "");
	stage_run(stage);
	assert_int_equal(stage->last_outcome, IMPORT_HELD);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "held waiting", "SELECT a.state || ' ' || c.state FROM application a, credential c");
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-9", "{}"), MINT_REFUSED);
	assert_int_equal(stage_command(stage, OPERATOR, "override", "SQ-9", "{\"why\":\"licence seen\"}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "second person"));
	assert_int_equal(stage_command(stage, SECOND, "override", "SQ-9", "{}"), MINT_ARGUMENT);
	assert_int_equal(stage_command(stage, SECOND, "override", "SQ-9", "{\"why\":\"licence seen\"}"), 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_non_null(strstr(stage->last_label, "\"kind\":\"collection\""));
	assert_sql(stage, SECOND, "SELECT actor FROM event WHERE kind = 'command.override'");
}

static void
demonstration_lets_one_person_import_and_override(void **state)
{
	struct stage *stage = *state;

	stage->config.single_operator = 1;
	stage_import_text(stage, OPERATOR, doubtful, "");
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "override", "SQ-9", "{\"why\":\"demonstration\"}"), 0);
}

static void
what_this_bench_cannot_mint_is_kept_and_held(void **state)
{
	struct stage *stage = *state;

	stage_import_text(stage, OPERATOR,
	    "{\"reference\":\"M-1\",\"kind\":\"new\",\"medium\":\"mobile\",\"quantity\":1,\"key_type\":\"p256\","
	    "\"organisation\":{\"name\":\"某公司\",\"uscc\":\"91110000101623741K\",\"division\":\"110000\"},"
	    "\"person\":{\"name\":\"张三\",\"id_card\":\"11010519491231002X\",\"phone\":\"13800138000\"},"
	    "\"approved_at\":\"2026-01-05T09:00:00+08:00\"}", "");
	stage_run(stage);
	assert_int_equal(stage->last_outcome, IMPORT_HELD);
	assert_int_equal(stage_command(stage, SECOND, "override", "M-1", "{\"why\":\"please\"}"), MINT_REFUSED);
	assert_sql(stage, "held", "SELECT state FROM application");
}

static void
record_that_the_strict_reader_refuses_does_not_go_in(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, ",\"surprise\":1");
	assert_int_equal(stage->last_outcome, IMPORT_FAILED);
	assert_non_null(strstr(stage->last_detail, "UNKNOWN_KEY"));
	assert_sql(stage, "0", "SELECT count(*) FROM application");
}

/* --- hold, release, cancel */

static void
held_application_is_not_claimed_and_released_it_is(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, "");
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"call the unit\"}"), 0);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
application_held_in_the_middle_finishes_its_token_and_goes_on_later(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"wait\"}"), 0);
	stage_insert(stage, 1, 1);
	stage_operate(stage);
	assert_sql(stage, "waiting", "SELECT state FROM credential WHERE ordinal = 2");
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static void
only_what_is_not_yet_minting_can_be_cancelled(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, "");
	import(stage, "SQ-2", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "cancel", "SQ-1", "{\"why\":\"withdrawn\"}"), MINT_REFUSED);
	assert_int_equal(stage_command(stage, OPERATOR, "cancel", "SQ-2", "{\"why\":\"withdrawn\"}"), 0);
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-2", "{}"), MINT_REFUSED);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_sql(stage, "waiting", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
}

static void
orders_about_nothing_are_answered_so(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage_command(stage, OPERATOR, "hold", "NO-SUCH", "{\"why\":\"x\"}"), MINT_NOT_FOUND);
	assert_int_equal(stage_command(stage, OPERATOR, "dance", "SQ-1", "{}"), MINT_NOT_FOUND);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "[1]"), MINT_SYNTAX);
	assert_non_null(strstr(stage->last_detail, "\"error\":\"SYNTAX\""));
}

/* --- parcels */

static void
mint_two_applications(struct stage *stage)
{
	import(stage, "SQ-1", 2, "");
	import(stage, "SQ-2", 1, "");
	for (int i = 0; i < 3; i++) {
		stage_insert(stage, 0, i);
		stage_run(stage);
		stage_remove(stage, 0);
		stage_run(stage);
	}
}

static void
token_of_another_application_is_refused_and_its_owner_named(void **state)
{
	struct stage *stage = *state;

	mint_two_applications(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\",\"A002\"]}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "\"token\":\"A002\""));
	assert_non_null(strstr(stage->last_detail, "\"belongs_to\":\"SQ-2\""));
	assert_sql(stage, "0", "SELECT count(*) FROM parcel_item"); /* all or none */
}

static void
parcel_may_be_packed_in_parts_and_is_issued_when_it_is_full(void **state)
{
	struct stage *stage = *state;

	mint_two_applications(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), 0);
	assert_non_null(strstr(stage->last_detail, "\"missing\":1"));
	assert_sql(stage, "minted", "SELECT state FROM application WHERE reference = 'SQ-1'");
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\",\"A001\"]}"), 0);
	assert_sql(stage, "issued", "SELECT state FROM application WHERE reference = 'SQ-1'");
	assert_sql(stage, OPERATOR, "SELECT packed_by FROM parcel WHERE state = 'packed'");
}

static void
token_still_in_its_bay_cannot_be_packed(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), MINT_REFUSED);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"NOBODY\"]}"), MINT_NOT_FOUND);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[]}"), MINT_ARGUMENT);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[7]}"), MINT_ARGUMENT);
}

/* --- labels */

static int label_error;

static int
fail_to_print(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_print_failed };

	(void)bay;
	if (message->type != MESSAGE_print || stage->hook_count++)
		return 0;
	answer.print_failed = (struct message_print_failed){ message->print.job, (uint32_t)-label_error, "told to" };
	stage_say(stage->label, &answer);
	return 1;
}

static void
mint_with_print_error(struct stage *stage, int error)
{
	label_error = error;
	stage->hook = fail_to_print;
	import(stage, "SQ-1", 1, "");
	stage_operate(stage);
}

static void
printer_that_fails_is_tried_again_and_the_tokens_wait_for_the_label(void **state)
{
	struct stage *stage = *state;

	mint_with_print_error(stage, MINT_PRINTER);
	assert_sql(stage, "packed", "SELECT state FROM application");
	assert_sql(stage, "waiting PRINTER", "SELECT state || ' ' || error FROM print_job");
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static void
label_that_cannot_be_drawn_waits_for_release(void **state)
{
	struct stage *stage = *state;

	mint_with_print_error(stage, MINT_LABEL_GLYPH);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "failed LABEL_GLYPH", "SELECT state || ' ' || error FROM print_job");
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	stage_run(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_int_equal(stage->printed, 1);
}

static void
label_in_doubt_is_never_printed_again_without_a_person(void **state)
{
	struct stage *stage = *state;

	mint_with_print_error(stage, MINT_PRINTER_UNKNOWN);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "unknown", "SELECT state FROM print_job");
	assert_sql(stage, "packed", "SELECT state FROM application");
	assert_int_equal(stage_command(stage, OPERATOR, "reprint", "SQ-1", "{\"as\":\"printed\",\"why\":\"seen\"}"), 0);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_int_equal(stage->printed, 0);
}

static void
reprint_is_a_copy_of_its_own(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, "");
	stage_operate(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "reprint", "SQ-1", "{\"why\":\"torn\"}"), 0);
	stage_run(stage);
	assert_int_equal(stage->printed, 2);
	assert_non_null(strstr(stage->last_label, "\"copy\":1"));
}

static void
labels_wait_for_a_label_program_that_is_away(void **state)
{
	struct stage *stage = *state;

	stage_kill(stage);
	stage->no_label = 1;
	stage_start(stage);
	import(stage, "SQ-1", 1, "");
	stage_operate(stage);
	assert_sql(stage, "packed", "SELECT state FROM application");
	stage_kill(stage);
	stage->no_label = 0;
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static int
fail_seal(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_seal || stage->hook_count++)
		return 0;
	stage_fail(bay, message->seal.journal, MINT_TOKEN_ERROR, FAULT_TOKEN);
	return 1;
}

static void
label_is_made_anew_when_a_token_it_names_is_replaced(void **state)
{
	struct stage *stage = *state;

	stage->hook = fail_seal; /* the label is on its way by then */
	import(stage, "SQ-1", 1, "");
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_int_equal(stage->printed, 2);
	assert_non_null(strstr(stage->last_label, "\"tokens\":[\"A001\"]"));
}

/* --- tokens */

static int
fail_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_make_key || stage->hook_count++)
		return 0;
	stage_fail(bay, message->make_key.journal, MINT_TOKEN_ERROR, FAULT_TOKEN);
	return 1;
}

static void
quarantined_token_is_refused_until_cleared_and_never_used_once_scrapped(void **state)
{
	struct stage *stage = *state;

	stage->hook = fail_key;
	import(stage, "SQ-1", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_remove(stage, 0);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "trouble TOKEN_ERROR", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	stage_remove(stage, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "clear", "A000", "{\"why\":\"checked\"}"), 0);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].erased, 1);
	assert_int_equal(stage_command(stage, OPERATOR, "scrap", "A000", "{\"why\":\"no\"}"), MINT_REFUSED);
}

/* --- storage */

static void
full_disk_promises_nothing_and_goes_on_when_there_is_room(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1, "");
	stage_insert(stage, 0, 0);
	stage_let_files_grow(0);
	stage_import(stage, OPERATOR, "SQ-2", 1, "");
	stage_run(stage);
	stage_let_files_grow(1);
	assert_int_equal(stage->last_outcome, IMPORT_FAILED);
	assert_non_null(strstr(stage->last_detail, "STORAGE"));
	assert_true(stage->queue->stalled);
	assert_sql(stage, "1", "SELECT count(*) FROM application");
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_false(stage->queue->stalled);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	import(stage, "SQ-2", 1, "");
	assert_int_equal(stage->last_outcome, IMPORT_ADDED);
}

static int full_disk_at;

static int
fill_disk_at(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)message;
	if (bay && ++stage->hook_count == full_disk_at)
		stage_let_files_grow(0);
	return 0;
}

static void
disk_that_fills_at_any_message_loses_nothing(void **state)
{
	struct stage *stage = *state;

	for (full_disk_at = 1; full_disk_at < 14; full_disk_at++) {
		stage_close(stage);
		stage_open(stage);
		stage_start(stage);
		stage->hook = fill_disk_at;
		import(stage, "SQ-1", 1, "");
		stage_insert(stage, 0, 0);
		stage_run(stage);
		stage_let_files_grow(1);
		event_active(stage->queue->chores, EV_TIMEOUT, 0);
		stage_operate(stage);
		assert_sql(stage, "issued", "SELECT state FROM application");
		assert_int_equal(stage->tokens[0].keys_made, 1);
		assert_int_equal(stage->issued_count, 1);
		stage_check_laws(stage);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(after_a_restore_nothing_new_is_begun_until_a_person_settles_it),
		TEST(after_a_restore_no_certificate_is_asked_for_until_a_person_settles_it),
		TEST(same_record_again_changes_nothing),
		TEST(known_reference_with_other_content_is_refused_with_the_difference),
		TEST(deadline_is_the_close_of_the_next_working_day),
		TEST(doubtful_credit_code_is_held_until_a_second_person_overrides),
		TEST(demonstration_lets_one_person_import_and_override),
		TEST(what_this_bench_cannot_mint_is_kept_and_held),
		TEST(record_that_the_strict_reader_refuses_does_not_go_in),
		TEST(held_application_is_not_claimed_and_released_it_is),
		TEST(application_held_in_the_middle_finishes_its_token_and_goes_on_later),
		TEST(only_what_is_not_yet_minting_can_be_cancelled),
		TEST(orders_about_nothing_are_answered_so),
		TEST(token_of_another_application_is_refused_and_its_owner_named),
		TEST(parcel_may_be_packed_in_parts_and_is_issued_when_it_is_full),
		TEST(token_still_in_its_bay_cannot_be_packed),
		TEST(printer_that_fails_is_tried_again_and_the_tokens_wait_for_the_label),
		TEST(label_that_cannot_be_drawn_waits_for_release),
		TEST(label_in_doubt_is_never_printed_again_without_a_person),
		TEST(reprint_is_a_copy_of_its_own),
		TEST(label_is_made_anew_when_a_token_it_names_is_replaced),
		TEST(labels_wait_for_a_label_program_that_is_away),
		TEST(quarantined_token_is_refused_until_cleared_and_never_used_once_scrapped),
		TEST(full_disk_promises_nothing_and_goes_on_when_there_is_room),
		TEST(disk_that_fills_at_any_message_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
