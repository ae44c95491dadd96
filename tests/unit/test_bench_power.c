/* Power of bays whose hub is not there or says no: hub_switch is this file's. */
#include "hostd/base/config.h"
#include "hostd/bench/hub.h"
#include "hostd/bench/power.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static int answer;            /* of hub_switch at once */
static unsigned asked;
static hub_done *done;
static void *done_argument;

int
hub_switch(struct event_base *base, struct usb *usb, const char *path, int on, hub_done *call, void *argument)
{
	(void)base, (void)usb, (void)path, (void)on;
	asked++;
	done = call;
	done_argument = argument;
	return answer;
}

static void
tell(const struct message *message, void *argument)
{
	(void)message, (void)argument;
}

static char none[] = "", port[] = "1-4.3";
static struct config_bay bay = { .number = 1, .power = CONFIG_POWER_HUB, .module = none, .reader = none, .port = port };
static struct config config = { .bays = &bay, .bay_count = 1 };
static struct event_base *base;
static struct power *power;

static int
begin(void **state)
{
	static char usb;

	(void)state;
	for (size_t i = 0; i < CONFIG_LINES; i++)
		config.lines[i] = none;
	asked = 0;
	answer = 0;
	base = event_base_new();
	power = power_new(base, &config, NULL, (struct usb *)(void *)&usb, tell, NULL);
	return power ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	power_free(&power);
	event_base_free(base);
	return 0;
}

/* Lines that the log has after the bay was wanted anew so often: each time its hub is tried. */
static unsigned
lines_logged(int tries)
{
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	unsigned count = 0;

	dup2(fileno(file), STDERR_FILENO);
	for (int i = 0; i < tries; i++)
		power_want(power, 0, true);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	for (int letter; (letter = getc(file)) != EOF;)
		count += letter == '\n';
	fclose(file);
	return count;
}

static void
hub_that_cannot_be_reached_is_said_when_it_changes(void **state)
{
	(void)state;
	answer = LIBUSB_ERROR_NOT_FOUND;
	assert_int_equal(lines_logged(5), 1);
	assert_int_equal(asked, 5);
	answer = LIBUSB_ERROR_ACCESS;
	assert_int_equal(lines_logged(5), 1);
	answer = 0;
	assert_int_equal(lines_logged(1), 0);
	done(0, done_argument);
	assert_int_equal(power_supply(power, 0), SUPPLY_ON);
}

static void
hub_that_refuses_is_tried_again_and_said_once(void **state)
{
	(void)state;
	lines_logged(1);
	done(LIBUSB_ERROR_PIPE, done_argument);
	assert_int_equal(asked, 1);
	answer = LIBUSB_ERROR_PIPE;
	assert_int_equal(lines_logged(3), 0); /* the same reason, said when it was the hub's answer */
	assert_int_equal(asked, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hub_that_cannot_be_reached_is_said_when_it_changes, begin, end),
		cmocka_unit_test_setup_teardown(hub_that_refuses_is_tried_again_and_said_once, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
