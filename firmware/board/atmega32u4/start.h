/* What happened before main: why the chip started, how often the watchdog bit, how deep the stack went. */
#ifndef MINT_FIRMWARE_BOARD_START_H
#define MINT_FIRMWARE_BOARD_START_H

#include "firmware/core/hal.h"

/* Once, first of all. */
void start_birth(struct hal_birth *birth);

#endif
