/* The station's mind: what the board reads and the host wants in, what the board is to do and the host to know out. Pure; the time is
 * the number of calls of core_tick. Nothing here trusts the host: a frame is carried out whole or refused whole.
 */
#ifndef MINT_FIRMWARE_CORE_CORE_H
#define MINT_FIRMWARE_CORE_CORE_H

#include "firmware/core/bays.h"
#include "firmware/core/counters.h"
#include "firmware/core/debounce.h"
#include "firmware/core/hal.h"
#include "firmware/core/lights.h"
#include "firmware/core/sound.h"
#include "schemas/station.h"

#include <stdint.h>

struct core {
	struct hal_birth     birth;
	uint32_t             uptime_ms;
	uint16_t             silent_ms;   /* since the last command that was carried out; stops at STATION_LINK_MS */
	uint8_t              step_ms;     /* since the last step of lights and sound */
	struct debounce      present, over_current, hands;
	struct bays          bays;
	struct lights        lights;
	struct sound         sound;
	struct counters      counters;
	uint8_t              presses[STATION_BUTTONS];
	struct station_state told;        /* the last that went out by itself */
	uint16_t             told_sequence;
};

void core_begin(struct core *core, const struct hal_birth *birth);

/* One millisecond. `outputs` is the same in each call: levels of LEDs that are not due stay in it. */
void core_tick(struct core *core, const struct hal_inputs *inputs, struct hal_outputs *outputs);

/* One packet of the command endpoint. Writes the answer, STATION_FRAME_MAX bytes at most, and returns its length; 0: none is due (less
 * than a header, or a refusal, which is never refused in its turn). */
uint8_t core_command(struct core *core, const uint8_t *packet, uint8_t length, uint8_t *answer);

/* When the state is another than the last that this function wrote: writes it as a packet and returns its length. Else 0. */
uint8_t core_event(struct core *core, uint8_t *packet);

/* The host has another connection: it knows nothing of what was told before. */
void core_host_is_new(struct core *core);

/* What the board counts. */
void core_count(struct core *core, enum station_counter which);

#endif
