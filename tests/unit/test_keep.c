/* Files that are not to be lost: whole, never over another, and on the disk when that was said. */
#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tests/unit/unsynced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char path[64];
	int  directory;
};

static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	strcpy(place->path, "/tmp/mint-keep-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->directory = open(place->path, O_RDONLY | O_DIRECTORY);
	*state = place;
	return place->directory < 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "a", "a.new", "b/c/d", "b/c/d.new" };
	struct place *place = *state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlinkat(place->directory, names[i], 0);
	unlinkat(place->directory, "b/c", AT_REMOVEDIR);
	unlinkat(place->directory, "b", AT_REMOVEDIR);
	close(place->directory);
	assert_int_equal(rmdir(place->path), 0); /* nothing else was left */
	free(place);
	return 0;
}

static void
assert_holds(const struct place *place, const char *name, const char *expected)
{
	int fd = openat(place->directory, name, O_RDONLY);
	char text[64] = "";

	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

static void
file_has_its_bytes_on_the_disk_before_it_has_its_name(void **state)
{
	const struct place *place = *state;

	assert_int_equal(keep_file(place->directory, "a", "one", 3), KEEP_NEW);
	assert_non_null(unsynced_below(place->path)); /* the name is the caller's to sync */
	assert_int_equal(keep_sync(place->directory), 0);
	assert_null(unsynced_below(place->path));
	assert_int_equal(keep_instead(place->directory, "a", "two", 3), 0);
	assert_int_equal(keep_sync(place->directory), 0);
	assert_null(unsynced_below(place->path));
	assert_holds(place, "a", "two");
}

static void
file_that_is_there_is_left_as_it_is(void **state)
{
	const struct place *place = *state;

	assert_int_equal(keep_file(place->directory, "a", "one", 3), KEEP_NEW);
	assert_int_equal(keep_file(place->directory, "a", "one", 3), KEEP_SAME);
	assert_int_equal(keep_file(place->directory, "a", "two", 3), MINT_EXISTS);
	assert_int_equal(keep_file(place->directory, "a", "one more", 8), MINT_EXISTS);
	assert_int_equal(keep_file(place->directory, "a", "on", 2), MINT_EXISTS);
	assert_holds(place, "a", "one");
}

static void
directory_lasts_with_its_name_in_the_one_above(void **state)
{
	const struct place *place = *state;
	char path[80];

	snprintf(path, sizeof path, "%s/b", place->path);
	assert_int_equal(keep_directory(AT_FDCWD, path, 0700), 0);
	assert_null(unsynced_below(place->path));
	assert_int_equal(keep_directory(place->directory, "b/c", 0700), 0);
	assert_null(unsynced_below(place->path));
	assert_int_equal(keep_directory(place->directory, "b/c", 0700), 0);
	assert_int_equal(keep_directory(place->directory, "none/c", 0700), MINT_STORAGE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(file_has_its_bytes_on_the_disk_before_it_has_its_name),
		TEST(file_that_is_there_is_left_as_it_is),
		TEST(directory_lasts_with_its_name_in_the_one_above),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
