/* The life of credentials, from import to issued, on the real queue and database. */
#include "tests/unit/queue_stage.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_credential_goes_from_import_to_issued, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
