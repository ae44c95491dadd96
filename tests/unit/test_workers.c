/* Workers, as mintd keeps them: what makes them may be wrong, and mint-queue is told the truth all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/base/config.h"
#include "hostd/spawn.h"
#include "hostd/workers.h"
#include "schemas/messages.h"

#include <event2/event.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEASE = 41, TRIES = 200, TRY_MS = 50 };

struct told {
	int      count;
	uint64_t lease;
	int      type;
	uint32_t status;
};

static char programs[PATH_MAX], nothing[] = "nothing";

static void
on_news(void *argument, const struct message *news, int passed_fd)
{
	struct told *told = argument;

	told->count++;
	told->type = (int)news->type;
	told->lease = news->type == MESSAGE_exited ? news->exited.lease : news->worker_started.lease;
	told->status = news->type == MESSAGE_exited ? news->exited.status : 0;
	if (passed_fd >= 0)
		close(passed_fd);
}

static int nobodys(void *argument, pid_t pid) { (void)argument, (void)pid; return 0; }

static void
reap(struct workers *workers, int options)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, options)) > 0)
		workers_ended(workers, pid, status);
}

/* The loop and the reaping go on until nothing is left to be told of, and then until all that there was has ended. */
static struct told
ask_one_that(const char *deed)
{
	struct config config = { .programs = programs, .station_key = nothing, .module = nothing, .models = nothing };
	struct spawn what = { .config = &config, .config_path = deed, .file = "fake-nursery" };
	struct event_base *base = event_base_new();
	struct told told = { 0 };
	struct workers *workers = workers_new(base, &what, on_news, nobodys, &told);

	assert_non_null(workers);
	workers_start(workers, LEASE);
	for (int i = 0; i < TRIES && !workers_are_done(workers); i++) {
		struct timeval pause = { .tv_usec = TRY_MS * 1000L };

		event_base_loopexit(base, &pause);
		event_base_dispatch(base);
		reap(workers, WNOHANG);
	}
	assert_true(workers_are_done(workers));
	workers_stop(workers);
	reap(workers, 0); /* killed, all of them */
	assert_true(workers_are_gone(workers));
	workers_free(&workers);
	event_base_free(base);
	assert_int_equal(told.lease, LEASE);
	return told;
}

static void
not_started(const struct told *told)
{
	assert_int_equal(told->count, 1);
	assert_int_equal(told->type, MESSAGE_exited);
	assert_int_equal(WEXITSTATUS(told->status), NO_START);
}

static void
process_that_is_no_child_is_never_taken_for_a_worker(void **state)
{
	struct told told = ask_one_that("lies");

	(void)state;
	not_started(&told);
}

static void
worker_owed_by_one_that_ended_is_told_as_not_started(void **state)
{
	struct told told = ask_one_that("dies");

	(void)state;
	not_started(&told);
}

static void
worker_that_could_not_be_made_is_told_as_not_started(void **state)
{
	struct told told = ask_one_that("fails");

	(void)state;
	not_started(&told);
}

static void
worker_that_ended_before_it_was_told_of_is_told_with_its_status(void **state)
{
	struct told told = ask_one_that("late");

	(void)state;
	assert_int_equal(told.count, 1);
	assert_int_equal(told.type, MESSAGE_exited);
	assert_int_equal(WEXITSTATUS(told.status), 7);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_that_is_no_child_is_never_taken_for_a_worker),
		cmocka_unit_test(worker_owed_by_one_that_ended_is_told_as_not_started),
		cmocka_unit_test(worker_that_could_not_be_made_is_told_as_not_started),
		cmocka_unit_test(worker_that_ended_before_it_was_told_of_is_told_with_its_status),
	};

	(void)argc;
	snprintf(programs, sizeof programs, "%s/tests", dirname(argv[0]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
