/* The commands of the host. What may be wrong with one is looked at before anything is changed. */
#include "firmware/core/core.h"
#include "firmware/core/core_internal.h"

#include <string.h>

/* Carries the command out and makes the answer of it in place. 0, or enum station_refusal. */
typedef uint8_t handler(struct core *core, struct station_frame *frame);

static uint8_t
take_identify(struct core *core, struct station_frame *frame)
{
	frame->number = STATION_identity;
	frame->identity = (struct station_identity){
		.bays = STATION_BAYS, .resets = core->birth.resets, .uptime_ms = core->uptime_ms,
	};
	memcpy(frame->identity.build, core->birth.build, sizeof frame->identity.build);
	return 0;
}

static int
is_in_range(const struct station_set *set)
{
	for (uint8_t bay = 0; bay < STATION_BAYS; bay++)
		if (set->light[bay] >= STATION_LIGHTS_OF_HOST)
			return 0;
	return set->sound < STATION_SOUNDS;
}

static uint8_t
take_look(struct core *core, struct station_frame *frame)
{
	frame->number = STATION_state;
	core_state(core, &frame->state);
	return 0;
}

static uint8_t
take_set(struct core *core, struct station_frame *frame)
{
	const struct station_set *set = &frame->set;

	if (!is_in_range(set))
		return STATION_REFUSAL_malformed;
	bays_want(&core->bays, set->powered, set->burning, core_is_stopped(core));
	lights_order(&core->lights, set->light);
	sound_order(&core->sound, set->sound, set->sounding);
	return take_look(core, frame);
}

static uint8_t
take_measure(struct core *core, struct station_frame *frame)
{
	frame->number = STATION_voltages;
	for (uint8_t bay = 0; bay < STATION_BAYS; bay++)
		frame->voltages.vbus_mv[bay] = core->bays.bay[bay].vbus_mv;
	return 0;
}

static uint8_t
take_inspect(struct core *core, struct station_frame *frame)
{
	frame->number = STATION_health;
	frame->health = (struct station_health){
		.uptime_ms = core->uptime_ms, .resets = core->birth.resets, .stack_free = hal_stack_free(),
	};
	memcpy(frame->health.counters, core->counters.of, sizeof frame->health.counters);
	return 0;
}

_Static_assert(sizeof ((struct station_health *)0)->counters == sizeof ((struct counters *)0)->of, "a counter for each name");
_Static_assert(sizeof ((struct station_state *)0)->presses == STATION_BUTTONS, "a count for each button");

struct row {
	uint8_t  number;
	handler *take;
};

/* Each command of the list; a new one there does not build until it is handled here. */
#define ROW_command(name) { STATION_##name, take_##name },
#define ROW_answer(name)
static const struct row rows[] = {
#define FRAME(name, number, way, fields) ROW_##way(name)
#define BARE(name, number, way) ROW_##way(name)
#include "schemas/station.def"
};

static uint8_t
carry_out(struct core *core, struct station_frame *frame)
{
	for (uint8_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].number == frame->number)
			return rows[i].take(core, frame);
	return STATION_REFUSAL_unknown;
}

static uint8_t
refuse(struct core *core, struct station_frame *frame, uint8_t refusal, uint8_t *answer)
{
	counters_count(&core->counters, refusal == STATION_REFUSAL_version ? STATION_COUNTER_versions : STATION_COUNTER_malformed);
	frame->number = STATION_refused;
	frame->refused = (struct station_refused){ .refusal = refusal, .version = STATION_VERSION };
	return station_put(frame, answer);
}

uint8_t
core_command(struct core *core, const uint8_t *packet, uint8_t length, uint8_t *answer)
{
	static const uint8_t refusal_of[] = {
		[STATION_FINE] = 0,
		[STATION_OTHER_VERSION] = STATION_REFUSAL_version,
		[STATION_UNKNOWN] = STATION_REFUSAL_unknown,
		[STATION_MALFORMED] = STATION_REFUSAL_malformed,
	};
	struct station_frame frame = { 0 };
	const enum station_fault fault = station_get(&frame, packet, length);
	const uint16_t silent_ms = core->silent_ms;
	uint8_t refusal;

	if (fault == STATION_SHORT) {
		counters_count(&core->counters, STATION_COUNTER_malformed);
		return 0;
	}
	if (frame.number == STATION_refused)
		return 0;
	core->silent_ms = 0; /* so that the answer knows it */
	refusal = fault == STATION_FINE ? carry_out(core, &frame) : refusal_of[fault];
	if (!refusal)
		return station_put(&frame, answer);
	core->silent_ms = silent_ms; /* only what was carried out breaks the silence */
	return refuse(core, &frame, refusal, answer);
}
