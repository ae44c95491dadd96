/* Nothing waits for ever: no bay, no credential, no caller, whatever comes at an awkward moment. */
#include "tests/unit/queue_stage.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const char OPERATOR[] = "uid:1000(op)";

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
import(struct stage *stage, const char *reference, int n)
{
	stage_import(stage, OPERATOR, reference, n, "");
	stage_run(stage);
}

static int
spoil_both(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	if (message->type == MESSAGE_revoke)
		return 1; /* no answer */
	if (bay && bay->token == 0 && message->type == MESSAGE_make_request)
		stage_fail(bay, message->make_request.journal, MINT_MODULE, FAULT_HOST);
	else if (bay && bay->token == 1 && message->type == MESSAGE_burn)
		stage_fail(bay, message->burn.journal, MINT_CERTIFICATE_SIZE, FAULT_ORDER);
	else
		return 0;
	return 1;
}

/* The first of two parked credentials could go on, the second not yet: the order is refused as a whole. */
static void
order_that_is_refused_half_way_has_told_nobody_and_holds_no_bay(void **state)
{
	struct stage *stage = *state;

	stage->hook = spoil_both;
	import(stage, "SQ-1", 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_sql(stage, "parked MODULE,parked CERTIFICATE_SIZE", "SELECT group_concat(state || ' ' || parked_error) FROM credential");
	stage_remove(stage, 1);
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), MINT_BUSY);
	assert_int_equal(stage->bays[0].lease, 0); /* no worker was ordered for what is not so */
	assert_false(event_pending(stage->queue->bays[0].deadline, EV_TIMEOUT, NULL)); /* and none is waited for */
	assert_sql(stage, "parked,parked", "SELECT group_concat(state) FROM credential");
	assert_sql(stage, "trouble", "SELECT state FROM bay WHERE bay = 1");
	stage->hook = NULL;
	event_active(stage->queue->chores, EV_TIMEOUT, 0); /* now the certificate is revoked */
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static int
keep_silent(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	return bay && message->type == MESSAGE_make_key;
}

static void
what_a_crash_cut_short_is_ended_when_all_starts_again(void **state)
{
	struct stage *stage = *state;

	stage->hook = keep_silent;
	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "key", "SELECT step FROM journal WHERE ended_at IS NULL");
	assert_sql(stage, "1", "SELECT count(*) FROM lease WHERE ended_at IS NULL");
	stage_kill(stage);
	stage->bays[0].token = -1;
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "key lost", "SELECT step || ' ' || outcome FROM journal ORDER BY id DESC LIMIT 1");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	assert_sql(stage, "0", "SELECT count(*) FROM lease WHERE ended_at IS NULL");
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
	assert_sql(stage, "0", "SELECT count(*) FROM bay WHERE credential_id IS NOT NULL");
}

static void
write_sql(struct stage *stage, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(stage->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* --- work that comes while a bay goes to rest */

static int
import_at_finish(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (message->type != MESSAGE_finish || stage->hook_count++ > 0)
		return 0;
	stage_import(stage, OPERATOR, "SQ-1", 1, "");
	stage_turn(stage);
	stage_exit(stage, bay, 0);
	return 1;
}

static void
work_that_comes_while_a_worker_leaves_an_idle_bay_is_begun(void **state)
{
	struct stage *stage = *state;

	stage->hook = import_at_finish;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage->last_outcome, IMPORT_ADDED);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- a database that another program holds */

static sqlite3 *newest;

static int
remember(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	newest = db;
	return SQLITE_OK;
}

static void
let_go(struct stage *stage, sqlite3 *other)
{
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
}

/* Another program's connection to the record of a queue that gives up at once, where it would wait some seconds. */
static sqlite3 *
other_program(struct stage *stage)
{
	sqlite3 *other = NULL;

	stage_kill(stage);
	sqlite3_auto_extension((void (*)(void))remember);
	stage_start(stage);
	stage_run(stage);
	sqlite3_reset_auto_extension();
	sqlite3_busy_timeout(newest, 0);
	assert_int_equal(sqlite3_open(stage->database, &other), SQLITE_OK);
	return other;
}

static sqlite3 *holder;

static int
hold_when_it_leaves(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (bay && message->type == MESSAGE_finish && !stage->hook_count++)
		assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return 0;
}

/* mintd tells the end of a worker once. */
static void
worker_that_ends_while_the_database_is_held_leaves_its_bay_free(void **state)
{
	struct stage *stage = *state;

	holder = other_program(stage);
	import(stage, "SQ-1", 1);
	stage->hook = hold_when_it_leaves;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage->queue->stalled, MINT_BUSY);
	let_go(stage, holder);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	sqlite3_close(holder);
}

static void
database_held_by_another_stalls_and_loses_nothing(void **state)
{
	struct stage *stage = *state;
	sqlite3 *other = other_program(stage);

	import(stage, "SQ-1", 1);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_import(stage, OPERATOR, "SQ-2", 1, "");
	stage_run(stage);
	assert_int_equal(stage->last_outcome, IMPORT_FAILED);
	assert_true(stage->queue->stalled);
	let_go(stage, other);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	/* What is taken out meanwhile is known to be taken, although all bays are empty then. */
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	stage_remove(stage, 0);
	stage_run(stage);
	assert_true(stage->queue->stalled);
	let_go(stage, other);
	assert_sql(stage, "taken", "SELECT state FROM credential");
	sqlite3_close(other);
}

/* --- after a start */

static void
start_with_a_token_at_the_ca_settles_what_was_taken_out(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_kill(stage);
	stage->no_ca = 1;
	stage_start(stage);
	import(stage, "SQ-2", 1);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	stage_kill(stage);
	stage->bays[0].token = -1;
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	assert_sql(stage, "taken", "SELECT state FROM credential WHERE name = 'SQ-1-01'");
}

/* --- a reader that says "gone" while the bench shows a token */

static int
always_gone(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (message->type != MESSAGE_order)
		return 0;
	if (++stage->hook_count > 100)
		fail_msg("a worker is started again and again without end");
	stage_fail(bay, 0, MINT_READER, FAULT_GONE);
	return 1;
}

static void
bay_whose_reader_cannot_be_opened_is_told_to_a_person(void **state)
{
	struct stage *stage = *state;

	stage->hook = always_gone;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "trouble READER", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	stage->hook = NULL;
	stage_remove(stage, 0);
	stage_run(stage);
	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- one use in two bays */

static int
hold_the_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	return bay == &stage->bays[0] && message->type == MESSAGE_make_key;
}

static void
second_token_of_the_same_serial_leaves_the_one_at_work_alone(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2);
	stage->hook = hold_the_key;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "initialised", "SELECT state FROM credential WHERE ordinal = 1");
	strcpy(stage->tokens[1].serial, stage->tokens[0].serial);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_sql(stage, "sealed MB-00000002", "SELECT state || ' ' || marker FROM token WHERE id = 2");
	assert_sql(stage, "working initialised", "SELECT b.state || ' ' || c.state FROM bay b JOIN credential c ON c.id = b.credential_id "
	    "WHERE bay = 1");
}

static int
keep_the_killed_one(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (bay == &stage->bays[0] && message->type == MESSAGE_make_key)
		return 1;
	return !bay && message->type == MESSAGE_worker_kill; /* SIGKILL takes its time */
}

static void
token_moved_before_its_worker_is_reaped_goes_on_in_the_other_bay(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 1);
	stage->hook = keep_the_killed_one;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_kill(stage);
	stage->no_ca = 1;
	stage_start(stage);
	stage_run(stage);
	stage_remove(stage, 0);
	stage_insert(stage, 1, 0);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	stage_exit(stage, &stage->bays[0], 9);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	stage_meet_ca(stage);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- orders of people */

static void
application_with_a_live_certificate_cannot_be_cancelled_while_held(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"wait\"}"), 0);
	assert_int_equal(stage_command(stage, OPERATOR, "cancel", "SQ-1", "{\"why\":\"withdrawn\"}"), MINT_REFUSED);
	assert_sql(stage, "held", "SELECT state FROM application");
	/* Given up one by one, with their certificates revoked, it can. */
	assert_int_equal(stage_command(stage, OPERATOR, "resolve", "SQ-1-01", "{\"as\":\"abandon\",\"why\":\"withdrawn\"}"), 0);
	assert_int_equal(stage->issued[0].revoked, 1);
	assert_int_equal(stage_command(stage, OPERATOR, "cancel", "SQ-1", "{\"why\":\"withdrawn\"}"), 0);
}

static void
held_application_is_not_packed(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_remove(stage, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"wait\"}"), 0);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), MINT_REFUSED);
	assert_sql(stage, "taken", "SELECT state FROM credential WHERE name = 'SQ-1-01'");
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), 0);
}

static void
reason_that_looks_like_findings_can_be_released(void **state)
{
	struct stage *stage = *state;

	import(stage, "SQ-1", 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"[urgent] call first\"}"), 0);
	assert_int_equal(stage_command(stage, OPERATOR, "release", "SQ-1", "{}"), 0);
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

/* --- a step that took too long */

static int
first_initialise_is_too_slow(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (message->type != MESSAGE_initialise || stage->hook_count++ > 0)
		return 0;
	stage_fail(bay, message->initialise.journal, MINT_TIMEOUT, FAULT_TOKEN);
	return 1;
}

static void
step_that_took_too_long_is_looked_at_before_the_token_is_given_up(void **state)
{
	struct stage *stage = *state;

	stage->hook = first_initialise_is_too_slow;
	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "1", "SELECT attempt FROM credential");
}

/* --- a CA that cannot look now */

static int
sign_hang_up_and_then_be_busy(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_certify_refused };

	(void)bay;
	if (message->type == MESSAGE_certify && stage->hook_count++ == 0) {
		stage_lose_ca(stage, message);
		return 1;
	}
	if (message->type != MESSAGE_lookup || stage->hook_count++ != 1)
		return 0;
	answer.certify_refused = (struct message_certify_refused){ message->lookup.request_id, (uint32_t)-MINT_BUSY, "" };
	stage_say(stage->ca, &answer);
	return 1;
}

static void
request_in_doubt_stays_in_doubt_while_the_ca_cannot_look(void **state)
{
	struct stage *stage = *state;

	stage->hook = sign_hang_up_and_then_be_busy;
	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_meet_ca(stage);
	stage_run(stage);
	assert_sql(stage, "unknown", "SELECT state FROM certificate");
	assert_int_equal(stage_command(stage, OPERATOR, "resolve", "SQ-1-01", "{\"as\":\"redo\",\"why\":\"broken\"}"), 0);
	assert_int_equal(stage->issued[0].revoked, 1);
	assert_sql(stage, "revoked", "SELECT state FROM certificate");
}

/* --- one bad record */

static int
busy_ca(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_certify_refused };

	(void)bay;
	if (message->type != MESSAGE_certify || stage->hook_count++ > 0)
		return 0;
	answer.certify_refused = (struct message_certify_refused){ message->certify.request_id, (uint32_t)-MINT_BUSY, "" };
	stage_say(stage->ca, &answer);
	return 1;
}

static void
label_that_cannot_be_composed_stops_no_other_application(void **state)
{
	struct stage *stage = *state;

	stage_kill(stage);
	stage->no_label = 1;
	stage_start(stage);
	import(stage, "SQ-1", 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "waiting", "SELECT state FROM print_job");
	write_sql(stage, "UPDATE person SET record = NULL");
	stage->hook = busy_ca;
	import(stage, "SQ-2", 1);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	stage_kill(stage);
	stage->no_label = 0;
	stage_start(stage);
	stage_run(stage);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	assert_sql(stage, "failed", "SELECT state FROM print_job WHERE id = 1");
}

/* --- a generation that was cut short */

static int erased;

static int
die_at_first_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (message->type == MESSAGE_initialise)
		erased += message->initialise.erase;
	if (message->type != MESSAGE_make_key || stage->hook_count++ > 0)
		return 0;
	assert_int_equal(erased, 0);
	stage_exit(stage, bay, 9);
	return 1;
}

static void
key_generation_cut_short_is_erased_before_the_next_one(void **state)
{
	struct stage *stage = *state;

	erased = 0;
	import(stage, "SQ-1", 1);
	stage->hook = die_at_first_key;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(erased, 1);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "lost,done", "SELECT group_concat(outcome) FROM (SELECT outcome FROM journal WHERE step = 'key' ORDER BY id)");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_a_crash_cut_short_is_ended_when_all_starts_again),
		TEST(order_that_is_refused_half_way_has_told_nobody_and_holds_no_bay),
		TEST(key_generation_cut_short_is_erased_before_the_next_one),
		TEST(work_that_comes_while_a_worker_leaves_an_idle_bay_is_begun),
		TEST(worker_that_ends_while_the_database_is_held_leaves_its_bay_free),
		TEST(database_held_by_another_stalls_and_loses_nothing),
		TEST(start_with_a_token_at_the_ca_settles_what_was_taken_out),
		TEST(bay_whose_reader_cannot_be_opened_is_told_to_a_person),
		TEST(second_token_of_the_same_serial_leaves_the_one_at_work_alone),
		TEST(token_moved_before_its_worker_is_reaped_goes_on_in_the_other_bay),
		TEST(application_with_a_live_certificate_cannot_be_cancelled_while_held),
		TEST(held_application_is_not_packed),
		TEST(reason_that_looks_like_findings_can_be_released),
		TEST(step_that_took_too_long_is_looked_at_before_the_token_is_given_up),
		TEST(request_in_doubt_stays_in_doubt_while_the_ca_cannot_look),
		TEST(label_that_cannot_be_composed_stops_no_other_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
