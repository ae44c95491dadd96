#include "hostd/bench/link.h"
#include "schemas/station.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMANDS, ANSWERS, EVENTS, PIPES };
enum { PACKET_BYTES = 64, DRAIN_MS = 200 };

static const unsigned char addresses[PIPES] = {
	STATION_ENDPOINT_COMMANDS, STATION_ENDPOINT_ANSWERS | LIBUSB_ENDPOINT_IN, STATION_ENDPOINT_EVENTS | LIBUSB_ENDPOINT_IN,
};

/* A transfer of its own for each endpoint. */
struct pipe {
	struct link            *link;
	struct libusb_transfer *transfer;
	bool                    pending;
	uint8_t                 packet[PACKET_BYTES];
};

struct link {
	struct usb              *usb;
	const struct link_calls *calls;
	void                    *argument;
	libusb_device_handle    *handle;
	bool                     closing;  /* or broken: nothing is told any more */
	unsigned                 pending;  /* transfers on their way */
	size_t                   next_bytes; /* a packet that waits for the one before it; 0 none */
	uint8_t                  next[PACKET_BYTES];
	struct pipe              pipes[PIPES];
};

static void
say_broken(struct link *link, const char *what, const char *why)
{
	char text[96];

	if (link->closing)
		return;
	link->closing = true;
	snprintf(text, sizeof text, "%s: %s", what, why);
	link->calls->broken(text, link->argument);
}

static int
submit(struct pipe *pipe)
{
	int r = libusb_submit_transfer(pipe->transfer);

	pipe->pending = r == 0;
	pipe->link->pending += r == 0;
	return r;
}

static int
send_packet(struct link *link, const uint8_t *packet, size_t length)
{
	struct pipe *pipe = &link->pipes[COMMANDS];

	memcpy(pipe->packet, packet, length);
	pipe->transfer->length = (int)length;
	return submit(pipe);
}

static void
send_next(struct link *link)
{
	int r = send_packet(link, link->next, link->next_bytes);

	link->next_bytes = 0;
	if (r != 0)
		say_broken(link, "commands", libusb_strerror(r));
}

static const char *
status_name(enum libusb_transfer_status status)
{
	static const char *const names[] = {
		[LIBUSB_TRANSFER_COMPLETED] = "done", [LIBUSB_TRANSFER_ERROR] = "transfer failed", [LIBUSB_TRANSFER_TIMED_OUT] = "timed out",
		[LIBUSB_TRANSFER_CANCELLED] = "cancelled", [LIBUSB_TRANSFER_STALL] = "endpoint stalled",
		[LIBUSB_TRANSFER_NO_DEVICE] = "unplugged", [LIBUSB_TRANSFER_OVERFLOW] = "more came than asked for",
	};

	return (size_t)status < sizeof names / sizeof names[0] && names[status] ? names[status] : "failed";
}

static void LIBUSB_CALL
on_transfer(struct libusb_transfer *transfer)
{
	static const char *const what[PIPES] = { "commands", "answers", "events" };
	struct pipe *pipe = transfer->user_data;
	struct link *link = pipe->link;
	size_t which = (size_t)(pipe - link->pipes);
	int r;

	pipe->pending = false;
	link->pending--;
	if (link->closing)
		return;
	if (transfer->status != LIBUSB_TRANSFER_COMPLETED) {
		say_broken(link, what[which], status_name(transfer->status));
		return;
	}
	if (which == COMMANDS) {
		if (link->next_bytes > 0)
			send_next(link);
		return;
	}
	link->calls->packet(addresses[which] & LIBUSB_ENDPOINT_ADDRESS_MASK, pipe->packet, (size_t)transfer->actual_length, link->argument);
	if (!link->closing && (r = submit(pipe)) != 0)
		say_broken(link, what[which], libusb_strerror(r));
}

struct link *
link_new(struct usb *usb, const struct link_calls *calls, void *argument)
{
	struct link *link = calloc(1, sizeof *link);
	int complete = link != NULL;

	if (!link)
		return NULL;
	*link = (struct link){ .usb = usb, .calls = calls, .argument = argument };
	for (size_t i = 0; i < PIPES; i++) {
		link->pipes[i].link = link;
		link->pipes[i].transfer = libusb_alloc_transfer(0);
		complete = complete && link->pipes[i].transfer;
	}
	if (!complete)
		link_free(&link);
	return link;
}

void
link_free(struct link **place)
{
	struct link *link = *place;

	*place = NULL;
	if (!link)
		return;
	link_close(link);
	usb_drain(link->usb, &link->pending, DRAIN_MS);
	if (!link_finish_close(link))
		return; /* libusb still has the transfers; the process ends */
	for (size_t i = 0; i < PIPES; i++)
		libusb_free_transfer(link->pipes[i].transfer);
	free(link);
}

static void
fill(struct link *link, size_t which)
{
	struct pipe *pipe = &link->pipes[which];

	if (which == EVENTS)
		libusb_fill_interrupt_transfer(pipe->transfer, link->handle, addresses[which], pipe->packet, PACKET_BYTES, on_transfer, pipe, 0);
	else
		libusb_fill_bulk_transfer(pipe->transfer, link->handle, addresses[which], pipe->packet, PACKET_BYTES, on_transfer, pipe, 0);
}

int
link_open(struct link *link, libusb_device *device)
{
	int r = libusb_open(device, &link->handle);

	if (r != 0) {
		link->handle = NULL;
		return r;
	}
	r = libusb_claim_interface(link->handle, 0);
	link->closing = false;
	link->next_bytes = 0;
	for (size_t i = 0; i < PIPES && r == 0; i++) {
		fill(link, i);
		if (i != COMMANDS)
			r = submit(&link->pipes[i]);
	}
	if (r != 0)
		link_close(link);
	return r;
}

void
link_close(struct link *link)
{
	link->closing = true;
	for (size_t i = 0; i < PIPES; i++)
		if (link->pipes[i].pending)
			libusb_cancel_transfer(link->pipes[i].transfer);
}

int
link_finish_close(struct link *link)
{
	if (link->pending > 0)
		return 0;
	if (link->handle)
		libusb_close(link->handle); /* gives the interface back, too */
	link->handle = NULL;
	return 1;
}

int
link_send(struct link *link, const uint8_t *packet, size_t length)
{
	if (!link->pipes[COMMANDS].pending)
		return send_packet(link, packet, length);
	memcpy(link->next, packet, length);
	link->next_bytes = length;
	return 0;
}
