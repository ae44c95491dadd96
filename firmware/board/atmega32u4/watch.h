/* The hardware watchdog, fed only by a loop that goes through all of its stages, in their order, once a tick. */
#ifndef MINT_FIRMWARE_BOARD_WATCH_H
#define MINT_FIRMWARE_BOARD_WATCH_H

enum watch_stage { WATCH_USB, WATCH_INPUTS, WATCH_CORE, WATCH_OUTPUTS, WATCH_STAGES };

void watch_begin(void);
/* A stage is over. The last feeds the watchdog; one out of its order never lets it be fed again. */
void watch_pass(enum watch_stage stage);

#endif
