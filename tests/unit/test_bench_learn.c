/* The proof of the wiring, against bays whose readers come and go as a bench's cables would have it. */
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/bench/learn.h"
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

enum { BAYS = 4, TOLD_MAX = 16, PORTS = 2 };

static char any[] = "*", none[] = "", module[] = "m.so";

/* A bench: what comes at which port when a bay has power. */
static struct bench {
	struct event_base *base;
	struct learn      *learn;
	const char        *cable[BAYS][PORTS];  /* NULL: nothing comes */
	const char        *known[BAYS];
	bool               dead[BAYS];          /* gets no power */
	bool               stuck[BAYS];         /* keeps it */
	bool               on[BAYS];
	unsigned           at_once;             /* the most bays that had power together while one was looked at */
	struct { uint32_t bay; int error; char port[32], detail[200]; } told[TOLD_MAX];
	size_t             told_count;
} bench;

static struct config_bay bays[BAYS] = {
	{ .number = 1, .reader = any, .module = none, .port = none, .power = CONFIG_POWER_STATION },
	{ .number = 2, .reader = any, .module = none, .port = none, .power = CONFIG_POWER_STATION },
	{ .number = 3, .reader = any, .module = none, .port = none, .power = CONFIG_POWER_HUB },
	{ .number = 9, .reader = none, .module = module, .port = none, .power = CONFIG_POWER_NONE },
};

static const struct config config = { .bays = bays, .bay_count = BAYS };

static void
tell(const struct message *message, void *argument)
{
	(void)argument;
	assert_int_equal(message->type, MESSAGE_learned);
	assert_true(bench.told_count < TOLD_MAX);
	bench.told[bench.told_count].bay = message->learned.bay;
	bench.told[bench.told_count].error = -(int)message->learned.error;
	snprintf(bench.told[bench.told_count].port, sizeof bench.told[0].port, "%s", message->learned.port);
	snprintf(bench.told[bench.told_count++].detail, sizeof bench.told[0].detail, "%s", message->learned.detail);
	if (message->learned.bay == 0)
		event_base_loopbreak(bench.base);
}

static void
want(size_t bay, bool on, void *argument)
{
	unsigned together = 0;

	(void)argument;
	if (bench.on[bay] == on || !config_bay_is_switched(&bays[bay]))
		return;
	bench.on[bay] = on;
	for (size_t i = 0; i < PORTS && !bench.dead[bay]; i++)
		if (bench.cable[bay][i])
			learn_reader(bench.learn, bench.cable[bay][i], on);
	for (size_t i = 0; i < BAYS; i++)
		together += bench.on[i];
	if (together > bench.at_once)
		bench.at_once = together;
}

static int
given(size_t bay, void *argument)
{
	(void)argument;
	return bench.stuck[bay] || (bench.on[bay] && !bench.dead[bay]);
}

static const char *
port(size_t bay, void *argument)
{
	(void)argument;
	return bench.known[bay] ? bench.known[bay] : "";
}

static int
set_up(void **state)
{
	static const struct learn_calls calls = { tell, want, given, port };
	static const struct learn_times times = { .quiet_ms = 10, .rise_ms = 15, .appear_ms = 30 };

	(void)state;
	memset(&bench, 0, sizeof bench);
	for (size_t i = 0; i < BAYS; i++) {
		bench.on[i] = config_bay_is_switched(&bays[i]);
		bays[i].port = none;
	}
	bench.cable[0][0] = "1-1.1";
	bench.cable[1][0] = "1-1.2";
	bench.cable[2][0] = "3-4";
	bench.base = event_base_new();
	bench.learn = learn_new(bench.base, &config, &times, &calls, NULL);
	return bench.learn ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	learn_free(&bench.learn);
	event_base_free(bench.base);
	return 0;
}

/* Until bay 0 has been told; for a learner that says nothing the loop has no event left and ends. */
static void
learn_all(int number)
{
	bench.at_once = 0;
	learn_begin(bench.learn, number);
	event_base_dispatch(bench.base);
	assert_true(bench.told_count > 0);
	assert_int_equal(bench.told[bench.told_count - 1].bay, 0);
	for (size_t i = 0; i < BAYS; i++)
		assert_int_equal(bench.on[i], config_bay_is_switched(&bays[i])); /* as before */
}

static void
check(size_t place, uint32_t bay, int error, const char *where)
{
	assert_int_equal(bench.told[place].bay, bay);
	assert_int_equal(bench.told[place].error, error);
	assert_string_equal(bench.told[place].port, where);
}

static void
each_bay_that_can_be_switched_is_told_its_port(void **state)
{
	(void)state;
	learn_all(0);
	assert_int_equal(bench.told_count, 4);
	check(0, 1, 0, "1-1.1");
	check(1, 2, 0, "1-1.2");
	check(2, 3, 0, "3-4");
	check(3, 0, 0, "");
}

/* Nothing but the one that is looked at has power, until at the end all have. */
static void
no_two_bays_have_power_while_one_is_looked_at(void **state)
{
	(void)state;
	bench.cable[2][0] = NULL; /* the last one ends by its time, not by a reader */
	learn_begin(bench.learn, 0);
	bench.at_once = 0; /* all are cut by now */
	while (bench.told_count < 3)
		event_base_loop(bench.base, EVLOOP_ONCE);
	assert_int_equal(bench.at_once, 1);
	check(2, 3, MINT_READER, "");
}

static void
two_swapped_cables_are_told_as_they_are(void **state)
{
	(void)state;
	bench.known[0] = "1-1.1";
	bench.known[1] = "1-1.2";
	bench.cable[0][0] = "1-1.2";
	bench.cable[1][0] = "1-1.1";
	learn_all(0);
	check(0, 1, 0, "1-1.2");
	check(1, 2, 0, "1-1.1");
}

static void
port_of_another_bay_is_refused_when_one_bay_is_looked_at(void **state)
{
	(void)state;
	bench.known[1] = "1-1.1";
	learn_all(1);
	assert_int_equal(bench.told_count, 2);
	check(0, 1, MINT_WIRING, "");
	assert_non_null(strstr(bench.told[0].detail, "1-1.1, which is bay 2's"));
}

static void
one_port_for_two_bays_is_refused_for_the_second(void **state)
{
	(void)state;
	bench.cable[1][0] = "1-1.1";
	learn_all(0);
	check(0, 1, 0, "1-1.1");
	check(1, 2, MINT_WIRING, "");
	check(2, 3, 0, "3-4");
}

static void
readers_at_two_ports_are_refused_and_two_readers_at_one_are_not(void **state)
{
	(void)state;
	bench.cable[0][1] = "1-1.9";
	bench.cable[1][1] = "1-1.2";
	learn_all(0);
	check(0, 1, MINT_WIRING, "");
	assert_non_null(strstr(bench.told[0].detail, "1-1.1 and 1-1.9"));
	check(1, 2, 0, "1-1.2");
}

static void
what_is_not_on_usb_or_not_where_the_configuration_says_is_refused(void **state)
{
	static char elsewhere[] = "1-7";

	(void)state;
	bench.cable[0][0] = "";
	bays[1].port = elsewhere;
	learn_all(0);
	check(0, 1, MINT_WIRING, "");
	check(1, 2, MINT_WIRING, "");
	assert_non_null(strstr(bench.told[1].detail, "1-1.2, the configuration says 1-7"));
}

static void
bay_without_power_or_reader_is_told_so_and_the_next_one_follows(void **state)
{
	(void)state;
	bench.dead[0] = true;
	bench.cable[1][0] = NULL;
	learn_all(0);
	check(0, 1, MINT_SUPPLY, "");
	check(1, 2, MINT_READER, "");
	check(2, 3, 0, "3-4");
}

static void
nothing_is_learned_while_a_bay_keeps_its_power(void **state)
{
	(void)state;
	bench.stuck[2] = true;
	learn_all(0);
	assert_int_equal(bench.told_count, 1);
	check(0, 0, MINT_STATION, "");
}

static void
bay_that_cannot_be_switched_or_is_not_there_is_refused(void **state)
{
	(void)state;
	learn_begin(bench.learn, 9);
	check(0, 9, MINT_REFUSED, "");
	check(1, 0, 0, "");
	learn_begin(bench.learn, 7);
	check(2, 7, MINT_REFUSED, "");
	assert_true(bench.on[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(each_bay_that_can_be_switched_is_told_its_port),
		TEST(no_two_bays_have_power_while_one_is_looked_at),
		TEST(two_swapped_cables_are_told_as_they_are),
		TEST(port_of_another_bay_is_refused_when_one_bay_is_looked_at),
		TEST(one_port_for_two_bays_is_refused_for_the_second),
		TEST(readers_at_two_ports_are_refused_and_two_readers_at_one_are_not),
		TEST(what_is_not_on_usb_or_not_where_the_configuration_says_is_refused),
		TEST(bay_without_power_or_reader_is_told_so_and_the_next_one_follows),
		TEST(nothing_is_learned_while_a_bay_keeps_its_power),
		TEST(bay_that_cannot_be_switched_or_is_not_there_is_refused),
#undef TEST
	};

	setenv("MINT_LOG", "none", 0);
	log_open("test-bench-learn");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
