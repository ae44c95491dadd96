#include "firmware/core/core.h"
#include "firmware/core/core_internal.h"

#include <string.h>

_Static_assert((int)LIGHTS_STEP_MS == (int)SOUND_STEP_MS, "lights and sound step together");

void
core_begin(struct core *core, const struct hal_birth *birth)
{
	*core = (struct core){ .birth = *birth };
	core->counters.of[STATION_COUNTER_watchdogs] = birth->watchdogs;
}

int
core_lid_is_open(const struct core *core)
{
	return core->hands.steady >> HAL_LID & 1;
}

int
core_is_stopped(const struct core *core)
{
	return core->hands.steady >> HAL_STOP & 1;
}

int
core_link_is_lost(const struct core *core)
{
	return core->silent_ms == STATION_LINK_MS;
}

static void
watch_link(struct core *core)
{
	if (core_link_is_lost(core))
		return;
	core->silent_ms++;
	if (core_link_is_lost(core))
		counters_count(&core->counters, STATION_COUNTER_links_lost);
}

static void
watch_hands(struct core *core, uint8_t raw)
{
	const uint16_t changed = debounce_sample(&core->hands, raw);
	const uint16_t begun = changed & core->hands.steady;

	for (uint8_t button = 0; button < STATION_BUTTONS; button++)
		core->presses[button] = (uint8_t)(core->presses[button] + (begun >> button & 1));
	if (begun >> STATION_BUTTON_quiet & 1)
		sound_silence(&core->sound);
	if (begun >> HAL_STOP & 1)
		counters_count(&core->counters, STATION_COUNTER_stops);
}

static enum lights_instead
lights_instead(const struct core *core)
{
	if (core->hands.steady >> STATION_BUTTON_lamps & 1)
		return LIGHTS_ALL;
	if (core_is_stopped(core))
		return LIGHTS_STOPPED;
	return core_link_is_lost(core) ? LIGHTS_LINK_LOST : LIGHTS_ORDERED;
}

static void
show(struct core *core, struct hal_outputs *outputs)
{
	outputs->lights_due = 0;
	if (++core->step_ms < LIGHTS_STEP_MS)
		return;
	core->step_ms = 0;
	outputs->lights_due = (uint8_t)lights_step(&core->lights, lights_instead(core), outputs->lights);
	outputs->buzzer = (uint8_t)sound_step(&core->sound);
}

void
core_tick(struct core *core, const struct hal_inputs *inputs, struct hal_outputs *outputs)
{
	core->uptime_ms++;
	watch_link(core);
	watch_hands(core, inputs->hands);
	debounce_sample(&core->present, inputs->present);
	debounce_sample(&core->over_current, inputs->over_current);
	if (inputs->measured) {
		if (!(inputs->hands >> HAL_STOP & 1)) /* it cuts VBUS before it is believed: no bay is weak for that */
			bays_measured(&core->bays, inputs->measured_bay, inputs->measured_mv, &core->counters);
		outputs->measure_bay = bays_measure_next(&core->bays);
	}
	bays_tick(&core->bays, core->over_current.steady, core_lid_is_open(core), core_is_stopped(core), &core->counters);
	outputs->switches = bays_switches(&core->bays);
	show(core, outputs);
}

void
core_state(const struct core *core, struct station_state *state)
{
	*state = (struct station_state){
		.uptime_ms = core->uptime_ms,
		.powered = bays_in(&core->bays, BAY_ON),
		.pending = bays_in(&core->bays, BAY_WAITING) | bays_in(&core->bays, BAY_RISING),
		.present = core->present.steady,
		.over_current = bays_in(&core->bays, BAY_CUT),
		.weak = bays_in(&core->bays, BAY_WEAK),
		.inputs = (uint16_t)((unsigned)core_lid_is_open(core) << STATION_INPUT_lid_open |
		    (unsigned)core_is_stopped(core) << STATION_INPUT_stopped |
		    (unsigned)core_link_is_lost(core) << STATION_INPUT_link_lost),
	};
	memcpy(state->presses, core->presses, sizeof state->presses);
}

/* Everything behind the uptime; no field is followed by padding but the last. */
static int
is_same(const struct station_state *one, const struct station_state *other)
{
	const size_t from = offsetof(struct station_state, powered);
	const size_t behind = offsetof(struct station_state, presses) + sizeof one->presses;

	_Static_assert(offsetof(struct station_state, powered) == sizeof(uint32_t), "the uptime comes first");
	return memcmp((const uint8_t *)one + from, (const uint8_t *)other + from, behind - from) == 0;
}

uint8_t
core_event(struct core *core, uint8_t *packet)
{
	struct station_frame frame = { .number = STATION_state };

	core_state(core, &frame.state);
	if (core->told_sequence != 0 && is_same(&frame.state, &core->told))
		return 0;
	core->told = frame.state;
	core->told_sequence = (uint16_t)(core->told_sequence == UINT16_MAX ? 1 : core->told_sequence + 1);
	frame.sequence = core->told_sequence;
	return station_put(&frame, packet);
}

void
core_host_is_new(struct core *core)
{
	core->told_sequence = 0;
}

void
core_count(struct core *core, enum station_counter which)
{
	counters_count(&core->counters, which);
}
