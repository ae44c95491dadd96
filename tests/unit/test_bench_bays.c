/* Readers, as watchers tell of them, and what mint-queue hears of bays. */
#include "hostd/base/config.h"
#include "hostd/bench/bays.h"
#include "schemas/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BAYS = 3 };

static char wild[] = "CCID*", whole[] = "Bench 00", none[] = "", fixed[] = "1-9";
static struct config_pcscd pcscds[1] = { { .name = none, .socket = none } };
static struct config_bay list[BAYS] = {
	{ .number = 1, .reader = wild, .module = none, .port = none },
	{ .number = 2, .reader = whole, .module = none, .port = none },
	{ .number = 3, .reader = wild, .module = none, .port = fixed },
};
static const struct config config = { .pcscds = pcscds, .pcscd_count = 1, .bays = list, .bay_count = BAYS };

static struct bays *bays;
static char told[1024], readers[256];

static void
tell(const struct message *message, void *argument)
{
	static const char *const names[] = { "no_reader", "empty", "token", "mute" };

	(void)argument;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%u %s '%s' '%s'; ", message->bay.bay, names[message->bay.presence],
	    message->bay.reader, message->bay.port);
}

static void
reader(const char *name, const char *port, int is_there, void *argument)
{
	(void)argument;
	snprintf(readers + strlen(readers), sizeof readers - strlen(readers), "%c%s@%s ", is_there ? '+' : '-', name, port);
}

/* A report, and what comes of it. */
static void
check(const char *name, enum presence presence, const char *port, const char *expected)
{
	struct message message = { .type = MESSAGE_bay };

	message.bay.reader = name;
	message.bay.presence = (uint8_t)presence;
	message.bay.port = port;
	told[0] = '\0';
	bays_take(bays, 0, &message);
	assert_string_equal(told, expected);
}

static void
wire(int number, const char *port, const char *expected)
{
	told[0] = '\0';
	bays_wire(bays, number, port);
	assert_string_equal(told, expected);
}

static int
set_up(void **state)
{
	(void)state;
	list[2].port = fixed;
	readers[0] = '\0';
	bays = bays_new(&config, tell, reader, NULL);
	return bays ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	bays_free(&bays);
	return 0;
}

static void
what_is_absent_is_told_when_the_first_look_is_over(void **state)
{
	(void)state;
	check("CCID 01", PRESENCE_TOKEN, "", "1 token 'CCID 01' ''; ");
	check("", PRESENCE_NO_READER, "", "2 no_reader 'Bench 00' ''; 3 empty '' ''; ");
	check("", PRESENCE_NO_READER, "", "");
	check("Bench 00", PRESENCE_EMPTY, "", "2 empty 'Bench 00' ''; ");
	check("Bench 00", PRESENCE_NO_READER, "", "2 no_reader 'Bench 00' ''; ");
}

static void
reader_is_nobodys_until_its_port_is_known_where_ports_matter(void **state)
{
	(void)state;
	check("", PRESENCE_NO_READER, "", "1 empty '' ''; 2 no_reader 'Bench 00' ''; 3 empty '' ''; ");
	check("CCID 00", PRESENCE_TOKEN, "?", "");
	check("CCID 00", PRESENCE_TOKEN, "1-9", "3 token 'CCID 00' '1-9'; ");
	check("CCID 01", PRESENCE_MUTE, "1-2", "1 mute 'CCID 01' '1-2'; ");
	assert_string_equal(readers, "+CCID 00@1-9 +CCID 01@1-2 ");
}

/* What showed up under the name of a reader that may be another one now: its bay is empty until the port is known. */
static void
reader_whose_port_is_asked_for_anew_is_nobodys_meanwhile(void **state)
{
	(void)state;
	wire(1, "1-2", "");
	check("CCID 00", PRESENCE_TOKEN, "1-9", "3 token 'CCID 00' '1-9'; ");
	check("", PRESENCE_NO_READER, "", "1 empty '' ''; 2 no_reader 'Bench 00' ''; ");
	check("CCID 00", PRESENCE_EMPTY, "?", "3 empty '' ''; ");
	check("CCID 00", PRESENCE_TOKEN, "?", "");
	check("CCID 00", PRESENCE_TOKEN, "1-2", "1 token 'CCID 00' '1-2'; ");
	assert_string_equal(readers, "+CCID 00@1-9 -CCID 00@1-9 +CCID 00@1-2 ");
}

static void
reader_is_told_at_once_where_no_port_is_known(void **state)
{
	(void)state;
	list[2].port = none;
	bays_free(&bays);
	bays = bays_new(&config, tell, reader, NULL);
	check("CCID 00", PRESENCE_TOKEN, "?", "1 token 'CCID 00' ''; ");
	check("CCID 00", PRESENCE_TOKEN, "1-5", "1 token 'CCID 00' '1-5'; ");
	check("CCID 00", PRESENCE_TOKEN, "1-5", "");
}

/* After a power cycle the same token has another name and address; the port stays. */
static void
bay_finds_its_reader_again_under_another_name(void **state)
{
	(void)state;
	wire(1, "1-2", "");
	check("CCID 00", PRESENCE_TOKEN, "1-2", "1 token 'CCID 00' '1-2'; ");
	check("CCID 00", PRESENCE_NO_READER, "1-2", "1 empty '' ''; ");
	check("CCID 00", PRESENCE_TOKEN, "1-7", "");
	check("CCID 01", PRESENCE_TOKEN, "1-2", "1 token 'CCID 01' '1-2'; ");
	assert_string_equal(bays_port(bays, 0), "1-2");
}

/* The token is never told as being in two bays, nor as having become the other bay's while it was in. */
static void
new_wiring_moves_tokens_to_their_bays(void **state)
{
	(void)state;
	wire(1, "1-2", "");
	wire(2, "1-3", "");
	check("CCID 00", PRESENCE_TOKEN, "1-2", "1 token 'CCID 00' '1-2'; ");
	check("CCID 01", PRESENCE_TOKEN, "1-3", "2 token 'CCID 01' '1-3'; ");
	wire(1, "1-3", "1 empty 'CCID 01' ''; 1 token 'CCID 01' '1-3'; 2 no_reader 'Bench 00' ''; ");
	assert_string_equal(bays_port(bays, 1), "");
}

static void
configuration_counts_more_than_the_record(void **state)
{
	(void)state;
	wire(3, "1-4", "");
	assert_string_equal(bays_port(bays, 2), "1-9");
	wire(99, "1-4", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_is_absent_is_told_when_the_first_look_is_over),
		TEST(reader_is_nobodys_until_its_port_is_known_where_ports_matter),
		TEST(reader_whose_port_is_asked_for_anew_is_nobodys_meanwhile),
		TEST(reader_is_told_at_once_where_no_port_is_known),
		TEST(bay_finds_its_reader_again_under_another_name),
		TEST(new_wiring_moves_tokens_to_their_bays),
		TEST(configuration_counts_more_than_the_record),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
