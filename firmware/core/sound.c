#include "firmware/core/sound.h"
#include "schemas/station.h"

enum { RHYTHM_TICKS = 16, STEPS_PER_TICK = STATION_TICK_MS / SOUND_STEP_MS };

struct tune {
	uint16_t rhythm;
	uint8_t  repeats; /* 0: without end */
};

static const struct tune tunes[STATION_SOUNDS] = {
#define SOUND(name, rhythm, repeats, en, zh) { rhythm, repeats },
#include "schemas/station.def"
};

void
sound_order(struct sound *sound, uint8_t which, uint8_t sounding)
{
	if (sound->which == which && sound->sounding == sounding)
		return;
	*sound = (struct sound){ .which = which, .sounding = sounding };
}

void
sound_silence(struct sound *sound)
{
	sound->ended = 1;
}

static void
advance(struct sound *sound)
{
	const uint8_t repeats = tunes[sound->which].repeats;

	if (++sound->steps < STEPS_PER_TICK)
		return;
	sound->steps = 0;
	if (++sound->place < RHYTHM_TICKS)
		return;
	sound->place = 0;
	if (repeats && ++sound->repeats == repeats)
		sound->ended = 1;
}

int
sound_step(struct sound *sound)
{
	int on;

	if (sound->ended)
		return 0;
	on = tunes[sound->which].rhythm >> sound->place & 1;
	advance(sound);
	return on;
}
