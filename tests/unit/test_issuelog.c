/* The issue log after crashes and damage: what was answered stays, what was torn is cut, anything else stops the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hostd/base/log.h"
#include "hostd/ca/issuelog.h"
#include "schemas/errors.h"
#include "tests/unit/ca_fixture.h"
#include "tests/unit/unsynced.h"

enum { RECORDS_MAX = 16 };

static const char *path;
static int directory;

static struct seen {
	unsigned     count;
	uint64_t     requests[RECORDS_MAX];
	struct place places[RECORDS_MAX];
} seen;

static int
set_up(void **state)
{
	(void)state;
	path = fixture_directory();
	directory = open(path, O_RDONLY | O_DIRECTORY);
	return directory < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(directory);
	fixture_remove();
	return 0;
}

static int
note(const struct record *record, struct place place, void *argument)
{
	(void)argument;
	assert_true(seen.count < RECORDS_MAX);
	seen.requests[seen.count] = record->request_id;
	seen.places[seen.count++] = place;
	return 0;
}

static int
open_log(struct issuelog **log, enum issuelog_mode mode, uint64_t *torn)
{
	struct reason reason = { .error = 0 };
	int r;

	memset(&seen, 0, sizeof seen);
	r = issuelog_open(log, directory, mode, note, NULL, torn, &reason);
	assert_int_equal(r, reason.error);
	assert_true(r == 0 || (reason.text[0] && !*log));
	return r;
}

static void
append(struct issuelog *log, uint64_t request)
{
	static uint8_t certificate[] = "what stands for a certificate here, long enough to be torn in many places";
	struct record record = {
		.kind = RECORD_ISSUED, .at = (int64_t)request, .request_id = request, .profile = "institution",
		.certificate = certificate, .certificate_bytes = sizeof certificate,
	};
	struct place place;

	record.serial[19] = (uint8_t)request;
	record.spki[0] = (uint8_t)request;
	assert_int_equal(issuelog_append(log, &record, &place), 0);
}

static void
sync_log(struct issuelog *log)
{
	struct reason reason = { .error = 0 };

	assert_int_equal(issuelog_sync(log, &reason), 0);
}

/* Four records from `first` on, two in one batch and two in the next. The file, the caller's to free. */
static uint8_t *
make_log_from(uint64_t first, size_t *length)
{
	const uint8_t issuer[DIGEST_BYTES] = { 7 };
	struct issuelog *log;
	struct reason reason = { .error = 0 };

	unlinkat(directory, ISSUELOG_NAME, 0);
	assert_int_equal(issuelog_create(directory, issuer, 1, &reason), 0);
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	append(log, first);
	append(log, first + 1);
	sync_log(log);
	append(log, first + 2);
	append(log, first + 3);
	sync_log(log);
	issuelog_close(&log);
	assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), 0);
	issuelog_close(&log);
	return fixture_read(ISSUELOG_NAME, length);
}

static uint8_t *
make_log(size_t *length)
{
	return make_log_from(1, length);
}

static void
records_come_back_in_order_and_can_be_read_again(void **state)
{
	struct issuelog *log;
	struct record record;
	size_t length;

	(void)state;
	free(make_log(&length));
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	assert_int_equal(seen.count, 5);
	for (unsigned i = 1; i < 5; i++) {
		assert_int_equal(seen.requests[i], i);
		assert_int_equal(issuelog_read(log, seen.places[i], &record), 0);
		assert_int_equal(record.request_id, i);
		assert_int_equal(record.certificate_bytes, 73 + 1);
		record_clear(&record);
	}
	issuelog_close(&log);
}

static void
what_is_answered_from_the_log_is_on_the_disk(void **state)
{
	const uint8_t issuer[DIGEST_BYTES] = { 7 };
	struct reason reason = { .error = 0 };
	struct issuelog *log;

	(void)state;
	unlinkat(directory, ISSUELOG_NAME, 0);
	assert_int_equal(issuelog_create(directory, issuer, 1, &reason), 0);
	assert_null(unsynced_below(path));
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	append(log, 1);
	append(log, 2);
	sync_log(log);
	assert_null(unsynced_below(path));
	issuelog_close(&log);
}

static void
last_record_torn_at_any_byte_is_cut_and_the_log_goes_on(void **state)
{
	struct issuelog *log;
	uint64_t torn;
	size_t length, start;
	uint8_t *whole = make_log(&length);

	(void)state;
	start = seen.places[4].offset;
	for (size_t cut = start; cut < length; cut++) {
		fixture_write(ISSUELOG_NAME, whole, cut);
		assert_int_equal(open_log(&log, ISSUELOG_READ, &torn), 0);
		assert_int_equal(torn, cut - start);
		issuelog_close(&log);
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, &torn), 0);
		assert_int_equal(torn, cut - start);
		assert_int_equal(seen.count, 4);
		append(log, 9);
		sync_log(log);
		issuelog_close(&log);
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, &torn), 0);
		assert_int_equal(torn, 0);
		assert_int_equal(seen.count, 5);
		assert_int_equal(seen.requests[4], 9);
		issuelog_close(&log);
	}
	free(whole);
}

static void
what_was_cut_is_kept_beside_the_log(void **state)
{
	char name[64];
	struct issuelog *log;
	size_t length, kept_bytes, start;
	uint8_t *whole = make_log(&length), *kept;

	(void)state;
	start = seen.places[4].offset;
	fixture_write(ISSUELOG_NAME, whole, length - 5);
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	issuelog_close(&log);
	snprintf(name, sizeof name, ISSUELOG_NAME ".torn-%zu", start);
	kept = fixture_read(name, &kept_bytes);
	assert_int_equal(kept_bytes, length - 5 - start);
	assert_memory_equal(kept, whole + start, kept_bytes);
	free(kept);
	free(whole);
}

/* A power cut may lose any block of a batch that was not yet synced; lost blocks read as NUL. */
static void
batch_with_lost_blocks_is_cut_even_where_later_records_of_it_survived(void **state)
{
	struct issuelog *log;
	uint64_t torn;
	size_t length;
	uint8_t *whole = make_log(&length);

	(void)state;
	memset(whole + seen.places[3].offset + 20, 0, 100);
	fixture_write(ISSUELOG_NAME, whole, length);
	torn = length - seen.places[3].offset;
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, &torn), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(torn, length - seen.places[2].offset - seen.places[2].bytes - 1);
	issuelog_close(&log);
	free(whole);
}

static void
lost_blocks_in_a_synced_batch_are_damage(void **state)
{
	struct issuelog *log;
	size_t length;
	uint8_t *whole = make_log(&length);

	(void)state;
	memset(whole + seen.places[2].offset + 20, 0, 100);
	fixture_write(ISSUELOG_NAME, whole, length);
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
	assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), MINT_SYNTAX);
	free(whole);
}

static void
any_byte_changed_is_damage(void **state)
{
	struct issuelog *log;
	size_t length;
	uint8_t *whole = make_log(&length);

	(void)state;
	/* All but the very last newline, without which the last record looks torn. */
	for (size_t at = 0; at + 1 < length; at++) {
		whole[at] ^= 4;
		fixture_write(ISSUELOG_NAME, whole, length);
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
		whole[at] ^= 4;
	}
	free(whole);
}

static void
line_taken_out_or_put_in_twice_is_damage(void **state)
{
	struct issuelog *log;
	size_t length, from, to;
	uint8_t *whole = make_log(&length), *changed = malloc(2 * length);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		from = seen.places[i].offset;
		to = from + seen.places[i].bytes + 1;
		memcpy(changed, whole, from);
		memcpy(changed + from, whole + to, length - to);
		fixture_write(ISSUELOG_NAME, changed, length - (to - from));
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
		fixture_write(ISSUELOG_NAME, whole, length);
		assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), 0);
		issuelog_close(&log);
		memcpy(changed, whole, to);
		memcpy(changed + to, whole + from, length - from);
		fixture_write(ISSUELOG_NAME, changed, length + (to - from));
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
		fixture_write(ISSUELOG_NAME, whole, length);
		assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), 0);
		issuelog_close(&log);
	}
	free(changed);
	free(whole);
}

/* Of the same number, length and issuer, whole and valid by itself: only the chain tells that it is of another log. */
static void
line_of_another_log_in_the_place_of_ours_is_damage(void **state)
{
	struct issuelog *log;
	size_t length, other_length;
	uint8_t *whole = make_log_from(1, &length), *other = make_log_from(5, &other_length);

	(void)state;
	assert_int_equal(other_length, length);
	for (unsigned i = 2; i < 4; i++) {
		const struct place place = seen.places[i];
		uint8_t *changed = malloc(length);

		memcpy(changed, whole, length);
		memcpy(changed + place.offset, other + place.offset, place.bytes);
		fixture_write(ISSUELOG_NAME, changed, length);
		free(changed);
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
		fixture_write(ISSUELOG_NAME, whole, length);
		assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), 0);
		issuelog_close(&log);
	}
	free(other);
	free(whole);
}

static void
missing_and_empty_logs_are_refused(void **state)
{
	struct issuelog *log;

	(void)state;
	unlinkat(directory, ISSUELOG_NAME, 0);
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_NOT_FOUND);
	fixture_write(ISSUELOG_NAME, "", 0);
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), MINT_SYNTAX);
}

static void
log_has_one_writer_and_many_readers(void **state)
{
	struct issuelog *log, *other;
	size_t length;

	(void)state;
	free(make_log(&length));
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	assert_int_equal(open_log(&other, ISSUELOG_APPEND, NULL), MINT_BUSY);
	append(log, 5);
	assert_int_equal(open_log(&other, ISSUELOG_READ, NULL), 0);
	assert_int_equal(seen.count, 5);
	issuelog_close(&other);
	sync_log(log);
	assert_int_equal(open_log(&other, ISSUELOG_READ, NULL), 0);
	assert_int_equal(seen.count, 6);
	issuelog_close(&other);
	issuelog_close(&log);
}

static void
existing_log_is_not_made_anew(void **state)
{
	const uint8_t issuer[DIGEST_BYTES] = { 0 };
	struct reason reason = { .error = 0 };
	size_t length;

	(void)state;
	free(make_log(&length));
	assert_int_equal(issuelog_create(directory, issuer, 1, &reason), MINT_EXISTS);
}

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
full_disk_at_any_byte_leaves_the_log_as_it_was_and_usable(void **state)
{
	struct issuelog *log;
	struct reason reason = { .error = 0 };
	size_t length, now;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	free(make_log(&length));
	for (size_t room = 0; room < 700; room += 13) {
		assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
		append(log, 5);
		append(log, 6);
		limit_file_size(length + room);
		assert_int_equal(issuelog_sync(log, &reason), MINT_STORAGE);
		assert_false(issuelog_is_broken(log));
		free(fixture_read(ISSUELOG_NAME, &now));
		assert_int_equal(now, length);
		limit_file_size(RLIM_INFINITY);
		sync_log(log);
		free(fixture_read(ISSUELOG_NAME, &now));
		assert_int_equal(now, length);
		issuelog_close(&log);
	}
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	append(log, 5);
	sync_log(log);
	issuelog_close(&log);
	assert_int_equal(open_log(&log, ISSUELOG_READ, NULL), 0);
	assert_int_equal(seen.count, 6);
	issuelog_close(&log);
}

static void
batch_takes_no_more_than_its_limit(void **state)
{
	struct record record = { .kind = RECORD_CRL, .crl_number = 1 };
	struct issuelog *log;
	struct place place;
	size_t length;

	(void)state;
	free(make_log(&length));
	assert_int_equal(open_log(&log, ISSUELOG_APPEND, NULL), 0);
	for (int i = 0; i < ISSUELOG_BATCH_MAX; i++)
		assert_int_equal(issuelog_append(log, &record, &place), 0);
	assert_int_equal(issuelog_append(log, &record, &place), MINT_REFUSED);
	sync_log(log);
	assert_int_equal(issuelog_append(log, &record, &place), 0);
	issuelog_close(&log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_in_order_and_can_be_read_again),
		cmocka_unit_test(what_is_answered_from_the_log_is_on_the_disk),
		cmocka_unit_test(last_record_torn_at_any_byte_is_cut_and_the_log_goes_on),
		cmocka_unit_test(what_was_cut_is_kept_beside_the_log),
		cmocka_unit_test(batch_with_lost_blocks_is_cut_even_where_later_records_of_it_survived),
		cmocka_unit_test(lost_blocks_in_a_synced_batch_are_damage),
		cmocka_unit_test(any_byte_changed_is_damage),
		cmocka_unit_test(line_taken_out_or_put_in_twice_is_damage),
		cmocka_unit_test(line_of_another_log_in_the_place_of_ours_is_damage),
		cmocka_unit_test(missing_and_empty_logs_are_refused),
		cmocka_unit_test(log_has_one_writer_and_many_readers),
		cmocka_unit_test(existing_log_is_not_made_anew),
		cmocka_unit_test(full_disk_at_any_byte_leaves_the_log_as_it_was_and_usable),
		cmocka_unit_test(batch_takes_no_more_than_its_limit),
	};

	setenv("MINT_LOG", "error", 0);
	log_open("test-issuelog");
	return cmocka_run_group_tests_name("issuelog", tests, set_up, tear_down);
}
