/* fake-queue: stands in for mint-queue toward mint-api, with real messages on a real channel and a real database.
 *
 *   fake-queue DATABASE LOG COMMAND ARGUMENT…
 *
 * Makes a channel, starts COMMAND with one end as its descriptor 3, and answers what comes on the other. Imports are put into the
 * database (application, person, credentials, event) and answered as mint-queue would; commands leave an event. What came stands in LOG, one
 * line each. Scripted answers: a command on object "DIE" ends this program without an answer, as a crash would; on "REFUSE" it is
 * refused; an import whose reference begins with "DIE" ends it likewise. SIGUSR1 adds an event and tells the feed.
 */
#include "hostd/base/clock.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static sqlite3 *db;
static FILE *log_file;
static int channel;
static volatile sig_atomic_t poked, stopped;

static void on_poke(int number) { (void)number; poked = 1; }
static void on_stop(int number) { (void)number; stopped = 1; }

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fake-queue: %s: %s\n", what, db ? sqlite3_errmsg(db) : strerror(errno));
	exit(70);
}

/* Runs a statement with up to three texts and two integers, bound as ?1 …; returns the first column of its row, or 0. */
static sqlite3_int64
run(const char *sql, const char *first, const char *second, sqlite3_int64 third, sqlite3_int64 fourth)
{
	sqlite3_stmt *statement;
	sqlite3_int64 value = 0;
	int count;

	must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sql);
	count = sqlite3_bind_parameter_count(statement);
	if (count >= 1)
		sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
	if (count >= 2)
		sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
	if (count >= 3)
		sqlite3_bind_int64(statement, 3, third);
	if (count >= 4)
		sqlite3_bind_int64(statement, 4, fourth);
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		value = sqlite3_column_int64(statement, 0);
		break;
	case SQLITE_DONE:
		break;
	default:
		must(0, sql);
	}
	sqlite3_finalize(statement);
	return value;
}

static void
event(const char *kind, const char *reference)
{
	struct message feed = { .type = MESSAGE_feed };

	run("INSERT INTO event (kind, actor, at, application_id) VALUES (?1, 'queue', ?3, (SELECT id FROM application WHERE reference = ?2))",
	    kind, reference, clock_utc_us(), 0);
	feed.feed.seq = (uint64_t)sqlite3_last_insert_rowid(db);
	must(ipc_write(channel, &feed, -1) == 0, "feed");
}

static int
add_application(const json_t *record, const char *canonical, int held)
{
	const char *reference = json_string_value(json_object_get(record, "reference"));
	json_int_t quantity = json_integer_value(json_object_get(record, "quantity"));
	sqlite3_int64 id;

	id = run("INSERT INTO application (reference, kind, medium, state, quantity, delivery, approved_at, deadline_at, imported_at, changed_at, record_sha256)"
	    " VALUES (?1, 'new', 'token', ?2, ?3, 'post', ?4, ?4 + 86400000000, ?4, ?4, x'00') RETURNING id",
	    reference, held ? "held" : "approved", quantity, clock_utc_us());
	run("INSERT INTO person (application_id, record) VALUES (?3, ?1)", canonical, "", id, 0);
	for (json_int_t i = 1; i <= quantity; i++)
		run("INSERT INTO credential (name, application_id, ordinal, key_type, profile, deadline_at, changed_at)"
		    " VALUES (printf('%s-%02d', ?1, ?3), (SELECT id FROM application WHERE reference = ?1), ?3, 'p256', ?2, ?4, ?4)",
		    reference, "institution", i, clock_utc_us());
	event("application.imported", reference);
	return held ? IMPORT_HELD : IMPORT_ADDED;
}

static void
answer_import(const struct message_import *import)
{
	struct message answer = { .type = MESSAGE_import_result };
	json_t *record = json_loads(import->record, 0, NULL);
	const char *reference = json_string_value(json_object_get(record, "reference"));

	must(reference != NULL, "record without reference");
	if (strncmp(reference, "DIE", 3) == 0)
		exit(0);
	answer.import_result.call = import->call;
	answer.import_result.detail = "";
	if (run("SELECT 1 FROM application WHERE reference = ?1", reference, NULL, 0, 0) == 0) {
		answer.import_result.outcome = (uint8_t)add_application(record, import->record, import->held[0] != '\0');
	} else if (run("SELECT 1 FROM person p JOIN application a ON a.id = p.application_id WHERE a.reference = ?1 AND p.record = ?2",
	    reference, import->record, 0, 0)) {
		answer.import_result.outcome = IMPORT_UNCHANGED;
	} else {
		answer.import_result.outcome = IMPORT_DIFFERENT;
		answer.import_result.detail = "[{\"path\":\"quantity\",\"old\":1,\"new\":2}]";
	}
	fprintf(log_file, "import %s by %s\n", reference, import->actor);
	must(ipc_write(channel, &answer, -1) == 0, "import_result");
	json_decref(record);
}

static void
answer_command(const struct message_command *command)
{
	struct message answer = { .type = MESSAGE_command_result };
	int refused = strcmp(command->object, "REFUSE") == 0;

	fprintf(log_file, "command %s %s %s by %s\n", command->verb, command->object, command->arguments, command->actor);
	fflush(log_file);
	if (strcmp(command->object, "DIE") == 0)
		exit(0);
	if (!refused)
		event("application.changed", command->object);
	answer.command_result = (struct message_command_result){
		.call = command->call, .error = refused ? -MINT_REFUSED : 0,
		.detail = refused ? "it is issued already" : "{\"state\":\"held\"}",
	};
	must(ipc_write(channel, &answer, -1) == 0, "command_result");
}

static void
serve(void)
{
	struct pollfd ready = { .fd = channel, .events = POLLIN };
	struct message message;
	sigset_t none;

	sigemptyset(&none);
	while (!stopped) {
		if (poked) {
			poked = 0;
			event("bay.changed", "");
		}
		/* The signals are blocked outside this call, so that none is missed between the look and the wait. */
		if (ppoll(&ready, 1, NULL, &none) < 0)
			continue;
		if (ipc_read(channel, &message, NULL) != 0)
			return;
		if (message.type == MESSAGE_import)
			answer_import(&message.import);
		else if (message.type == MESSAGE_command)
			answer_command(&message.command);
		message_clear(&message);
		fflush(log_file);
	}
}

static pid_t
start(char **command, int fds[2])
{
	pid_t parent = getpid(), pid = fork();

	must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(70);
	/* Our own handlers would swallow an early SIGTERM that is meant for the program. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fds[1] == IPC_PARENT_FD || dup2(fds[1], IPC_PARENT_FD) < 0)
		_exit(71);
	execv(command[0], command);
	perror(command[0]);
	_exit(71);
}

int
main(int argc, char **argv)
{
	struct sigaction poke = { .sa_handler = on_poke }, stop = { .sa_handler = on_stop };
	struct message hello = { .type = MESSAGE_hello };
	sigset_t blocked;
	int fds[2], spare = open("/dev/null", O_RDONLY), status = 0;
	pid_t pid;

	log_open("fake-queue");
	if (argc < 4)
		return 64;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGUSR1, &poke, NULL);
	sigaction(SIGTERM, &stop, NULL);
	must(sqlite3_open(argv[1], &db) == SQLITE_OK, argv[1]);
	run("PRAGMA journal_mode = WAL", NULL, NULL, 0, 0);
	run("PRAGMA synchronous = OFF", NULL, NULL, 0, 0);
	log_file = fopen(argv[2], "we");
	must(log_file != NULL, argv[2]);
	must(spare >= 0 && ipc_pair(fds) == 0, "channel");
	channel = fds[0];
	pid = start(argv + 3, fds);
	close(fds[1]);
	hello.hello = (struct message_hello){ .version = MESSAGES_VERSION, .program = PROGRAM_QUEUE, .pid = (uint32_t)getpid(), .release = "fake" };
	must(ipc_write(channel, &hello, -1) == 0, "hello");
	serve();
	if (stopped) /* else it closed its channel: it is ending by itself */
		kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}
