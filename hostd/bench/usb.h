/* libusb-1.0 on libevent's loop: its descriptors are watched, nothing ever blocks. Transfers are given no time-out of libusb's: who
 * starts one has a deadline on the loop and cancels it.
 *
 * Everything happens in the loop's thread, but for libusb's own that listens for what is plugged in. */
#ifndef MINT_BENCH_USB_H
#define MINT_BENCH_USB_H

#include "hostd/bench/usb_path.h"

#include <libusb.h>

struct event_base;
struct usb;

/* A station's device came (1; also those that are there at the start) or left (0). Called from the loop, outside of libusb: the handler
 * may open and close. It takes a reference (libusb_ref_device) of what it keeps. */
typedef void usb_handler(libusb_device *device, int came, void *argument);

/* Watches for devices with the station's vendor and product numbers. Before the sandbox serves: it opens a netlink socket. MINT_MEMORY;
 * MINT_SYSTEM after a log line: there is no USB to speak of. Free with usb_free when no device is open any more. */
int usb_new(struct usb **usb, struct event_base *base, usb_handler *handler, void *argument);
void usb_free(struct usb **usb);

/* The kernel's name of a device: "1-2.3", of a root hub "usb1". */
void usb_path_of(libusb_device *device, char path[USB_PATH_BYTES]);

/* The device at that path, with a reference for the caller to give back (libusb_unref_device); NULL when it is not there. */
libusb_device *usb_find(struct usb *usb, const char *path);

/* Waits for transfers that were cancelled, for at most so many milliseconds: at a program's end, when the loop does not turn any more. */
void usb_drain(struct usb *usb, const unsigned *pending, unsigned timeout_ms);

#endif
