#include "hostd/bench/usb.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "schemas/station.h"

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that libusb wants watched. */
struct watched {
	struct watched *next;
	struct event   *event;
	int             fd;
};

/* What hot-plugging told, until the loop comes to it. */
struct news {
	struct news   *next;
	libusb_device *device; /* with a reference */
	int            came;
};

struct usb {
	struct event_base *base;
	libusb_context    *context;
	usb_handler       *handler;
	void              *argument;
	struct watched    *watched;
	struct news       *news, **last;
	struct event      *deliver;
};

/* --- libusb's descriptors */

static void
handle_events(struct usb *usb)
{
	struct timeval now = { 0, 0 };

	libusb_handle_events_timeout_completed(usb->context, &now, NULL);
}

static void
on_descriptor(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	handle_events(argument);
}

static void LIBUSB_CALL
watch(int fd, short events, void *argument)
{
	short what = (short)(EV_PERSIST | (events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
	struct watched *watched = calloc(1, sizeof *watched);
	struct usb *usb = argument;

	if (watched)
		watched->event = event_new(usb->base, fd, what, on_descriptor, usb);
	if (!watched || !watched->event || event_add(watched->event, NULL) != 0) {
		log_error("USB: out of memory: a descriptor is not watched");
		free(watched);
		return;
	}
	watched->fd = fd;
	watched->next = usb->watched;
	usb->watched = watched;
}

static void LIBUSB_CALL
unwatch(int fd, void *argument)
{
	struct usb *usb = argument;
	struct watched **place = &usb->watched, *gone;

	while (*place && (*place)->fd != fd)
		place = &(*place)->next;
	gone = *place;
	if (!gone)
		return;
	*place = gone->next;
	event_free(gone->event);
	free(gone);
}

static int
watch_all(struct usb *usb)
{
	const struct libusb_pollfd **list = libusb_get_pollfds(usb->context);

	if (!list)
		return MINT_MEMORY;
	for (const struct libusb_pollfd **one = list; *one; one++)
		watch((*one)->fd, (*one)->events, usb);
	libusb_free_pollfds(list);
	libusb_set_pollfd_notifiers(usb->context, watch, unwatch, usb);
	return 0;
}

/* --- what is plugged in */

/* From within libusb, where nothing may be opened: put down for the loop. */
static int LIBUSB_CALL
on_hotplug(libusb_context *context, libusb_device *device, libusb_hotplug_event event, void *argument)
{
	struct news *news = calloc(1, sizeof *news);
	struct usb *usb = argument;

	(void)context;
	if (!news) {
		log_error("USB: out of memory: a station that was plugged in or out is not noticed");
		return 0;
	}
	*news = (struct news){ .device = libusb_ref_device(device), .came = event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED };
	*usb->last = news;
	usb->last = &news->next;
	event_active(usb->deliver, 0, 0);
	return 0;
}

static struct news *
take_news(struct usb *usb)
{
	struct news *news = usb->news;

	if (news)
		usb->news = news->next;
	if (!usb->news)
		usb->last = &usb->news;
	return news;
}

static void
on_deliver(evutil_socket_t fd, short what, void *argument)
{
	struct usb *usb = argument;

	(void)fd, (void)what;
	for (struct news *news; (news = take_news(usb)); free(news)) {
		usb->handler(news->device, news->came, usb->argument);
		libusb_unref_device(news->device);
	}
}

int
usb_new(struct usb **place, struct event_base *base, usb_handler *handler, void *argument)
{
	struct usb *usb = calloc(1, sizeof *usb);
	int r = MINT_MEMORY, failed;

	*place = NULL;
	if (!usb)
		return MINT_MEMORY;
	*usb = (struct usb){ .base = base, .handler = handler, .argument = argument, .last = &usb->news };
	usb->deliver = event_new(base, -1, 0, on_deliver, usb);
	if (!usb->deliver)
		goto out;
	r = MINT_SYSTEM;
	failed = libusb_init(&usb->context);
	if (failed != 0) {
		log_error("USB: %s: no station and no hub can be reached: is /dev/bus/usb there?", libusb_strerror(failed));
		goto out;
	}
	r = watch_all(usb);
	if (r != 0)
		goto out;
	failed = libusb_hotplug_register_callback(usb->context, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
	    LIBUSB_HOTPLUG_ENUMERATE, STATION_USB_VENDOR, STATION_USB_PRODUCT, LIBUSB_HOTPLUG_MATCH_ANY, on_hotplug, usb, NULL);
	if (failed != 0) {
		log_error("USB: %s: stations that are plugged in are not noticed", libusb_strerror(failed));
		r = MINT_SYSTEM;
	}
out:
	if (r == 0)
		*place = usb;
	else
		usb_free(&usb);
	return r;
}

void
usb_free(struct usb **place)
{
	struct usb *usb = *place;

	*place = NULL;
	if (!usb)
		return;
	if (usb->context) {
		libusb_set_pollfd_notifiers(usb->context, NULL, NULL, NULL);
		for (struct news *news; (news = take_news(usb)); free(news))
			libusb_unref_device(news->device);
		while (usb->watched)
			unwatch(usb->watched->fd, usb);
		libusb_exit(usb->context);
	}
	if (usb->deliver)
		event_free(usb->deliver);
	free(usb);
}

void
usb_path_of(libusb_device *device, char path[USB_PATH_BYTES])
{
	enum { DEPTH_MAX = 7 }; /* USB 2.0, 4.1.1: five hubs behind the root hub */
	uint8_t ports[DEPTH_MAX];
	int depth = libusb_get_port_numbers(device, ports, DEPTH_MAX);
	unsigned bus = libusb_get_bus_number(device);
	int length = depth > 0 ? snprintf(path, USB_PATH_BYTES, "%u-", bus) : snprintf(path, USB_PATH_BYTES, "usb%u", bus);

	for (int i = 0; i < depth && length < USB_PATH_BYTES; i++)
		length += snprintf(path + length, (size_t)(USB_PATH_BYTES - length), "%s%u", i > 0 ? "." : "", ports[i]);
}

libusb_device *
usb_find(struct usb *usb, const char *path)
{
	libusb_device **list, *found = NULL;
	ssize_t count = libusb_get_device_list(usb->context, &list);
	char its[USB_PATH_BYTES];

	for (ssize_t i = 0; i < count && !found; i++) {
		usb_path_of(list[i], its);
		if (strcmp(its, path) == 0)
			found = libusb_ref_device(list[i]);
	}
	if (count >= 0)
		libusb_free_device_list(list, 1);
	return found;
}

void
usb_drain(struct usb *usb, const unsigned *pending, unsigned timeout_ms)
{
	enum { STEP_MS = 10 };
	int64_t until = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
	struct timeval step = { 0, STEP_MS * 1000 };

	while (*pending > 0 && clock_monotonic_us() < until)
		libusb_handle_events_timeout_completed(usb->context, &step, NULL);
}
