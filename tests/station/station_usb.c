/* station-usb: a bench's hardware without hardware. The shipped firmware runs on a simulated board; programs that are started with shim.so
 * and libumockdev-preload see the board on USB and the host's lines on a gpiochip, and talk to them with the libraries they always use.
 *
 *   umockdev-wrapper station-usb --dir DIR [--pace PERCENT] ELF
 *                                   DIR/devices: for shim.so, DIR/control: orders, DIR/testbed: what UMOCKDEV_DIR is to be
 *   station-usb --say DIR ORDER…    one order, its answer on standard output
 *
 * The board's time goes with the clock, looked at every TICK_MS, or at PERCENT of its pace where the processor is for others; while an
 * answer is awaited it runs ahead, so that a command takes no longer than the chip would need, or our processor for it. Between the ticks
 * this program sleeps.
 */
#include "tests/station/bench_sim.h"
#include "tests/station/board.h"
#include "tests/station/host_bus.h"
#include "tests/station/lines.h"
#include "tests/station/shim_wire.h"
#include "tests/station/testbed.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 10, AHEAD_US = 200, AHEAD_MAX_US = 20000, BEHIND_MAX_US = 200000, CLIENTS_MAX = 24, ANSWER_BYTES = 8192 };

enum client_kind { NOBODY, DEVICE, ORDERS };

struct client {
	enum client_kind   kind;
	int                fd;
	struct bus_handle *handle;  /* of a USB device; NULL: a GPIO chip, or nothing opened yet */
};

struct server {
	struct bench_sim sim;
	int              devices, control;    /* listeners */
	struct client    clients[CLIENTS_MAX];
	int              pace;                /* per cent */
	int64_t          looked_us;           /* the clock when time was let pass last */
	int64_t          due_us;              /* of the board's time, by the clock */
};

static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

/* --- the cable */

int
sim_plug(struct bench_sim *sim)
{
	struct bus_device device = { .descriptor_bytes = 0 };

	if (bus_enumerate(sim->bus, &device) != 0) {
		fputs("station-usb: the board does not answer to its enumeration\n", stderr);
		return -1;
	}
	if (sim->maker[0])
		snprintf(device.maker, sizeof device.maker, "%s", sim->maker);
	sim->station_address = testbed_plug(sim->testbed, &device);
	return sim->station_address > 0 ? 0 : -1;
}

void
sim_unplug(struct bench_sim *sim)
{
	bus_unplug(sim->bus);
	testbed_unplug(sim->testbed);
	sim->station_address = -1;
}

/* --- sockets */

static int
listen_at(const char *directory, const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", directory, name);

	if (length < 0 || (size_t)length >= sizeof address.sun_path) {
		fprintf(stderr, "station-usb: %s: too long for a socket\n", directory);
		return -1;
	}
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, CLIENTS_MAX) == 0)
		return fd;
	fprintf(stderr, "station-usb: %s: %s\n", address.sun_path, strerror(errno));
	return -1;
}

static void
welcome(struct server *server, int listener, enum client_kind kind)
{
	struct client *client = server->clients;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	while (client < server->clients + CLIENTS_MAX && client->kind != NOBODY)
		client++;
	if (fd < 0 || client == server->clients + CLIENTS_MAX) {
		if (fd >= 0)
			close(fd);
		return;
	}
	*client = (struct client){ .kind = kind, .fd = fd };
}

static void
dismiss(struct server *server, struct client *client)
{
	if (client->handle)
		bus_close(server->sim.bus, &client->handle);
	close(client->fd);
	client->kind = NOBODY;
}

static void
reply(const struct client *client, struct shim_packet *packet, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = { .room = "" };
	struct iovec part = { packet, sizeof *packet - sizeof packet->data + packet->bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	sendmsg(client->fd, &message, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* The descriptor of a GPIO chip: nothing is ever read from it. */
static int
open_chip(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void
open_for(struct server *server, struct client *client, struct shim_packet *packet)
{
	char *path = (char *)packet->data;
	int fd;

	packet->data[SHIM_DATA_MAX - 1] = '\0';
	packet->result = 0;
	if (strncmp(path, "/dev/gpiochip", strlen("/dev/gpiochip")) == 0)
		fd = open_chip();
	else
		packet->result = bus_open(server->sim.bus, path, (unsigned)server->sim.station_address, TESTBED_HUB_ADDRESS, &client->handle, &fd);
	packet->bytes = 0;
	reply(client, packet, fd);
}

static void
serve_device(struct server *server, struct client *client)
{
	struct shim_packet packet;
	ssize_t got = recv(client->fd, &packet, sizeof packet, 0);
	int fd = -1;

	if (got < (ssize_t)(sizeof packet - sizeof packet.data) || packet.bytes > SHIM_DATA_MAX) {
		dismiss(server, client);
	} else if (packet.call == SHIM_OPEN) {
		open_for(server, client, &packet);
	} else {
		if (client->handle)
			bus_request(server->sim.bus, client->handle, &packet);
		else
			lines_request(&packet, &fd);
		reply(client, &packet, fd);
	}
}

static void
serve_orders(struct server *server, struct client *client)
{
	char line[256], answer[ANSWER_BYTES];
	ssize_t got = read(client->fd, line, sizeof line - 1);
	size_t length;

	if (got <= 0) {
		dismiss(server, client);
		return;
	}
	line[got] = '\0';
	orders_take(&server->sim, line, answer, sizeof answer - 1);
	length = strlen(answer);
	answer[length++] = '\n';
	if (send(client->fd, answer, length, MSG_NOSIGNAL) < 0)
		dismiss(server, client);
}

/* --- time */

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
lift_fingers(struct bench_sim *sim)
{
	for (int i = 0; i < SIM_BUTTONS; i++)
		if (sim->released_at_us[i] && board_now_us(sim->board) >= sim->released_at_us[i]) {
			board_button(sim->board, (enum board_button)i, 0);
			sim->released_at_us[i] = 0;
		}
}

/* Not for ever: a board that never answers must not live faster than the clock. */
static int
may_run_ahead(const struct server *server)
{
	return (int64_t)board_now_us(server->sim.board) - server->due_us < AHEAD_MAX_US && bus_is_asked(server->sim.bus);
}

/* Time that was missed while this program did not run is not made up for: the board would live through it in a rush. */
static void
let_time_pass(struct server *server)
{
	struct bench_sim *sim = &server->sim;
	int64_t now = now_us(), at = (int64_t)board_now_us(sim->board);

	server->due_us += (now - server->looked_us) * server->pace / 100;
	server->looked_us = now;
	if (server->due_us - at > BEHIND_MAX_US)
		server->due_us = at + BEHIND_MAX_US;
	if (server->due_us > at)
		bus_run(sim->bus, (uint64_t)server->due_us);
	else if (may_run_ahead(server))
		bus_run(sim->bus, (uint64_t)at + AHEAD_US);
	lift_fingers(sim);
	if (bus_was_torn(sim->bus))
		sim_unplug(sim);
}

static void
serve_all(struct server *server, const struct pollfd *polled, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!polled[i].revents)
			continue;
		if (polled[i].fd == server->devices)
			welcome(server, server->devices, DEVICE);
		else if (polled[i].fd == server->control)
			welcome(server, server->control, ORDERS);
		else
			lines_closed(polled[i].fd);
		for (struct client *client = server->clients; client < server->clients + CLIENTS_MAX; client++)
			if (client->kind != NOBODY && client->fd == polled[i].fd) {
				(client->kind == DEVICE ? serve_device : serve_orders)(server, client);
				break;
			}
	}
}

static void
serve(struct server *server)
{
	struct pollfd polled[2 + CLIENTS_MAX + LINES_POLLED_MAX];

	server->looked_us = now_us();
	server->due_us = (int64_t)board_now_us(server->sim.board);
	while (!ended && !server->sim.ended) {
		unsigned count = 0;

		polled[count++] = (struct pollfd){ .fd = server->devices, .events = POLLIN };
		polled[count++] = (struct pollfd){ .fd = server->control, .events = POLLIN };
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (server->clients[i].kind != NOBODY)
				polled[count++] = (struct pollfd){ .fd = server->clients[i].fd, .events = POLLIN };
		count += lines_polled(polled + count);
		if (poll(polled, count, may_run_ahead(server) ? 0 : TICK_MS) > 0)
			serve_all(server, polled, count);
		let_time_pass(server);
	}
}

/* --- beginning and end */

static int
write_testbed(const char *directory, const char *testbed)
{
	char path[512], new[520];
	FILE *file;

	snprintf(path, sizeof path, "%s/testbed", directory);
	snprintf(new, sizeof new, "%s.new", path);
	file = fopen(new, "we");
	if (!file || fprintf(file, "%s\n", testbed) < 0 || fclose(file) != 0 || rename(new, path) != 0) {
		fprintf(stderr, "station-usb: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* The sockets are there before the file that says so is. */
static int
begin(struct server *server, const char *directory, const char *elf)
{
	struct bench_sim *sim = &server->sim;

	mkdir(directory, 0700);
	server->devices = listen_at(directory, "devices", SOCK_SEQPACKET);
	server->control = listen_at(directory, "control", SOCK_STREAM);
	if (server->devices < 0 || server->control < 0 || board_new(elf, &sim->board) != 0)
		return -1;
	sim->bus = bus_new(sim->board);
	sim->testbed = testbed_new();
	if (!sim->bus || !sim->testbed || sim_plug(sim) != 0)
		return -1;
	return write_testbed(directory, testbed_directory(sim->testbed));
}

static int
run(const char *directory, const char *elf, int pace)
{
	static struct server server;
	int r;

	server.pace = pace;
	signal(SIGTERM, on_end);
	signal(SIGINT, on_end);
	signal(SIGPIPE, SIG_IGN);
	r = begin(&server, directory, elf);
	if (r == 0)
		serve(&server);
	testbed_free(&server.sim.testbed);
	return r == 0 ? 0 : 70;
}

/* "press confirm" as words or as one. */
static int
say(const char *directory, char **words)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[256] = "", answer[ANSWER_BYTES] = "";
	size_t got = 0;
	ssize_t n = 0;

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", directory);
	for (; *words; words++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s ", *words);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
		fprintf(stderr, "station-usb: %s: %s\n", address.sun_path, strerror(errno));
		return 69;
	}
	while (got < sizeof answer - 1 && (got == 0 || answer[got - 1] != '\n') && (n = read(fd, answer + got, sizeof answer - 1 - got)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
	fputs(answer, stdout);
	return got == 0 || strstr(answer, "\"ok\":false") ? 65 : 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' }, { "pace", required_argument, NULL, 'p' }, { "say", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	const char *directory = NULL, *sayee = NULL;
	int option, pace = 100;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (option) {
		case 'd':
			directory = optarg;
			break;
		case 'p':
			pace = atoi(optarg);
			break;
		case 's':
			sayee = optarg;
			break;
		case 'h':
			printf("usage: umockdev-wrapper station-usb --dir DIR [--pace PERCENT] ELF | station-usb --say DIR ORDER…\norders:\n%s", orders_help());
			return 0;
		default:
			return 64;
		}
	if (sayee && optind < argc)
		return say(sayee, argv + optind);
	if (directory && optind + 1 == argc && pace > 0 && pace <= 100)
		return run(directory, argv[optind], pace);
	fputs("station-usb: see --help\n", stderr);
	return 64;
}
