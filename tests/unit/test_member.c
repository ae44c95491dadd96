/* Whose fault an end was: what ended in order because mint-queue had gone is not one that keeps ending. */
#include "hostd/member.h"

#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOME_PID = 4711, IN_ORDER = 0, BY_SIGNAL = SIGSEGV /* wait(2)'s status */ };

static const struct fate_limits twice = { .deaths_max = 2, .deaths_within_s = 600 };
static struct event_base *base;

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
}

static struct member
new_member(void)
{
	return (struct member){ .file = "mint-label", .pulse_fd = -1, .retry = evtimer_new(base, on_retry, NULL) };
}

static void
lives_and_ends(struct member *member, int status)
{
	member_started(member, SOME_PID, -1);
	member_ended(member, status, 1, &twice);
}

static int
start_loop(void **state)
{
	(void)state;
	base = event_base_new();
	return base == NULL;
}

static int
end_loop(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}

static void
end_in_order_is_excused_as_often_as_it_comes(void **state)
{
	struct member member = new_member();

	(void)state;
	for (int i = 0; i < 10; i++) {
		lives_and_ends(&member, IN_ORDER);
		assert_true(evtimer_pending(member.retry, NULL));
		member_excuse(&member);
		assert_false(evtimer_pending(member.retry, NULL));
		assert_false(member.fate.is_down);
	}
	event_free(member.retry);
}

static void
one_that_runs_again_already_is_excused_too(void **state)
{
	struct member member = new_member();

	(void)state;
	lives_and_ends(&member, IN_ORDER);
	member_started(&member, SOME_PID, -1);
	member_excuse(&member);
	member_ended(&member, BY_SIGNAL, 1, &twice);
	assert_false(member.fate.is_down);
	event_free(member.retry);
}

static void
crash_is_its_own_fault(void **state)
{
	struct member member = new_member();

	(void)state;
	for (int i = 0; i < 2; i++) {
		lives_and_ends(&member, BY_SIGNAL);
		member_excuse(&member);
	}
	assert_true(member.fate.is_down);
	event_free(member.retry);
}

static void
end_long_before_is_not_excused(void **state)
{
	struct member member = new_member();

	(void)state;
	for (int i = 0; i < 2; i++) {
		lives_and_ends(&member, IN_ORDER);
		member.ended_us -= 2 * 1000000;
		member_excuse(&member);
	}
	assert_true(member.fate.is_down);
	event_free(member.retry);
}

static void
what_was_forgiven_does_not_come_back(void **state)
{
	struct member member = new_member();

	(void)state;
	lives_and_ends(&member, BY_SIGNAL);
	lives_and_ends(&member, IN_ORDER);
	assert_true(member.fate.is_down);
	member_forgive(&member);
	member_started(&member, SOME_PID, -1);
	member_excuse(&member);
	member_ended(&member, BY_SIGNAL, 1, &twice);
	assert_false(member.fate.is_down);
	event_free(member.retry);
}

static void
excused_end_was_no_news(void **state)
{
	struct member member = new_member();

	(void)state;
	lives_and_ends(&member, BY_SIGNAL);
	lives_and_ends(&member, IN_ORDER);
	assert_true(member.was_down);
	member_excuse(&member);
	assert_false(member.was_down);
	event_free(member.retry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_in_order_is_excused_as_often_as_it_comes),
		cmocka_unit_test(one_that_runs_again_already_is_excused_too),
		cmocka_unit_test(crash_is_its_own_fault),
		cmocka_unit_test(what_was_forgiven_does_not_come_back),
		cmocka_unit_test(excused_end_was_no_news),
		cmocka_unit_test(end_long_before_is_not_excused),
	};

	return cmocka_run_group_tests(tests, start_loop, end_loop);
}
