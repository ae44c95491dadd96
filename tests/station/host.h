/* The computer at the other end of the simulated board's cable: enumerates it as a kernel would, and speaks frames with it. */
#ifndef MINT_TESTS_STATION_HOST_H
#define MINT_TESTS_STATION_HOST_H

#include "schemas/station.h"
#include "tests/station/board.h"

#include <stdint.h>

enum { HOST_TIMEOUT_US = 50000 };

/* The shipped ELF: build/fw/station.elf, or what FIRMWARE (environment) names. */
const char *host_firmware(void);

/* A standard request by its fields; `data` has `length` bytes. Bytes of its data stage, or BOARD_…. */
int host_request(struct board *board, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length, uint8_t *data);

/* Bus reset, descriptors, address 7, configuration 1. 0, or what failed as BOARD_…. */
int host_enumerate(struct board *board);

/* Sends a packet as it is and takes the answer's packet. Its length, or BOARD_…. */
int host_exchange(struct board *board, const uint8_t *packet, uint32_t length, uint8_t answer[BOARD_PACKET_MAX]);

/* Sends the command with a sequence of its own and reads the answer. 0; −1: no answer, not a frame, or another sequence. */
int host_command(struct board *board, struct station_frame *command, struct station_frame *answer);

/* `set`: all bays dark and silent but for what is given. The answer is a state, or the call is −1. */
int host_set(struct board *board, uint16_t powered, uint16_t burning, struct station_state *state);
int host_look(struct board *board, struct station_state *state);

/* Lets time pass in steps, each with a `look`, so that the link lives. */
void host_wait_ms(struct board *board, uint32_t ms);

/* The next state that comes by itself within the time. 0, or −1. */
int host_event(struct board *board, struct station_state *state, uint32_t timeout_us);
/* Takes every event that waits. */
void host_drain(struct board *board);

#endif
