/* Power cuts: everything ends at once, then all starts again from what is on disk, on the tokens and at the CA. */
#include "tests/unit/queue_stage.h"

#include <stdio.h>
#include <stdlib.h>

static void
scenario(struct stage *stage)
{
	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 2, "");
	if (stage_run(stage) == 0)
		stage_operate(stage);
}

static void
check_all_issued(struct stage *stage, int n)
{
	if (strcmp(stage_sql(stage, "SELECT state FROM application"), "issued") != 0)
		fail_msg("cut %d: application is %s, credentials %s", n, stage_sql(stage, "SELECT state FROM application"),
		    "see below");
	assert_sql(stage, "packed,packed", "SELECT group_concat(state) FROM credential");
	assert_sql(stage, "0", "SELECT count(*) FROM journal WHERE ended_at IS NULL");
	assert_int_equal(stage->printed, 1);
	stage_check_laws(stage);
	for (int i = 0; i < stage->issued_count; i++) {
		struct stage_issued *issued = &stage->issued[i];
		int carried = 0;

		for (int t = 0; t < STAGE_TOKENS; t++)
			carried += stage->tokens[t].certificate_bytes == issued->bytes &&
			           memcmp(stage->tokens[t].certificate, issued->certificate, issued->bytes) == 0;
		assert_int_equal(carried, issued->revoked ? 0 : 1);
	}
}

/* The power goes at half-step n, for every n there is, before and after each message is acted on; once more at a distance, so
 * that the recovery is cut short as well. */
static int
cut_at(int n, int again)
{
	struct stage *stage = calloc(1, sizeof *stage);
	int cut;

	stage_open(stage);
	stage->cut_after = n;
	scenario(stage);
	cut = stage->queue == NULL;
	stage->half_steps = 0;
	stage->cut_after = again;
	for (int tries = 0; cut && tries < 2; tries++) {
		scenario(stage);
		stage->cut_after = 0;
		if (stage->queue)
			break;
	}
	check_all_issued(stage, n);
	stage_close(stage);
	free(stage);
	return cut;
}

static void
nothing_is_lost_or_done_twice_wherever_the_power_is_cut(void **state)
{
	int n = 1;

	(void)state;
	while (cut_at(n, 0))
		n++;
	assert_true(n > 60); /* else the run was not what it seems */
	print_message("%d points\n", n - 1);
}

static void
nothing_is_lost_or_done_twice_when_the_recovery_is_cut_too(void **state)
{
	(void)state;
	for (int again = 5; again < 60; again += 9)
		for (int n = 3; cut_at(n, again); n += 5)
			continue;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_or_done_twice_wherever_the_power_is_cut),
		cmocka_unit_test(nothing_is_lost_or_done_twice_when_the_recovery_is_cut_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
