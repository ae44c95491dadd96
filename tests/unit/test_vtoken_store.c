/* What must outlive a power cut: state files, the key pool, serial numbers. */
#include "schemas/errors.h"
#include "tools/vtoken/durable.h"
#include "tools/vtoken/pool.h"
#include "tools/vtoken/store.h"
#include "tools/vtoken/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "A.token"

struct place {
	char path[64];
	int directory;
};

static int
make_place(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	const char *base = getenv("TMPDIR");

	snprintf(place->path, sizeof place->path, "%s/vtoken.XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
	assert_non_null(mkdtemp(place->path));
	place->directory = durable_directory(place->path);
	assert_true(place->directory >= 0);
	*state = place;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *place = *state;
	char command[128];

	close(place->directory);
	snprintf(command, sizeof command, "rm -rf '%s'", place->path);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

/* Reads the state of NAME and compares it with a text. */
static void
assert_state(const struct place *place, const char *expected)
{
	struct store *store;
	uint8_t *state;
	size_t len;

	assert_int_equal(store_open(&store, place->directory, NAME, &state, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(state, expected, len);
	OPENSSL_clear_free(state, len);
	store_close(&store);
}

static void
save(const struct place *place, const char *text)
{
	struct store *store;
	uint8_t *state;
	size_t len;

	assert_int_equal(store_open(&store, place->directory, NAME, &state, &len), 0);
	OPENSSL_clear_free(state, len);
	assert_int_equal(store_save(store, (const uint8_t *)text, strlen(text)), 0);
	store_close(&store);
}

static void
create(const struct place *place, const char *text)
{
	assert_int_equal(store_create(place->directory, NAME, (const uint8_t *)text, strlen(text)), 0);
}

static void
the_last_saved_state_counts(void **state)
{
	struct place *place = *state;
	char text[32];

	create(place, "state 0");
	assert_state(place, "state 0");
	for (int n = 1; n <= 5; n++) {
		snprintf(text, sizeof text, "state %d", n);
		save(place, text);
		assert_state(place, text);
	}
}

static void
a_file_is_not_created_over_another(void **state)
{
	struct place *place = *state;

	create(place, "first");
	assert_int_equal(store_create(place->directory, NAME, (const uint8_t *)"x", 1), MINT_EXISTS);
	assert_state(place, "first");
}

/* The third save goes over the first half. Whatever part of it reaches the disk, the second state is there. */
static void
a_write_torn_at_any_byte_leaves_the_state_before(void **state)
{
	struct place *place = *state;
	static const char third[] = "the third, other";
	uint8_t before[256], after[256];
	size_t record = 52 + strlen(third);
	int fd;

	create(place, "the first state");
	save(place, "the second state");
	assert_int_equal(durable_read(place->directory, NAME, before, 0), MINT_STORAGE);
	fd = openat(place->directory, NAME, O_RDWR);
	assert_int_equal(pread(fd, before, sizeof before, 0), sizeof before);
	save(place, third);
	assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
	for (size_t torn = 0; torn < record; torn++) {
		assert_int_equal(pwrite(fd, before, sizeof before, 0), sizeof before);
		assert_int_equal(pwrite(fd, after, torn, 0), torn);
		assert_state(place, "the second state");
	}
	assert_int_equal(pwrite(fd, after, record, 0), record);
	assert_state(place, third);
	close(fd);
}

/* Sectors may reach the disk in any order, and a half may hold anything. */
static void
a_damaged_half_is_not_taken(void **state)
{
	struct place *place = *state;
	uint8_t byte;
	int fd;

	create(place, "the first state");
	save(place, "the second state");
	fd = openat(place->directory, NAME, O_RDWR);
	for (off_t at = STORE_HALF; at < STORE_HALF + 52; at++) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x40;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_state(place, "the first state");
		byte ^= 0x40;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_state(place, "the second state");
	close(fd);
}

static void
a_file_without_a_sound_half_is_refused(void **state)
{
	struct place *place = *state;
	struct store *store;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(store_open(&store, place->directory, NAME, &bytes, &len), MINT_NOT_FOUND);
	assert_int_equal(durable_replace(place->directory, NAME, "MBTOKEN1 and then nothing", 25), 0);
	assert_int_equal(store_open(&store, place->directory, NAME, &bytes, &len), MINT_SYNTAX);
	assert_null(store);
}

/* A child saves numbers one after the other, telling each after it was saved, until it is killed. */
static void
count_until_killed(const struct place *place, int told)
{
	struct store *store;
	uint8_t *state;
	size_t len;
	char text[4096];
	unsigned number = 0;

	if (store_open(&store, place->directory, NAME, &state, &len))
		_exit(1);
	for (;;) {
		number++;
		memset(text, ' ', sizeof text);
		snprintf(text, sizeof text, "%u", number);
		if (store_save(store, (const uint8_t *)text, sizeof text) ||
		    write(told, &number, sizeof number) != sizeof number)
			_exit(1);
	}
}

static void
what_was_saved_survives_kill_at_any_moment(void **state)
{
	struct place *place = *state;
	unsigned number, last, found;
	struct store *store;
	uint8_t *bytes;
	size_t len;
	int told[2];
	pid_t child;

	create(place, "0");
	for (unsigned round = 0; round < 20; round++) {
		assert_int_equal(pipe(told), 0);
		child = fork();
		if (child == 0)
			count_until_killed(place, told[1]);
		close(told[1]);
		for (last = 0; last < 3 + round && read(told[0], &number, sizeof number) == sizeof number;)
			last = number;
		kill(child, SIGKILL);
		while (read(told[0], &number, sizeof number) == sizeof number)
			last = number;
		close(told[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_int_equal(store_open(&store, place->directory, NAME, &bytes, &len), 0);
		found = (unsigned)strtoul((const char *)bytes, NULL, 10);
		assert_true(found == last || found == last + 1);
		OPENSSL_clear_free(bytes, len);
		store_close(&store);
	}
}

static void
a_pool_hands_out_each_key_once(void **state)
{
	enum { KEYS = 40, TAKERS = 4 };
	struct place *place = *state;
	const struct pool_type *type = pool_type_by_name("p256");
	uint8_t points[KEYS][KEY_DATA_MAX], point[KEY_DATA_MAX];
	struct pool *pool;
	struct key *key;
	int results[2], len, taken = 0;

	assert_int_equal(pool_open(&pool, place->path), 0);
	for (int n = 0; n < KEYS; n++)
		assert_int_equal(pool_add(pool, type), 0);
	assert_int_equal(pool_count(pool, type), KEYS);
	assert_int_equal(pool_count(pool, pool_type_by_name("rsa2048")), 0);
	assert_int_equal(pipe(results), 0);
	for (int taker = 0; taker < TAKERS; taker++) {
		if (fork())
			continue;
		while (pool_take(pool, type, &key) == 0) {
			memset(point, 0, sizeof point);
			len = key_point(key, point);
			if (len <= 0 || write(results[1], point, sizeof point) != sizeof point)
				_exit(1);
			key_free(&key);
		}
		_exit(0);
	}
	close(results[1]);
	while (read(results[0], points[taken], KEY_DATA_MAX) == KEY_DATA_MAX)
		for (int n = 0, last = taken++; n < last; n++)
			assert_memory_not_equal(points[n], points[last], 65);
	while (wait(NULL) > 0)
		;
	close(results[0]);
	assert_int_equal(taken, KEYS);
	assert_int_equal(pool_take(pool, type, &key), MINT_NOT_FOUND);
	pool_close(&pool);
}

/* The key's file is gone before the key is there: a taker killed at any moment leaves nothing to be taken again. */
static void
a_pool_key_is_gone_after_its_taker_was_killed(void **state)
{
	struct place *place = *state;
	const struct pool_type *type = pool_type_by_name("p256");
	struct pool *pool;
	struct key *key;
	pid_t child;
	int told[2];
	char byte;

	assert_int_equal(pool_open(&pool, place->path), 0);
	assert_int_equal(pool_add(pool, type), 0);
	assert_int_equal(pipe(told), 0);
	child = fork();
	if (child == 0) {
		if (pool_take(pool, type, &key) == 0 && write(told[1], "k", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(pool_take(pool, type, &key), MINT_NOT_FOUND);
	close(told[0]);
	close(told[1]);
	pool_close(&pool);
}

static void
a_pool_file_that_is_no_key_is_passed_over(void **state)
{
	struct place *place = *state;
	const struct pool_type *type = pool_type_by_name("p256");
	struct pool *pool;
	struct key *key;

	assert_int_equal(pool_open(&pool, place->path), 0);
	assert_int_equal(durable_replace(place->directory, "p256-bad.key", "no key", 6), 0);
	assert_int_equal(pool_take(pool, type, &key), MINT_NOT_FOUND);
	assert_int_equal(durable_replace(place->directory, "p256-bad.key", "no key", 6), 0);
	assert_int_equal(pool_add(pool, type), 0);
	assert_int_equal(pool_take(pool, type, &key), 0);
	key_free(&key);
	pool_close(&pool);
}

static void
serial_numbers_are_never_used_again(void **state)
{
	struct place *place = *state;
	struct drawer *drawer, *second;
	struct token *token;

	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_open(&second, place->path), MINT_BUSY);
	assert_int_equal(drawer_make(drawer, &token), 0);
	assert_string_equal(card_serial(token_card(token)), "00000000000000000001");
	token_free(&token);
	drawer_close(&drawer);
	assert_int_equal(unlinkat(place->directory, "00000000000000000001.token", 0), 0);
	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_make(drawer, &token), 0);
	assert_string_equal(card_serial(token_card(token)), "00000000000000000002");
	token_free(&token);
	drawer_close(&drawer);
	assert_int_equal(unlinkat(place->directory, "next", 0), 0);
	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_make(drawer, &token), 0);
	assert_string_equal(card_serial(token_card(token)), "00000000000000000003");
	token_free(&token);
	assert_int_equal(drawer_take(drawer, "2", &token), 0);
	token_free(&token);
	assert_int_equal(drawer_take(drawer, "1", &token), MINT_NOT_FOUND);
	assert_int_equal(drawer_take(drawer, "../2", &token), MINT_ARGUMENT);
	drawer_close(&drawer);
}

/* Two tokens of one lot with the same serial number: each keeps its own state, under a name of its own. */
static void
tokens_of_one_serial_number_are_told_apart(void **state)
{
	struct place *place = *state;
	struct drawer *drawer;
	struct token *token;

	assert_int_equal(drawer_open(&drawer, place->path), 0);
	for (int n = 1; n <= 3; n++) {
		assert_int_equal(drawer_make_as(drawer, "ab", &token), 0);
		assert_string_equal(card_serial(token_card(token)), "000000000000000000AB");
		assert_string_equal(token_name(token), n == 1   ? "000000000000000000AB"
						       : n == 2 ? "000000000000000000AB.2"
								: "000000000000000000AB.3");
		token_free(&token);
	}
	assert_int_equal(drawer_take(drawer, "AB.2", &token), 0);
	assert_string_equal(token_name(token), "000000000000000000AB.2");
	assert_int_equal(token_reload(token), 0);
	assert_string_equal(card_serial(token_card(token)), "000000000000000000AB");
	token_free(&token);
	assert_int_equal(drawer_take(drawer, "AB.4", &token), MINT_NOT_FOUND);
	assert_int_equal(drawer_take(drawer, "AB.", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_take(drawer, "AB.2x", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_take(drawer, "AB.20000", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_take(drawer, ".2", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_make_as(drawer, "", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_make_as(drawer, "AB.2", &token), MINT_ARGUMENT);
	assert_int_equal(drawer_make_as(drawer, "0123456789ABCDEF01234", &token), MINT_ARGUMENT);
	drawer_close(&drawer);
}

static void
a_chosen_serial_number_does_not_disturb_the_counting(void **state)
{
	struct place *place = *state;
	struct drawer *drawer;
	struct token *token;

	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_make_as(drawer, "1", &token), 0);
	token_free(&token);
	assert_int_equal(drawer_make_as(drawer, "FFFFFFFFFFFFFFFFFFFF", &token), 0);
	token_free(&token);
	assert_int_equal(drawer_make(drawer, &token), 0);
	assert_string_equal(card_serial(token_card(token)), "00000000000000000002");
	token_free(&token);
	drawer_close(&drawer);
	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_make(drawer, &token), 0);
	assert_string_equal(card_serial(token_card(token)), "00000000000000000003");
	token_free(&token);
	drawer_close(&drawer);
}

static void
slots_are_remembered(void **state)
{
	struct place *place = *state;
	char names[3][TOKEN_NAME_TEXT] = { "", "00000000000000000007", "0000000000000000000A.12" }, back[3][TOKEN_NAME_TEXT];
	struct drawer *drawer;

	assert_int_equal(drawer_open(&drawer, place->path), 0);
	assert_int_equal(drawer_recall(drawer, back, 3), 0);
	assert_string_equal(back[1], "");
	assert_int_equal(drawer_remember(drawer, names, 3), 0);
	assert_int_equal(drawer_recall(drawer, back, 3), 0);
	assert_string_equal(back[0], "");
	assert_string_equal(back[1], names[1]);
	assert_string_equal(back[2], names[2]);
	assert_int_equal(drawer_recall(drawer, back, 1), 0); /* fewer slots than before */
	assert_string_equal(back[0], "");
	drawer_close(&drawer);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_last_saved_state_counts),
		IN_PLACE(a_file_is_not_created_over_another),
		IN_PLACE(a_write_torn_at_any_byte_leaves_the_state_before),
		IN_PLACE(a_damaged_half_is_not_taken),
		IN_PLACE(a_file_without_a_sound_half_is_refused),
		IN_PLACE(what_was_saved_survives_kill_at_any_moment),
		IN_PLACE(a_pool_hands_out_each_key_once),
		IN_PLACE(a_pool_key_is_gone_after_its_taker_was_killed),
		IN_PLACE(a_pool_file_that_is_no_key_is_passed_over),
		IN_PLACE(serial_numbers_are_never_used_again),
		IN_PLACE(tokens_of_one_serial_number_are_told_apart),
		IN_PLACE(a_chosen_serial_number_does_not_disturb_the_counting),
		IN_PLACE(slots_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
