/* Where on USB something is plugged in: the kernel's port path, "1-2.3", which stays when an address changes. Source: sysfs,
 * Documentation/ABI/stable/sysfs-bus-usb. */
#ifndef MINT_BENCH_USB_PATH_H
#define MINT_BENCH_USB_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { USB_PATH_BYTES = 32, USB_SERIAL_BYTES = 33 };

/* The path of the device with that address. "" and −1 when there is none now. */
int usb_path_of_address(unsigned bus, unsigned address, char path[USB_PATH_BYTES]);

/* Whether its maker and its product have just these names, as the kernel read them when the device came. */
bool usb_path_is_named(const char *path, const char *maker, const char *product);

/* Its serial number as the kernel read it when the device came; "" when it has none, or its port path is not there. */
void usb_path_serial(const char *path, char serial[USB_SERIAL_BYTES]);

/* The hub a port belongs to: of "1-2.3" hub "1-2", port 3; of "1-2" the root hub "usb1", port 2. −1: no port path. */
int usb_path_hub(const char *path, char hub[USB_PATH_BYTES], unsigned *port);

/* The same place in the other half of a USB 3 hub, by the port's `peer`. −1: it has none. */
int usb_path_peer(const char *hub, unsigned port, char peer_hub[USB_PATH_BYTES], unsigned *peer_port);

#endif
