/* Readers and bays: who gets which, and that nobody loses his because of a neighbour. */
#include "hostd/base/assign.h"
#include "hostd/base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char exact[] = "Bench 01 00 00", wild[] = "Bench *", other[] = "ACS*", none[] = "", module[] = "m.so";

static struct config_bay bays[] = {
	{ .number = 1, .reader = wild, .module = none },
	{ .number = 2, .reader = wild, .module = none },
	{ .number = 3, .reader = exact, .module = none },
	{ .number = 4, .reader = none, .module = module },
	{ .number = 5, .reader = other, .module = none },
};

enum { BAYS = sizeof bays / sizeof bays[0] };

static const struct config config = { .bays = bays, .bay_count = BAYS };

static void
check(const struct assigned *assigned, const char *const readers[BAYS])
{
	for (int i = 0; i < BAYS; i++)
		assert_string_equal(assigned[i].reader, readers[i]);
}

static void
whole_names_come_before_patterns_and_patterns_in_the_order_of_bays(void **state)
{
	struct assigned assigned[BAYS] = { { "" } };
	const char *const readers[] = { "Bench 00 00 00", "Bench 02 00 00", "Bench 01 00 00", "", "" };

	(void)state;
	assign_readers_by_name(&config, 0, "Bench 02 00 00\0Bench 01 00 00\0Bench 00 00 00\0", assigned);
	check(assigned, readers);
}

static void
reader_stays_with_its_bay_when_others_come_and_go(void **state)
{
	struct assigned assigned[BAYS] = { { "" } };
	const char *const one[] = { "Bench 05 00 00", "", "Bench 01 00 00", "", "" };
	const char *const two[] = { "Bench 05 00 00", "Bench 00 00 00", "Bench 01 00 00", "", "ACS reader 0" };
	const char *const gone[] = { "", "Bench 00 00 00", "Bench 01 00 00", "", "" };

	(void)state;
	assign_readers_by_name(&config, 0, "Bench 05 00 00\0", assigned);
	check(assigned, one);
	assign_readers_by_name(&config, 0, "ACS reader 0\0Bench 00 00 00\0Bench 05 00 00\0", assigned);
	check(assigned, two);
	assign_readers_by_name(&config, 0, "Bench 00 00 00\0", assigned);
	check(assigned, gone);
	assign_readers_by_name(&config, 0, "", assigned);
	assert_string_equal(assigned[1].reader, "");
}

/* Two instances have the same names; bay 2's pattern must not lose to a reader, nor a bay be touched, of the other. */
static void
readers_of_one_name_on_two_instances_are_two(void **state)
{
	struct config_bay two[] = {
		{ .number = 1, .reader = exact, .module = none },
		{ .number = 2, .reader = wild, .module = none, .pcscd = 1 },
		{ .number = 3, .reader = wild, .module = none },
	};
	const struct config both = { .bays = two, .bay_count = 3 };
	struct assigned assigned[3] = { { "" } };

	(void)state;
	assign_readers_by_name(&both, 0, "Bench 01 00 00\0Bench 02 00 00\0", assigned);
	assert_string_equal(assigned[1].reader, "");
	assert_string_equal(assigned[2].reader, "Bench 02 00 00");
	assign_readers_by_name(&both, 1, "Bench 01 00 00\0", assigned);
	assert_string_equal(assigned[0].reader, "Bench 01 00 00");
	assert_string_equal(assigned[1].reader, "Bench 01 00 00");
	assign_readers_by_name(&both, 1, "", assigned);
	assert_string_equal(assigned[0].reader, "Bench 01 00 00");
	assert_string_equal(assigned[1].reader, "");
	assert_string_equal(assigned[2].reader, "Bench 02 00 00");
}

static void
name_that_is_too_long_to_be_told_is_nobodys(void **state)
{
	struct assigned assigned[BAYS] = { { "" } };
	char names[256];

	(void)state;
	memset(names, 'x', sizeof names);
	memcpy(names, "Bench ", 6);
	names[200] = names[201] = '\0';
	assign_readers_by_name(&config, 0, names, assigned);
	assert_string_equal(assigned[0].reader, "");
}

/* Bays 1 and 5 are known by their port; bay 3 is named whole. */
static void
known_port_says_which_reader_whatever_its_name_is(void **state)
{
	const char *const ports[BAYS] = { "1-2", "", "", "", "1-4" };
	const struct assign_reader readers[] = {
		{ "Bench 00 00 00", "1-9" }, { "Bench 07 00 00", "1-2" }, { "Bench 01 00 00", "1-3" }, { "Bench 08 00 00", "1-4" },
	};
	const struct assign_reader swapped[] = { { "Bench 07 00 00", "1-9" }, { "Bench 00 00 00", "1-2" }, { "Bench 01 00 00", "1-2" } };
	const char *const by_port[] = { "Bench 07 00 00", "Bench 00 00 00", "Bench 01 00 00", "", "" /* at its port, but no ACS */ };
	const char *const named[] = { "Bench 01 00 00", "", "", "", "" }; /* which bay 3 has by name */
	const char *const after[] = { "Bench 00 00 00", "Bench 07 00 00", "" /* at the port of bay 1 */, "", "" };
	struct assigned assigned[BAYS] = { { "" } };

	(void)state;
	assign_readers(&config, 0, readers, 4, ports, assigned);
	check(assigned, by_port);
	assign_readers(&config, 0, swapped, 3, ports, assigned);
	check(assigned, after);
	assign_readers(&config, 0, swapped + 2, 1, ports, assigned);
	check(assigned, named);
}

static void
bay_whose_port_is_known_takes_no_reader_of_another_port(void **state)
{
	const char *const ports[BAYS] = { "1-2", "1-3", "1-4", "", "1-5" };
	const struct assign_reader readers[] = { { "Bench 00 00 00", "" }, { "Bench 01 00 00", "1-7" } };
	const char *const none_fits[] = { "", "", "", "", "" };
	struct assigned assigned[BAYS] = { { "Bench 00 00 00" } };

	(void)state;
	assign_readers(&config, 0, readers, 2, ports, assigned);
	check(assigned, none_fits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_port_says_which_reader_whatever_its_name_is),
		cmocka_unit_test(bay_whose_port_is_known_takes_no_reader_of_another_port),
		cmocka_unit_test(whole_names_come_before_patterns_and_patterns_in_the_order_of_bays),
		cmocka_unit_test(reader_stays_with_its_bay_when_others_come_and_go),
		cmocka_unit_test(readers_of_one_name_on_two_instances_are_two),
		cmocka_unit_test(name_that_is_too_long_to_be_told_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
