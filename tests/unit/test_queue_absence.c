/* Tokens that are not seen any more: what goes with the power is in no record as taken by a person, whatever order the news come in, and no bay
 * waits for ever. */
#include "tests/unit/queue_acts.h"

#include "schemas/station.h"

#include <event2/event.h>
#include <stdlib.h>

static void
stop(struct stage *stage, int stopped)
{
	stage_station(stage, STATION_LINK_UP, stopped);
	for (int i = 0; i < STAGE_BAYS; i++)
		stage_supply(stage, i, stopped ? SUPPLY_OFF : SUPPLY_RISING);
	stage_run(stage);
}

static void
confirm(struct stage *stage)
{
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
}

/* A mint-bench that begins: neither board nor hub has answered. */
static void
begin_anew(struct stage *stage)
{
	stage_station(stage, STATION_LINK_NONE, STOP_NOT_SAID);
	for (int i = 0; i < STAGE_BAYS; i++)
		stage_supply(stage, i, SUPPLY_UNKNOWN);
}

static void
assert_nobody_took_anything(struct stage *stage)
{
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE step = 'take'");
	assert_sql(stage, "0", "SELECT count(*) FROM parcel_item");
}

static const char *
bay_now(struct stage *stage, int bay)
{
	return stage_sql(stage, "SELECT state || ' ' || coalesce(error, '-') FROM bay WHERE bay = %d", bay + 1);
}

/* --- a start without power */

static void
token_in_a_bay_that_is_stopped_while_mint_queue_starts_anew_is_not_taken(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stop(stage, 1);
	act_vanish(stage, 0);
	stage_kill(stage);
	stage_start(stage);
	begin_anew(stage);
	stage_run(stage);
	stop(stage, 1);
	assert_string_equal(bay_now(stage, 0), "stopped STATION_STOPPED");
	assert_nobody_took_anything(stage);
	stop(stage, 0);
	confirm(stage); /* before the token shows */
	assert_nobody_took_anything(stage);
	stage_supply(stage, 0, SUPPLY_ON);
	act_insert(stage, 0, 0);
	assert_string_equal(bay_now(stage, 0), "take -");
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
token_whose_bay_gets_its_power_late_after_a_start_is_not_taken(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	stage->hook = NULL;
	act_insert(stage, 1, 1);
	stage_kill(stage);
	stage->bays[0].token = stage->bays[1].token = -1; /* without power no token shows */
	stage_start(stage);
	begin_anew(stage);
	stage_run(stage);
	assert_sql(stage, "initialised sealed", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
	assert_int_not_equal(stage->bays[0].light, STATION_LIGHT_insert_blank);
	stage_station(stage, STATION_LINK_UP, STOP_RELEASED);
	stage_supply(stage, 0, SUPPLY_ON);
	stage_supply(stage, 1, SUPPLY_ON);
	stage_run(stage);
	act_insert(stage, 0, 0);
	assert_sql(stage, "sealed sealed", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
	assert_int_equal(stage->tokens[0].keys_made, 1);
	act_time_is_up(stage, 1); /* this one was taken out meanwhile */
	assert_sql(stage, "sealed taken", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
}

static void
token_that_was_carried_to_another_bay_during_a_restart_is_not_taken(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_kill(stage);
	stage->bays[0].token = -1;
	stage->bays[1].token = 0;
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "2 sealed", "SELECT group_concat(bay) || ' ' || c.state FROM bay b JOIN credential c ON c.id = b.credential_id");
	act_time_is_up(stage, 0);
	assert_nobody_took_anything(stage);
	assert_string_equal(bay_now(stage, 0), "empty -");
}

static void
storage_that_fails_while_the_bays_are_stopped_makes_no_token_taken(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stop(stage, 1);
	act_vanish(stage, 0);
	stage_let_files_grow(0);
	act_import(stage, "SQ-2", 1);
	stage_let_files_grow(1);
	assert_true(stage->queue->stalled);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_int_equal(stage->queue->stalled, 0);
	assert_nobody_took_anything(stage);
	stop(stage, 0);
	act_insert(stage, 0, 0);
	assert_string_equal(bay_now(stage, 0), "take -");
	assert_nobody_took_anything(stage);
}

/* --- power that is there, or not, against what is told */

static void
token_that_shows_has_power_whatever_is_told_of_the_supply(void **state)
{
	struct stage *stage = *state;

	for (int supply = 0; supply < 2; supply++) {
		stage_supply(stage, 0, supply ? SUPPLY_UNKNOWN : SUPPLY_OFF);
		act_import(stage, supply ? "SQ-2" : "SQ-1", 2);
		for (int i = 0; i < 2; i++) {
			act_insert(stage, 0, 2 * supply + i);
			assert_string_equal(bay_now(stage, 0), "take -");
			act_vanish(stage, 0);
		}
		act_time_is_up(stage, 0);
	}
	assert_string_equal(bay_now(stage, 0), "empty -");
	assert_sql(stage, "4", "SELECT count(*) FROM credential WHERE state = 'taken'");
}

static void
bay_whose_power_does_not_come_back_says_so_parks_its_work_and_goes_on_by_itself(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	stage_supply(stage, 0, SUPPLY_OFF);
	act_vanish(stage, 0);
	stage_cycled(stage, 0, MINT_STATION);
	stage_run(stage);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_working);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_insert_blank);
	act_time_is_up(stage, 0);
	assert_string_equal(bay_now(stage, 0), "trouble SUPPLY");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_fault);
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential ORDER BY id");
	stage->hook = NULL;
	act_insert(stage, 0, 0);
	assert_string_equal(bay_now(stage, 0), "take -");
	assert_int_equal(stage->tokens[0].keys_made, 1);
	assert_nobody_took_anything(stage);
}

static void
finished_token_in_a_bay_whose_power_does_not_come_back_is_not_taken(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_supply(stage, 0, SUPPLY_OFF);
	act_vanish(stage, 0);
	act_time_is_up(stage, 0);
	assert_string_equal(bay_now(stage, 0), "trouble SUPPLY");
	confirm(stage);
	assert_nobody_took_anything(stage);
	stage_supply(stage, 0, SUPPLY_ON);
	stage_run(stage);
	act_insert(stage, 0, 0);
	assert_string_equal(bay_now(stage, 0), "take -");
}

/* An open lid, or a board that starts anew: VBUS is wanted and rises again. A supply that fails: VBUS is given and weak. */
static void
finished_token_that_goes_with_the_lid_or_a_failing_supply_is_not_taken(void **state)
{
	static const enum supply supplies[] = { SUPPLY_RISING, SUPPLY_WEAK };
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_import(stage, "SQ-2", 1);
	for (int bay = 0; bay < 2; bay++) {
		act_insert(stage, bay, bay);
		stage_supply(stage, bay, supplies[bay]);
		act_vanish(stage, bay);
		act_time_is_up(stage, bay);
		confirm(stage);
		assert_nobody_took_anything(stage);
		stage_supply(stage, bay, SUPPLY_ON);
		stage_run(stage);
		act_insert(stage, bay, bay);
		assert_string_equal(bay_now(stage, bay), "take -");
	}
}

static void
empty_bay_without_power_asks_for_no_token_and_says_so_in_the_end(void **state)
{
	struct stage *stage = *state;

	stage_supply(stage, 0, SUPPLY_OFF);
	stage_run(stage);
	act_import(stage, "SQ-1", 2);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_dark);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_insert_blank);
	act_time_is_up(stage, 0);
	assert_string_equal(bay_now(stage, 0), "trouble SUPPLY");
	stage_supply(stage, 0, SUPPLY_ON);
	stage_run(stage);
	assert_string_equal(bay_now(stage, 0), "empty -"); /* nothing is waited for */
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_insert_blank);
}

/* --- the stop, told by a board whose link is not there */

static void
stop_stands_while_nobody_tells_of_it(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	stop(stage, 1);
	act_insert(stage, 0, 0);
	stage_station(stage, STATION_LINK_NONE, STOP_NOT_SAID);
	stage_run(stage);
	assert_string_equal(bay_now(stage, 0), "stopped STATION_STOPPED");
	stage_kill(stage);
	stage->no_bench = 1;
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "1", "SELECT stopped FROM station");
	stage_meet_bench(stage); /* whose board is up, and says that it is released */
	stage_run(stage);
	assert_string_equal(bay_now(stage, 0), "take -");
	stop(stage, 1);
	stage_station(stage, STATION_LINK_NONE, STOP_RELEASED); /* by the host's own line */
	stage_run(stage);
	assert_sql(stage, "0", "SELECT stopped FROM station");
	assert_sql(stage, "station.stopped station.lost station.released station.stopped station.lost station.released",
	    "SELECT group_concat(kind, ' ') FROM (SELECT kind FROM event WHERE kind LIKE 'station.%%' AND kind <> 'station.back' ORDER BY seq)");
}

/* --- in any order */

static void
reader_that_vanishes_before_the_stop_is_told_leaves_no_record(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	stage->hook = NULL;
	act_insert(stage, 1, 1);
	act_vanish(stage, 1);
	assert_string_equal(bay_now(stage, 1), "empty -"); /* the operator's view is quick */
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_dark);
	act_vanish(stage, 0); /* a bay at work */
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	stop(stage, 1);
	assert_string_equal(bay_now(stage, 0), "stopped STATION_STOPPED");
	assert_string_equal(bay_now(stage, 1), "stopped STATION_STOPPED");
	assert_int_equal(stage->sounds[0], STATION_SOUND_silent);
	stop(stage, 0);
	confirm(stage);
	assert_sql(stage, "0", "SELECT count(*) FROM event WHERE kind = 'credential.parked'");
	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	assert_string_equal(bay_now(stage, 0), "take -");
	assert_string_equal(bay_now(stage, 1), "take -");
	assert_nobody_took_anything(stage);
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static void
stop_that_is_released_before_a_killed_worker_is_gone_makes_no_token_missed(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_worker;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stop(stage, 1);
	act_vanish(stage, 0);
	stop(stage, 0);
	assert_int_not_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	stage->hook = NULL;
	stage_exit(stage, &stage->bays[0], 9);
	stage_run(stage);
	assert_sql(stage, "initialised", "SELECT state FROM credential");
	act_insert(stage, 0, 0);
	assert_string_equal(bay_now(stage, 0), "take -");
	assert_sql(stage, "0", "SELECT count(*) FROM event WHERE kind = 'credential.parked'");
	assert_int_equal(stage->sounds[0], STATION_SOUND_done);
}

static void
readers_that_vanish_with_their_board_are_waited_for(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	act_vanish(stage, 0);
	stage_station(stage, STATION_LINK_NONE, STOP_RELEASED);
	stage_run(stage);
	act_vanish(stage, 1);
	act_time_is_up(stage, 0); /* of its doubt: nothing on the board has power any more */
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_working);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_working);
	stage_station(stage, STATION_LINK_UP, STOP_RELEASED);
	stage_run(stage);
	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	assert_nobody_took_anything(stage);
	stage_station(stage, STATION_LINK_NONE, STOP_RELEASED); /* and does not come back */
	stage_run(stage);
	act_vanish(stage, 0);
	act_time_is_up(stage, 0); /* its neighbour shows a token: the board is unplugged and has power */
	assert_sql(stage, "taken sealed", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
	act_vanish(stage, 1);
	act_time_is_up(stage, 1);
	assert_string_equal(bay_now(stage, 1), "trouble SUPPLY");
	act_insert(stage, 1, 2); /* the bay is not dead: what it held has been swapped by a person */
	assert_string_equal(bay_now(stage, 1), "idle -");
	assert_sql(stage, "2", "SELECT count(*) FROM credential WHERE state = 'taken'");
}

/* It is on the bus, so its supply is there. */
static void
token_that_is_taken_when_its_board_stops_answering_is_on_record(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_vanish(stage, 0);
	stage_station(stage, STATION_LINK_SILENT, STOP_RELEASED);
	stage_run(stage);
	act_time_is_up(stage, 0);
	assert_sql(stage, "taken", "SELECT state FROM credential");
}

static void
token_that_is_taken_long_after_its_board_was_unplugged_is_on_record(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_station(stage, STATION_LINK_NONE, STOP_RELEASED);
	stage_run(stage);
	stage->queue->stations[0].lost_us = 1;
	act_vanish(stage, 0);
	act_time_is_up(stage, 0);
	assert_sql(stage, "taken", "SELECT state FROM credential");
}

static void
person_who_takes_a_token_is_on_record_after_a_moment_and_the_next_one_need_not_wait(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	act_vanish(stage, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential ORDER BY id");
	act_time_is_up(stage, 0);
	assert_sql(stage, "taken", "SELECT state FROM credential ORDER BY id");
	act_insert(stage, 0, 1);
	assert_string_equal(bay_now(stage, 0), "take -");
	act_insert(stage, 1, 2); /* of nobody: gone at once */
	act_vanish(stage, 1);
	assert_int_equal(event_pending(stage->queue->bays[1].deadline, EV_TIMEOUT, NULL), 0);
	assert_string_equal(bay_now(stage, 1), "empty -");
}

/* --- our own cycle */

static void
mute_token_that_shows_late_after_its_cycle_is_not_cycled_again(void **state)
{
	struct stage *stage = *state;

	stage->bays[0].mute = 1;
	act_insert(stage, 0, 0);
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	stage_run(stage);
	act_time_is_up(stage, 0);
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_string_equal(bay_now(stage, 0), "trouble TOKEN_MUTE");
	act_vanish(stage, 0); /* a person puts it in again: tried once more */
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].cycles, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, act_set_up, act_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(token_in_a_bay_that_is_stopped_while_mint_queue_starts_anew_is_not_taken),
		TEST(token_whose_bay_gets_its_power_late_after_a_start_is_not_taken),
		TEST(token_that_was_carried_to_another_bay_during_a_restart_is_not_taken),
		TEST(storage_that_fails_while_the_bays_are_stopped_makes_no_token_taken),
		TEST(token_that_shows_has_power_whatever_is_told_of_the_supply),
		TEST(bay_whose_power_does_not_come_back_says_so_parks_its_work_and_goes_on_by_itself),
		TEST(finished_token_in_a_bay_whose_power_does_not_come_back_is_not_taken),
		TEST(finished_token_that_goes_with_the_lid_or_a_failing_supply_is_not_taken),
		TEST(empty_bay_without_power_asks_for_no_token_and_says_so_in_the_end),
		TEST(stop_stands_while_nobody_tells_of_it),
		TEST(reader_that_vanishes_before_the_stop_is_told_leaves_no_record),
		TEST(stop_that_is_released_before_a_killed_worker_is_gone_makes_no_token_missed),
		TEST(readers_that_vanish_with_their_board_are_waited_for),
		TEST(token_that_is_taken_when_its_board_stops_answering_is_on_record),
		TEST(token_that_is_taken_long_after_its_board_was_unplugged_is_on_record),
		TEST(person_who_takes_a_token_is_on_record_after_a_moment_and_the_next_one_need_not_wait),
		TEST(mute_token_that_shows_late_after_its_cycle_is_not_cycled_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
