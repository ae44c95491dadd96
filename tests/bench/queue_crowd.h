/* Who stands around the queue while it is measured: clients that claim and settle, and readers of the record. Processes of their own. */
#ifndef MINT_TESTS_QUEUE_CROWD_H
#define MINT_TESTS_QUEUE_CROWD_H

#include <stdint.h>
#include <sys/types.h>

enum { CROWD_MAX = 256, CROWD_TICK_US = 10, CROWD_TICKS = 200000 };

/* How long things took: so many took [i] ticks, those beyond the last stand in the last. */
struct crowd_times {
	uint64_t count;
	uint32_t ticks[CROWD_TICKS];
};

/* Shared memory of the run. */
struct crowd {
	volatile int       go;       /* from now on the reader's times count */
	volatile int       stop;     /* a client that has settled claims no more; the reader ends */
	volatile int       failed;   /* one of them could not do its work */
	struct crowd_times answers, polls;
};

/* A fresh one; NULL. Free with munmap. */
struct crowd *crowd_new(void);

/* One process with a client on each socket. A client waits for the first byte; then it asks with a byte, waits for a byte that is its
 * answer, and asks again, in pairs (claim, settle), until `stop`; then it closes its socket. */
pid_t crowd_clients(struct crowd *crowd, const int *sockets, int count);

/* One process that reads the record as mint-api does, `polls_a_second` times: a page of the feed, a page of applications, by turns. */
pid_t crowd_reader(struct crowd *crowd, const char *database, int64_t applications, int polls_a_second);

/* Milliseconds below which so many of a thousand lie. */
double crowd_quantile_ms(const struct crowd_times *times, unsigned int per_mille);

#endif
