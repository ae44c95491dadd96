/* The buzzer: sounds of station.def. */
#ifndef MINT_FIRMWARE_CORE_SOUND_H
#define MINT_FIRMWARE_CORE_SOUND_H

#include <stdint.h>

enum { SOUND_STEP_MS = 10 };

/* All zero: silent. */
struct sound {
	uint8_t which;      /* enum station_sound, as last ordered */
	uint8_t sounding;   /* the order's number */
	uint8_t place;      /* tick of the rhythm */
	uint8_t steps;      /* of this tick that are over */
	uint8_t repeats;    /* rhythms that are over */
	uint8_t ended;      /* played to its end, or silenced */
};

/* Begins the sound anew when it is another order than the last. */
void sound_order(struct sound *sound, uint8_t which, uint8_t sounding);
/* Until the next order. */
void sound_silence(struct sound *sound);
/* SOUND_STEP_MS are over: 1 when the buzzer is to be on for the next. */
int sound_step(struct sound *sound);

#endif
