/* Telling tokens apart: every cell of schemas/decisions.def, twins, the tokens of others, and a named person's word to erase one. */
#include "tests/unit/queue_stage.h"

#include <stdio.h>
#include <stdlib.h>

static const char OPERATOR[] = "uid:1000(op)", WHY[] = "{\"why\":\"ours to use, says Li\"}";

static void
begin(struct stage *stage)
{
	stage_open(stage);
	stage_start(stage);
	stage_run(stage);
}

static int
set_up(void **state)
{
	*state = calloc(1, sizeof(struct stage));
	begin(*state);
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

static void
make_foreign(struct stage_token *token, int content, const char *label)
{
	stage_blank(token);
	token->content = content;
	snprintf(token->label, sizeof token->label, "%s", label);
}

static int
order(struct stage *stage, const char *verb, const char *token, const char *arguments)
{
	return stage_command(stage, OPERATOR, verb, token, arguments);
}

#define assert_bay(stage, bay, expected) \
	assert_sql(stage, expected, "SELECT state || ' ' || coalesce(error, '-') FROM bay WHERE bay = %d", (bay) + 1)

/* --- every cell */

static enum message_type trap;

static int
pull_at_trap(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count++)
		return 0;
	stage_remove(stage, (int)(bay - stage->bays));
	return 1;
}

static int
fail_at_trap(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count++)
		return 0;
	stage_fail(bay, message->burned.journal, MINT_TOKEN_ERROR, FAULT_TOKEN);
	return 1;
}

static void
mint_until(struct stage *stage, stage_hook *hook, enum message_type type)
{
	stage->hook = hook;
	stage->hook_count = 0;
	trap = type;
	import(stage, "SQ-1", 1);
	put(stage, 0, 0);
	take(stage, 0);
	stage->hook = NULL;
}

static void set_not(struct stage *stage, const char *label) { (void)stage, (void)label; }

static void
set_free(struct stage *stage, const char *label)
{
	(void)label;
	mint_until(stage, fail_at_trap, MESSAGE_initialise);
	order(stage, "clear", "A000", WHY);
	stage_command(stage, OPERATOR, "hold", "SQ-1", WHY);
}

static void set_begun(struct stage *stage, const char *label) { (void)label; mint_until(stage, pull_at_trap, MESSAGE_initialise); }
static void set_bound(struct stage *stage, const char *label) { (void)label; mint_until(stage, pull_at_trap, MESSAGE_make_key); }
static void set_sealed(struct stage *stage, const char *label) { (void)label; mint_until(stage, NULL, MESSAGE_hello); }

static void
set_shipped(struct stage *stage, const char *label)
{
	set_sealed(stage, label);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), 0);
}

static void
set_stranger(struct stage *stage, const char *label)
{
	make_foreign(&stage->tokens[0], strncmp(label, "MB-", 3) == 0 ? CONTENT_MARKED : CONTENT_FOREIGN, label);
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble TOKEN_FOREIGN");
	take(stage, 0);
}

static void
set_erasable(struct stage *stage, const char *label)
{
	set_stranger(stage, label);
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"said so\",\"so_pin\":\"12345678\"}"), 0);
}

static void
set_quarantined(struct stage *stage, const char *label)
{
	(void)label;
	mint_until(stage, fail_at_trap, MESSAGE_make_key);
	stage_command(stage, OPERATOR, "hold", "SQ-1", WHY);
}

static void
set_scrapped(struct stage *stage, const char *label)
{
	set_quarantined(stage, label);
	assert_int_equal(order(stage, "scrap", "A000", WHY), 0);
}

/* What the token shows, how the record came to know it, and what is seen then: the bay, how many tokens are on record, how often
 * this one was erased and initialised. */
static const struct {
	int         content;
	const char *label;
	void      (*set)(struct stage *, const char *);
	const char *expected;
} cells[] = {
	{ CONTENT_BLANK, "", set_not, "take - 1 0 1" },
	{ CONTENT_BLANK, "", set_free, "take - 1 0 1" },
	{ CONTENT_BLANK, "", set_begun, "take - 1 0 1" },
	{ CONTENT_BLANK, "", set_bound, "take - 2 0 1" },
	{ CONTENT_BLANK, "", set_sealed, "take - 2 0 1" },
	{ CONTENT_BLANK, "", set_shipped, "take - 2 0 1" },
	{ CONTENT_BLANK, "", set_erasable, "take - 1 0 1" },
	{ CONTENT_BLANK, "", set_stranger, "take - 1 0 1" },
	{ CONTENT_BLANK, "", set_quarantined, "trouble TOKEN_QUARANTINED 1 0 0" },
	{ CONTENT_BLANK, "", set_scrapped, "trouble TOKEN_SCRAPPED 1 0 0" },
	{ CONTENT_MARKED, "MB-00000077", set_not, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_MARKED, "MB-00000001", set_free, "take - 1 1 1" },
	{ CONTENT_MARKED, "MB-00000001", set_begun, "take - 1 1 1" },
	{ CONTENT_MARKED, "MB-00000001", set_bound, "take - 1 1 1" },
	{ CONTENT_MARKED, "MB-00000001", set_sealed, "take - 1 0 0" },
	{ CONTENT_MARKED, "MB-00000001", set_shipped, "trouble TOKEN_LIVE 1 0 0" },
	{ CONTENT_MARKED, "MB-00000077", set_erasable, "take - 1 1 1" },
	{ CONTENT_MARKED, "MB-00000077", set_stranger, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_MARKED, "MB-00000001", set_quarantined, "trouble TOKEN_ERROR 1 0 0" },
	{ CONTENT_MARKED, "MB-00000001", set_scrapped, "trouble TOKEN_SCRAPPED 1 0 0" },
	/* Another marker than that of the row: another token. */
	{ CONTENT_MARKED, "MB-00000077", set_free, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_MARKED, "MB-00000077", set_begun, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_MARKED, "MB-00000077", set_sealed, "trouble TOKEN_LIVE 2 0 0" },
	{ CONTENT_HALF, "", set_not, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_HALF, "", set_free, "take - 1 1 1" },
	{ CONTENT_HALF, "", set_begun, "take - 1 1 1" },
	{ CONTENT_HALF, "", set_bound, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_HALF, "MB-00000001", set_bound, "take - 1 1 1" },
	{ CONTENT_HALF, "MB-00000001", set_sealed, "trouble TOKEN_LIVE 1 0 0" },
	{ CONTENT_HALF, "", set_sealed, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_HALF, "MB-00000001", set_shipped, "trouble TOKEN_LIVE 1 0 0" },
	{ CONTENT_HALF, "", set_erasable, "take - 1 1 1" },
	{ CONTENT_HALF, "somebody", set_stranger, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_HALF, "", set_quarantined, "trouble TOKEN_QUARANTINED 1 0 0" },
	{ CONTENT_HALF, "", set_scrapped, "trouble TOKEN_SCRAPPED 1 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_not, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_free, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "", set_begun, "take - 1 1 1" },
	{ CONTENT_FOREIGN, "somebody", set_begun, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_bound, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "", set_bound, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_sealed, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_shipped, "trouble TOKEN_FOREIGN 2 0 0" },
	{ CONTENT_FOREIGN, "somebody", set_erasable, "take - 1 1 1" },
	{ CONTENT_FOREIGN, "another", set_erasable, "take - 1 1 1" },
	{ CONTENT_FOREIGN, "somebody", set_stranger, "trouble TOKEN_FOREIGN 1 0 0" },
	{ CONTENT_FOREIGN, "", set_quarantined, "trouble TOKEN_QUARANTINED 1 0 0" },
	{ CONTENT_FOREIGN, "", set_scrapped, "trouble TOKEN_SCRAPPED 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_not, "trouble TOKEN_UNKNOWN 0 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_free, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_begun, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_bound, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_sealed, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_shipped, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_erasable, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_stranger, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_quarantined, "trouble TOKEN_UNKNOWN 1 0 0" },
	{ CONTENT_UNKNOWN_CARD, "", set_scrapped, "trouble TOKEN_UNKNOWN 1 0 0" },
};

/* The label that a stranger was refused with: of the cell, or one that is no marker. */
static const char *
label_before(size_t i)
{
	return cells[i].label[0] ? cells[i].label : "somebody";
}

static void
every_cell_of_the_decisions_is_as_it_is_written(void **state)
{
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		struct stage_token *token = &stage->tokens[0];
		int erased, initialised;
		char seen[128];

		stage_close(stage);
		begin(stage);
		cells[i].set(stage, label_before(i));
		erased = token->erased;
		initialised = token->initialised;
		if (cells[i].content == CONTENT_BLANK)
			stage_blank(token);
		token->content = cells[i].content;
		snprintf(token->label, sizeof token->label, "%s", cells[i].label);
		if (cells[i].content == CONTENT_UNKNOWN_CARD) /* nothing of it could be read */
			token->label[0] = '\0';
		import(stage, "SQ-2", 1);
		put(stage, 0, 0);
		snprintf(seen, sizeof seen, "%s %d %d",
		    stage_sql(stage, "SELECT state || ' ' || coalesce(error, '-') || ' ' || (SELECT count(*) FROM token) FROM bay WHERE bay = 1"),
		    token->erased - erased, token->initialised - initialised);
		if (strcmp(seen, cells[i].expected) != 0)
			fail_msg("row %zu: content %d, label \"%s\": %s, expected %s", i, cells[i].content, cells[i].label, seen,
			    cells[i].expected);
		stage_check_laws(stage);
	}
}

/* A row that can not be the token is passed over: its cell says what is done as if there were none. */
static void
cell_of_a_row_that_cannot_be_it_says_what_is_done_without_it(void **state)
{
	static const struct {
		const char *content, *known;
		int         rank;
		const char *action;
	} rows[] = {
#define CONTENT(...)
#define KNOWN(...)
#define ACTION(...)
#define DECISION(content, known, rank, action) { #content, #known, rank, #action },
#include "schemas/decisions.def"
#undef CONTENT
#undef KNOWN
#undef ACTION
#undef DECISION
	};
	const char *none = "";
	size_t count = sizeof rows / sizeof rows[0];

	(void)state;
	assert_int_equal(count, 50);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].known, "NOT") == 0)
			none = rows[i].action;
		if (rows[i].rank == 0)
			assert_string_equal(rows[i].action, none);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_cell_of_the_decisions_is_as_it_is_written),
		cmocka_unit_test(cell_of_a_row_that_cannot_be_it_says_what_is_done_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
