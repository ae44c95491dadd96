/* Telling tokens apart: every cell of schemas/decisions.def, twins, the tokens of others, and a named person's word to erase one. */
#include "tests/unit/queue_stage.h"

#include <openssl/ec.h>
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
	{ CONTENT_FOREIGN, "", set_begun, "trouble TOKEN_FOREIGN 2 0 0" },
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
	assert_int_equal(count, 55);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].known, "NOT") == 0)
			none = rows[i].action;
		if (rows[i].rank == 0)
			assert_string_equal(rows[i].action, none);
	}
}

/* --- one serial number, many tokens */

static void
share_the_serial(struct stage *stage, int count)
{
	for (int i = 1; i < count; i++)
		strcpy(stage->tokens[i].serial, stage->tokens[0].serial);
}

static void
tokens_of_one_serial_number_are_minted_at_once_and_packed_by_their_markers(void **state)
{
	struct stage *stage = *state;

	share_the_serial(stage, 3);
	import(stage, "SQ-1", 3);
	stage_insert(stage, 0, 0);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_bay(stage, 0, "take -");
	assert_bay(stage, 1, "take -");
	take(stage, 0);
	put(stage, 0, 2);
	assert_sql(stage, "MB-00000001 sealed,MB-00000002 sealed,MB-00000003 sealed",
	    "SELECT group_concat(marker || ' ' || state) FROM (SELECT * FROM token ORDER BY id)");
	assert_sql(stage, "2", "SELECT count(*) FROM event WHERE kind = 'token.twin'");
	assert_non_null(strstr(stage->last_label, "\"A000 MB-00000001\""));
	take(stage, 0);
	take(stage, 1);
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), MINT_AMBIGUOUS);
	assert_non_null(strstr(stage->last_detail, "\"markers\":[\"MB-00000001\",\"MB-00000002\",\"MB-00000003\"]"));
	assert_sql(stage, "0", "SELECT count(*) FROM parcel_item");
	assert_int_equal(stage_command(stage, OPERATOR, "pack", "SQ-1",
	    "{\"tokens\":[\"MB-00000001\",\"MB-00000002\",\"MB-00000003\"]}"), 0);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static void
finished_token_comes_back_as_itself_among_its_twins(void **state)
{
	struct stage *stage = *state;

	share_the_serial(stage, 2);
	import(stage, "SQ-1", 2);
	put(stage, 0, 0);
	take(stage, 0);
	put(stage, 0, 1);
	take(stage, 0);
	put(stage, 1, 0);
	assert_bay(stage, 1, "take -");
	assert_sql(stage, "1", "SELECT token_id FROM bay WHERE bay = 2");
	assert_int_equal(stage->tokens[0].initialised + stage->tokens[1].initialised, 2);
}

static void
second_token_with_the_marker_of_one_in_a_bay_is_left_alone(void **state)
{
	struct stage *stage = *state;

	share_the_serial(stage, 2);
	import(stage, "SQ-1", 2);
	put(stage, 0, 0);
	make_foreign(&stage->tokens[1], CONTENT_MARKED, "MB-00000001");
	put(stage, 1, 1);
	assert_bay(stage, 1, "trouble TOKEN_TWIN");
	assert_bay(stage, 0, "take -");
	assert_int_equal(stage->tokens[1].erased, 0);
}

/* One that was pulled in mid-initialising, while its twin was finished under its row. */
static void
token_with_a_finished_ones_marker_but_not_its_key_is_not_handed_over(void **state)
{
	struct stage *stage = *state;

	share_the_serial(stage, 2);
	import(stage, "SQ-1", 1);
	put(stage, 0, 0);
	take(stage, 0);
	make_foreign(&stage->tokens[1], CONTENT_MARKED, "MB-00000001");
	put(stage, 0, 1);
	assert_bay(stage, 0, "trouble TOKEN_TWIN");
	assert_sql(stage, "taken", "SELECT state FROM credential");
}

static int
swap_before_the_proof(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (bay && bay->role == ROLE_PROVE && message->type == MESSAGE_order && stage->hook_count++ == 0)
		strcpy(stage->tokens[0].label, "MB-00000009");
	return 0;
}

static void
proof_is_begun_on_the_token_of_that_marker_only(void **state)
{
	struct stage *stage = *state;

	stage->hook = swap_before_the_proof;
	import(stage, "SQ-1", 1);
	put(stage, 0, 0);
	assert_sql(stage, "parked TOKEN_GONE burned", "SELECT state || ' ' || parked_error || ' ' || parked_from FROM credential");
	take(stage, 0);
	strcpy(stage->tokens[0].label, "MB-00000001");
	put(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* The worker is lost while it sets the final codes; before the next one comes to ask which are left, another bench's token with the same
 * marker lies there. A model whose module tells no serial number shows none in role prove. */
static int
swap_before_the_codes(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (bay && message->type == MESSAGE_seal && stage->hook_count == 0) {
		stage->hook_count = 1;
		stage_exit(stage, bay, 9);
		return 1;
	}
	if (bay && bay->role == ROLE_PROVE && message->type == MESSAGE_order && stage->hook_count == 1) {
		stage->hook_count = 2;
		make_foreign(&stage->tokens[1], CONTENT_MARKED, "MB-00000001");
		stage->tokens[1].serial[0] = '\0';
		stage->tokens[1].key = EVP_EC_gen("P-256");
		bay->token = 1;
	}
	return 0;
}

static void
codes_are_asked_for_on_the_token_of_that_key_only(void **state)
{
	struct stage *stage = *state;

	stage->hook = swap_before_the_codes;
	import(stage, "SQ-1", 1);
	put(stage, 0, 0);
	assert_int_equal(stage->hook_count, 2);
	assert_sql(stage, "parked TOKEN_GONE verified", "SELECT state || ' ' || parked_error || ' ' || parked_from FROM credential");
	take(stage, 0);
	put(stage, 0, 0);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].codes_left, 0);
}

static void
blank_twin_of_a_quarantined_token_waits_until_a_person_has_decided_about_that(void **state)
{
	struct stage *stage = *state;

	share_the_serial(stage, 3);
	set_quarantined(stage, "");
	import(stage, "SQ-2", 2);
	put(stage, 0, 1);
	assert_bay(stage, 0, "trouble TOKEN_QUARANTINED");
	take(stage, 0);
	/* In a bay of its own, known by its marker, it is not the one that is blank. */
	put(stage, 1, 0);
	assert_bay(stage, 1, "trouble TOKEN_ERROR");
	put(stage, 0, 1);
	assert_bay(stage, 0, "take -");
	take(stage, 0);
	take(stage, 1);
	/* Destroyed, it cannot be the next one either, now that the number is known to be shared. */
	assert_int_equal(order(stage, "scrap", "MB-00000001", WHY), 0);
	put(stage, 0, 2);
	assert_bay(stage, 0, "take -");
}

static void
strangers_token_without_a_serial_number_stands_in_no_ones_way(void **state)
{
	struct stage *stage = *state;

	stage->tokens[0].serial[0] = stage->tokens[1].serial[0] = '\0';
	make_foreign(&stage->tokens[0], CONTENT_FOREIGN, "somebody");
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble TOKEN_FOREIGN");
	take(stage, 0);
	import(stage, "SQ-1", 1);
	put(stage, 0, 1);
	assert_bay(stage, 0, "take -");
	put(stage, 1, 0);
	assert_bay(stage, 1, "trouble TOKEN_FOREIGN");
	assert_sql(stage, "1", "SELECT count(*) FROM token");
}

static int
vanish(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_initialise)
		return 0;
	stage_remove(stage, (int)(bay - stage->bays));
	return 1;
}

static void
token_that_vanishes_whenever_it_is_initialised_is_given_up_in_the_end(void **state)
{
	struct stage *stage = *state;

	stage->hook = vanish;
	import(stage, "SQ-1", 1);
	for (int i = 0; i < 6; i++)
		put(stage, 0, 0);
	assert_sql(stage, "parked", "SELECT state FROM credential"); /* waits for its token to come back */
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble TOKEN_INIT");
	assert_sql(stage, "quarantined", "SELECT state FROM token");
	stage->hook = NULL;
	put(stage, 1, 1);
	assert_bay(stage, 1, "take -");
}

/* --- a named person's word */

static struct {
	int  erase;
	int  old_codes;
	char so_pin[65];
} told;

static int
listen(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage;
	if (bay && message->type == MESSAGE_initialise) {
		told.erase = message->initialise.erase;
		told.old_codes = message->initialise.old_codes.length > 0;
		snprintf(told.so_pin, sizeof told.so_pin, "%s", message->initialise.so_pin);
	}
	return 0;
}

static void
refuse_a_stranger(struct stage *stage, const char *label)
{
	memset(&told, 0, sizeof told);
	stage->hook = listen;
	make_foreign(&stage->tokens[0], CONTENT_FOREIGN, label);
	import(stage, "SQ-1", 1);
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble TOKEN_FOREIGN");
	assert_int_equal(stage->tokens[0].erased, 0);
}

/* Whether a text stands anywhere in the files of the database. */
static int
is_on_disk(const struct stage *stage, const char *text)
{
	static const char *const suffixes[] = { "", "-wal" };
	int found = 0;

	for (size_t i = 0; i < 2; i++) {
		char path[128], command[256];

		snprintf(path, sizeof path, "%s%s", stage->database, suffixes[i]);
		snprintf(command, sizeof command, "grep -qa '%s' '%s'", text, path);
		found |= system(command) == 0;
	}
	return found;
}

static void
strangers_token_is_erased_on_a_named_persons_order_while_it_lies_in_its_bay(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	assert_int_equal(order(stage, "erase", "A000", "{\"so_pin\":\"Secret-77\"}"), MINT_ARGUMENT);
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	assert_non_null(strstr(stage->last_detail, "\"state\":\"erasable\""));
	stage_run(stage);
	assert_bay(stage, 0, "take -");
	assert_int_equal(told.erase, 1);
	assert_int_equal(told.old_codes, 0); /* ours are not on it yet */
	assert_string_equal(told.so_pin, "Secret-77");
	assert_sql(stage, "sealed 0 - -", "SELECT state || ' ' || erasing || ' ' || coalesce(found, '-') || ' ' || "
	    "coalesce(failed_error, '-') FROM token");
	assert_sql(stage, "says Li", "SELECT detail ->> 'why' FROM event WHERE kind = 'command.erase'");
	assert_sql(stage, OPERATOR, "SELECT actor FROM event WHERE kind = 'token.erasable'");
	assert_null(stage->queue->secrets);
	assert_false(is_on_disk(stage, "Secret-77"));
	assert_true(is_on_disk(stage, "says Li"));
}

static void
clearing_does_not_make_a_strangers_token_ours(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	assert_int_equal(order(stage, "clear", "A000", WHY), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "\"reason\":\"clear_not_ours\""));
	assert_non_null(strstr(stage->last_detail, "\"why_zh\":\""));
}

static int
needs_the_so_pin(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_initialise || message->initialise.so_pin[0])
		return listen(stage, bay, message);
	stage_fail(bay, message->initialise.journal, MINT_CODE_UNKNOWN, FAULT_TOKEN);
	return 1;
}

static void
so_pin_is_forgotten_by_a_restart_and_asked_for_again(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	take(stage, 0);
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_kill(stage);
	stage_start(stage);
	stage->hook = needs_the_so_pin;
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble CODE_UNKNOWN");
	assert_sql(stage, "quarantined CODE_UNKNOWN 0", "SELECT state || ' ' || failed_error || ' ' || erasing FROM token");
	take(stage, 0);
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble CODE_UNKNOWN"); /* known again, and one attempt was all that was allowed */
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_run(stage);
	assert_bay(stage, 0, "take -");
	assert_int_equal(told.old_codes, 0);
}

static void
orders_that_must_not_erase_are_refused_with_the_reason_and_the_credential(void **state)
{
	static const struct {
		void      (*set)(struct stage *, const char *);
		const char *reason;
	} rows[] = {
		{ set_free, "erase_blank" },       { set_begun, "erase_in_work" },   { set_bound, "erase_in_work" },
		{ set_sealed, "erase_finished" },  { set_shipped, "erase_shipped" }, { set_scrapped, "erase_scrapped" },
	};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char reason[64];

		stage_close(stage);
		begin(stage);
		rows[i].set(stage, "");
		assert_int_equal(order(stage, "erase", "A000", WHY), MINT_REFUSED);
		snprintf(reason, sizeof reason, "\"reason\":\"%s\"", rows[i].reason);
		if (!strstr(stage->last_detail, reason))
			fail_msg("%s: %s", rows[i].reason, stage->last_detail);
		assert_non_null(strstr(stage->last_detail, "\"credential\":\"SQ-1-01\""));
	}
	assert_int_equal(order(stage, "erase", "NOBODY", WHY), MINT_NOT_FOUND);
}

static void
cleared_token_with_final_codes_says_what_erasing_it_needs(void **state)
{
	struct stage *stage = *state;

	set_sealed(stage, "");
	assert_int_equal(stage_command(stage, OPERATOR, "resolve", "SQ-1-01", "{\"as\":\"redo\",\"why\":\"wrong person\"}"), 0);
	assert_int_equal(order(stage, "clear", "A000", WHY), 0);
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble CODE_UNKNOWN");
	assert_sql(stage, "quarantined CODE_UNKNOWN", "SELECT state || ' ' || failed_error FROM token");
	assert_sql(stage, "waiting 0", "SELECT state || ' ' || (attempt > 1) FROM credential");
}

static int
cannot_revoke(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)stage, (void)bay;
	return message->type == MESSAGE_revoke;
}

static void
finished_token_is_erased_only_when_its_certificate_is_revoked(void **state)
{
	struct stage *stage = *state;

	set_sealed(stage, "");
	stage->hook = cannot_revoke;
	assert_int_equal(stage_command(stage, OPERATOR, "resolve", "SQ-1-01", "{\"as\":\"redo\",\"why\":\"wrong person\"}"), 0);
	assert_int_equal(order(stage, "erase", "A000", WHY), MINT_REFUSED);
	assert_non_null(strstr(stage->last_detail, "\"reason\":\"erase_revoking\""));
	stage->hook = listen;
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "revoked", "SELECT state FROM certificate");
	/* Its final codes are on no record: those that will be are not on it yet. */
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	put(stage, 0, 0);
	assert_bay(stage, 0, "take -");
	assert_int_equal(told.old_codes, 0);
	assert_int_equal(stage->tokens[0].erased, 1);
}

/* --- erasing that is cut short, or fails */

static int
die_with_ruins(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_initialise || stage->hook_count++)
		return 0;
	make_foreign(&stage->tokens[0], CONTENT_FOREIGN, ""); /* erased, and no module reads what is there */
	stage_exit(stage, bay, 9);
	return 1;
}

static void
what_a_cut_erasing_of_ours_left_is_erased_again_by_itself(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	stage->hook = die_with_ruins;
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_run(stage);
	assert_bay(stage, 0, "take -");
	assert_sql(stage, "lost done", "SELECT group_concat(outcome, ' ') FROM (SELECT outcome FROM journal WHERE step = 'initialise' ORDER BY id)");
}

static int
destroy(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_initialise || bay->token != 0)
		return 0;
	make_foreign(&stage->tokens[0], CONTENT_FOREIGN, "");
	stage_fail(bay, message->initialise.journal, MINT_TOKEN_INIT, FAULT_TOKEN);
	return 1;
}

static void
token_that_its_initialising_destroyed_is_known_again_and_may_be_erased_again(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	stage->hook = destroy;
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_run(stage);
	assert_bay(stage, 0, "trouble TOKEN_INIT");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	put(stage, 1, 1);
	assert_bay(stage, 1, "take -");
	take(stage, 0);
	put(stage, 0, 0);
	assert_bay(stage, 0, "trouble TOKEN_QUARANTINED");
	assert_sql(stage, "2", "SELECT count(*) FROM token");
	import(stage, "SQ-2", 1);
	stage->hook = listen;
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"once more\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_run(stage);
	assert_bay(stage, 0, "take -");
	assert_int_equal(told.old_codes, 0);
}

/* --- locked */

static void
token_with_a_locked_so_pin_costs_no_credential_a_try(void **state)
{
	struct stage *stage = *state;

	refuse_a_stranger(stage, "somebody");
	stage->tokens[0].so_locked = 1;
	assert_int_equal(order(stage, "erase", "A000", "{\"why\":\"says Li\",\"so_pin\":\"Secret-77\"}"), 0);
	stage_run(stage);
	assert_bay(stage, 0, "trouble PIN_LOCKED");
	assert_sql(stage, "quarantined PIN_LOCKED 0", "SELECT state || ' ' || failed_error || ' ' || so_tries FROM token");
	assert_sql(stage, "waiting 0", "SELECT state || ' ' || attempt FROM credential");
	assert_int_equal(stage->tokens[0].erased, 0);
}

static void
tries_left_are_on_record_only_where_the_token_says_them(void **state)
{
	struct stage *stage = *state;

	put(stage, 0, 1);
	stage->tokens[2].so_locked = 1;
	put(stage, 1, 2);
	assert_sql(stage, "- -,- 0", "SELECT group_concat(coalesce(user_tries, '-') || ' ' || coalesce(so_tries, '-')) FROM "
	    "(SELECT * FROM token ORDER BY id)");
}

static void
token_is_given_only_what_its_model_can_do(void **state)
{
	struct stage *stage = *state;

	stage->tokens[0].key_types = "rsa2048 rsa3072";
	stage->tokens[1].key_types = "rsa2048 p256";
	import(stage, "A-1", 1);
	put(stage, 0, 0);
	assert_sql(stage, "idle TOKEN_MECHANISM", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	put(stage, 1, 1);
	assert_sql(stage, "take", "SELECT state FROM bay WHERE bay = 2");
	take(stage, 0);
	put(stage, 0, 0); /* nothing waits any more: it is a good token for later */
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_cell_of_the_decisions_is_as_it_is_written),
		cmocka_unit_test(cell_of_a_row_that_cannot_be_it_says_what_is_done_without_it),
		TEST(tokens_of_one_serial_number_are_minted_at_once_and_packed_by_their_markers),
		TEST(finished_token_comes_back_as_itself_among_its_twins),
		TEST(second_token_with_the_marker_of_one_in_a_bay_is_left_alone),
		TEST(token_with_a_finished_ones_marker_but_not_its_key_is_not_handed_over),
		TEST(proof_is_begun_on_the_token_of_that_marker_only),
		TEST(codes_are_asked_for_on_the_token_of_that_key_only),
		TEST(blank_twin_of_a_quarantined_token_waits_until_a_person_has_decided_about_that),
		TEST(strangers_token_without_a_serial_number_stands_in_no_ones_way),
		TEST(token_that_vanishes_whenever_it_is_initialised_is_given_up_in_the_end),
		TEST(strangers_token_is_erased_on_a_named_persons_order_while_it_lies_in_its_bay),
		TEST(token_is_given_only_what_its_model_can_do),
		TEST(clearing_does_not_make_a_strangers_token_ours),
		TEST(so_pin_is_forgotten_by_a_restart_and_asked_for_again),
		TEST(orders_that_must_not_erase_are_refused_with_the_reason_and_the_credential),
		TEST(cleared_token_with_final_codes_says_what_erasing_it_needs),
		TEST(finished_token_is_erased_only_when_its_certificate_is_revoked),
		TEST(what_a_cut_erasing_of_ours_left_is_erased_again_by_itself),
		TEST(token_that_its_initialising_destroyed_is_known_again_and_may_be_erased_again),
		TEST(token_with_a_locked_so_pin_costs_no_credential_a_try),
		TEST(tries_left_are_on_record_only_where_the_token_says_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
