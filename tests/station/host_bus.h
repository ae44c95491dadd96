/* The host's side of the station's cable: usbfs as programs see it through shim.so, over the simulated board; and a hub beside it that can
 * switch its ports and does nothing else. The caller's loop lets time pass (bus_run).
 */
#ifndef MINT_TESTS_STATION_HOST_BUS_H
#define MINT_TESTS_STATION_HOST_BUS_H

#include "schemas/station.h"

#include <stdint.h>

struct board;
struct bus;
struct shim_packet;

enum { BUS_DESCRIPTORS_MAX = 512, BUS_SERIAL_BYTES = 33, BUS_HUB_PORTS = 8 };

/* What the kernel knows of a device when it has enumerated it. */
struct bus_device {
	uint8_t  descriptors[BUS_DESCRIPTORS_MAX]; /* as sysfs has them: of the device, then of its configuration */
	unsigned descriptor_bytes;
	char     maker[BUS_SERIAL_BYTES], product[BUS_SERIAL_BYTES], serial[BUS_SERIAL_BYTES];
};

/* What is done to answers on their way to the host. */
enum bus_mangling { BUS_HONEST, BUS_SHORT, BUS_GARBAGE, BUS_SILENT, BUS_VERSION, BUS_SEQUENCE, BUS_STALL, BUS_MANGLINGS };

/* When the cable comes out. */
enum bus_unplugging { BUS_NOT_ARMED, BUS_IN_COMMAND /* the next one never arrives whole */, BUS_BEFORE_ANSWER /* it arrives, its answer does not */ };

struct bus *bus_new(struct board *board);

/* As the kernel does when something was plugged in: reset, descriptors, address, configuration. 0, −1: the board does not answer. */
int bus_enumerate(struct bus *bus, struct bus_device *device);

/* Whatever is on its way ends with ESHUTDOWN, whoever has the station open finds it gone. */
void bus_unplug(struct bus *bus);
int bus_is_plugged(const struct bus *bus);
/* 1 once after an armed unplugging has struck: the kernel tells of it now. */
int bus_was_torn(struct bus *bus);
void bus_arm(struct bus *bus, enum bus_unplugging when);

/* The next `count` answers. */
void bus_mangle(struct bus *bus, enum bus_mangling mangling, unsigned count);

/* A program's device: opened by a path below /dev/bus/usb, closed when its socket is. *fd is for the program (−1 after an error), and the
 * handle for the caller. A negative errno when there is no such device. */
struct bus_handle;
int bus_open(struct bus *bus, const char *path, unsigned station_address, unsigned hub_address, struct bus_handle **handle, int *fd);
void bus_close(struct bus *bus, struct bus_handle **handle);

/* A request of that program; `packet` becomes the reply. */
void bus_request(struct bus *bus, struct bus_handle *handle, struct shim_packet *packet);

/* Lets the board run until it is at `until_us` of its time, and what is on its way go on. */
void bus_run(struct bus *bus, uint64_t until_us);

/* 1: somebody waits for what the board does next; the caller lets it run ahead of the clock. */
int bus_is_asked(const struct bus *bus);

/* --- what was seen */
unsigned bus_commands(const struct bus *bus, uint8_t number);
/* The last `set` that arrived. */
const struct station_set *bus_last_set(const struct bus *bus);
/* A bit for each port of the hub that has power; all have at the start. */
unsigned bus_hub_power(const struct bus *bus);

#endif
