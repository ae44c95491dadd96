/* The watch over readers, toward a pcscd of which the test says what it does: names that are given anew, readers that are busy, drivers that
 * stumble. PC/SC's functions are this file's; so is the way from an address to a port, which is sysfs's. */
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/bench/presence.h"
#include "hostd/bench/usb_path.h"

#include <poll.h>
#include <pthread.h>
#include <reader.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include <cmocka.h>

enum { READERS = 3, TELL_MS = 5000, QUIET_MS = 100 };

/* One place of pcscd's list. */
struct fake {
	int      is_there;      /* listed */
	int      is_lost;       /* listed, but pcscd cannot speak with it */
	unsigned counter;       /* of insertions and removals */
	int      has_token;
	unsigned address;
	int      is_held;       /* who connects waits */
	LONG     connect_fails; /* with that, so often */
	unsigned fails;
	LONG     attribute;     /* what asking for the channel answers */
	unsigned asked;
};

static const char *const names[READERS] = { "Reader 00", "Reader 01", "Reader 02" };

static pthread_mutex_t world = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  turned = PTHREAD_COND_INITIALIZER;
static struct fake     fakes[READERS];
static int             reports[2];

/* --- PC/SC */

static int
place_of(const char *name)
{
	for (int i = 0; i < READERS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

LONG
SCardEstablishContext(DWORD scope, LPCVOID unused, LPCVOID unused_too, LPSCARDCONTEXT context)
{
	(void)scope, (void)unused, (void)unused_too;
	*context = 1;
	return SCARD_S_SUCCESS;
}

LONG
SCardReleaseContext(SCARDCONTEXT context)
{
	(void)context;
	return SCARD_S_SUCCESS;
}

LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR list, LPDWORD length)
{
	char *all = calloc(READERS + 1, 16), *end = all;

	(void)context, (void)groups, (void)length;
	pthread_mutex_lock(&world);
	for (int i = 0; i < READERS; i++)
		if (fakes[i].is_there)
			end += sprintf(end, "%s", names[i]) + 1;
	pthread_mutex_unlock(&world);
	memcpy(list, &all, sizeof all);
	return end == all ? SCARD_E_NO_READERS_AVAILABLE : SCARD_S_SUCCESS;
}

LONG
SCardFreeMemory(SCARDCONTEXT context, LPCVOID memory)
{
	(void)context;
	free((void *)(uintptr_t)memory);
	return SCARD_S_SUCCESS;
}

static DWORD
state_of(const char *name)
{
	const struct fake *fake;
	unsigned listed = 0;

	if (place_of(name) < 0) { /* the notification's row: how many there are */
		for (int i = 0; i < READERS; i++)
			listed += fakes[i].is_there != 0;
		return listed << 16;
	}
	fake = &fakes[place_of(name)];
	if (!fake->is_there)
		return SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE;
	return fake->counter << 16 | (fake->is_lost ? SCARD_STATE_UNAVAILABLE : fake->has_token ? SCARD_STATE_PRESENT : SCARD_STATE_EMPTY);
}

static int
look(SCARD_READERSTATE *row)
{
	DWORD state = state_of(row->szReader);

	row->dwEventState = state;
	if (state & SCARD_STATE_PRESENT)
		row->rgbAtr[0] = 0x3b;
	row->cbAtr = state & SCARD_STATE_PRESENT ? 1 : 0;
	if (state == (row->dwCurrentState & ~(DWORD)SCARD_STATE_CHANGED))
		return 0;
	row->dwEventState |= SCARD_STATE_CHANGED;
	return 1;
}

LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout_ms, SCARD_READERSTATE *rows, DWORD count)
{
	int changed = 0;

	(void)context;
	pthread_mutex_lock(&world);
	for (;;) {
		for (DWORD i = 0; i < count; i++)
			changed |= look(&rows[i]);
		if (changed || timeout_ms == 0)
			break;
		pthread_cond_wait(&turned, &world);
	}
	pthread_mutex_unlock(&world);
	return changed ? SCARD_S_SUCCESS : SCARD_E_TIMEOUT;
}

LONG
SCardConnect(SCARDCONTEXT context, LPCSTR name, DWORD sharing, DWORD protocols, LPSCARDHANDLE handle, LPDWORD protocol)
{
	int place = place_of(name);
	LONG r = SCARD_S_SUCCESS;

	(void)context, (void)sharing, (void)protocols;
	*protocol = 0;
	*handle = place;
	pthread_mutex_lock(&world);
	fakes[place].asked++;
	pthread_cond_broadcast(&turned);
	while (fakes[place].is_held)
		pthread_cond_wait(&turned, &world);
	if (fakes[place].fails > 0) {
		fakes[place].fails--;
		r = fakes[place].connect_fails;
	}
	pthread_mutex_unlock(&world);
	return r;
}

LONG
SCardGetAttrib(SCARDHANDLE handle, DWORD attribute, LPBYTE value, LPDWORD length)
{
	DWORD channel;
	LONG r;

	(void)attribute, (void)length;
	pthread_mutex_lock(&world);
	channel = 0x0020u << 16 | 1u << 8 | fakes[handle].address;
	r = fakes[handle].attribute;
	pthread_mutex_unlock(&world);
	if (r == SCARD_S_SUCCESS)
		memcpy(value, &channel, sizeof channel);
	return r;
}

LONG
SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
	(void)handle, (void)disposition;
	return SCARD_S_SUCCESS;
}

/* Addresses of less than 100 are at a port. */
int
usb_path_of_address(unsigned bus, unsigned address, char path[USB_PATH_BYTES])
{
	path[0] = '\0';
	if (address >= 100)
		return -1;
	snprintf(path, USB_PATH_BYTES, "%u-%u", bus, address);
	return 0;
}

/* --- what the test does and hears */

static void
set(int place, struct fake fake)
{
	pthread_mutex_lock(&world);
	fakes[place] = fake;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&world);
}

static unsigned
times_asked(int place)
{
	unsigned asked;

	pthread_mutex_lock(&world);
	asked = fakes[place].asked;
	pthread_mutex_unlock(&world);
	return asked;
}

static void
hear(const char *expected)
{
	static const char *const shown[] = { "no_reader", "empty", "token", "mute" };
	struct pollfd polled = { .fd = reports[0], .events = POLLIN };
	struct message message;
	char told[128];

	if (poll(&polled, 1, TELL_MS) != 1)
		fail_msg("nothing was told instead of %s", expected);
	assert_int_equal(ipc_read(reports[0], &message, NULL), 0);
	snprintf(told, sizeof told, "%s %s '%s'", message.bay.reader, shown[message.bay.presence], message.bay.port);
	message_clear(&message);
	assert_string_equal(told, expected);
}

static void
hear_nothing(void)
{
	struct pollfd polled = { .fd = reports[0], .events = POLLIN };

	assert_int_equal(poll(&polled, 1, QUIET_MS), 0);
}

/* Presence and port are two threads' to find: in two reports, or in one. */
static void
hear_newcomer(const char *name, const char *port)
{
	struct pollfd polled = { .fd = reports[0], .events = POLLIN };
	struct message message;
	int is_known = 0;

	for (int i = 0; i < 2 && !is_known; i++) {
		assert_int_equal(poll(&polled, 1, TELL_MS), 1);
		assert_int_equal(ipc_read(reports[0], &message, NULL), 0);
		assert_string_equal(message.bay.reader, name);
		assert_int_equal(message.bay.presence, PRESENCE_TOKEN);
		is_known = strcmp(message.bay.port, PRESENCE_PORT_ASKED) != 0;
		if (is_known)
			assert_string_equal(message.bay.port, port);
		message_clear(&message);
	}
	assert_true(is_known);
}

static int
leave_all(void **state)
{
	struct pollfd polled = { .fd = reports[0], .events = POLLIN };
	struct message message;

	(void)state;
	for (int i = 0; i < READERS; i++)
		set(i, (struct fake){ 0 });
	while (poll(&polled, 1, QUIET_MS) == 1 && ipc_read(reports[0], &message, NULL) == 0)
		message_clear(&message);
	return 0;
}

/* --- tests */

/* Between two looks the first reader went, and another one came under its name: the first one's bay must not get what is in it. */
static void
reader_that_gets_a_freed_name_gets_a_port_of_its_own(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5 });
	hear_newcomer("Reader 00", "1-5");
	set(0, (struct fake){ .is_there = 1, .is_lost = 1, .counter = 1, .address = 5 });
	hear("Reader 00 no_reader '1-5'");
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 9 });
	hear("Reader 00 token '?'");
	hear("Reader 00 token '1-9'");
}

static void
swap_that_only_the_counter_shows_makes_the_port_unknown(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 4, .has_token = 1, .address = 5 });
	hear_newcomer("Reader 00", "1-5");
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 9 }); /* it fell: another reader's count */
	hear("Reader 00 empty '?'");
	hear("Reader 00 token '?'");
	hear("Reader 00 token '1-9'");
	set(0, (struct fake){ .is_there = 1, .counter = 3, .has_token = 1, .address = 7 }); /* out and in */
	hear("Reader 00 empty '?'");
	hear("Reader 00 token '?'");
	hear("Reader 00 token '1-7'");
}

/* What one reader shows by itself, one step at a time, needs no question. */
static void
insertion_and_removal_leave_the_port_known(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5 });
	hear_newcomer("Reader 00", "1-5");
	set(0, (struct fake){ .is_there = 1, .counter = 2, .address = 5 });
	hear("Reader 00 empty '1-5'");
	set(0, (struct fake){ .is_there = 1, .counter = 3, .has_token = 1, .address = 5 });
	hear("Reader 00 token '1-5'");
	hear_nothing();
	assert_int_equal(times_asked(0), 0);
}

static void
reader_that_is_busy_keeps_no_other_waiting(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5, .is_held = 1 });
	hear("Reader 00 token '?'");
	set(1, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 6 });
	hear_newcomer("Reader 01", "1-6");
	set(2, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 7 });
	hear_newcomer("Reader 02", "1-7");
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5 });
	hear("Reader 00 token '1-5'");
}

static void
failure_that_may_pass_is_asked_again(void **state)
{
	static const LONG passing[] = { SCARD_E_SHARING_VIOLATION, SCARD_E_READER_UNAVAILABLE, SCARD_F_COMM_ERROR, SCARD_E_NO_MEMORY };

	(void)state;
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5, .connect_fails = passing[i], .fails = 2 });
		hear_newcomer("Reader 00", "1-5");
		assert_int_equal(times_asked(0), 3);
		set(0, (struct fake){ 0 });
		hear("Reader 00 no_reader '1-5'");
	}
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .attribute = SCARD_E_NOT_TRANSACTED, .address = 5 });
	hear("Reader 00 token '?'");
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5 });
	hear("Reader 00 token '1-5'");
}

/* The kernel may have it in sysfs later than pcscd has it. */
static void
address_that_is_at_no_port_yet_is_asked_again(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 105 });
	hear("Reader 00 token '?'");
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .address = 5 });
	hear("Reader 00 token '1-5'");
}

static void
driver_that_knows_no_channel_is_believed(void **state)
{
	(void)state;
	set(0, (struct fake){ .is_there = 1, .counter = 1, .has_token = 1, .attribute = SCARD_E_UNSUPPORTED_FEATURE });
	hear_newcomer("Reader 00", "");
	hear_nothing();
	assert_int_equal(times_asked(0), 1);
}

/* --- */

static void *
watch(void *unused)
{
	static char none[] = "", nobody[] = "/nonexistent/pcscd.comm";
	static struct config_pcscd pcscds[1] = { { .name = none, .socket = nobody } };
	static const struct config config = { .pcscds = pcscds, .pcscd_count = 1 };

	(void)unused;
	presence_watch(&config, 0, reports[1]);
	return NULL;
}

static int
begin(void **state)
{
	const struct message first = { .type = MESSAGE_bay };
	pthread_t thread;

	(void)state;
	if (ipc_pair(reports) != 0 || ipc_write(reports[1], &first, -1) != 0)
		return -1;
	hear(" no_reader ''"); /* what a channel prepares at its first use is there before the second thread is */
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		return -1;
	hear(" no_reader ''"); /* that is all there is */
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, leave_all)
		TEST(reader_that_gets_a_freed_name_gets_a_port_of_its_own),
		TEST(swap_that_only_the_counter_shows_makes_the_port_unknown),
		TEST(insertion_and_removal_leave_the_port_known),
		TEST(reader_that_is_busy_keeps_no_other_waiting),
		TEST(failure_that_may_pass_is_asked_again),
		TEST(address_that_is_at_no_port_yet_is_asked_again),
		TEST(driver_that_knows_no_channel_is_believed),
#undef TEST
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
