#include "tests/bench/queue_crowd.h"
#include "hostd/api/record.h"
#include "hostd/base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { PAGE = 50 };

struct crowd *
crowd_new(void)
{
	void *memory = mmap(NULL, sizeof(struct crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void
took(struct crowd_times *times, int64_t us)
{
	int64_t tick = us / CROWD_TICK_US;

	times->ticks[tick < CROWD_TICKS ? tick : CROWD_TICKS - 1]++;
	times->count++;
}

double
crowd_quantile_ms(const struct crowd_times *times, unsigned int per_mille)
{
	uint64_t wanted = (times->count * per_mille + 999) / 1000, seen = 0;
	int tick = 0;

	while (tick < CROWD_TICKS - 1 && (seen += times->ticks[tick]) < wanted)
		tick++;
	return (double)(tick + 1) * CROWD_TICK_US / 1000;
}

/* --- clients */

struct client {
	int64_t asked_us;  /* 0 before the first */
	int     claimed;
};

static void
ask(struct crowd *crowd, struct client *client, struct pollfd *socket)
{
	if (crowd->stop && !client->claimed) {
		close(socket->fd);
		socket->fd = -1;
		return;
	}
	client->claimed = !client->claimed;
	client->asked_us = clock_monotonic_us();
	if (write(socket->fd, "?", 1) != 1)
		crowd->failed = 1;
}

static void
hear(struct crowd *crowd, struct client *client, struct pollfd *socket)
{
	char byte;

	if (read(socket->fd, &byte, 1) != 1) {
		crowd->failed = 1;
		return;
	}
	if (client->asked_us)
		took(&crowd->answers, clock_monotonic_us() - client->asked_us);
	ask(crowd, client, socket);
}

static void
be_clients(struct crowd *crowd, const int *sockets, int count)
{
	struct client clients[CROWD_MAX] = { { 0, 0 } };
	struct pollfd polled[CROWD_MAX];
	int open = count;

	for (int i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = sockets[i], .events = POLLIN };
	while (open > 0 && !crowd->failed && poll(polled, (nfds_t)count, -1) > 0) {
		open = 0;
		for (int i = 0; i < count; i++) {
			if (polled[i].fd >= 0 && polled[i].revents)
				hear(crowd, &clients[i], &polled[i]);
			open += polled[i].fd >= 0;
		}
	}
}

pid_t
crowd_clients(struct crowd *crowd, const int *sockets, int count)
{
	pid_t pid = fork();

	if (pid == 0) {
		be_clients(crowd, sockets, count);
		_exit(crowd->failed);
	}
	return pid;
}

/* --- readers */

/* What has happened of late: who follows the feed. */
static json_t *
read_feed(struct record *record)
{
	struct binds binds = { .count = 0 };

	bind_integer(&binds, "after", record_seq(record) - PAGE);
	bind_null(&binds, "application");
	bind_integer(&binds, "limit", PAGE);
	return record_rows(record, API_events, &binds);
}

/* A page from anywhere. */
static json_t *
read_applications(struct record *record, int64_t applications)
{
	struct binds binds = { .count = 0 };

	bind_integer(&binds, "now", clock_utc_us());
	bind_integer(&binds, "after", random() % applications);
	bind_null(&binds, "state");
	bind_null(&binds, "urgent");
	bind_null(&binds, "late");
	bind_null(&binds, "reference");
	bind_integer(&binds, "limit", PAGE);
	return record_rows(record, API_applications, &binds);
}

static int
read_one(struct record *record, int64_t applications, int turn)
{
	json_t *page = NULL;
	int failed = record_begin(record) != 0;

	if (!failed)
		page = turn % 2 ? read_feed(record) : read_applications(record, applications);
	record_end(record);
	failed |= record_failed(record) || !json_is_array(page);
	json_decref(page);
	return failed;
}

static void
be_reader(struct crowd *crowd, const char *database, int64_t applications, int polls_a_second)
{
	struct itimerspec pace = { .it_interval.tv_nsec = 1000000000 / polls_a_second, .it_value.tv_nsec = 1 };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), turn = 0;
	struct record *record = NULL;
	uint64_t due;
	int64_t begun;

	crowd->failed |= record_open(database, &record) != 0 || timer < 0 || timerfd_settime(timer, 0, &pace, NULL) != 0;
	while (!crowd->failed && !crowd->stop && read(timer, &due, sizeof due) == sizeof due)
		for (; due > 0; due--) { /* those it came too late for are made up */
			begun = clock_monotonic_us();
			crowd->failed |= read_one(record, applications, turn++);
			if (crowd->go)
				took(&crowd->polls, clock_monotonic_us() - begun);
		}
	record_close(&record);
}

pid_t
crowd_reader(struct crowd *crowd, const char *database, int64_t applications, int polls_a_second)
{
	pid_t pid = fork();

	if (pid == 0) {
		be_reader(crowd, database, applications, polls_a_second);
		_exit(crowd->failed);
	}
	return pid;
}
