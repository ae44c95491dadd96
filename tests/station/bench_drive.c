/* bench-drive: stands in for mint-queue toward a real mint-bench, with real messages on a real channel.
 *
 *   bench-drive PROGRAM ARGUMENT…
 *
 * Starts the program with a channel as its descriptor 3. Each message that comes is a line on standard output: its time in milliseconds,
 * its name, and each field as name=value. Each line of standard input is a message to send: its name and its fields in order. At the end of
 * standard input, or on SIGTERM, the channel is closed, and this program ends when the other has.
 */
#include "hostd/base/clock.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

/* --- what comes */

static void print_u8(const char *name, uint8_t value) { printf(" %s=%u", name, value); }
static void print_u32(const char *name, uint32_t value) { printf(" %s=%" PRIu32, name, value); }
static void print_u64(const char *name, uint64_t value) { printf(" %s=%" PRIu64, name, value); }
static void print_i64(const char *name, int64_t value) { printf(" %s=%" PRId64, name, value); }
static void print_text(const char *name, const char *value) { printf(" %s='%s'", name, value); }
static void print_blob(const char *name, struct blob value) { printf(" %s=%" PRIu32 "-bytes", name, value.length); }

static void
print_message(const struct message *message)
{
	printf("%" PRId64 " %s", clock_monotonic_us() / 1000, message_name(message->type));
	switch (message->type) {
#define FIELD(type, name, limit) print_##type(#name, fields->name);
#define MESSAGE(name, number, list) \
	case MESSAGE_##name: { \
		const struct message_##name *fields = &message->name; \
		list \
		break; \
	}
#include "schemas/messages.def"
#undef MESSAGE
#undef FIELD
	}
	putchar('\n');
	fflush(stdout);
}

/* --- what is sent */

static uint64_t
number_of(char **rest)
{
	const char *word = strtok_r(NULL, " \n", rest);

	return word ? strtoull(word, NULL, 10) : 0;
}

static void take_u8(uint8_t *place, char **rest) { *place = (uint8_t)number_of(rest); }
static void take_u32(uint32_t *place, char **rest) { *place = (uint32_t)number_of(rest); }
static void take_u64(uint64_t *place, char **rest) { *place = number_of(rest); }
static void take_i64(int64_t *place, char **rest) { *place = (int64_t)number_of(rest); }
static void take_blob(struct blob *place, char **rest) { (void)rest, *place = (struct blob){ NULL, 0 }; }

static void
take_text(const char **place, char **rest)
{
	const char *word = strtok_r(NULL, " \n", rest);

	*place = word ? word : "";
}

static bool
read_message(char *line, struct message *message)
{
	char *rest = NULL;
	const char *word = strtok_r(line, " \n", &rest);

	*message = (struct message){ 0 };
	if (!word)
		return false;
#define FIELD(type, name, limit) take_##type(&fields->name, &rest);
#define MESSAGE(name, number, list) \
	if (strcmp(word, #name) == 0) { \
		struct message_##name *fields = &message->name; \
		message->type = MESSAGE_##name; \
		list \
		return true; \
	}
#include "schemas/messages.def"
#undef MESSAGE
#undef FIELD
	fprintf(stderr, "bench-drive: %s: no such message\n", word);
	return false;
}

/* --- life */

static pid_t
start(char **command, int channel)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(channel, IPC_PARENT_FD);
	execv(command[0], command);
	perror(command[0]);
	_exit(127);
}

static void
take_lines(int channel, FILE *lines)
{
	char line[512];
	struct message message;

	if (!fgets(line, sizeof line, lines)) {
		ended = 1;
		return;
	}
	if (read_message(line, &message) && ipc_write(channel, &message, -1) != 0)
		ended = 1;
}

static void
take_message(int channel)
{
	struct message message;

	if (ipc_read(channel, &message, NULL) != 0) {
		ended = 1;
		return;
	}
	print_message(&message);
	message_clear(&message);
}

static void
converse(int channel)
{
	struct message hello = { .type = MESSAGE_hello };

	hello.hello = (struct message_hello){ .version = MESSAGES_VERSION, .program = PROGRAM_QUEUE, .pid = (uint32_t)getpid(), .release = "test" };
	ended = ipc_write(channel, &hello, -1) != 0;
	setvbuf(stdin, NULL, _IONBF, 0); /* a line that is read ahead would not be seen by poll(2) */
	while (!ended) {
		struct pollfd polled[2] = { { .fd = channel, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

		if (poll(polled, 2, -1) < 0)
			break;
		if (polled[0].revents)
			take_message(channel);
		if (polled[1].revents)
			take_lines(channel, stdin);
	}
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_end };
	int fds[2], status = 0;
	pid_t pid;

	log_open("bench-drive");
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	if (argc < 2 || ipc_pair(fds) != 0)
		return 64;
	pid = start(argv + 1, fds[1]);
	close(fds[1]);
	converse(fds[0]);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("ended status=%d\n", status);
	return 0;
}
