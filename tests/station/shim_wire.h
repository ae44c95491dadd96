/* What shim.so and station-usb tell each other: one request, one reply, a packet each, over a socket of its own for each device that is
 * open. Both are of one build on one machine: structs as they lie. */
#ifndef MINT_TESTS_STATION_SHIM_WIRE_H
#define MINT_TESTS_STATION_SHIM_WIRE_H

#include <stdint.h>

enum { SHIM_DATA_MAX = 1024 };

enum shim_call {
	SHIM_OPEN,    /* data: the path of a device; the reply carries a descriptor for the caller of open(2) */
	SHIM_IOCTL,   /* number, data: what the argument points to; the reply has it as it is afterwards, and may carry a descriptor */
	SHIM_SUBMIT,  /* a URB: id, type, endpoint, data; of an IN endpoint, `length` says how much room there is */
	SHIM_REAP,    /* the reply: id, status, length, and data of an IN endpoint */
	SHIM_DISCARD  /* id */
};

struct shim_packet {
	uint32_t call;      /* enum shim_call */
	int32_t  result;    /* of a reply: 0, or a negative errno */
	uint64_t id;        /* of a URB: its address in the program */
	uint64_t number;    /* of an ioctl */
	uint32_t line;      /* of a GPIO line request: which one, as the reply to it said */
	uint32_t type;      /* of a URB: USBDEVFS_URB_TYPE_… */
	uint32_t endpoint;
	int32_t  status;
	uint32_t length;
	uint32_t bytes;     /* of `data` that are sent */
	uint8_t  data[SHIM_DATA_MAX];
};

#endif
