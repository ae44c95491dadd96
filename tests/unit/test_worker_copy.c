/* Copies of a process, as workers are made: what a plain clone(2) would leave broken in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/worker/ahead.h"
#include "hostd/worker/copy.h"

#include <errno.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COPIES = 3, NONCE_BYTES = 16 };

/* What the processes of a test share. */
struct shared {
	pthread_mutex_t mutex;
	pid_t           copy;
	uint8_t         drawn[COPIES + 1][NONCE_BYTES];
	int             next;
};

static int
set_up(void **state)
{
	pthread_mutexattr_t kind;
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -1;
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &kind);
	*state = shared;
	return 0;
}

static int
tear_down(void **state)
{
	return munmap(*state, sizeof(struct shared));
}

/* A nursery that makes one copy and ends; how the copy has ended, which is ours to wait for. */
static int
status_of_copy(struct shared *shared, void (*in_copy)(struct shared *shared))
{
	pid_t nursery = fork();
	int status;

	if (nursery == 0) {
		pid_t pid = copy_process();

		if (pid == 0) {
			in_copy(shared);
			_exit(0);
		}
		shared->copy = pid;
		_exit(pid < 0);
	}
	assert_int_equal(waitpid(nursery, &status, 0), nursery);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(shared->copy, &status, 0), shared->copy);
	return status;
}

static void
die_with_lock(struct shared *shared)
{
	pthread_mutex_lock(&shared->mutex);
	kill(getpid(), SIGKILL);
}

static void
lock_of_a_copy_that_died_is_not_held_for_ever(void **state)
{
	struct shared *shared = *state;

	status_of_copy(shared, die_with_lock);
	assert_int_equal(pthread_mutex_trylock(&shared->mutex), EOWNERDEAD);
	pthread_mutex_consistent(&shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
}

static void
draw(struct shared *shared)
{
	if (RAND_bytes(shared->drawn[shared->next], NONCE_BYTES) != 1)
		_exit(1);
}

/* The one that they are copies of has used the generator before. */
static void
copies_draw_different_numbers(void **state)
{
	struct shared *shared = *state;

	ahead_load("");
	assert_int_equal(RAND_bytes(shared->drawn[COPIES], NONCE_BYTES), 1);
	for (shared->next = 0; shared->next < COPIES; shared->next++)
		assert_int_equal(status_of_copy(shared, draw), 0);
	for (int i = 0; i <= COPIES; i++)
		for (int other = 0; other < i; other++)
			assert_memory_not_equal(shared->drawn[i], shared->drawn[other], NONCE_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lock_of_a_copy_that_died_is_not_held_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(copies_draw_different_numbers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
