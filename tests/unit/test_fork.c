/* A child's signals are its own, however early they come. */
#include "hostd/base/fork.h"

#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct event_base *base;
static struct event *terminate;
static int heard;

static void
on_terminate(evutil_socket_t number, short what, void *argument)
{
	(void)number, (void)what, (void)argument;
	heard++;
}

static int
start_loop(void **state)
{
	(void)state;
	heard = 0;
	base = event_base_new();
	terminate = evsignal_new(base, SIGTERM, on_terminate, NULL);
	return event_add(terminate, NULL);
}

static int
end_loop(void **state)
{
	(void)state;
	event_free(terminate);
	event_base_free(base);
	return 0;
}

static int
end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
child_is_ended_by_a_signal_that_its_parent_handles(void **state)
{
	pid_t pid = fork_without_handlers();
	int status;

	(void)state;
	if (pid == 0) {
		raise(SIGTERM);
		_exit(0);
	}
	status = end_of(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(heard, 0);
}

/* At whatever instruction the child is. */
static void
signal_to_a_newborn_does_not_reach_its_parent(void **state)
{
	enum { ROUNDS = 2000 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = fork_without_handlers();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		for (volatile int wait = 0; wait < round * 10; wait++)
			;
		kill(pid, SIGTERM);
		assert_true(WIFSIGNALED(end_of(pid)));
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(heard, 0);
	}
}

static void
parent_keeps_its_own(void **state)
{
	sigset_t blocked;
	pid_t pid;

	(void)state;
	pid = fork_without_handlers();
	if (pid == 0)
		_exit(0);
	end_of(pid);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGTERM));
	raise(SIGTERM);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(heard, 1);
}

static void
ignored_stays_ignored(void **state)
{
	pid_t pid;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	pid = fork_without_handlers();
	if (pid == 0) {
		raise(SIGPIPE);
		_exit(7);
	}
	assert_int_equal(WEXITSTATUS(end_of(pid)), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(child_is_ended_by_a_signal_that_its_parent_handles, start_loop, end_loop),
		cmocka_unit_test_setup_teardown(signal_to_a_newborn_does_not_reach_its_parent, start_loop, end_loop),
		cmocka_unit_test_setup_teardown(parent_keeps_its_own, start_loop, end_loop),
		cmocka_unit_test_setup_teardown(ignored_stays_ignored, start_loop, end_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
