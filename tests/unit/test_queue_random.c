/* Seeded misfortune: tokens fail, are pulled and swapped, workers die, the CA hangs up, the power goes; then a person decides what
 * is parked, and everything must be accounted for. */
#include "tests/unit/queue_stage.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 60, MISFORTUNES = 6 };

static unsigned seed_now;

/* Not rand(): the same on every machine. */
static unsigned
draw(unsigned below)
{
	seed_now = seed_now * 1103515245u + 12345u;
	return (seed_now >> 16) % below;
}

static int
fail_somehow(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	static const int errors[] = { MINT_TOKEN_ERROR, MINT_MODULE, MINT_TOKEN_GONE, MINT_TOKEN_MECHANISM };
	int kind = (int)draw(4);

	if (message->type == MESSAGE_order || message->type == MESSAGE_finish) {
		stage_exit(stage, bay, 11);
		return 1;
	}
	stage_fail(bay, message->burned.journal, errors[kind], FAULT_TOKEN + kind);
	return 1;
}

static int
misfortune(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (stage->hook_count >= MISFORTUNES || draw(8) != 0)
		return 0;
	if (!bay) {
		if (message->type != MESSAGE_certify)
			return 0;
		stage->hook_count++;
		stage_lose_ca(stage, message);
		return 1;
	}
	stage->hook_count++;
	switch (draw(3)) {
	case 0:
		return fail_somehow(stage, bay, message);
	case 1:
		stage_exit(stage, bay, 9);
		return 1;
	default:
		stage_remove(stage, (int)(bay - stage->bays));
		return 0; /* it acts on before it notices */
	}
}

/* What stands parked is decided; 0 when nothing was. */
static int
decide(struct stage *stage)
{
	static const char *const ways[] = { "retry", "redo" };
	char name[64], arguments[64];

	snprintf(name, sizeof name, "%s", stage_sql(stage, "SELECT name FROM credential WHERE state = 'parked' AND pending IS NULL"));
	if (!name[0])
		return 0;
	/* A token that was pulled lies somewhere: without it only another one helps. */
	snprintf(arguments, sizeof arguments, "{\"as\":\"%s\",\"why\":\"drawn\"}",
	    strcmp(stage_sql(stage, "SELECT parked_error FROM credential WHERE name = '%s'", name), "TOKEN_GONE") == 0
	        ? "redo" : ways[draw(2)]);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", name, arguments), 0);
	return 1;
}

static void
come_to_an_end(struct stage *stage)
{
	stage->hook = NULL;
	stage->cut_after = 0;
	if (!stage->queue)
		stage_start(stage);
	for (int i = 0; i < 40; i++) {
		if (stage->ca < 0)
			stage_meet_ca(stage);
		stage_operate(stage);
		if (!decide(stage) && strcmp(stage_sql(stage, "SELECT count(*) FROM application WHERE state <> 'issued'"), "0") == 0)
			return;
	}
}

static void
live(struct stage *stage, unsigned seed)
{
	seed_now = seed;
	stage_open(stage);
	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1 + (int)draw(2), "");
	stage_import(stage, "uid:1000(op)", "SQ-2", 1 + (int)draw(2), ",\"urgent\":true");
	stage_run(stage);
	stage->hook = misfortune;
	stage->cut_after = draw(3) == 0 ? 10 + (int)draw(120) : 0;
	stage->half_steps = 0;
	stage_operate(stage);
	come_to_an_end(stage);
}

static void
everything_is_accounted_for_whatever_happens(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		live(stage, seed);
		if (strcmp(stage_sql(stage, "SELECT count(*) FROM application WHERE state <> 'issued'"), "0") != 0)
			fail_msg("seed %u: %s", seed, stage_sql(stage, "SELECT group_concat(name || ' ' || state || ' ' || "
			    "coalesce(parked_error, '') || ' ' || coalesce(pending, ''), ', ') FROM credential"));
		assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
		assert_sql(stage, "0", "SELECT count(*) FROM certificate WHERE state NOT IN ('live', 'refused', 'revoked')");
		assert_true(stage->printed >= 2);
		stage_check_laws(stage);
		stage_close(stage);
	}
	free(stage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_accounted_for_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
