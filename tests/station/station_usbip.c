/* station-usbip: the station as a USB/IP device, for the kernel of a guest: the shipped firmware on a simulated board.
 *
 *   station-usbip --port TCP --dir DIR ELF
 *
 * On 127.0.0.1:TCP it serves one device, bus id 1-1 (Linux, Documentation/usb/usbip_protocol.rst); DIR/control takes the orders of
 * orders.c, one line each, answered by one. On standard output stands which bays have VBUS, a line each time it changes:
 *
 *   power 00ff
 *
 * so that whoever reads it can give and take the power of what is plugged in there. The board's time goes with the clock, looked at
 * every TICK_MS; while an answer is awaited it runs ahead.
 */
#include "tests/station/bench_sim.h"
#include "tests/station/board.h"
#include "tests/station/host_bus.h"
#include "tests/station/shim_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 10, AHEAD_US = 200, AHEAD_MAX_US = 20000, BEHIND_MAX_US = 200000, ORDERS_MAX = 8, ANSWER_BYTES = 8192 };
enum { BUS = 1, DEVICE = 5, NO_HUB = 0, URBS_MAX = 16, PATIENCE_S = 5 };

/* --- the protocol: all numbers big-endian, but for the bytes of a setup */
enum { USBIP_VERSION = 0x0111, REQUEST_LIST = 0x8005, REPLY_LIST = 0x0005, REQUEST_IMPORT = 0x8003, REPLY_IMPORT = 0x0003 };
enum { SUBMIT = 1, UNLINK = 2, SUBMITTED = 3, UNLINKED = 4 };

struct operation { uint16_t version, code; uint32_t status; };

struct exported {
	char     path[256], bus_id[32];
	uint32_t bus, device, speed;
	uint16_t vendor, product, release;
	uint8_t  class, subclass, protocol, configuration, configurations, interfaces;
} __attribute__((packed));

struct transfer {
	uint32_t command, sequence, device, in, endpoint;
	union {
		struct { uint32_t flags, length, start, packets, interval; uint8_t setup[8]; } submit;
		struct { int32_t status; uint32_t length, start, packets, errors; uint8_t nothing[8]; } submitted;
		struct { uint32_t sequence; uint8_t nothing[24]; } unlink;
		struct { int32_t status; uint8_t nothing[24]; } unlinked;
	};
};

_Static_assert(sizeof(struct exported) == 312 && sizeof(struct transfer) == 48, "as usbip_protocol.rst has them");

struct server {
	struct bench_sim   sim;
	struct bus_device  device;
	int                usbip, control;      /* listeners */
	int                guest;               /* the connection of the kernel that has imported the device; −1 */
	struct bus_handle *handle;
	int                handle_fd;
	struct { bool used, in; uint32_t sequence; } urbs[URBS_MAX];
	int                orders[ORDERS_MAX];
	int                powered;             /* as it was said last; −1 not yet */
	int64_t            looked_us, due_us;   /* the clock at the last look; the board's time by it */
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
	struct server *server = (struct server *)sim; /* its first member */

	if (bus_enumerate(sim->bus, &server->device) != 0) {
		fputs("station-usbip: the board does not answer to its enumeration\n", stderr);
		return -1;
	}
	sim->station_address = DEVICE;
	return 0;
}

static void
lose_guest(struct server *server)
{
	if (server->guest < 0)
		return;
	bus_close(server->sim.bus, &server->handle);
	close(server->handle_fd);
	close(server->guest);
	server->guest = -1;
	memset(server->urbs, 0, sizeof server->urbs);
}

/* The guest's kernel takes the end of the connection for an unplugged device. */
void
sim_unplug(struct bench_sim *sim)
{
	bus_unplug(sim->bus);
	lose_guest((struct server *)sim);
	sim->station_address = -1;
}

/* --- sockets */

static bool
receive(int fd, void *bytes, size_t length)
{
	return length == 0 || recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static bool
transmit(int fd, const void *bytes, size_t length)
{
	return length == 0 || send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static int
listen_usbip(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 4) == 0)
		return fd;
	fprintf(stderr, "station-usbip: port %u: %s\n", port, strerror(errno));
	return -1;
}

static int
listen_orders(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mkdir(directory, 0700);
	if (snprintf(address.sun_path, sizeof address.sun_path, "%s/control", directory) >= (int)sizeof address.sun_path) {
		fprintf(stderr, "station-usbip: %s: too long for a socket\n", directory);
		return -1;
	}
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, ORDERS_MAX) == 0)
		return fd;
	fprintf(stderr, "station-usbip: %s: %s\n", address.sun_path, strerror(errno));
	return -1;
}

/* --- operations: what is exported, and importing it */

static struct exported
exported(const struct bus_device *device)
{
	const struct usb_device_descriptor *is = (const void *)device->descriptors;
	const struct usb_config_descriptor *has = (const void *)(device->descriptors + USB_DT_DEVICE_SIZE);

	return (struct exported){
		.path = "/sys/devices/simulated/usb1/1-1", .bus_id = "1-1", .bus = htonl(BUS), .device = htonl(DEVICE), .speed = htonl(USB_SPEED_FULL),
		.vendor = htons(is->idVendor), .product = htons(is->idProduct), .release = htons(is->bcdDevice), .class = is->bDeviceClass,
		.subclass = is->bDeviceSubClass, .protocol = is->bDeviceProtocol, .configuration = has->bConfigurationValue,
		.configurations = is->bNumConfigurations, .interfaces = has->bNumInterfaces,
	};
}

static void
answer_list(struct server *server, int fd)
{
	struct operation reply = { htons(USBIP_VERSION), htons(REPLY_LIST), 0 };
	struct exported it = exported(&server->device);
	uint32_t count = htonl(bus_is_plugged(server->sim.bus) ? 1 : 0);
	uint8_t interface[4] = { USB_CLASS_VENDOR_SPEC };

	if (transmit(fd, &reply, sizeof reply) && transmit(fd, &count, sizeof count) && count)
		(void)(transmit(fd, &it, sizeof it) && transmit(fd, interface, sizeof interface));
	close(fd);
}

static void
answer_import(struct server *server, int fd)
{
	struct operation reply = { htons(USBIP_VERSION), htons(REPLY_IMPORT), htonl(1) };
	struct exported it = exported(&server->device);
	char bus_id[32], path[] = "/dev/bus/usb/001/005";

	if (!receive(fd, bus_id, sizeof bus_id) || strncmp(bus_id, it.bus_id, sizeof bus_id) != 0 || server->guest >= 0 ||
	    bus_open(server->sim.bus, path, DEVICE, NO_HUB, &server->handle, &server->handle_fd) != 0) {
		transmit(fd, &reply, sizeof reply);
		close(fd);
		return;
	}
	reply.status = 0;
	server->guest = fd;
	if (!transmit(fd, &reply, sizeof reply) || !transmit(fd, &it, sizeof it))
		lose_guest(server);
}

static void
serve_operation(struct server *server)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct operation request;
	int fd = accept4(server->usbip, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (!receive(fd, &request, sizeof request))
		request.code = 0;
	if (ntohs(request.code) == REQUEST_LIST)
		answer_list(server, fd);
	else if (ntohs(request.code) == REQUEST_IMPORT)
		answer_import(server, fd);
	else
		close(fd);
}

/* --- transfers */

static bool
submitted(struct server *server, uint32_t sequence, bool in, int status, const uint8_t *data, uint32_t length)
{
	struct transfer reply = { .command = htonl(SUBMITTED), .sequence = htonl(sequence) };

	reply.submitted.status = (int32_t)htonl((uint32_t)status);
	reply.submitted.length = htonl(length);
	return transmit(server->guest, &reply, sizeof reply) && (!in || transmit(server->guest, data, length));
}

static int
take_urb(struct server *server, const struct transfer *transfer, struct shim_packet *packet)
{
	size_t n = 0;

	while (n < URBS_MAX && server->urbs[n].used)
		n++;
	if (n == URBS_MAX)
		return -ENOMEM;
	bus_request(server->sim.bus, server->handle, packet);
	if (packet->result == 0) {
		server->urbs[n].used = true;
		server->urbs[n].in = ntohl(transfer->in);
		server->urbs[n].sequence = ntohl(transfer->sequence);
	}
	return packet->result;
}

static bool
serve_submit(struct server *server, const struct transfer *transfer)
{
	uint32_t length = ntohl(transfer->submit.length), endpoint = ntohl(transfer->endpoint), head = endpoint == 0 ? 8 : 0;
	bool in = ntohl(transfer->in);
	struct shim_packet packet = { .call = SHIM_SUBMIT, .id = ntohl(transfer->sequence), .length = length };
	int r;

	if (length > SHIM_DATA_MAX - head)
		return false;
	packet.type = endpoint == 0 ? USBDEVFS_URB_TYPE_CONTROL : USBDEVFS_URB_TYPE_BULK;
	packet.endpoint = endpoint | (in ? USB_DIR_IN : USB_DIR_OUT);
	packet.bytes = head + (in ? 0 : length);
	memcpy(packet.data, transfer->submit.setup, head);
	if (!in && !receive(server->guest, packet.data + head, length))
		return false;
	r = take_urb(server, transfer, &packet);
	return r == 0 || submitted(server, ntohl(transfer->sequence), false, r, NULL, 0);
}

/* What ended before the wish to cancel it came has been told already. */
static bool
serve_unlink(struct server *server, const struct transfer *transfer)
{
	struct transfer reply = { .command = htonl(UNLINKED), .sequence = transfer->sequence };
	uint32_t sequence = ntohl(transfer->unlink.sequence);
	struct shim_packet packet = { .call = SHIM_DISCARD, .id = sequence };

	for (size_t n = 0; n < URBS_MAX; n++) {
		if (!server->urbs[n].used || server->urbs[n].sequence != sequence)
			continue;
		server->urbs[n].used = false;
		bus_request(server->sim.bus, server->handle, &packet);
		reply.unlinked.status = (int32_t)htonl((uint32_t)-ECONNRESET);
	}
	return transmit(server->guest, &reply, sizeof reply);
}

static void
serve_guest(struct server *server)
{
	struct transfer transfer;
	bool fine = receive(server->guest, &transfer, sizeof transfer);

	if (fine && ntohl(transfer.command) == SUBMIT)
		fine = serve_submit(server, &transfer);
	else if (fine && ntohl(transfer.command) == UNLINK)
		fine = serve_unlink(server, &transfer);
	else
		fine = false;
	if (!fine)
		lose_guest(server);
}

static bool
tell_end(struct server *server, const struct shim_packet *packet)
{
	for (size_t n = 0; n < URBS_MAX; n++) {
		if (!server->urbs[n].used || server->urbs[n].sequence != packet->id)
			continue;
		server->urbs[n].used = false;
		return submitted(server, (uint32_t)packet->id, server->urbs[n].in, packet->status, packet->data, packet->length);
	}
	return true; /* cancelled */
}

static void
tell_ends(struct server *server)
{
	struct shim_packet packet = { .call = SHIM_REAP };
	bool fine = true;

	for (int n = 0; n < URBS_MAX && server->guest >= 0 && fine; n++) {
		packet.call = SHIM_REAP;
		packet.result = 0;
		bus_request(server->sim.bus, server->handle, &packet);
		if (packet.result != 0)
			return;
		fine = tell_end(server, &packet);
	}
	if (!fine)
		lose_guest(server);
}

/* --- orders */

static void
welcome_orders(struct server *server)
{
	int fd = accept4(server->control, NULL, NULL, SOCK_CLOEXEC), n = 0;

	while (n < ORDERS_MAX && server->orders[n] >= 0)
		n++;
	if (n < ORDERS_MAX)
		server->orders[n] = fd;
	else if (fd >= 0)
		close(fd);
}

static void
serve_orders(struct server *server, int *fd)
{
	char line[256], answer[ANSWER_BYTES];
	ssize_t got = read(*fd, line, sizeof line - 1);
	size_t length = 0;

	if (got > 0) {
		line[got] = '\0';
		orders_take(&server->sim, line, answer, sizeof answer - 1);
		length = strlen(answer);
		answer[length++] = '\n';
	}
	if (got <= 0 || !transmit(*fd, answer, length)) {
		close(*fd);
		*fd = -1;
	}
}

/* --- time */

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Not for ever: a board that never answers must not live faster than the clock. */
static bool
may_run_ahead(const struct server *server)
{
	return (int64_t)board_now_us(server->sim.board) - server->due_us < AHEAD_MAX_US && bus_is_asked(server->sim.bus);
}

static void
lift_fingers(struct bench_sim *sim)
{
	for (int n = 0; n < SIM_BUTTONS; n++)
		if (sim->released_at_us[n] && board_now_us(sim->board) >= sim->released_at_us[n]) {
			board_button(sim->board, (enum board_button)n, 0);
			sim->released_at_us[n] = 0;
		}
}

static void
say_power(struct server *server)
{
	int powered = board_switches(server->sim.board);

	if (powered == server->powered)
		return;
	server->powered = powered;
	printf("power %04x\n", (unsigned)powered);
	fflush(stdout);
}

/* Time that was missed while this program did not run is not made up for: the board would live through it in a rush. */
static void
let_time_pass(struct server *server)
{
	int64_t now = now_us(), at = (int64_t)board_now_us(server->sim.board);

	server->due_us += now - server->looked_us;
	server->looked_us = now;
	if (server->due_us - at > BEHIND_MAX_US)
		server->due_us = at + BEHIND_MAX_US;
	if (server->due_us > at)
		bus_run(server->sim.bus, (uint64_t)server->due_us);
	else if (may_run_ahead(server))
		bus_run(server->sim.bus, (uint64_t)at + AHEAD_US);
	lift_fingers(&server->sim);
	if (bus_was_torn(server->sim.bus))
		sim_unplug(&server->sim);
	tell_ends(server);
	say_power(server);
}

static void
serve(struct server *server)
{
	struct pollfd polled[3 + ORDERS_MAX];

	server->looked_us = now_us();
	server->due_us = (int64_t)board_now_us(server->sim.board);
	while (!ended && !server->sim.ended) {
		polled[0] = (struct pollfd){ .fd = server->usbip, .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = server->control, .events = POLLIN };
		polled[2] = (struct pollfd){ .fd = server->guest, .events = POLLIN };
		for (int n = 0; n < ORDERS_MAX; n++)
			polled[3 + n] = (struct pollfd){ .fd = server->orders[n], .events = POLLIN };
		if (poll(polled, 3 + ORDERS_MAX, may_run_ahead(server) ? 0 : TICK_MS) > 0) {
			for (int n = 0; n < ORDERS_MAX; n++)
				if (polled[3 + n].revents)
					serve_orders(server, &server->orders[n]);
			if (polled[2].revents && server->guest >= 0)
				serve_guest(server);
			if (polled[1].revents)
				welcome_orders(server);
			if (polled[0].revents)
				serve_operation(server);
		}
		let_time_pass(server);
	}
}

static int
run(const char *directory, uint16_t port, const char *elf)
{
	static struct server server = { .guest = -1, .powered = -1 };

	for (int n = 0; n < ORDERS_MAX; n++)
		server.orders[n] = -1;
	signal(SIGTERM, on_end);
	signal(SIGINT, on_end);
	signal(SIGPIPE, SIG_IGN);
	if (board_new(elf, &server.sim.board) != 0)
		return 70;
	server.sim.bus = bus_new(server.sim.board);
	if (!server.sim.bus || sim_plug(&server.sim) != 0)
		return 70;
	server.usbip = listen_usbip(port);
	server.control = server.usbip < 0 ? -1 : listen_orders(directory);
	if (server.control < 0)
		return 71;
	serve(&server);
	board_free(&server.sim.board);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' }, { "dir", required_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	const char *directory = NULL;
	long port = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option == 'p')
			port = strtol(optarg, NULL, 10);
		else if (option == 'd')
			directory = optarg;
		else
			return 64;
	if (port > 0 && port <= 65535 && directory && optind + 1 == argc)
		return run(directory, (uint16_t)port, argv[optind]);
	fprintf(stderr, "usage: station-usbip --port TCP --dir DIR ELF\norders at DIR/control:\n%s", orders_help());
	return 64;
}
