/* How many credentials a second the queue can hand out and settle, each durably, while others read the record.
 *
 *   queue-rate make DATABASE APPLICATIONS WAITING             a record with so many applications, the last of them waiting
 *   queue-rate run DATABASE CLIENTS POLLS_A_SECOND SECONDS    prints settled a second, p50 and p99 of the answers in ms, polls a second and
 *                                                             their p99 in ms, µs of the queue's processor time for each settled
 *   queue-rate status DATABASE                                prints how long the statements of /v1/status take, in ms
 *
 * The loop, the store, the claim and the settling are those of mint-queue; a client's byte stands for the message and is handled as one:
 * a part of the turn, answered when the turn is committed (WAL, synchronous=FULL). Claim: the next waiting credential, a use of the token,
 * the states of credential, token and application, their events, the bay's row. Settle: the credential is given up for the order's fault
 * and parked, its use ended, its token free; the shortest way on which it comes to an end.
 */
#include "hostd/api/record.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"
#include "tests/bench/queue_crowd.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct rate;

struct client {
	struct rate  *rate;
	struct bay   *bay;
	struct event *event;
	int           socket;
	int64_t       token, credential; /* no credential: the next byte claims one */
	int           answer;            /* it is due one when the turn is committed */
};

struct rate {
	struct event_base *base;
	struct queue      *queue;
	struct client      clients[CROWD_MAX];
	int                count, open;
	int64_t            settled;
};

static int
die(const char *what)
{
	fprintf(stderr, "queue-rate: %s\n", what);
	return 1;
}

/* --- the record */

static int
make(const char *database, const char *applications, const char *waiting)
{
	static const char fill[] =
	    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %1$s) "
	    "INSERT INTO application (id, reference, kind, medium, state, quantity, delivery, approved_at, deadline_at, imported_at, issued_at, "
	    " changed_at, record_sha256) "
	    "SELECT i, printf('RATE-%%08d', i), 'new', 'token', CASE WHEN i > %1$s - %2$s THEN 'approved' ELSE 'issued' END, 1, 'post', "
	    " 17e14 + i, 17e14 + 864e8 + i, 17e14 + i, CASE WHEN i > %1$s - %2$s THEN NULL ELSE 17e14 + i END, 17e14 + i, randomblob(32) FROM n;"
	    "INSERT INTO credential (id, application_id, ordinal, name, key_type, profile, state, deadline_at, changed_at) "
	    "SELECT id, id, 1, reference || '-01', 'p256', 'institution', CASE state WHEN 'approved' THEN 'waiting' ELSE 'packed' END, "
	    " deadline_at, changed_at FROM application;"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 256) "
	    "INSERT INTO token (id, model, atr, serial, marker, state, seen_at) "
	    "SELECT i, 'rate', x'3b00', printf('R%%03d', i), printf('MB-%%08d', i), 'blank', 17e14 FROM n; COMMIT;";
	struct store *store;
	sqlite3 *db = NULL;
	char sql[4096];
	int r;

	snprintf(sql, sizeof sql, fill, applications, waiting);
	if (store_open(database, &store) != 0)
		return die("no record could be made");
	store_close(&store);
	r = sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (r != SQLITE_OK)
		die(sqlite3_errmsg(db));
	sqlite3_close(db);
	return r != SQLITE_OK;
}

static int
take_id(sqlite3_stmt *row, void *argument)
{
	*(int64_t *)argument = sqlite3_column_int64(row, 0);
	return 1;
}

/* --- the queue's side of a client */

static int
claim(struct queue *queue, void *argument)
{
	struct client *client = argument;
	int64_t use;
	int r = claim_next(client->bay, client->token, &use);

	(void)queue;
	client->credential = client->bay->credential;
	return r;
}

static int
settle(struct queue *queue, void *argument)
{
	struct client *client = argument;
	struct work work;
	int r = work_of_credential(queue, client->credential, &work);

	if (r == 0)
		r = fault_order(queue, &work, "CA_REFUSED", "measured");
	if (r == 0)
		r = bay_holds(client->bay, client->token, 0);
	work_wipe(&work);
	client->credential = 0;
	client->rate->settled++;
	return r;
}

static void
leave(struct client *client)
{
	event_free(client->event);
	client->event = NULL;
	close(client->socket);
	client->rate->open--;
}

static void
on_request(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	char byte, actor[32];

	(void)what;
	if (read(fd, &byte, 1) != 1) {
		leave(client);
		return;
	}
	snprintf(actor, sizeof actor, "worker-%d", client->bay->number);
	if (turn_part(client->rate->queue, actor, client->bay, client->credential ? settle : claim, client) != 0)
		exit(die("a part of a turn failed: are there waiting credentials left?"));
	client->answer = 1;
}

/* What was committed is answered. */
static void
answer(struct rate *rate)
{
	for (int i = 0; i < rate->count; i++) {
		struct client *client = &rate->clients[i];

		if (client->answer && client->event && write(client->socket, "!", 1) != 1)
			exit(die("a client is gone"));
		client->answer = 0;
	}
}

/* --- a run */

static void
configure(struct config *config, struct config_bay *bays, const char *database, int count)
{
	*config = (struct config){
		.bench = (char *)(uintptr_t)"rate", .database = (char *)(uintptr_t)database,
		.calendar = (char *)(uintptr_t)"data/calendar/cn.conf", .ca_profile = (char *)(uintptr_t)"institution",
		.stock_key_type = (char *)(uintptr_t)"p256", .attempts_max = 3, .step_timeout_ms = 60000, .bays = bays,
		.bay_count = (size_t)count,
	};
	for (int i = 0; i < count; i++)
		bays[i] = (struct config_bay){ .number = i + 1, .reader = (char *)(uintptr_t)"rate" };
}

static int
meet(struct rate *rate, const int *sockets, int count)
{
	for (int i = 0; i < count; i++) {
		struct client *client = &rate->clients[i];

		client->rate = rate;
		client->bay = &rate->queue->bays[i];
		client->token = i + 1;
		client->socket = sockets[i];
		client->answer = 1; /* go */
		client->event = event_new(rate->base, sockets[i], EV_READ | EV_PERSIST, on_request, client);
		if (!client->event || event_add(client->event, NULL) != 0)
			return MINT_MEMORY;
	}
	rate->count = rate->open = count;
	return 0;
}

static int64_t
used_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void
measure(struct rate *rate, struct crowd *crowd, int seconds)
{
	int64_t begun = clock_monotonic_us(), processor_us = -used_us(), elapsed;

	crowd->go = 1;
	answer(rate);
	while (rate->open > 0 && !crowd->failed) {
		if (clock_monotonic_us() - begun >= (int64_t)seconds * 1000000)
			crowd->stop = 1;
		queue_turn(rate->queue);
		answer(rate);
	}
	elapsed = clock_monotonic_us() - begun;
	processor_us += used_us();
	printf("%.0f\t%.2f\t%.2f\t%.1f\t%.2f\t%.1f\n", (double)rate->settled * 1e6 / (double)elapsed, crowd_quantile_ms(&crowd->answers, 500),
	    crowd_quantile_ms(&crowd->answers, 990), (double)crowd->polls.count * 1e6 / (double)elapsed, crowd_quantile_ms(&crowd->polls, 990),
	    (double)processor_us / (double)rate->settled);
}

static int
count_applications(const char *database, int64_t *count)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	        sqlite3_prepare_v2(db, "SELECT max(id) FROM application", -1, &statement, NULL) == SQLITE_OK &&
	        sqlite3_step(statement) == SQLITE_ROW ? 0 : MINT_STORAGE;

	if (r == 0)
		take_id(statement, count);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return r;
}

/* The others are forked before anything of the queue exists. */
static int
run(const char *database, int count, int polls_a_second, int seconds)
{
	int ours[CROWD_MAX], theirs[CROWD_MAX], mintd[2] = { -1, -1 }, pair[2], failed;
	struct config_bay bays[CROWD_MAX];
	struct crowd *crowd = crowd_new();
	static struct rate rate;
	struct config config;
	int64_t applications;

	if (!crowd || count < 1 || count > CROWD_MAX || count_applications(database, &applications) != 0 || ipc_pair(mintd) != 0)
		return die("nothing to measure");
	for (int i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
			return die("no sockets");
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	if (crowd_clients(crowd, theirs, count) < 0 || crowd_reader(crowd, database, applications, polls_a_second) < 0)
		return die("no processes");
	for (int i = 0; i < count; i++)
		close(theirs[i]);
	configure(&config, bays, database, count);
	rate.base = event_base_new();
	failed = !rate.base || queue_open(rate.base, &config, mintd[1], &rate.queue) != 0 || meet(&rate, ours, count) != 0;
	if (!failed)
		measure(&rate, crowd, seconds);
	failed |= crowd->failed;
	crowd->stop = 1;
	queue_close(&rate.queue);
	while (wait(NULL) > 0)
		continue;
	munmap(crowd, sizeof *crowd);
	return failed ? die("it failed") : 0;
}

/* --- /v1/status */

static int
status(const char *database)
{
	static const enum api_statement plain[] = {
		API_tally_applications, API_tally_credentials, API_tally_tokens, API_tally_bays, API_tally_labels, API_credentials_moving,
		API_labels_stuck, API_parked, API_delayed,
	};
	struct binds now = { .count = 0 };
	struct record *record;
	int64_t begun;

	if (record_open(database, &record) != 0)
		return die("no record");
	begun = clock_monotonic_us();
	record_begin(record);
	bind_integer(&now, "now", clock_utc_us());
	json_decref(record_rows(record, API_open_applications, &now));
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		json_decref(record_rows(record, plain[i], NULL));
	record_end(record);
	printf("%.1f\n", (double)(clock_monotonic_us() - begun) / 1000);
	record_close(&record);
	return 0;
}

int
main(int argc, char **argv)
{
	setenv("MINT_LOG", "error", 0);
	log_open("queue-rate");
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		return make(argv[2], argv[3], argv[4]);
	if (argc == 6 && strcmp(argv[1], "run") == 0)
		return run(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	if (argc == 3 && strcmp(argv[1], "status") == 0)
		return status(argv[2]);
	return die("see the head of tests/bench/queue_rate.c");
}
