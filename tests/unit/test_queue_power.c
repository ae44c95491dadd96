/* Seeded trouble with the power: tokens hang, bays are cut and come back or do not, the emergency stop is pressed at any moment, mint-bench and
 * mint-queue end. In the end, with all power back, everything that was ordered is issued, and nothing was done twice. */
#include "tests/unit/queue_stage.h"

#include "schemas/station.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 20, ACTS = 60, HANGS = 5, CREDENTIALS = 4 };

static const char OPERATOR[] = "uid:1000(op)";

/* What really is, beside what mint-bench tells. */
static struct {
	int token[STAGE_BAYS];   /* in the bay, −1 none */
	int cut[STAGE_BAYS];     /* without power for a cause of its own */
	int cycling[STAGE_BAYS]; /* the order is being carried out */
	int served[STAGE_BAYS];  /* cycles that were answered */
	int stopped;
	int next;                /* blank token */
	int touched[STAGE_TOKENS]; /* a person has taken it out */
} bench;

static unsigned seed_now;

/* Not rand(): the same on every machine. */
static unsigned
draw(unsigned below)
{
	seed_now = seed_now * 1103515245u + 12345u;
	return (seed_now >> 16) % below;
}

static int
hang(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type == MESSAGE_finish || stage->hook_count >= HANGS || draw(10) != 0)
		return 0;
	stage->hook_count++;
	return 1;
}

/* Shows what a reader with or without power shows. */
static void
show(struct stage *stage, int bay)
{
	int powered = !bench.stopped && !bench.cut[bay] && !bench.cycling[bay];
	int token = powered ? bench.token[bay] : -1;

	if (stage->bays[bay].token == token)
		return;
	if (token < 0)
		stage_remove(stage, bay);
	else
		stage_insert(stage, bay, token);
}

static void
show_all(struct stage *stage)
{
	for (int i = 0; i < STAGE_BAYS; i++)
		show(stage, i);
	stage_run(stage);
}

/* --- what may happen */

static void
move_hands(struct stage *stage, int bay)
{
	char state[16];

	snprintf(state, sizeof state, "%s", stage_sql(stage, "SELECT state FROM bay WHERE bay = %d", bay + 1));
	if (bench.token[bay] >= 0 && (strcmp(state, "take") == 0 || strcmp(state, "trouble") == 0)) {
		bench.touched[bench.token[bay]] = 1;
		bench.token[bay] = -1;
	}
	else if (strcmp(state, "empty") == 0 && bench.token[bay] < 0 && bench.next < STAGE_TOKENS)
		bench.token[bay] = bench.next++;
}

/* From a bay that looks dead to its neighbour. */
static void
carry_over(struct stage *stage, int bay)
{
	int other = 1 - bay;

	if (stage->bays[bay].token >= 0 || bench.token[other] >= 0)
		return;
	bench.token[other] = bench.token[bay];
	if (bench.token[bay] >= 0)
		bench.touched[bench.token[bay]] = 1;
	bench.token[bay] = -1;
}

static void
press_stop(struct stage *stage, int bay)
{
	(void)bay;
	bench.stopped = !bench.stopped;
	if (draw(2)) /* pcscd is first */
		show_all(stage);
	stage_station(stage, STATION_LINK_UP, bench.stopped);
}

static void
overload(struct stage *stage, int bay)
{
	bench.cut[bay] = !bench.cut[bay];
	if (draw(2))
		show_all(stage);
	stage_supply(stage, bay, bench.cut[bay] ? SUPPLY_OVER_CURRENT : SUPPLY_ON);
}

/* As mint-bench does; half of the time mint-queue is told before the token shows. */
static void
serve_cycle(struct stage *stage, int bay)
{
	if (stage->bays[bay].cycles == bench.served[bay])
		return;
	if (!bench.cycling[bay]) {
		bench.cycling[bay] = 1;
		stage_supply(stage, bay, SUPPLY_OFF);
		return;
	}
	bench.cycling[bay] = 0;
	bench.served[bay] = stage->bays[bay].cycles;
	stage_supply(stage, bay, bench.cut[bay] ? SUPPLY_OVER_CURRENT : SUPPLY_ON);
	if (draw(2))
		show(stage, bay);
	stage_cycled(stage, bay, bench.stopped || bench.cut[bay] || draw(4) == 0 ? MINT_SUPPLY : 0);
}

static void
let_time_pass(struct stage *stage, int bay)
{
	struct event *deadline = stage->queue->bays[bay].deadline;

	if (event_pending(deadline, EV_TIMEOUT, NULL))
		event_active(deadline, EV_TIMEOUT, 0);
}

static void
tell_again(struct stage *stage)
{
	for (int i = 0; i < STAGE_BAYS; i++) {
		bench.cycling[i] = 0; /* a new mint-bench knows of no order */
		bench.served[i] = stage->bays[i].cycles;
		if (bench.cut[i])
			stage_supply(stage, i, SUPPLY_OVER_CURRENT);
	}
	if (bench.stopped)
		stage_station(stage, STATION_LINK_UP, 1);
}

static void
end_mint_bench(struct stage *stage, int bay)
{
	(void)bay;
	stage_meet_bench(stage);
	tell_again(stage);
}

static void
end_mint_queue(struct stage *stage, int bay)
{
	(void)bay;
	stage_kill(stage);
	stage_start(stage);
	tell_again(stage);
}

static void
order_cycle(struct stage *stage, int bay)
{
	char object[16];

	snprintf(object, sizeof object, "%d", bay + 1);
	stage_command(stage, OPERATOR, "cycle", object, "{\"why\":\"drawn\"}");
}

static void
press_confirm(struct stage *stage, int bay)
{
	(void)bay;
	stage_press(stage, STATION_BUTTON_confirm);
}

/* What no hand has touched is nowhere said to be taken, and in no parcel. */
static void
check_hands(struct stage *stage)
{
	for (int i = 0; i < bench.next; i++)
		if (!bench.touched[i])
			assert_sql(stage, "0", "SELECT count(*) FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id "
			    "WHERE t.serial = 'A%03d' AND c.state IN ('taken', 'packed')", i);
}

static void
act(struct stage *stage)
{
	static void (*const acts[])(struct stage *, int) = {
		move_hands, move_hands, move_hands, carry_over, serve_cycle, serve_cycle, let_time_pass, press_stop, overload, end_mint_bench, end_mint_queue,
		order_cycle, press_confirm,
	};

	acts[draw(sizeof acts / sizeof acts[0])](stage, (int)draw(STAGE_BAYS));
	stage_run(stage);
	show_all(stage);
	check_hands(stage);
}

/* --- the end */

static void
resolve(struct stage *stage)
{
	char name[64];

	snprintf(name, sizeof name, "%s", stage_sql(stage, "SELECT name FROM credential WHERE state = 'parked' AND pending IS NULL AND "
	    "use_id NOT IN (SELECT u.id FROM token_use u JOIN bay b ON b.token_id = u.token_id)"));
	if (name[0])
		assert_int_equal(stage_command(stage, OPERATOR, "resolve", name, "{\"as\":\"redo\",\"why\":\"drawn\"}"), 0);
}

static int
all_are_issued(struct stage *stage)
{
	return strcmp(stage_sql(stage, "SELECT count(*) FROM application WHERE state <> 'issued'"), "0") == 0;
}

/* Nothing that was ordered of mint-bench is without its answer. */
static int
all_is_done(struct stage *stage)
{
	return all_are_issued(stage) && strcmp(stage_sql(stage, "SELECT count(*) FROM journal WHERE ended_at IS NULL"), "0") == 0;
}

static void
come_to_an_end(struct stage *stage)
{
	stage->hook = NULL;
	for (int i = 0; i < STAGE_BAYS; i++)
		if (bench.cut[i])
			overload(stage, i);
	if (bench.stopped)
		press_stop(stage, 0);
	for (int round = 0; round < 60 && !all_is_done(stage); round++) {
		for (int i = 0; i < STAGE_BAYS; i++) {
			serve_cycle(stage, i);
			stage_run(stage);
			show_all(stage);
			let_time_pass(stage, i);
			stage_run(stage);
			move_hands(stage, i);
			show_all(stage);
		}
		press_confirm(stage, 0);
		stage_run(stage);
		resolve(stage);
		stage_run(stage);
	}
}

static void
live(struct stage *stage, unsigned seed)
{
	seed_now = seed;
	memset(&bench, 0, sizeof bench);
	bench.token[0] = bench.token[1] = -1;
	stage_open(stage);
	stage_fit_station(stage);
	stage_start(stage);
	stage_import(stage, OPERATOR, "SQ-1", CREDENTIALS, "");
	stage_run(stage);
	stage->hook = hang;
	for (int i = 0; i < ACTS; i++)
		act(stage);
	come_to_an_end(stage);
}

static void
everything_is_issued_whatever_becomes_of_the_power(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		live(stage, seed);
		if (!all_is_done(stage))
			fail_msg("seed %u: %s", seed, stage_sql(stage, "SELECT group_concat(name || ' ' || state || ' ' || coalesce(parked_error, ''), "
			    "', ') || '; ' || (SELECT group_concat(bay || ' ' || state || ' ' || coalesce(error, '') || ' ' || coalesce(step, ''), ', ') FROM bay) "
			    "FROM credential"));
		/* Once for each token and step, but for what a person orders. */
		assert_sql(stage, "", "SELECT use_id FROM journal WHERE step = 'cycle' AND because <> 'order' AND use_id IS NOT NULL GROUP BY use_id, because "
		    "HAVING count(*) > 1");
		stage_check_laws(stage);
		stage_close(stage);
	}
	free(stage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_issued_whatever_becomes_of_the_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
