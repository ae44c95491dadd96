#include "tests/station/host_bus.h"
#include "tests/station/board.h"
#include "tests/station/shim_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { HANDLES_MAX = 8, URBS_MAX = 16, NUMBERS = 256 };
enum { CONTROL_US = 100000, STEP_US = 500, ATTACH_US = 300000, SETTLE_US = 1000, OUT_US = 50 };
enum { PORT_POWER = 8, ADDRESS = 5, LANGUAGE = 0x0409 };

enum urb_state { FREE, PENDING, FINISHED };

struct urb {
	enum urb_state state;
	uint64_t       order;   /* of submission; once finished, of that */
	uint64_t       id;
	uint32_t       type, endpoint, room;
	uint32_t       bytes;   /* of an OUT endpoint or a setup: to send; afterwards of an IN endpoint: what came */
	uint32_t       done;
	int            status;
	uint8_t        data[SHIM_DATA_MAX];
};

struct bus_handle {
	int        used;
	bool       is_hub;
	bool       gone;
	uint64_t   finished;
	int        ready_fd;    /* reading end of the pipe whose other end the program has */
	struct urb urbs[URBS_MAX];
};

struct bus {
	struct board       *board;
	bool                plugged, torn;
	enum bus_unplugging armed;
	enum bus_mangling   mangling;
	unsigned            mangle_count;
	bool                asked;
	uint64_t            orders;
	unsigned            commands[NUMBERS];
	struct station_set  last_set;
	unsigned            hub_power;
	struct bus_handle   handles[HANDLES_MAX];
};

struct bus *
bus_new(struct board *board)
{
	struct bus *bus = calloc(1, sizeof *bus);

	if (bus) {
		bus->board = board;
		bus->hub_power = (2u << BUS_HUB_PORTS) - 2;
	}
	return bus;
}

/* --- enumeration: USB 2.0, 9.1.2 */

static int
get_descriptor(struct bus *bus, unsigned type, unsigned index, unsigned language, uint8_t *data, unsigned length)
{
	const uint8_t setup[8] = {
		USB_DIR_IN, USB_REQ_GET_DESCRIPTOR, (uint8_t)index, (uint8_t)type, (uint8_t)language, (uint8_t)(language >> 8), (uint8_t)length,
		(uint8_t)(length >> 8),
	};

	return board_control(bus->board, setup, data, CONTROL_US);
}

static int
command(struct bus *bus, unsigned request, unsigned value)
{
	const uint8_t setup[8] = { USB_DIR_OUT, (uint8_t)request, (uint8_t)value };

	return board_control(bus->board, setup, NULL, CONTROL_US);
}

/* UTF-16 of which the board has but ASCII. */
static int
get_string(struct bus *bus, unsigned index, char string[BUS_SERIAL_BYTES])
{
	uint8_t text[255];
	int got = index ? get_descriptor(bus, USB_DT_STRING, index, LANGUAGE, text, sizeof text) : 0, n = 0;

	for (int i = 2; i + 1 < got && n < BUS_SERIAL_BYTES - 1; i += 2)
		string[n++] = (char)text[i];
	string[n] = '\0';
	return got < 0 ? -1 : 0;
}

static int
await_attachment(struct bus *bus)
{
	for (unsigned us = 0; us < ATTACH_US && !board_usb_attached(bus->board); us += SETTLE_US)
		board_run_us(bus->board, SETTLE_US);
	return board_usb_attached(bus->board) ? 0 : -1;
}

int
bus_enumerate(struct bus *bus, struct bus_device *device)
{
	uint8_t *configuration = device->descriptors + USB_DT_DEVICE_SIZE;
	unsigned total;

	board_usb_plug(bus->board, 1);
	if (await_attachment(bus) != 0)
		return -1;
	board_usb_reset(bus->board);
	board_run_us(bus->board, SETTLE_US);
	if (get_descriptor(bus, USB_DT_DEVICE, 0, 0, device->descriptors, USB_DT_DEVICE_SIZE) != USB_DT_DEVICE_SIZE ||
	    command(bus, USB_REQ_SET_ADDRESS, ADDRESS) < 0)
		return -1;
	board_run_us(bus->board, SETTLE_US);
	if (get_descriptor(bus, USB_DT_CONFIG, 0, 0, configuration, USB_DT_CONFIG_SIZE) != USB_DT_CONFIG_SIZE)
		return -1;
	total = configuration[2] | (unsigned)configuration[3] << 8;
	if (total > BUS_DESCRIPTORS_MAX - USB_DT_DEVICE_SIZE || get_descriptor(bus, USB_DT_CONFIG, 0, 0, configuration, total) != (int)total)
		return -1;
	device->descriptor_bytes = USB_DT_DEVICE_SIZE + total;
	if (get_string(bus, device->descriptors[14], device->maker) != 0 || get_string(bus, device->descriptors[15], device->product) != 0 ||
	    get_string(bus, device->descriptors[16], device->serial) != 0 || command(bus, USB_REQ_SET_CONFIGURATION, 1) < 0)
		return -1;
	bus->plugged = true;
	return 0;
}

/* --- URBs */

static void
finish(struct bus_handle *handle, struct urb *urb, int status)
{
	char ready[64];

	urb->state = FINISHED;
	urb->order = ++handle->finished;
	urb->status = status;
	(void)!read(handle->ready_fd, ready, sizeof ready); /* the pipe has room: poll(2) says so to the program */
}

static int
status_of(int result)
{
	return result == BOARD_STALL ? -EPIPE : result == BOARD_NAK ? -ETIMEDOUT : -EPROTO;
}

static void
run_control(struct bus *bus, struct bus_handle *handle, struct urb *urb)
{
	uint8_t setup[8];
	int got;

	memcpy(setup, urb->data, sizeof setup);
	if (handle->is_hub) {
		bool on = setup[1] == USB_REQ_SET_FEATURE, power = (on || setup[1] == USB_REQ_CLEAR_FEATURE) && setup[2] == PORT_POWER;

		power = power && setup[4] >= 1 && setup[4] <= BUS_HUB_PORTS; /* a port that it does not have: a request error (USB 2.0, 11.24.2) */
		if (power)
			bus->hub_power = on ? bus->hub_power | 1u << setup[4] : bus->hub_power & ~(1u << setup[4]);
		urb->bytes = 0;
		finish(handle, urb, power ? 0 : -EPIPE);
		return;
	}
	memmove(urb->data, urb->data + sizeof setup, sizeof urb->data - sizeof setup);
	got = board_control(bus->board, setup, urb->data, CONTROL_US);
	urb->bytes = setup[0] & USB_DIR_IN && got > 0 ? (uint32_t)got : 0;
	finish(handle, urb, got < 0 ? status_of(got) : 0);
}

static void
note_command(struct bus *bus, const uint8_t *packet, size_t length)
{
	struct station_frame frame;

	if (station_get(&frame, packet, length) != STATION_FINE)
		return;
	bus->commands[frame.number]++;
	if (frame.number == STATION_set)
		bus->last_set = frame.set;
}

static void
tear(struct bus *bus)
{
	bus->armed = BUS_NOT_ARMED;
	bus_unplug(bus);
	bus->torn = true;
}

static void
run_out(struct bus *bus, struct bus_handle *handle, struct urb *urb)
{
	uint32_t left = urb->bytes - urb->done, part = left < BOARD_PACKET_MAX ? left : BOARD_PACKET_MAX;
	int sent;

	if (bus->armed == BUS_IN_COMMAND) {
		tear(bus);
		return;
	}
	sent = board_out(bus->board, (uint8_t)(urb->endpoint & USB_ENDPOINT_NUMBER_MASK), urb->data + urb->done, part, OUT_US);
	if (sent == BOARD_NAK)
		return;
	if (sent < 0) {
		finish(handle, urb, status_of(sent));
		return;
	}
	urb->done += (uint32_t)sent;
	if (urb->done < urb->bytes)
		return;
	note_command(bus, urb->data, urb->bytes);
	bus->asked = true;
	finish(handle, urb, 0);
	if (bus->armed == BUS_BEFORE_ANSWER)
		tear(bus);
}

/* 0: goes on to the program as it is now; 1: swallowed; a negative errno: ends so. */
static int
mangle(struct bus *bus, struct urb *urb)
{
	if (bus->mangle_count == 0)
		return 0;
	bus->mangle_count--;
	switch (bus->mangling) {
	case BUS_SHORT:
		urb->bytes = 2;
		return 0;
	case BUS_GARBAGE:
		for (uint32_t i = 0; i < urb->bytes; i++)
			urb->data[i] ^= (uint8_t)(0x5a + i);
		return 0;
	case BUS_VERSION:
		urb->data[0] = STATION_VERSION + 1;
		return 0;
	case BUS_SEQUENCE:
		urb->data[2] ^= 0x80;
		return 0;
	case BUS_SILENT:
		return 1;
	case BUS_STALL:
		return -EPIPE;
	case BUS_HONEST:
	case BUS_MANGLINGS:
		break;
	}
	return 0;
}

static void
run_in(struct bus *bus, struct bus_handle *handle, struct urb *urb)
{
	unsigned endpoint = urb->endpoint & USB_ENDPOINT_NUMBER_MASK;
	int got = board_in(bus->board, (uint8_t)endpoint, urb->data, urb->room < SHIM_DATA_MAX ? urb->room : SHIM_DATA_MAX, 0), fate = 0;

	if (got == BOARD_NAK)
		return;
	if (got < 0) {
		finish(handle, urb, status_of(got));
		return;
	}
	urb->bytes = (uint32_t)got;
	if (endpoint == STATION_ENDPOINT_ANSWERS) {
		bus->asked = false;
		fate = mangle(bus, urb);
	}
	if (fate != 1)
		finish(handle, urb, fate);
}

static struct urb *
next_pending(struct bus_handle *handle, enum urb_state state, uint64_t after)
{
	struct urb *first = NULL;

	for (size_t i = 0; i < URBS_MAX; i++) {
		struct urb *urb = &handle->urbs[i];

		if (urb->state == state && urb->order > after && (!first || urb->order < first->order))
			first = urb;
	}
	return first;
}

static void
run_urb(struct bus *bus, struct bus_handle *handle, struct urb *urb)
{
	if (urb->type == USBDEVFS_URB_TYPE_CONTROL)
		run_control(bus, handle, urb);
	else if (urb->endpoint & USB_DIR_IN)
		run_in(bus, handle, urb);
	else
		run_out(bus, handle, urb);
}

static void
pump(struct bus *bus)
{
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		struct bus_handle *handle = &bus->handles[i];
		uint64_t after = 0;

		for (struct urb *urb; handle->used && !handle->gone && (urb = next_pending(handle, PENDING, after));) {
			after = urb->order;
			run_urb(bus, handle, urb);
		}
	}
}

void
bus_run(struct bus *bus, uint64_t until_us)
{
	pump(bus);
	while (board_now_us(bus->board) < until_us && !board_dead(bus->board)) {
		uint64_t left = until_us - board_now_us(bus->board);

		board_run_us(bus->board, left < STEP_US ? (uint32_t)left : STEP_US);
		pump(bus);
	}
}

/* --- the cable */

/* The pipe without a reader: POLLERR, as usbfs says it of a device that is gone. */
void
bus_unplug(struct bus *bus)
{
	bus->plugged = false;
	bus->asked = false;
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		struct bus_handle *handle = &bus->handles[i];

		if (!handle->used || handle->is_hub || handle->gone)
			continue;
		handle->gone = true;
		for (struct urb *urb; (urb = next_pending(handle, PENDING, 0));) {
			urb->bytes = 0;
			finish(handle, urb, -ESHUTDOWN);
		}
		close(handle->ready_fd);
		handle->ready_fd = -1;
	}
	board_usb_plug(bus->board, 0);
}

int
bus_is_plugged(const struct bus *bus)
{
	return bus->plugged;
}

int
bus_was_torn(struct bus *bus)
{
	int was = bus->torn;

	bus->torn = false;
	return was;
}

void
bus_arm(struct bus *bus, enum bus_unplugging when)
{
	bus->armed = when;
}

void
bus_mangle(struct bus *bus, enum bus_mangling mangling, unsigned count)
{
	bus->mangling = mangling;
	bus->mangle_count = mangling == BUS_HONEST ? 0 : count;
}

/* --- programs */

int
bus_open(struct bus *bus, const char *path, unsigned station_address, unsigned hub_address, struct bus_handle **place, int *fd)
{
	unsigned number = 0, address = 0;
	struct bus_handle *handle = bus->handles;
	int ends[2];

	*fd = -1;
	if (sscanf(path, "/dev/bus/usb/%3u/%3u", &number, &address) != 2 || number != 1 ||
	    !((address == station_address && bus->plugged) || address == hub_address))
		return -ENODEV;
	while (handle < bus->handles + HANDLES_MAX && handle->used)
		handle++;
	if (handle == bus->handles + HANDLES_MAX || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -EMFILE;
	if (fcntl(ends[1], F_SETPIPE_SZ, 1) < 0 || write(ends[1], "", 1) != 1) { /* one page, and a byte in it: full, as poll(2) sees it */
		close(ends[0]);
		close(ends[1]);
		return -EMFILE;
	}
	*handle = (struct bus_handle){ .used = 1, .is_hub = address == hub_address, .ready_fd = ends[0] };
	*place = handle;
	*fd = ends[1];
	return 0;
}

void
bus_close(struct bus *bus, struct bus_handle **place)
{
	struct bus_handle *handle = *place;

	(void)bus;
	*place = NULL;
	if (handle->ready_fd >= 0)
		close(handle->ready_fd);
	handle->used = 0;
}

static int
submit(struct bus *bus, struct bus_handle *handle, const struct shim_packet *packet)
{
	struct urb *urb = handle->urbs;

	while (urb < handle->urbs + URBS_MAX && urb->state != FREE)
		urb++;
	if (urb == handle->urbs + URBS_MAX)
		return -ENOMEM;
	*urb = (struct urb){
		.state = PENDING, .order = ++bus->orders, .id = packet->id, .type = packet->type, .endpoint = packet->endpoint, .room = packet->length,
		.bytes = packet->bytes,
	};
	memcpy(urb->data, packet->data, packet->bytes);
	return 0;
}

static int
reap(struct bus_handle *handle, struct shim_packet *packet)
{
	struct urb *urb = next_pending(handle, FINISHED, 0);
	char ready[64];

	packet->bytes = 0;
	if (!urb)
		return handle->gone ? -ENODEV : -EAGAIN;
	packet->id = urb->id;
	packet->status = urb->status;
	packet->length = urb->endpoint & USB_DIR_IN || urb->type == USBDEVFS_URB_TYPE_CONTROL ? urb->bytes : urb->done;
	packet->bytes = urb->endpoint & USB_DIR_IN || urb->type == USBDEVFS_URB_TYPE_CONTROL ? urb->bytes : 0;
	memcpy(packet->data, urb->data, packet->bytes);
	urb->state = FREE;
	if (handle->ready_fd >= 0 && next_pending(handle, FINISHED, 0))
		(void)!read(handle->ready_fd, ready, sizeof ready);
	return 0;
}

static int
discard(struct bus_handle *handle, uint64_t id)
{
	for (size_t i = 0; i < URBS_MAX; i++) {
		struct urb *urb = &handle->urbs[i];

		if (urb->state != PENDING || urb->id != id)
			continue;
		urb->bytes = 0;
		finish(handle, urb, -ENOENT);
		return 0;
	}
	return -EINVAL;
}

/* Those that libusb makes; what an interface is claimed from has no driver here. */
static int
other_ioctl(struct shim_packet *packet)
{
	const uint32_t capabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;

	switch (packet->number) {
	case USBDEVFS_GET_CAPABILITIES:
		memcpy(packet->data, &capabilities, sizeof capabilities);
		return 0;
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_RELEASEINTERFACE:
		return 0;
	default:
		return -ENOTTY;
	}
}

void
bus_request(struct bus *bus, struct bus_handle *handle, struct shim_packet *packet)
{
	if (packet->call == SHIM_REAP)
		packet->result = reap(handle, packet);
	else if (handle->gone)
		packet->result = -ENODEV;
	else if (packet->call == SHIM_SUBMIT)
		packet->result = submit(bus, handle, packet);
	else if (packet->call == SHIM_DISCARD)
		packet->result = discard(handle, packet->id);
	else
		packet->result = other_ioctl(packet);
	if (packet->call != SHIM_REAP && packet->call != SHIM_IOCTL)
		packet->bytes = 0;
}

/* --- what was seen */

/* Something is on its way to the board, or somebody listens for the answer that is due. */
static int
is_waited_for(const struct bus *bus, const struct urb *urb)
{
	return urb->state == PENDING && (!(urb->endpoint & USB_DIR_IN) || (bus->asked && urb->endpoint == (USB_DIR_IN | STATION_ENDPOINT_ANSWERS)));
}

int
bus_is_asked(const struct bus *bus)
{
	for (size_t i = 0; i < HANDLES_MAX; i++)
		for (size_t j = 0; j < URBS_MAX && bus->handles[i].used && !bus->handles[i].gone; j++)
			if (is_waited_for(bus, &bus->handles[i].urbs[j]))
				return 1;
	return 0;
}

unsigned
bus_commands(const struct bus *bus, uint8_t number)
{
	return bus->commands[number];
}

const struct station_set *
bus_last_set(const struct bus *bus)
{
	return &bus->last_set;
}

unsigned
bus_hub_power(const struct bus *bus)
{
	return bus->hub_power;
}
