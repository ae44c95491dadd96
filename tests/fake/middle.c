/* middle: stands between mint-queue and mint-ca or mint-label and lets one message go wrong.
 *
 * It takes the program's place: a link of that name in the directory `programs` of a configuration. It starts the real one,
 * MIDDLE_REAL/NAME, and hands on what the two say, until there is an order in the file MIDDLE_ORDERS/NAME, one line:
 *
 *   refuse TEXT    the next `certify` is not handed on and answered: refused
 *   other-key      the next certificate comes back for another key, under the same serial number
 *   late MS        the next answer of the program comes so much later
 *   lose           the next answer of the program is not handed on: both programs end
 *   doubt          the next `printed` becomes: it is not known
 *
 * What was done is written to MIDDLE_ORDERS/NAME.done and the order is removed: an order is carried out once.
 */
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const char *name; /* of the program whose place this is */

/* --- orders */

static void
path_of(const char *ending, char path[512])
{
	snprintf(path, 512, "%s/%s%s", getenv("MIDDLE_ORDERS"), name, ending);
}

/* The order's argument when it is this one, else NULL. */
static const char *
ordered(const char *word)
{
	static char line[256];
	char path[512];
	FILE *file;
	size_t length = strlen(word);

	path_of("", path);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, word, length) != 0 || (line[length] != '\0' && line[length] != ' '))
		return NULL;
	return line[length] ? line + length + 1 : "";
}

static void
done(const struct message *message)
{
	char path[512], after[512];
	FILE *file;

	path_of("", path);
	path_of(".done", after);
	unlink(path);
	file = fopen(after, "ae");
	if (!file)
		return;
	fprintf(file, "%s\n", message_name(message->type));
	fclose(file);
}

/* --- a certificate for another key */

static void
for_another_key(struct message *message)
{
	const unsigned char *at = message->certified.certificate.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)message->certified.certificate.length);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int length = -1;

	if (certificate && key && X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256()) > 0)
		length = i2d_X509(certificate, &der);
	if (length <= 0)
		abort();
	message->certified.certificate = (struct blob){ der, (uint32_t)length }; /* left to the end of the process */
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* --- handing on */

static void
hand_on(int to, const struct message *message)
{
	if (ipc_write(to, message, -1) != 0)
		exit(0);
}

static void
to_program(int queue, int program, const struct message *message)
{
	const char *why = message->type == MESSAGE_certify ? ordered("refuse") : NULL;
	struct message answer = { .type = MESSAGE_certify_refused };

	if (!why) {
		hand_on(program, message);
		return;
	}
	answer.certify_refused = (struct message_certify_refused){ message->certify.request_id, -MINT_CA_REFUSED, why };
	done(message);
	hand_on(queue, &answer);
}

static int
is_answer(const struct message *message)
{
	return message->type != MESSAGE_hello;
}

static void
wait_ms(const char *text)
{
	long ms = strtol(text, NULL, 10);
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static void
to_queue(int queue, struct message *message)
{
	struct message doubt = { .type = MESSAGE_print_failed };
	const char *late = is_answer(message) ? ordered("late") : NULL;

	if (late) {
		done(message);
		wait_ms(late);
	} else if (is_answer(message) && ordered("lose")) {
		done(message);
		exit(0);
	} else if (message->type == MESSAGE_certified && ordered("other-key")) {
		for_another_key(message);
		done(message);
	} else if (message->type == MESSAGE_printed && ordered("doubt")) {
		doubt.print_failed = (struct message_print_failed){ message->printed.job, -MINT_PRINTER_UNKNOWN, "the connection was lost" };
		done(message);
		hand_on(queue, &doubt);
		return;
	}
	hand_on(queue, message);
}

static void
pass(int queue, int program, int from)
{
	struct message message;

	if (ipc_read(from, &message, NULL) != 0)
		exit(0);
	if (from == queue)
		to_program(queue, program, &message);
	else
		to_queue(queue, &message);
	/* What came is this short-lived program's until it ends: an altered one is not all of its making. */
}

static void
run_real(char **argv, int channel)
{
	char path[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof path, "%s/%s", getenv("MIDDLE_REAL"), name);
	if (dup2(channel, IPC_PARENT_FD) < 0)
		_exit(71);
	execv(path, argv);
	_exit(71);
}

int
main(int argc, char **argv)
{
	struct pollfd ends[2];
	int fds[2];

	(void)argc;
	name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	log_open("middle");
	if (!getenv("MIDDLE_ORDERS") || !getenv("MIDDLE_REAL") || ipc_pair(fds) != 0)
		return 71;
	signal(SIGPIPE, SIG_IGN);
	if (fork() == 0)
		run_real(argv, fds[1]);
	close(fds[1]);
	ends[0] = (struct pollfd){ .fd = IPC_PARENT_FD, .events = POLLIN };
	ends[1] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			if (ends[i].revents)
				pass(IPC_PARENT_FD, fds[0], ends[i].fd);
	return 71;
}
