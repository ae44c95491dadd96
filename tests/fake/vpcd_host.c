/* vpcd-host: stands in for the reader drivers of a pcscd toward vtoken, for more readers than a pcscd has room for.
 *
 *   vpcd-host FIRST-PORT COUNT
 *
 * Listens on COUNT ports of 127.0.0.1, says on standard error when it does, waits for a token on each (10 s), and puts all
 * of them through the same steps at once: power, select the application, serial number, a key file, a key generated in
 * it, its public point. Ends with a line of JSON on standard output, or with status 1 at the first wrong answer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TOKENS_MAX 1000
#define DEADLINE_S 10
#define ANSWER_MAX 600

static const struct {
	const char *name, *hex;
	size_t least; /* bytes of the answer, status word included; 0: there is none */
} steps[] = {
	{ "power", "01", 0 },
	{ "select", "00A404000CA000000063504B43532D313500", 2 },
	{ "serial", "00CA01A014", 22 },
	{ "enter", "00A4080C025015", 2 },
	{ "create", "00E00000196217810201008201228302 4B01 8603000000 85020000 8A0100", 2 },
	{ "generate", "00460000", 2 },
	{ "point", "00CA018600", 69 },
};
#define STEPS (sizeof steps / sizeof steps[0])
#define STEP_SERIAL 2

static int listeners[TOKENS_MAX], tokens[TOKENS_MAX];
static struct answer { size_t len; uint8_t bytes[ANSWER_MAX]; } answers[TOKENS_MAX], serials[TOKENS_MAX];

static void
must(int good, const char *what, int n)
{
	if (good)
		return;
	fprintf(stderr, "vpcd-host: token %d: %s\n", n, what);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
open_port(int n, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval deadline = { .tv_sec = DEADLINE_S };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listeners[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listeners[n], SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	setsockopt(listeners[n], SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
	must(bind(listeners[n], (struct sockaddr *)&address, sizeof address) == 0, "port is taken", n);
	must(listen(listeners[n], 1) == 0, "no listening", n);
}

static void
accept_token(int n)
{
	struct timeval deadline = { .tv_sec = DEADLINE_S };

	tokens[n] = accept(listeners[n], NULL, NULL);
	must(tokens[n] >= 0, "did not come", n);
	setsockopt(tokens[n], SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
	setsockopt(tokens[n], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void
send_step(int n, const char *hex)
{
	uint8_t message[2 + 128];
	size_t len = 2;
	unsigned byte;

	for (; *hex; hex += 2) {
		hex += *hex == ' ';
		must(sscanf(hex, "%2x", &byte) == 1, "steps are wrong", n);
		message[len++] = (uint8_t)byte;
	}
	message[0] = 0;
	message[1] = (uint8_t)(len - 2);
	must(write(tokens[n], message, len) == (ssize_t)len, "does not take a command", n);
}

static void
receive(int n, size_t least)
{
	struct answer *answer = &answers[n];
	uint8_t length[2];

	must(recv(tokens[n], length, 2, MSG_WAITALL) == 2, "does not answer", n);
	answer->len = (size_t)length[0] << 8 | length[1];
	must(answer->len >= least && answer->len <= ANSWER_MAX, "answers something else", n);
	must(recv(tokens[n], answer->bytes, answer->len, MSG_WAITALL) == (ssize_t)answer->len, "breaks off", n);
	must(answer->bytes[answer->len - 2] == 0x90, "refuses", n);
}

/* Every token has a serial number, and a key, of its own. */
static void
check_distinct(const struct answer *all, int count, const char *what)
{
	for (int n = 0; n < count; n++)
		for (int other = 0; other < n; other++)
			must(memcmp(all[n].bytes, all[other].bytes, all[n].len), what, n);
}

static void
run_step(size_t step, int count)
{
	for (int n = 0; n < count; n++)
		send_step(n, steps[step].hex);
	for (int n = 0; n < count && steps[step].least; n++)
		receive(n, steps[step].least);
	if (step == STEP_SERIAL)
		memcpy(serials, answers, sizeof serials);
}

int
main(int argc, char **argv)
{
	int first = argc == 3 ? atoi(argv[1]) : 0, count = argc == 3 ? atoi(argv[2]) : 0;
	double took[STEPS], began;

	must(first > 0 && count > 0 && count <= TOKENS_MAX && first + count < 32768, "usage: vpcd-host FIRST-PORT COUNT", 0);
	for (int n = 0; n < count; n++)
		open_port(n, (uint16_t)(first + n));
	fprintf(stderr, "listening\n");
	for (int n = 0; n < count; n++)
		accept_token(n);
	fprintf(stderr, "all there\n");
	for (size_t step = 0; step < STEPS; step++) {
		began = now_ms();
		run_step(step, count);
		took[step] = now_ms() - began;
	}
	check_distinct(serials, count, "has another's serial number");
	check_distinct(answers, count, "has another's key");
	printf("{\"tokens\": %d", count);
	for (size_t step = 0; step < STEPS; step++)
		printf(", \"%s_ms\": %.1f", steps[step].name, took[step]);
	printf("}\n");
	return 0;
}
