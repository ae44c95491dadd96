/* The worker made ahead: it becomes one when it is handed a channel, and else ends with who made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/base/ipc.h"
#include "hostd/worker/spare.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AS_A_WORKER = 7, LEASE = 1, DIES_IN_MS = 5000 };

/* What the processes of a test share. */
struct shared {
	pid_t spare, handed;
	int   channel[2];
};

typedef void in_nursery(struct shared *shared, struct spare *spare);

static int
set_up(void **state)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED || ipc_pair(shared->channel) != 0)
		return -1;
	*state = shared;
	return 0;
}

static int
tear_down(void **state)
{
	struct shared *shared = *state;

	close(shared->channel[0]);
	close(shared->channel[1]);
	return munmap(shared, sizeof *shared);
}

/* A nursery with a spare, which does this and ends; what has become of the spare, which is ours to wait for. */
static int
status_of_spare(struct shared *shared, in_nursery *act)
{
	struct spare spare = { .link = -1 };
	enum spare_side side;
	int status;
	pid_t nursery = fork();

	if (nursery == 0) {
		if (spare_make(&spare, "", &side) != 0)
			_exit(1);
		if (side == SPARE_COPY)
			_exit(write(IPC_PARENT_FD, "here", 4) == 4 ? AS_A_WORKER : 1);
		shared->spare = spare.pid;
		act(shared, &spare);
		_exit(0);
	}
	assert_int_equal(waitpid(nursery, &status, 0), nursery);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(shared->spare, &status, 0), shared->spare);
	return status;
}

static void
hand(struct shared *shared, struct spare *spare)
{
	shared->handed = spare_hand(spare, LEASE, shared->channel[1]);
	if (spare_hand(spare, LEASE, shared->channel[1]) != -1) /* used up */
		_exit(1);
}

static void
becomes_a_worker_on_the_channel_that_it_is_handed(void **state)
{
	struct shared *shared = *state;
	char said[4] = "";
	int status = status_of_spare(shared, hand);

	assert_int_equal(WEXITSTATUS(status), AS_A_WORKER);
	assert_int_equal(shared->handed, shared->spare);
	assert_int_equal(read(shared->channel[0], said, sizeof said), sizeof said);
	assert_memory_equal(said, "here", sizeof said);
}

static void
leave(struct shared *shared, struct spare *spare)
{
	(void)shared, (void)spare;
}

static void
ends_with_the_nursery(void **state)
{
	assert_int_equal(status_of_spare(*state, leave), 0);
}

static void
kill_it_and_hand(struct shared *shared, struct spare *spare)
{
	struct pollfd link = { .fd = spare->link };

	kill(spare->pid, SIGKILL);
	poll(&link, 1, DIES_IN_MS);
	hand(shared, spare);
}

static void
one_that_has_died_is_not_taken_for_a_worker(void **state)
{
	struct shared *shared = *state;

	assert_true(WIFSIGNALED(status_of_spare(shared, kill_it_and_hand)));
	assert_int_equal(shared->handed, -1);
}

static void
make_another(struct shared *shared, struct spare *spare)
{
	enum spare_side side;
	pid_t first = spare->pid;

	if (spare_make(spare, "", &side) != 0 || side == SPARE_COPY)
		_exit(side == SPARE_COPY ? AS_A_WORKER : 1);
	hand(shared, spare);
	if (shared->handed == first)
		_exit(1);
}

static void
another_takes_its_place(void **state)
{
	struct shared *shared = *state;
	int status = status_of_spare(shared, make_another);

	assert_int_equal(status, 0); /* the first ended by its link */
	assert_int_equal(waitpid(shared->handed, &status, 0), shared->handed);
	assert_int_equal(WEXITSTATUS(status), AS_A_WORKER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(becomes_a_worker_on_the_channel_that_it_is_handed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_with_the_nursery, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_has_died_is_not_taken_for_a_worker, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_takes_its_place, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
