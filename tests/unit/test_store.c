/* The way to the record: migrations, refusals, parts of a transaction; and the tables it is made from. */
#include "hostd/queue/states.h"
#include "hostd/queue/steps.h"
#include "hostd/queue/store.h"
#include "schemas/errors.h"
#include "tests/unit/unsynced.h"

#include "api_sql.h"
#include "migrations.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char directory[64], path[96];
};

static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	setenv("MINT_LOG", "error", 0);
	strcpy(place->directory, "/tmp/mint-store-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof place->path, "%s/mint.db", place->directory);
	*state = place;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".before-2", ".made" };
	struct place *place = *state;
	char path[128];

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(path, sizeof path, "%s%s", place->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(place->directory), 0); /* nothing else was left */
	free(place);
	return 0;
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
new_database_gets_every_migration_and_opens_again(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_run(store, QUEUE_fact_set, "ss", "bench", "one"), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(&store);
	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_get(store, QUEUE_fact_get, "s", "bench"), 0);
	assert_string_equal(store_text(store, QUEUE_fact_get, 0), "one");
	store_close(&store);
}

static void
database_that_is_missing_where_there_was_one_is_not_made_anew(void **state)
{
	const struct place *place = *state;
	char mark[128];
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(store_open(place->path, &store), MINT_DAMAGED);
	assert_int_equal(access(place->path, F_OK), -1);
	snprintf(mark, sizeof mark, "%s.made", place->path);
	assert_int_equal(unlink(mark), 0); /* a person wants an empty one */
	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
}

static void
database_of_an_older_release_is_missed_from_its_first_start_on(void **state)
{
	const struct place *place = *state;
	char mark[128];
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	snprintf(mark, sizeof mark, "%s.made", place->path);
	assert_int_equal(unlink(mark), 0); /* as it was left by one that put no mark */
	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	assert_int_equal(access(mark, F_OK), 0);
}

static void
database_of_a_newer_release_is_refused(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	run_sql(place->path, "PRAGMA user_version = 999");
	assert_int_equal(store_open(place->path, &store), MINT_REFUSED);
	assert_null(store);
}

static void
database_of_another_program_is_refused_and_left_alone(void **state)
{
	const struct place *place = *state;
	struct store *store;
	sqlite3 *db;
	sqlite3_stmt *statement;

	run_sql(place->path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
	assert_int_equal(store_open(place->path, &store), MINT_REFUSED);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 1);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void
file_that_is_no_database_is_refused(void **state)
{
	const struct place *place = *state;
	struct store *store;
	FILE *file = fopen(place->path, "w");

	for (int i = 0; i < 200; i++)
		fputs("this is not what it should be ", file);
	fclose(file);
	assert_int_equal(store_open(place->path, &store), MINT_DAMAGED);
}

/* --- migrations */

static const char *const migrations[] = {
#define ROW(name, sql) sql,
	MIGRATIONS(ROW)
#undef ROW
};

/* A row in every table, two where a reference leads there. */
static const char rows_of_the_first[] =
    "INSERT INTO application (id, reference, kind, medium, state, quantity, delivery, approved_at, deadline_at, imported_at, "
    "  changed_at, record_sha256) VALUES (1, 'SQ-1', 'new', 'token', 'issued', 1, 'post', 1, 2, 3, 4, x'01');"
    "INSERT INTO person VALUES (1, '{}', NULL);"
    "INSERT INTO credential (id, application_id, ordinal, name, key_type, profile, state, deadline_at, changed_at) "
    "  VALUES (1, 1, 1, 'SQ-1-01', 'p256', 'institution', 'packed', 2, 5);"
    "INSERT INTO token VALUES (1, 'myeid', x'3bf5', 'AA01', 'MB-00000001', 'lot 7', 'shipped', NULL, NULL, NULL, 6),"
    "  (2, 'myeid', x'3bf5', 'AA02', 'MB-00000002', NULL, 'quarantined', x'c0de', 'TOKEN_FULL', 'no room', 7);"
    "INSERT INTO token_use VALUES (1, 1, 1, 1, 1, 2, 'packed');"
    "UPDATE credential SET use_id = 1;"
    "INSERT INTO key VALUES (1, 1, 1, 'p256', x'01', x'02', x'03', 4, 5);"
    "INSERT INTO certificate (id, credential_id, use_id, key_id, serial, request, state) VALUES (1, 1, 1, 1, x'09', x'08', 'live');"
    "INSERT INTO proof VALUES (1, 1, 'r', 2, 'r', x'01', 1, x'02', x'03', 2);"
    "INSERT INTO pin_envelope VALUES (1, 1, 1, 3, x'04', 1, 2);"
    "INSERT INTO parcel VALUES (1, 1, 'packed', 1, 'uid:0');"
    "INSERT INTO parcel_item VALUES (1, 1, 1, 1);"
    "INSERT INTO print_job (id, parcel_id, made_at, changed_at) VALUES (1, 1, 1, 1);"
    "INSERT INTO journal (id, credential_id, use_id, token_id, step, bench, lease, actor, begun_at) VALUES (1, 1, 1, 1, 'key', 'b', 1, 'q', 1);"
    "INSERT INTO event (at, actor, kind, token_id) VALUES (1, 'q', 'token.blank', 1);"
    "INSERT INTO bay (bay, bench, reader, state, token_id, changed_at) VALUES (1, 'b', 'r', 'idle', 2, 1);"
    "INSERT INTO lease VALUES (1, 'b', 1, 'mint', 1, 2);"
    "INSERT INTO operator VALUES (1, 'uid:0', 1);"
    "INSERT INTO fact VALUES ('bench', 'b');"
    "PRAGMA application_id = 0x4d494e54; PRAGMA user_version = 1";

/* One value, as text (static). */
static const char *
value_of(const char *path, const char *sql)
{
	static char text[256];
	sqlite3_stmt *statement;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

static void
make_the_first(const char *path)
{
	run_sql(path, migrations[0]);
	run_sql(path, rows_of_the_first);
}

static void
record_and_its_copy_are_on_the_disk_once_it_is_open(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	assert_null(unsynced_below(place->directory));
	store_close(&store);
	unlink(place->path);
	make_the_first(place->path);
	assert_int_equal(store_open(place->path, &store), 0);
	assert_null(unsynced_below(place->directory));
	store_close(&store);
}

static void
record_of_the_first_release_is_backed_up_and_loses_nothing_on_its_way_up(void **state)
{
	const struct place *place = *state;
	struct store *store;
	char copy[128];

	make_the_first(place->path);
	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	snprintf(copy, sizeof copy, "%s.before-2", place->path);
	assert_string_equal(value_of(copy, "PRAGMA user_version"), "1");
	assert_string_equal(value_of(place->path, "PRAGMA user_version"), "5");
	assert_string_equal(value_of(place->path, "SELECT count = (SELECT count(*) FROM token WHERE state = 'shipped') AND count > 0 FROM closed "
	    "WHERE machine = 'token' AND state = 'shipped'"), "1");
	assert_string_equal(value_of(place->path, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
	assert_string_equal(value_of(place->path, "PRAGMA integrity_check"), "ok");
	assert_string_equal(value_of(place->path, "SELECT model || hex(atr) || serial || marker || lot || state || seen_at FROM token "
	    "WHERE id = 1"), "myeid3BF5AA01MB-00000001lot 7shipped6");
	assert_string_equal(value_of(place->path, "SELECT hex(codes) || failed_error || failed_detail || erasing || "
	    "coalesce(found, user_tries, so_tries, '-') FROM token WHERE id = 2"), "C0DETOKEN_FULLno room0-");
	/* Every other table refers to the new one, not to the one that is gone. */
	assert_string_equal(value_of(place->path, "SELECT count(*) FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE "
	    "m.type = 'table' AND f.\"table\" = 'token'"), "6");
	assert_string_equal(value_of(place->path, "SELECT t.serial FROM parcel_item i JOIN token t ON t.id = i.token_id"), "AA01");
}

static void
tokens_may_share_a_serial_number_but_no_marker(void **state)
{
	const struct place *place = *state;
	struct blob atr = { (const uint8_t *)"\x3b\xf5", 2 };
	struct store *store;

	make_the_first(place->path);
	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_run(store, QUEUE_token_add, "sbsi", "myeid", &atr, "AA01", (int64_t)1), 0);
	assert_int_equal(store_commit(store), 0);
	store_close(&store);
	assert_string_equal(value_of(place->path, "SELECT marker FROM token WHERE serial = 'AA01' AND id > 1"), "MB-00000003");
	assert_string_equal(value_of(place->path, "SELECT \"unique\" FROM pragma_index_list('token') WHERE origin = 'u'"), "1");
}

static void
references_are_kept_after_a_migration(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_run(store, QUEUE_use_add, "iidi", (int64_t)1, (int64_t)1, 1, (int64_t)1), MINT_STORAGE);
	store_close(&store);
}

static void
reference_that_leads_nowhere_stops_the_migration_and_nothing_is_changed(void **state)
{
	const struct place *place = *state;
	struct store *store;

	make_the_first(place->path);
	run_sql(place->path, "PRAGMA foreign_keys = OFF; UPDATE proof SET use_id = 77");
	assert_int_equal(store_open(place->path, &store), MINT_STORAGE);
	assert_string_equal(value_of(place->path, "PRAGMA user_version"), "1");
	assert_string_equal(value_of(place->path, "SELECT count(*) FROM pragma_table_info('token') WHERE name = 'found'"), "0");
}

static void
what_was_not_committed_is_gone(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_run(store, QUEUE_fact_set, "ss", "bench", "one"), 0);
	assert_true(store_is_dirty(store));
	store_close(&store);
	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_get(store, QUEUE_fact_get, "s", "bench"), MINT_NOT_FOUND);
	assert_false(store_is_dirty(store));
	store_close(&store);
}

static void
part_that_is_taken_back_takes_nothing_else_with_it(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	assert_int_equal(store_mark(store), 0);
	assert_int_equal(store_run(store, QUEUE_fact_set, "ss", "first", "kept"), 0);
	assert_int_equal(store_keep(store), 0);
	assert_int_equal(store_mark(store), 0);
	assert_int_equal(store_run(store, QUEUE_fact_set, "ss", "second", "not kept"), 0);
	store_take_back(store);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_get(store, QUEUE_fact_get, "s", "first"), 0);
	store_done(store, QUEUE_fact_get);
	assert_int_equal(store_get(store, QUEUE_fact_get, "s", "second"), MINT_NOT_FOUND);
	store_close(&store);
}

static void
broken_uniqueness_is_told_from_broken_storage(void **state)
{
	const struct place *place = *state;
	struct store *store;

	assert_int_equal(store_open(place->path, &store), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_run(store, QUEUE_application_add, "ssssddsiiibss", "SQ-1", "new", "token", "approved", 1, 0,
		    "post", (int64_t)1, (int64_t)2, (int64_t)3, &(struct blob){ (const uint8_t *)"x", 1 }, NULL, NULL),
		    i ? MINT_EXISTS : 0);
	assert_int_equal(store_commit(store), 0); /* the statement failed, not the transaction */
	store_close(&store);
}

static const struct {
	const char *name, *sql;
} statements[] = {
#define ROW(name, caller, writes, sql) { #name, sql },
	QUEUE_STATEMENTS(ROW)
#undef ROW
}, shown[] = {
#define ROW(name, caller, writes, sql) { #name, sql },
	API_STATEMENTS(ROW)
#undef ROW
};

/* Tables that do not grow with the work may be read whole. */
static int
reads_whole_table(const char *plan)
{
	static const char *const small[] = { "SCAN bay", "SCAN b", "SCAN station", "SCAN (", "SCAN CONSTANT" };

	if (strstr(plan, "(rowid>?)"))
		return 1;
	if (strncmp(plan, "SCAN ", 5) != 0 || strstr(plan, "USING INDEX") || strstr(plan, "USING COVERING INDEX"))
		return 0;
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
		if (strncmp(plan, small[i], strlen(small[i])) == 0)
			return 0;
	return 1;
}

static void
assert_reads_no_whole_table(sqlite3 *db, const char *name, const char *text)
{
	char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		if (reads_whole_table((const char *)sqlite3_column_text(statement, 3)))
			fail_msg("%s: %s", name, (const char *)sqlite3_column_text(statement, 3));
	sqlite3_finalize(statement);
	sqlite3_free(sql);
}

static sqlite3 *
open_new(const struct place *place)
{
	struct store *store;
	sqlite3 *db;

	assert_int_equal(store_open(place->path, &store), 0);
	store_close(&store);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	return db;
}

static void
no_statement_reads_a_whole_table(void **state)
{
	sqlite3 *db = open_new(*state);

	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		/* Run once, at the start, on what is open then. */
		if (strcmp(statements[i].name, "journal_lose") != 0 && strcmp(statements[i].name, "lease_lose") != 0)
			assert_reads_no_whole_table(db, statements[i].name, statements[i].sql);
	}
	sqlite3_close(db);
}

/* What is asked all the time, by screens and back office, and a page of the console: in tables that only grow. */
static void
what_is_polled_reads_no_whole_table(void **state)
{
	static const char *const polled[] = {
		"tally_applications", "tally_credentials", "tally_tokens", "tally_labels", "open_applications", "credentials_moving",
		"labels_stuck", "parked", "delayed", "stock_levels",
		"uses", "keys", "certificates_of", "proofs", "envelopes", "journal", "credential_events",
	};
	sqlite3 *db = open_new(*state);
	size_t seen = 0;

	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		for (size_t k = 0; k < sizeof polled / sizeof polled[0]; k++)
			if (strcmp(shown[i].name, polled[k]) == 0) {
				seen++;
				assert_reads_no_whole_table(db, shown[i].name, shown[i].sql);
			}
	assert_int_equal(seen, sizeof polled / sizeof polled[0]);
	sqlite3_close(db);
}

/* --- the tables */

static void
change_that_is_not_in_the_table_is_refused(void **state)
{
	(void)state;
	assert_int_equal(states_next(MACHINE_credential, STATE_credential_keyed, "request_made"), STATE_credential_requested);
	assert_int_equal(states_next(MACHINE_credential, STATE_credential_keyed, "sealed"), STATE_NONE);
	assert_int_equal(states_next(MACHINE_credential, STATE_credential_packed, "redo"), STATE_NONE);
	assert_int_equal(states_next(MACHINE_token, STATE_token_shipped, "clear"), STATE_NONE);
	assert_int_equal(states_next(MACHINE_token, STATE_token_sealed, "erase"), STATE_NONE);
	assert_int_equal(states_next(MACHINE_application, STATE_application_minting, "cancel"), STATE_NONE);
}

static void
names_of_states_are_found_in_their_own_machine_only(void **state)
{
	(void)state;
	assert_int_equal(states_by_name(MACHINE_token, "sealed"), STATE_token_sealed);
	assert_int_equal(states_by_name(MACHINE_credential, "sealed"), STATE_credential_sealed);
	assert_int_equal(states_by_name(MACHINE_token, "minting"), STATE_NONE);
	assert_string_equal(states_name(STATE_bay_trouble), "trouble");
}

static void
every_step_leads_where_the_states_allow(void **state)
{
	(void)state;
	for (int i = 0; i < STEP_COUNT; i++) {
		static const char *const events[STEP_COUNT] = {
			"initialised", "key_made", "request_made", "certified", "burned", "proved", "sealed", NULL, NULL, "take", "pack",
		};

		if (events[i])
			assert_int_equal(states_next(MACHINE_credential, steps[i].from, events[i]), steps[i].to);
	}
	assert_ptr_equal(steps_from(STATE_credential_burned), &steps[STEP_prove]);
	assert_null(steps_from(STATE_credential_sealed)); /* from here on it is a person's */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(new_database_gets_every_migration_and_opens_again),
		TEST(database_that_is_missing_where_there_was_one_is_not_made_anew),
		TEST(database_of_an_older_release_is_missed_from_its_first_start_on),
		TEST(database_of_a_newer_release_is_refused),
		TEST(database_of_another_program_is_refused_and_left_alone),
		TEST(file_that_is_no_database_is_refused),
		TEST(record_and_its_copy_are_on_the_disk_once_it_is_open),
		TEST(record_of_the_first_release_is_backed_up_and_loses_nothing_on_its_way_up),
		TEST(tokens_may_share_a_serial_number_but_no_marker),
		TEST(references_are_kept_after_a_migration),
		TEST(reference_that_leads_nowhere_stops_the_migration_and_nothing_is_changed),
		TEST(what_was_not_committed_is_gone),
		TEST(part_that_is_taken_back_takes_nothing_else_with_it),
		TEST(broken_uniqueness_is_told_from_broken_storage),
		TEST(no_statement_reads_a_whole_table),
		TEST(what_is_polled_reads_no_whole_table),
		cmocka_unit_test(change_that_is_not_in_the_table_is_refused),
		cmocka_unit_test(names_of_states_are_found_in_their_own_machine_only),
		cmocka_unit_test(every_step_leads_where_the_states_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
