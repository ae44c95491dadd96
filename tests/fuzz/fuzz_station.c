/* The firmware's decoder and command handler against any packets, and time and hands between them.
 *
 * The input is a row of acts: a byte below 128 is the length (modulo 65) of a packet that follows; any other lets its low seven bits of
 * milliseconds pass with the inputs that follow: present, over-current, hands, bay and millivolts of a measurement.
 */
#include "firmware/core/core.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_MAX = 64, TIME = 128, INPUT_BYTES = 8 };

struct place {
	const uint8_t *data;
	size_t         left;
};

uint16_t
hal_stack_free(void)
{
	return 100;
}

static void
need(int truth)
{
	if (!truth)
		abort();
}

static void
take(struct place *place, uint8_t *bytes, size_t count)
{
	memset(bytes, 0, count);
	if (count > place->left)
		count = place->left;
	if (count)
		memcpy(bytes, place->data, count);
	place->data += count;
	place->left -= count;
}

/* An answer is a frame, of the command's sequence, and short; only what is no command has none. A refusal changes nothing that lasts. */
static void
send(struct core *core, struct place *place, uint8_t act)
{
	const uint16_t wanted = core->bays.wanted, burning = core->bays.burning, switches = bays_switches(&core->bays);
	uint8_t packet[PACKET_MAX], answer[STATION_FRAME_MAX], length = act % (PACKET_MAX + 1), answered;
	struct station_frame frame;

	take(place, packet, length);
	answered = core_command(core, packet, length, answer);
	need(answered <= STATION_FRAME_MAX);
	if (!answered) {
		need(length < STATION_HEADER_BYTES || packet[1] == STATION_refused);
		return;
	}
	need(station_get(&frame, answer, answered) == STATION_FINE);
	need(answer[0] == STATION_VERSION && frame.number >= STATION_identity);
	need(answer[2] == packet[2] && answer[3] == packet[3]);
	if (frame.number == STATION_refused)
		need(core->bays.wanted == wanted && core->bays.burning == burning && bays_switches(&core->bays) == switches);
}

static void
pass(struct core *core, struct hal_outputs *outputs, struct place *place, uint8_t act)
{
	uint8_t bytes[INPUT_BYTES];
	struct hal_inputs inputs;

	take(place, bytes, sizeof bytes);
	inputs = (struct hal_inputs){
		.present = (uint16_t)(bytes[0] | bytes[1] << 8), .over_current = (uint16_t)(bytes[2] | bytes[3] << 8), .hands = bytes[4],
		.measured = 1, .measured_bay = bytes[5], .measured_mv = (uint16_t)(bytes[6] | bytes[7] << 8),
	};
	for (unsigned i = 0; i <= (act & (TIME - 1u)); i++) {
		core_tick(core, &inputs, outputs);
		need((outputs->switches & ~core->bays.wanted) == 0);
		need(!(core->hands.steady >> HAL_STOP & 1) || outputs->switches == 0);
		need(outputs->measure_bay < STATION_BAYS);
	}
}

static void
tell(struct core *core)
{
	uint8_t packet[STATION_FRAME_MAX], length = core_event(core, packet);
	struct station_frame frame;

	need(length <= STATION_FRAME_MAX);
	need(!length || (station_get(&frame, packet, length) == STATION_FINE && frame.number == STATION_state));
	need(core_event(core, packet) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct hal_birth birth = { .build = "fuzzfuzz" };
	struct place place = { data, size };
	struct hal_outputs outputs = { 0 };
	struct core core;
	uint8_t act;

	core_begin(&core, &birth);
	while (place.left) {
		take(&place, &act, 1);
		if (act < TIME)
			send(&core, &place, act);
		else
			pass(&core, &outputs, &place, act);
		tell(&core);
	}
	return 0;
}
