/* What core.c and command.c share. */
#ifndef MINT_FIRMWARE_CORE_CORE_INTERNAL_H
#define MINT_FIRMWARE_CORE_CORE_INTERNAL_H

#include "firmware/core/core.h"

int core_lid_is_open(const struct core *core);
int core_is_stopped(const struct core *core);
int core_link_is_lost(const struct core *core);

/* The state as it is now. */
void core_state(const struct core *core, struct station_state *state);

#endif
