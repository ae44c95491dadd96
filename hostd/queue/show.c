#include "hostd/queue/show.h"
#include "hostd/base/config.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/power.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/turn.h"

#include <string.h>

enum { LAMP_RED = 1, LAMP_AMBER = 2, LAMP_GREEN = 4 };

static const struct {
	enum state         state;
	const char        *error;   /* "*" whatever */
	int                wanted;  /* only while a blank token is */
	enum station_light light;
} shown[] = {
#define BLANKS_any 0
#define BLANKS_wanted 1
#define SHOWN(state, error, blanks, light) { STATE_bay_##state, error, BLANKS_##blanks, STATION_LIGHT_##light },
#include "schemas/lights.def"
#undef SHOWN
};

static const char *const light_names[STATION_LIGHTS] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) [STATION_LIGHT_##name] = #name,
#include "schemas/station.def"
};

/* --- one bay */

/* The worker does not know yet, or is being stopped. */
static int
is_taken_early(const struct bay *bay)
{
	return bay->left && bay->lease && bay->credential && !bay->left_dark && !power_is_out(bay);
}

static int
fits(const struct bay *bay, size_t row, int wanted)
{
	return shown[row].state == bay->state && (!shown[row].wanted || wanted) &&
	       (strcmp(shown[row].error, "*") == 0 || strcmp(shown[row].error, bay->trouble ? bay->trouble : "") == 0);
}

enum station_light
show_light(const struct bay *bay, int64_t *blanks)
{
	enum station_light light = STATION_LIGHT_attention;

	if (is_taken_early(bay))
		return STATION_LIGHT_put_back;
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		if (fits(bay, i, *blanks > 0)) {
			light = shown[i].light;
			break;
		}
	if (light == STATION_LIGHT_insert_blank && (bay->token || bay->credential || power_is_out(bay)))
		return STATION_LIGHT_dark;
	*blanks -= light == STATION_LIGHT_insert_blank;
	return light;
}

/* --- telling */

static struct ipc *
bench(const struct queue *queue)
{
	return queue->peers[PROGRAM_BENCH].greeted ? queue->peers[PROGRAM_BENCH].ipc : NULL;
}

static int
has_lamps(const struct config *config)
{
	for (int line = CONFIG_LINE_LAMP_RED; line <= CONFIG_LINE_LAMP_GREEN; line++)
		if (config->lines[line] && config->lines[line][0])
			return 1;
	return 0;
}

static int
has_led(const struct bay *bay)
{
	return config_bay(bay->queue->config, bay->number)->station < bay->queue->config->station_count;
}

int
show_is_due(const struct queue *queue)
{
	return bench(queue) && (queue->config->station_count > 0 || has_lamps(queue->config)) &&
	       (store_is_dirty(queue->store) || queue->lamps < 0 || queue->unshown);
}

int
show_sound(struct queue *queue, enum station_sound sound)
{
	struct message message = { .type = MESSAGE_sound };

	if (queue->sounding == STATION_SOUND_alarm && sound != STATION_SOUND_alarm && sound != STATION_SOUND_silent)
		return 0;
	message.sound.sound = (uint8_t)sound;
	queue->sounding = sound == STATION_SOUND_alarm ? STATION_SOUND_alarm : STATION_SOUND_silent;
	return queue->config->station_count > 0 ? turn_send(queue, bench(queue), &message) : 0;
}

static int
show_bay(struct bay *bay, enum station_light light)
{
	struct message message = { .type = MESSAGE_show };
	int burning = bay->lease && steps_writes(bay->step), changed = bay->light != (int)light;
	int r;

	if (!changed && bay->burning == burning)
		return 0;
	bay->light = (int)light;
	bay->burning = burning;
	r = changed ? store_run(bay->queue->store, QUEUE_bay_light, "ds", bay->number, light_names[light]) : 0;
	message.show = (struct message_show){ .bay = (uint32_t)bay->number, .light = (uint8_t)light, .burning = (uint8_t)burning };
	return r == 0 && has_led(bay) ? turn_send(bay->queue, bench(bay->queue), &message) : r;
}

static uint8_t
lamps_for(enum station_light light)
{
	static const uint8_t lamps[STATION_LIGHTS] = {
		[STATION_LIGHT_insert_blank] = LAMP_AMBER, [STATION_LIGHT_working] = LAMP_GREEN, [STATION_LIGHT_quarantine] = LAMP_RED,
		[STATION_LIGHT_put_back] = LAMP_RED, [STATION_LIGHT_attention] = LAMP_RED, [STATION_LIGHT_fault] = LAMP_RED,
	};

	return lamps[light];
}

static int
show_lamps(struct queue *queue, uint8_t lamps)
{
	struct message message = { .type = MESSAGE_lamps };

	if (queue->lamps == lamps)
		return 0;
	queue->lamps = message.lamps.lamps = lamps;
	return has_lamps(queue->config) ? turn_send(queue, bench(queue), &message) : 0;
}

/* What was heard of it: one sound a turn, the gravest. */
struct heard {
	int taken_early, early, done;
};

static void
hear(struct heard *heard, int before, enum station_light light)
{
	heard->early |= light == STATION_LIGHT_put_back;
	heard->taken_early |= light == STATION_LIGHT_put_back && before != STATION_LIGHT_put_back;
	heard->done |= light == STATION_LIGHT_take && before >= 0 && before != STATION_LIGHT_take;
}

/* The alarm ends when the token is put back, or by the button. */
static int
sound(struct queue *queue, const struct heard *heard)
{
	if (heard->taken_early)
		return show_sound(queue, STATION_SOUND_alarm);
	if (queue->sounding == STATION_SOUND_alarm)
		return heard->early ? 0 : show_sound(queue, STATION_SOUND_silent);
	return heard->done ? show_sound(queue, STATION_SOUND_done) : 0;
}

int
show_all(struct queue *queue, void *unused)
{
	int64_t blanks = power_stands_still(queue) ? 0 : claim_blanks_wanted(queue);
	uint8_t lamps = power_is_stopped(queue) ? LAMP_RED : 0;
	struct heard heard = { .early = 0 };
	int r = 0;

	(void)unused;
	queue->unshown = 0;
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++) {
		struct bay *bay = &queue->bays[i];
		enum station_light light = show_light(bay, &blanks);

		lamps |= lamps_for(light);
		hear(&heard, bay->light, light);
		r = show_bay(bay, light);
	}
	if (r == 0)
		r = show_lamps(queue, lamps);
	return r == 0 ? sound(queue, &heard) : r;
}

/* A token that is missed is told of anew: that is where an alarm comes from. */
void
show_forget(struct queue *queue)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		queue->bays[i].light = queue->bays[i].burning = -1;
	queue->lamps = -1;
}

void
show_stalled(struct queue *queue)
{
	struct message message = { .type = MESSAGE_show };

	for (size_t i = 0; bench(queue) && i < queue->config->bay_count; i++) {
		if (!has_led(&queue->bays[i]))
			continue;
		message.show = (struct message_show){ .bay = (uint32_t)queue->bays[i].number, .light = STATION_LIGHT_attention };
		ipc_send(bench(queue), &message, -1);
	}
	show_forget(queue);
}
