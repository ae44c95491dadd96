/* The station: what the lights say, what the buttons do, what comes of a stop, a cut supply, a power cycle, and of learning the wiring. */
#include "tests/unit/queue_acts.h"

#include "hostd/queue/bay.h"
#include "hostd/queue/show.h"
#include "schemas/station.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

/* As a person takes a token out: the board has nothing to say for as long as there is doubt. */
static void
take(struct stage *stage, int bay)
{
	act_vanish(stage, bay);
	act_time_is_up(stage, bay);
}

/* The key's step hangs once. */
static int
hang_once(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	return bay && message->type == MESSAGE_make_key && stage->hook_count++ == 0;
}

static const char *
events(struct stage *stage, const char *like)
{
	return stage_sql(stage, "SELECT group_concat(kind || coalesce(' ' || bay, '') || coalesce(' ' || error, ''), ', ') FROM "
	    "(SELECT * FROM event WHERE kind LIKE '%s' ORDER BY seq)", like);
}

/* --- lights */

static void
lights_lead_a_token_from_the_blank_one_to_the_parcel(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage->bays[0].light, STATION_LIGHT_dark);
	assert_int_equal(stage->lamps, 0);
	act_import(stage, "SQ-1", 1);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_insert_blank);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_dark); /* one blank is asked for, not two */
	assert_int_equal(stage->lamps, 2);
	stage->hook = act_keep_silent_at_key;
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_working);
	assert_int_equal(stage->bays[0].burning, 1);
	assert_int_equal(stage->lamps, 4);
	assert_sql(stage, "working", "SELECT light FROM bay WHERE bay = 1");
	stage->hook = NULL;
	act_time_is_up(stage, 0);
	stage_cycled(stage, 0, MINT_BUSY); /* the ordinary way: a fresh worker */
	stage_run(stage);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_take);
	assert_int_equal(stage->bays[0].burning, 0);
	assert_int_equal(stage->sounds[0], STATION_SOUND_done);
	assert_int_equal(stage->lamps, 0);
	assert_sql(stage, "1", "SELECT p.id FROM bay b JOIN credential c ON c.id = b.credential_id JOIN parcel p ON "
	    "p.application_id = c.application_id WHERE b.bay = 1");
	act_vanish(stage, 0);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_dark);
}

static void
light_is_told_when_it_changes_and_all_again_to_a_new_mint_bench(void **state)
{
	struct stage *stage = *state;
	int shows = stage->bays[0].shows;

	assert_int_equal(shows, 1);
	act_import(stage, "SQ-1", 1);
	assert_int_equal(stage->bays[0].shows, 2);
	act_import(stage, "SQ-2", 1);
	assert_int_equal(stage->bays[0].shows, 2);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_insert_blank);
	stage->bays[0].light = stage->bays[1].light = stage->lamps = -1;
	stage_meet_bench(stage);
	stage_run(stage);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_insert_blank);
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_insert_blank);
	assert_int_equal(stage->lamps, 2);
}

static void
every_state_and_error_of_a_bay_has_its_light(void **state)
{
	static const struct {
		enum state         state;
		const char        *trouble;
		int64_t            blanks;
		enum station_light light;
	} rows[] = {
		{ STATE_bay_no_reader, NULL, 9, STATION_LIGHT_fault }, { STATE_bay_no_reader, "MODULE", 0, STATION_LIGHT_fault },
		{ STATE_bay_empty, NULL, 0, STATION_LIGHT_dark }, { STATE_bay_empty, NULL, 1, STATION_LIGHT_insert_blank },
		{ STATE_bay_empty, "TOKEN_GONE", 1, STATION_LIGHT_put_back }, { STATE_bay_idle, NULL, 1, STATION_LIGHT_dark },
		{ STATE_bay_idle, "TOKEN_MECHANISM", 1, STATION_LIGHT_attention }, { STATE_bay_idle, "STOCK_UNUSED", 1, STATION_LIGHT_attention },
		{ STATE_bay_idle, "STOCK_UNUSED", 0, STATION_LIGHT_dark }, { STATE_bay_working, NULL, 1, STATION_LIGHT_working },
		{ STATE_bay_take, NULL, 0, STATION_LIGHT_take }, { STATE_bay_stock, NULL, 0, STATION_LIGHT_take },
		{ STATE_bay_stopped, "STATION_STOPPED", 1, STATION_LIGHT_dark }, { STATE_bay_trouble, "TOKEN_ERROR", 0, STATION_LIGHT_quarantine },
		{ STATE_bay_trouble, "TOKEN_FOREIGN", 0, STATION_LIGHT_quarantine }, { STATE_bay_trouble, "PROOF_KEY", 0, STATION_LIGHT_quarantine },
		{ STATE_bay_trouble, "TOKEN_UNKNOWN", 0, STATION_LIGHT_attention }, { STATE_bay_trouble, "TOKEN_LIVE", 0, STATION_LIGHT_attention },
		{ STATE_bay_trouble, "CA_REFUSED", 0, STATION_LIGHT_attention }, { STATE_bay_trouble, "TOKEN_MUTE", 0, STATION_LIGHT_fault },
		{ STATE_bay_trouble, "SUPPLY", 0, STATION_LIGHT_fault }, { STATE_bay_trouble, "BAY_PORT", 0, STATION_LIGHT_fault },
	};
	struct stage *stage = *state;
	struct bay bay = { .queue = stage->queue };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t blanks = rows[i].blanks;

		bay.state = rows[i].state;
		bay.trouble = rows[i].trouble;
		assert_int_equal(show_light(&bay, &blanks), rows[i].light);
		assert_int_equal(blanks, rows[i].blanks - (rows[i].light == STATION_LIGHT_insert_blank));
	}
}

/* --- taken too early */

static void
token_taken_too_early_is_noticed_at_once_and_the_alarm_ends_when_it_is_back(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_worker;
	act_import(stage, "SQ-1", 2);
	act_insert(stage, 0, 0);
	act_vanish(stage, 0); /* its worker is still there */
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	assert_int_equal(stage->sounds[0], STATION_SOUND_alarm);
	assert_int_equal(stage->lamps & 1, 1);
	stage->hook = NULL;
	stage_exit(stage, &stage->bays[0], 9);
	act_insert(stage, 1, 1); /* another one is finished meanwhile: the alarm goes on */
	assert_int_equal(stage->bays[1].light, STATION_LIGHT_take);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	assert_int_equal(stage->sounds[0], STATION_SOUND_alarm);
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_take);
	assert_int_equal(stage->sounds[1], STATION_SOUND_silent);
	assert_int_equal(stage->sounds[0], STATION_SOUND_done);
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

/* Its next command fails before mint-bench has told anything. */
static int
notice_first(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_make_key)
		return 0;
	stage_fail(bay, message->make_key.journal, MINT_TOKEN_GONE, FAULT_GONE);
	stage_turn(stage);
	assert_sql(stage, "parked", "SELECT state FROM credential");
	stage_remove(stage, 0);
	return 1;
}

static void
token_that_its_worker_missed_first_is_asked_back_too_and_the_button_quiets_the_alarm(void **state)
{
	struct stage *stage = *state;

	stage->hook = notice_first;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage->hook = NULL;
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	assert_int_equal(stage->sounds[0], STATION_SOUND_alarm);
	stage_press(stage, STATION_BUTTON_quiet);
	stage_run(stage);
	assert_int_equal(stage->sounds[0], STATION_SOUND_silent);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
	assert_string_equal(events(stage, "press.%"), "press.quiet");
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_take);
}

/* --- the button */

static void
confirm_packs_the_one_parcel_that_is_complete(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 2);
	act_import(stage, "SQ-2", 1);
	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	take(stage, 0);
	stage_press(stage, STATION_BUTTON_confirm); /* its second token is still in a bay */
	stage_run(stage);
	assert_int_equal(stage->sounds[0], STATION_SOUND_refused);
	assert_sql(stage, "confirm_none", "SELECT json_extract(detail, '$.reason') FROM event WHERE kind = 'press.refused'");
	take(stage, 1);
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
	assert_sql(stage, "issued", "SELECT state FROM application WHERE reference = 'SQ-1'");
	assert_sql(stage, "bench:button", "SELECT packed_by FROM parcel WHERE state = 'packed'");
	assert_sql(stage, "2", "SELECT count(*) FROM parcel_item");
	assert_sql(stage, "bench:button", "SELECT DISTINCT actor FROM journal WHERE step = 'pack'");
	assert_sql(stage, "SQ-1 2", "SELECT a.reference || ' ' || json_array_length(e.detail, '$.tokens') FROM event e JOIN application a "
	    "ON a.id = e.application_id WHERE e.kind = 'press.packed'");
	stage_press(stage, STATION_BUTTON_confirm); /* once more: there is none left */
	stage_run(stage);
	assert_sql(stage, "2", "SELECT count(*) FROM parcel_item");
	assert_sql(stage, "2", "SELECT count(*) FROM event WHERE kind = 'press.refused'");
}

static void
confirm_never_guesses_between_two_parcels(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_import(stage, "SQ-2", 1);
	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	take(stage, 0);
	take(stage, 1);
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
	assert_int_equal(stage->sounds[0], STATION_SOUND_refused);
	assert_sql(stage, "0", "SELECT count(*) FROM parcel_item");
	assert_sql(stage, "confirm_several [\"SQ-1\",\"SQ-2\"]", "SELECT json_extract(detail, '$.reason') || ' ' || "
	    "json_extract(detail, '$.applications') FROM event WHERE kind = 'press.refused'");
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-2", "{\"tokens\":[\"A001\"]}"), 0);
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
	assert_sql(stage, "2", "SELECT count(*) FROM application WHERE state = 'issued'");
}

static void
confirm_leaves_alone_a_parcel_whose_label_is_not_out_and_one_whose_token_was_put_back(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	take(stage, 0);
	act_insert(stage, 0, 0); /* the finished one is in a bay again */
	assert_sql(stage, "taken take", "SELECT c.state || ' ' || b.state FROM credential c, bay b WHERE b.bay = 1");
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
	assert_sql(stage, "0", "SELECT count(*) FROM parcel_item");
	take(stage, 0);
	assert_int_equal(stage_command(stage, OPERATOR, "hold", "SQ-1", "{\"why\":\"x\"}"), MINT_REFUSED); /* minted: too late to hold */
	stage_press(stage, STATION_BUTTON_confirm);
	stage_run(stage);
	assert_sql(stage, "1", "SELECT count(*) FROM parcel_item");
}

static void
lamp_test_is_the_boards_own_and_an_unknown_button_is_none(void **state)
{
	struct stage *stage = *state;

	stage_press(stage, STATION_BUTTON_lamps);
	stage_run(stage);
	assert_string_equal(events(stage, "press.%"), "");
	stage_press(stage, STATION_BUTTONS);
	stage_run(stage);
	assert_int_equal(stage->bench, -1); /* whoever speaks so is no mint-bench of ours */
	stage_meet_bench(stage);
	stage_run(stage);
}

/* --- boards, stops and supplies */

static void
boards_stand_on_record_and_their_changes_in_the_feed(void **state)
{
	struct stage *stage = *state;

	assert_sql(stage, "up 0 MB-7 0badcafe", "SELECT link || ' ' || stopped || ' ' || serial || ' ' || build FROM station WHERE station = 0");
	stage_station(stage, STATION_LINK_SILENT, 0);
	stage_station(stage, STATION_LINK_NONE, 0); /* which is no news more */
	stage_station(stage, STATION_LINK_REFUSED, 0);
	stage_station(stage, STATION_LINK_UP, 0);
	stage_run(stage);
	assert_string_equal(events(stage, "station.%"), "station.lost STATION, station.refused STATION_REFUSED, station.back");
	assert_sql(stage, "speaks version 9", "SELECT json_extract(detail, '$.detail') FROM event WHERE kind = 'station.refused'");
	stage_meet_bench(stage); /* a new one looks for its boards first, which is no news */
	stage_station(stage, STATION_LINK_NONE, 0);
	stage_run(stage);
	close(stage->bench);
	stage->bench = -1;
	stage_run(stage);
	stage_meet_bench(stage);
	stage_run(stage);
	assert_string_equal(events(stage, "station.%"), "station.lost STATION, station.refused STATION_REFUSED, station.back, station.lost STATION, "
	    "station.back");
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "up", "SELECT link FROM station");
	assert_sql(stage, "5", "SELECT count(*) FROM event WHERE kind LIKE 'station.%%'");
}

static void
stop_begins_nothing_and_loses_nothing(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 3);
	act_insert(stage, 0, 0); /* hangs at its key */
	stage->hook = NULL;
	act_insert(stage, 1, 1); /* is finished */
	stage_station(stage, STATION_LINK_UP, 1);
	stage_run(stage);
	assert_sql(stage, "stopped STATION_STOPPED", "SELECT state || ' ' || error FROM bay WHERE bay = 2");
	act_vanish(stage, 0);
	act_vanish(stage, 1);
	assert_sql(stage, "stopped", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "initialised sealed waiting", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_dark);
	assert_int_equal(stage->lamps, 1);
	assert_int_not_equal(stage->sounds[0], STATION_SOUND_alarm);
	stage_press(stage, STATION_BUTTON_confirm);
	act_insert(stage, 1, 2); /* swapped in the meantime */
	assert_sql(stage, "stopped", "SELECT state FROM bay WHERE bay = 2");
	assert_int_equal(stage->bays[1].lease, 0);
	assert_sql(stage, "bay_stopped", "SELECT json_extract(detail, '$.reason') FROM event WHERE kind = 'press.refused'");
	stage_station(stage, STATION_LINK_UP, 0);
	stage_run(stage);
	act_insert(stage, 0, 0);
	assert_string_equal(events(stage, "station.%"), "station.stopped STATION_STOPPED, station.released");
	assert_sql(stage, "sealed taken sealed", "SELECT group_concat(state, ' ') FROM (SELECT state FROM credential ORDER BY id)");
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static void
token_that_is_not_back_after_a_stop_was_taken_out(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_station(stage, STATION_LINK_UP, 1);
	stage_run(stage);
	act_vanish(stage, 0);
	stage_station(stage, STATION_LINK_UP, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	act_time_is_up(stage, 0);
	assert_sql(stage, "taken", "SELECT state FROM credential");
	assert_sql(stage, "empty", "SELECT state FROM bay WHERE bay = 1");
}

static void
bay_that_was_cut_for_over_current_is_out_of_order_until_its_power_is_given_anew(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_supply(stage, 0, SUPPLY_OVER_CURRENT);
	act_vanish(stage, 0);
	assert_sql(stage, "trouble SUPPLY over_current", "SELECT state || ' ' || error || ' ' || supply FROM bay WHERE bay = 1");
	assert_sql(stage, "sealed", "SELECT state FROM credential"); /* nobody has taken it */
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_fault);
	assert_string_equal(events(stage, "bay.over%"), "bay.over_current 1 SUPPLY");
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "1", "{\"why\":\"looked at it\"}"), 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	stage_supply(stage, 0, SUPPLY_ON);
	stage_cycled(stage, 0, 0);
	act_insert(stage, 0, 0);
	assert_sql(stage, "take", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "order done", "SELECT because || ' ' || outcome FROM journal WHERE step = 'cycle'");
	assert_string_equal(events(stage, "bay.powered"), "bay.powered 1");
	stage_supply(stage, 1, SUPPLY_WEAK);
	act_insert(stage, 1, 1);
	assert_sql(stage, "trouble SUPPLY", "SELECT state || ' ' || error FROM bay WHERE bay = 2");
	assert_int_equal(stage->bays[1].lease, 0);
	stage_supply(stage, 1, SUPPLY_ON);
	stage_run(stage);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 2");
}

static void
token_that_was_carried_from_a_dead_bay_to_another_goes_on_there(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	stage_supply(stage, 0, SUPPLY_OVER_CURRENT);
	act_vanish(stage, 0);
	stage->hook = NULL;
	act_insert(stage, 1, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "1", "SELECT count(*) FROM token");
	assert_sql(stage, "2", "SELECT group_concat(bay) FROM bay WHERE credential_id IS NOT NULL");
	assert_int_equal(stage->tokens[0].keys_made, 1);
	stage_supply(stage, 0, SUPPLY_ON);
	stage_run(stage);
	act_time_is_up(stage, 0); /* nothing is missed there */
	assert_sql(stage, "empty", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- the power cycle */

static void
hung_token_is_power_cycled_once_with_its_intent_first_and_looked_at_after(void **state)
{
	struct stage *stage = *state;

	stage->hook = hang_once;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_int_equal(stage->bays[0].lease, 0);
	assert_sql(stage, "working cycle", "SELECT state || ' ' || step FROM bay WHERE bay = 1");
	assert_sql(stage, "key lost, cycle open", "SELECT group_concat(step || ' ' || coalesce(outcome, 'open'), ', ') FROM "
	    "(SELECT * FROM journal WHERE id > 1 ORDER BY id)");
	assert_sql(stage, "key", "SELECT because FROM journal WHERE step = 'cycle'");
	stage_supply(stage, 0, SUPPLY_OFF);
	act_vanish(stage, 0);
	assert_sql(stage, "initialised", "SELECT state FROM credential"); /* nobody has taken it out */
	stage_supply(stage, 0, SUPPLY_ON);
	stage_cycled(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "done", "SELECT outcome FROM journal WHERE step = 'cycle'");
	assert_int_equal(stage->bays[0].lease, 0);
	act_insert(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_int_equal(stage->tokens[0].keys_made, 1);
	assert_sql(stage, "0", "SELECT count(*) FROM event WHERE kind IN ('credential.parked', 'credential.taken')");
}

static void
token_that_hangs_again_at_the_same_step_is_to_blame(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_sql(stage, "quarantined TIMEOUT", "SELECT state || ' ' || failed_error FROM token");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_quarantine);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
}

static void
token_that_does_not_come_back_is_missed_as_any_other(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	stage_run(stage);
	act_time_is_up(stage, 0);
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
	assert_sql(stage, "empty TOKEN_GONE", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_put_back);
}

static void
without_a_switch_a_hung_token_is_looked_at_as_before(void **state)
{
	struct stage *stage = *state;

	stage->config_bays[0].power = CONFIG_POWER_NONE;
	stage_meet_bench(stage);
	stage->hook = hang_once;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	assert_int_equal(stage->bays[0].cycles, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "1", "{\"why\":\"x\"}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "cycle_no_switch"));
}

static void
mute_token_is_power_cycled_once(void **state)
{
	struct stage *stage = *state;

	stage->bays[0].mute = 1;
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_sql(stage, "trouble TOKEN_MUTE", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_fault);
	act_vanish(stage, 0);
	act_insert(stage, 0, 1); /* the next one has not been tried yet */
	assert_int_equal(stage->bays[0].cycles, 2);
	stage->bays[0].mute = 0;
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	act_insert(stage, 0, 1);
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	assert_sql(stage, "mute mute", "SELECT group_concat(because, ' ') FROM journal WHERE step = 'cycle'");
}

static void
person_may_cycle_a_bay_but_not_one_whose_token_is_being_written(void **state)
{
	struct stage *stage = *state;

	act_import(stage, "SQ-1", 1);
	stage->hook = act_keep_silent_at_key;
	act_insert(stage, 0, 0);
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "1", "{\"why\":\"x\"}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "cycle_writing"));
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "1", "{}"), MINT_ARGUMENT);
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "9", "{\"why\":\"x\"}"), MINT_NOT_FOUND);
	assert_int_equal(stage->bays[0].cycles, 0);
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "2", "{\"why\":\"stuck hub\"}"), 0);
	assert_int_equal(stage->bays[1].cycles, 1);
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "2", "{\"why\":\"x\"}"), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "cycle_under_way"));
	assert_string_equal(events(stage, "command.cycle"), "command.cycle 2");
	stage_cycled(stage, 1, 0);
	stage_run(stage);
	assert_sql(stage, "empty", "SELECT state FROM bay WHERE bay = 2");
}

static int
wait_for_the_ca(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage, (void)bay;
	return message->type == MESSAGE_certify;
}

static void
cycle_ordered_between_two_steps_waits_for_the_worker_to_be_gone(void **state)
{
	struct stage *stage = *state;

	stage->hook = wait_for_the_ca;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	assert_int_not_equal(stage->bays[0].lease, 0);
	assert_int_equal(stage_command(stage, OPERATOR, "cycle", "1", "{\"why\":\"x\"}"), 0);
	assert_int_equal(stage->bays[0].lease, 0);
	assert_int_equal(stage->bays[0].cycles, 1);
	stage->hook = NULL;
	act_vanish(stage, 0);
	stage_cycled(stage, 0, 0);
	act_insert(stage, 0, 0);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	stage_meet_ca(stage);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
cycle_cut_short_by_a_crash_is_lost_and_not_done_again(void **state)
{
	struct stage *stage = *state;

	stage->hook = act_keep_silent_at_key;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	assert_sql(stage, "1", "SELECT count(*) FROM journal WHERE step = 'cycle' AND ended_at IS NULL");
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "lost", "SELECT outcome FROM journal WHERE step = 'cycle'");
	act_time_is_up(stage, 0); /* it hangs at the same step again, which mint-queue has forgotten and the record has not */
	assert_int_equal(stage->bays[0].cycles, 1);
	assert_int_not_equal(stage->bays[0].lease, 0);
	stage->hook = NULL;
	act_time_is_up(stage, 0);
	assert_sql(stage, "quarantined TIMEOUT", "SELECT state || ' ' || failed_error FROM token");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	act_insert(stage, 1, 1);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
mint_bench_that_ends_in_a_cycle_leaves_a_bay_that_is_looked_at_anew(void **state)
{
	struct stage *stage = *state;

	stage->hook = hang_once;
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	act_time_is_up(stage, 0);
	act_vanish(stage, 0);
	close(stage->bench);
	stage->bench = -1;
	stage_run(stage);
	assert_sql(stage, "lost", "SELECT outcome FROM journal WHERE step = 'cycle'");
	stage_meet_bench(stage); /* finds the bay empty: now the token is missed */
	stage_run(stage);
	assert_sql(stage, "initialised", "SELECT state FROM credential");
	act_time_is_up(stage, 0);
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
	act_insert(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- the wiring */

static void
learn(struct stage *stage, const char *first, const char *second)
{
	assert_int_equal(stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"new cables\"}"), 0);
	stage_learned(stage, 0, first ? 0 : MINT_NOT_FOUND, first);
	stage_learned(stage, 1, second ? 0 : MINT_NOT_FOUND, second);
	stage_learned(stage, -1, 0, NULL);
	stage_run(stage);
}

static const char *
wiring(struct stage *stage)
{
	return stage_sql(stage, "SELECT group_concat(bay || '=' || port, ' ') FROM (SELECT * FROM bay_wiring ORDER BY bay)");
}

static void
wiring_is_learned_kept_and_told_to_every_mint_bench(void **state)
{
	struct stage *stage = *state;

	act_insert(stage, 0, 0);
	act_insert(stage, 1, 1);
	learn(stage, "1-1", "1-2");
	assert_int_equal(stage->learns, 1);
	assert_string_equal(wiring(stage), "1=1-1 2=1-2");
	assert_string_equal(stage->bays[1].wired, "1-2");
	assert_sql(stage, OPERATOR, "SELECT DISTINCT actor FROM bay_wiring");
	assert_sql(stage, "idle idle", "SELECT group_concat(state, ' ') FROM bay");
	assert_string_equal(events(stage, "wiring.%"), "wiring.found 1, wiring.found 2, wiring.learned");
	stage_kill(stage);
	stage->bays[0].wired[0] = '\0';
	stage_start(stage);
	stage_run(stage);
	assert_string_equal(stage->bays[0].wired, "1-1");
	learn(stage, "1-2", "1-1"); /* two cables have changed places */
	assert_string_equal(wiring(stage), "1=1-2 2=1-1");
}

static void
nothing_is_begun_while_the_wiring_is_learned_nor_learned_while_there_is_work(void **state)
{
	struct stage *stage = *state;

	act_insert(stage, 0, 0);
	assert_int_equal(stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"x\"}"), 0);
	assert_sql(stage, "stopped BAY_LEARNING", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	act_import(stage, "SQ-1", 1);
	act_vanish(stage, 0);
	act_insert(stage, 0, 0);
	assert_int_equal(stage->bays[0].lease, 0);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"x\"}"), MINT_REFUSED);
	stage_learned(stage, -1, 0, NULL);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"x\"}"), MINT_REFUSED); /* it waits to be taken */
	assert_non_null(strstr(stage->last_detail, "\"bays\":[1]"));
	assert_non_null(strstr(stage->last_detail, "learn_at_work"));
	assert_int_equal(stage->learns, 1);
}

static void
what_is_ambiguous_or_contradicts_a_bay_that_was_not_found_leaves_the_old_wiring(void **state)
{
	struct stage *stage = *state;

	learn(stage, "1-1", "1-2");
	learn(stage, "1-3", "1-3");
	assert_string_equal(wiring(stage), "1=1-1 2=1-2");
	learn(stage, "1-2", NULL); /* that is bay 2's, and nobody has seen bay 2 elsewhere */
	assert_string_equal(wiring(stage), "1=1-1 2=1-2");
	assert_string_equal(stage->bays[0].wired, "1-1");
	learn(stage, "1-4", NULL);
	assert_string_equal(wiring(stage), "1=1-4 2=1-2");
	assert_string_equal(events(stage, "wiring.refused"), "wiring.refused 1 WIRING, wiring.refused 2 WIRING, wiring.refused 1 WIRING");
	stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"x\"}");
	stage_learned(stage, 0, 0, "1-9");
	stage_run(stage);
	close(stage->bench);
	stage->bench = -1;
	stage_run(stage);
	assert_string_equal(wiring(stage), "1=1-4 2=1-2");
	assert_sql(stage, "CLOSED", "SELECT error FROM event WHERE kind = 'wiring.learned' ORDER BY seq DESC LIMIT 1");
	stage_meet_bench(stage);
	stage_run(stage);
}

static void
token_at_another_port_than_the_bays_is_never_minted_silently(void **state)
{
	struct stage *stage = *state;

	learn(stage, "1-1", "1-2");
	act_import(stage, "SQ-1", 1);
	stage->bays[0].port = "1-2";
	act_insert(stage, 0, 0);
	assert_sql(stage, "trouble BAY_PORT 1-2", "SELECT state || ' ' || error || ' ' || port FROM bay WHERE bay = 1");
	assert_int_equal(stage->bays[0].light, STATION_LIGHT_fault);
	assert_string_equal(events(stage, "bay.trouble"), "bay.trouble 1 BAY_PORT");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	act_vanish(stage, 0);
	stage->bays[0].port = "1-1";
	act_insert(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
ports_of_the_configuration_come_before_those_that_were_learned(void **state)
{
	struct stage *stage = *state;

	stage->config_bays[0].port = (char *)(uintptr_t)"1-7";
	learn(stage, "1-1", "1-2");
	assert_string_equal(wiring(stage), "2=1-2");
	assert_string_equal(stage->bays[0].wired, "");
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	stage->bays[0].port = "1-1";
	act_insert(stage, 0, 0);
	assert_sql(stage, "BAY_PORT", "SELECT error FROM bay WHERE bay = 1");
}

/* As of a bench that had another bay, or has been given a port in the configuration since. */
static void
put_on_record(struct stage *stage, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(stage->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
port_on_record_of_a_bay_that_is_no_more_is_free_for_another(void **state)
{
	struct stage *stage = *state;

	stage->config_bays[1].port = (char *)(uintptr_t)"1-2";
	stage_kill(stage);
	put_on_record(stage, "INSERT INTO bay_wiring VALUES (9, '1-1', 1, 'x'), (2, '1-3', 1, 'x')");
	stage_start(stage);
	stage_run(stage);
	learn(stage, "1-1", "1-2");
	assert_string_equal(wiring(stage), "1=1-1 2=1-3");
	learn(stage, "1-3", "1-2");
	assert_string_equal(wiring(stage), "1=1-3");
	assert_string_equal(events(stage, "wiring.learned"), "wiring.learned, wiring.learned");
}

static void
learning_whose_end_cannot_be_kept_says_so_and_is_over(void **state)
{
	struct stage *stage = *state;

	put_on_record(stage, "CREATE TRIGGER no_more BEFORE INSERT ON bay_wiring BEGIN SELECT raise(ABORT, 'no more'); END");
	learn(stage, "1-1", "1-2");
	assert_string_equal(wiring(stage), "");
	assert_string_equal(events(stage, "wiring.learned"), "wiring.learned STORAGE");
	assert_string_equal(stage->bays[0].wired, "");
	act_import(stage, "SQ-1", 1);
	act_insert(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
storage_that_fails_while_the_wiring_is_learned_ends_the_mint_bench_that_cuts_bays(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage_command(stage, OPERATOR, "learn", "bench-1", "{\"why\":\"x\"}"), 0);
	stage_let_files_grow(0);
	act_import(stage, "SQ-1", 1);
	stage_let_files_grow(1);
	assert_true(stage->queue->stalled);
	assert_int_equal(stage->bench, -1);
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_int_equal(stage->queue->stalled, 0);
	act_import(stage, "SQ-1", 1);
	stage->bays[0].token = 0;
	assert_int_equal(stage->bays[0].lease, 0); /* nobody tells what it shows */
	stage_meet_bench(stage);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_string_equal(events(stage, "wiring.learned"), "wiring.learned STORAGE");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, act_set_up, act_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lights_lead_a_token_from_the_blank_one_to_the_parcel),
		TEST(light_is_told_when_it_changes_and_all_again_to_a_new_mint_bench),
		TEST(every_state_and_error_of_a_bay_has_its_light),
		TEST(token_taken_too_early_is_noticed_at_once_and_the_alarm_ends_when_it_is_back),
		TEST(token_that_its_worker_missed_first_is_asked_back_too_and_the_button_quiets_the_alarm),
		TEST(confirm_packs_the_one_parcel_that_is_complete),
		TEST(confirm_never_guesses_between_two_parcels),
		TEST(confirm_leaves_alone_a_parcel_whose_label_is_not_out_and_one_whose_token_was_put_back),
		TEST(lamp_test_is_the_boards_own_and_an_unknown_button_is_none),
		TEST(boards_stand_on_record_and_their_changes_in_the_feed),
		TEST(stop_begins_nothing_and_loses_nothing),
		TEST(token_that_is_not_back_after_a_stop_was_taken_out),
		TEST(bay_that_was_cut_for_over_current_is_out_of_order_until_its_power_is_given_anew),
		TEST(token_that_was_carried_from_a_dead_bay_to_another_goes_on_there),
		TEST(hung_token_is_power_cycled_once_with_its_intent_first_and_looked_at_after),
		TEST(token_that_hangs_again_at_the_same_step_is_to_blame),
		TEST(token_that_does_not_come_back_is_missed_as_any_other),
		TEST(without_a_switch_a_hung_token_is_looked_at_as_before),
		TEST(mute_token_is_power_cycled_once),
		TEST(person_may_cycle_a_bay_but_not_one_whose_token_is_being_written),
		TEST(cycle_ordered_between_two_steps_waits_for_the_worker_to_be_gone),
		TEST(cycle_cut_short_by_a_crash_is_lost_and_not_done_again),
		TEST(mint_bench_that_ends_in_a_cycle_leaves_a_bay_that_is_looked_at_anew),
		TEST(wiring_is_learned_kept_and_told_to_every_mint_bench),
		TEST(nothing_is_begun_while_the_wiring_is_learned_nor_learned_while_there_is_work),
		TEST(what_is_ambiguous_or_contradicts_a_bay_that_was_not_found_leaves_the_old_wiring),
		TEST(token_at_another_port_than_the_bays_is_never_minted_silently),
		TEST(ports_of_the_configuration_come_before_those_that_were_learned),
		TEST(port_on_record_of_a_bay_that_is_no_more_is_free_for_another),
		TEST(learning_whose_end_cannot_be_kept_says_so_and_is_over),
		TEST(storage_that_fails_while_the_wiring_is_learned_ends_the_mint_bench_that_cuts_bays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
