#include "hostd/bench/hub.h"
#include "hostd/bench/usb.h"

#include <event2/event.h>
#include <stdlib.h>

enum { PORT_POWER = 8, DEADLINE_MS = 1000 };
enum { HALVES = 2 };

/* A hub that is asked. */
struct half {
	libusb_device_handle   *handle;
	struct libusb_transfer *transfer;
	unsigned char           setup[LIBUSB_CONTROL_SETUP_SIZE];
};

struct switching {
	struct half   halves[HALVES];
	unsigned      pending;
	int           error;
	hub_done     *done;
	void         *argument;
	struct event *settled;   /* all have answered: what libusb must not be asked from within itself */
	struct event *deadline;
};

static void
free_switching(struct switching *switching)
{
	for (size_t i = 0; i < HALVES; i++) {
		if (switching->halves[i].transfer)
			libusb_free_transfer(switching->halves[i].transfer);
		if (switching->halves[i].handle)
			libusb_close(switching->halves[i].handle);
	}
	if (switching->settled)
		event_free(switching->settled);
	if (switching->deadline)
		event_free(switching->deadline);
	free(switching);
}

static void
on_settled(evutil_socket_t fd, short what, void *argument)
{
	struct switching *switching = argument;

	(void)fd, (void)what;
	switching->done(switching->error, switching->argument);
	free_switching(switching);
}

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct switching *switching = argument;

	(void)fd, (void)what;
	for (size_t i = 0; i < HALVES; i++)
		if (switching->halves[i].transfer)
			libusb_cancel_transfer(switching->halves[i].transfer);
}

static void LIBUSB_CALL
on_answer(struct libusb_transfer *transfer)
{
	struct switching *switching = transfer->user_data;

	if (transfer->status != LIBUSB_TRANSFER_COMPLETED)
		switching->error = transfer->status == LIBUSB_TRANSFER_CANCELLED ? LIBUSB_ERROR_TIMEOUT
		                 : transfer->status == LIBUSB_TRANSFER_STALL ? LIBUSB_ERROR_PIPE : LIBUSB_ERROR_IO;
	if (--switching->pending == 0)
		event_active(switching->settled, 0, 0);
}

/* 0, or a code of libusb's. */
static int
ask(struct switching *switching, struct half *half, struct usb *usb, const char *hub, unsigned port, int on)
{
	libusb_device *device = usb_find(usb, hub);
	int r = device ? libusb_open(device, &half->handle) : LIBUSB_ERROR_NOT_FOUND;

	if (device)
		libusb_unref_device(device);
	if (r != 0) {
		half->handle = NULL;
		return r;
	}
	half->transfer = libusb_alloc_transfer(0);
	if (!half->transfer)
		return LIBUSB_ERROR_NO_MEM;
	libusb_fill_control_setup(half->setup, LIBUSB_REQUEST_TYPE_CLASS | LIBUSB_RECIPIENT_OTHER,
	    on ? LIBUSB_REQUEST_SET_FEATURE : LIBUSB_REQUEST_CLEAR_FEATURE, PORT_POWER, (uint16_t)port, 0);
	libusb_fill_control_transfer(half->transfer, half->handle, half->setup, on_answer, switching, 0);
	r = libusb_submit_transfer(half->transfer);
	if (r == 0) {
		switching->pending++;
	} else {
		libusb_free_transfer(half->transfer);
		half->transfer = NULL;
	}
	return r;
}

int
hub_switch(struct event_base *base, struct usb *usb, const char *path, int on, hub_done *done, void *argument)
{
	static const struct timeval deadline = { DEADLINE_MS / 1000, DEADLINE_MS % 1000 * 1000 };
	struct switching *switching = calloc(1, sizeof *switching);
	char hub[USB_PATH_BYTES], peer[USB_PATH_BYTES];
	unsigned port, peer_port;
	int failed;

	if (!switching)
		return LIBUSB_ERROR_NO_MEM;
	switching->done = done;
	switching->argument = argument;
	switching->settled = event_new(base, -1, 0, on_settled, switching);
	switching->deadline = evtimer_new(base, on_deadline, switching);
	if (!switching->settled || !switching->deadline) {
		free_switching(switching);
		return LIBUSB_ERROR_NO_MEM;
	}
	failed = usb_path_hub(path, hub, &port) == 0 ? ask(switching, &switching->halves[0], usb, hub, port, on) : LIBUSB_ERROR_NOT_FOUND;
	if (failed != 0) {
		free_switching(switching);
		return failed;
	}
	if (usb_path_peer(hub, port, peer, &peer_port) == 0)
		switching->error = ask(switching, &switching->halves[1], usb, peer, peer_port, on);
	evtimer_add(switching->deadline, &deadline);
	return 0;
}
