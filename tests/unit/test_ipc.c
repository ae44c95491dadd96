/* Channels: packets keep order, wait for the flush, carry descriptors; a peer's end is told once. */
#include "hostd/base/ipc.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
	int      messages;
	int      ends;
	uint64_t last;
	int      passed_fd;
	int      free_at_end;
};

static void
hear(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct heard *heard = argument;

	if (!message) {
		heard->ends++;
		if (heard->free_at_end)
			ipc_free(&ipc);
		return;
	}
	heard->messages++;
	heard->last = message->feed.seq;
	heard->passed_fd = passed_fd;
}

static struct message
feed(uint64_t seq)
{
	struct message message = { .type = MESSAGE_feed };

	message.feed.seq = seq;
	return message;
}

static void
queued_packet_leaves_only_at_the_flush(void **state)
{
	struct event_base *base = event_base_new();
	struct heard heard = { 0 };
	struct message message = feed(1), got;
	struct ipc *ipc;
	int fds[2], nothing[1];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	ipc = ipc_new(base, fds[0], hear, &heard);
	assert_int_equal(ipc_queue(ipc, &message, -1), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(recv(fds[1], nothing, sizeof nothing, MSG_DONTWAIT | MSG_PEEK), -1);
	ipc_flush(ipc);
	assert_int_equal(ipc_read(fds[1], &got, NULL), 0);
	assert_int_equal(got.feed.seq, 1);
	message_clear(&got);
	ipc_free(&ipc);
	close(fds[1]);
	event_base_free(base);
}

/* More than the socket takes at once: the rest follows by the loop, in order. */
static void
slow_peer_gets_everything_in_order(void **state)
{
	enum { COUNT = 3000 };
	struct event_base *base = event_base_new();
	struct heard heard[2] = { { 0 } };
	struct ipc *ends[2];
	int fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	for (int i = 0; i < 2; i++)
		ends[i] = ipc_new(base, fds[i], hear, &heard[i]);
	for (uint64_t i = 1; i <= COUNT; i++) {
		struct message message = feed(i);

		assert_int_equal(ipc_send(ends[0], &message, -1), 0);
	}
	for (int turn = 0; turn < 100 * COUNT && heard[1].messages < COUNT; turn++) {
		int before = heard[1].messages;

		event_base_loop(base, EVLOOP_ONCE);
		assert_int_equal(heard[1].last, heard[1].messages);
		assert_true(heard[1].messages - before <= 1);
	}
	assert_int_equal(heard[1].messages, COUNT);
	ipc_free(&ends[0]);
	ipc_free(&ends[1]);
	event_base_free(base);
}

static void
descriptor_travels_with_its_message(void **state)
{
	struct event_base *base = event_base_new();
	struct heard heard = { .passed_fd = -1 };
	struct message message = feed(5);
	struct ipc *ipc;
	int fds[2], pipe_fds[2];
	char byte = 0;

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	ipc = ipc_new(base, fds[0], hear, &heard);
	assert_int_equal(ipc_write(fds[1], &message, pipe_fds[1]), 0);
	close(pipe_fds[1]);
	event_base_loop(base, EVLOOP_ONCE);
	assert_true(heard.passed_fd >= 0);
	assert_int_equal(write(heard.passed_fd, "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(heard.passed_fd);
	close(pipe_fds[0]);
	close(fds[1]);
	ipc_free(&ipc);
	event_base_free(base);
}

static void
end_of_the_peer_is_told_once_and_may_free_the_channel(void **state)
{
	struct event_base *base = event_base_new();
	struct heard heard = { .free_at_end = 1 };
	int fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	assert_non_null(ipc_new(base, fds[0], hear, &heard));
	close(fds[1]);
	event_base_dispatch(base);
	assert_int_equal(heard.ends, 1);
	event_base_free(base);
}

static void
garbage_ends_the_channel(void **state)
{
	struct event_base *base = event_base_new();
	struct heard heard = { .free_at_end = 1 };
	int fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	assert_non_null(ipc_new(base, fds[0], hear, &heard));
	assert_int_equal(send(fds[1], "garbage", 7, 0), 7);
	event_base_dispatch(base);
	assert_int_equal(heard.messages, 0);
	assert_int_equal(heard.ends, 1);
	close(fds[1]);
	event_base_free(base);
}

static void
hello_of_another_version_is_refused(void **state)
{
	struct message hello = { .type = MESSAGE_hello }, other = feed(1);

	(void)state;
	hello.hello.version = MESSAGES_VERSION;
	assert_int_equal(ipc_check_hello(&hello), 0);
	hello.hello.version++;
	assert_int_equal(ipc_check_hello(&hello), MINT_PROTOCOL);
	assert_int_equal(ipc_check_hello(&other), MINT_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queued_packet_leaves_only_at_the_flush),
		cmocka_unit_test(slow_peer_gets_everything_in_order),
		cmocka_unit_test(descriptor_travels_with_its_message),
		cmocka_unit_test(end_of_the_peer_is_told_once_and_may_free_the_channel),
		cmocka_unit_test(garbage_ends_the_channel),
		cmocka_unit_test(hello_of_another_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
