/* Port power of a hub, the fallback where a bay has no switch of its own: SetPortFeature and ClearPortFeature(PORT_POWER), to the hub and,
 * where it is a USB 3 hub, to its other half. Source: USB 2.0, 11.24.2; USB 3.2, 10.16.2.
 *
 * Many hubs answer and do not cut VBUS, and the kernel may give a port its power again by itself: docs/configuration.md says so. */
#ifndef MINT_BENCH_HUB_H
#define MINT_BENCH_HUB_H

struct event_base;
struct usb;

/* error: 0 when the hub, and its other half where there is one, said yes; else a negative code of libusb's. */
typedef void hub_done(int error, void *argument);

/* Switches the port at that path, "1-2.3". `done` is called from the loop, once, within a second; never from within this call. 0, or a
 * negative code of libusb's: then it is not called. Says nothing in the log: whoever tries for ever says it once. */
int hub_switch(struct event_base *base, struct usb *usb, const char *path, int on, hub_done *done, void *argument);

#endif
