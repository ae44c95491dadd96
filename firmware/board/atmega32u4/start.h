/* What happened before main: why the chip started, how often the watchdog bit, how deep the stack went. */
#ifndef MINT_FIRMWARE_BOARD_START_H
#define MINT_FIRMWARE_BOARD_START_H

#include "firmware/core/hal.h"

/* Once, first of all. */
void start_birth(struct hal_birth *birth);

/* Once a tick: what hal_stack_free says is at most 80 ticks old; 0 before the first 80 are over. */
void start_look_at_stack(void);

#endif
