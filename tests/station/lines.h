/* A gpiochip as programs see it through shim.so: the host's lamps, pedal and stop, in uAPI v1 (linux/gpio.h). */
#ifndef MINT_TESTS_STATION_LINES_H
#define MINT_TESTS_STATION_LINES_H

#include <poll.h>

struct shim_packet;

/* What an ioctl on the chip, or on a line of it, answers. *fd is a descriptor for the program, −1 none; the caller closes its own copy. */
void lines_request(struct shim_packet *packet, int *fd);

/* Lines that programs have: to be polled with the rest, and given back when they are closed. `polled` has room for LINES_POLLED_MAX. */
enum { LINES_POLLED_MAX = 16 };
unsigned lines_polled(struct pollfd *polled);
void lines_closed(int fd);

/* Drives an input. −1: no line of that name. */
int lines_drive(const char *name, int value);

/* Walks over the lines: the name of the one at that place, its value; NULL behind the last. */
const char *lines_value(unsigned place, int *value);

#endif
