#include "tools/vtoken/slot.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "tools/vtoken/sw.h"
#include "tools/vtoken/vpcd.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The command in progress goes through these one after the other; any but the first two may be skipped. */
enum stage {
	STAGE_NONE,
	STAGE_GENERATING, /* a thread makes or fetches the key */
	STAGE_SAVING,     /* a thread brings the new state to the disk */
	STAGE_WAITING,    /* everything is done, its time is not yet over */
};

struct slot {
	const struct slot_world *world;
	unsigned number;
	uint16_t port;
	struct vpcd *vpcd;
	struct token *token;
	uint64_t commands;
	enum stage stage;
	/* of the command in progress */
	struct work_item save;
	int save_error;
	struct keygen_order *order;
	struct event *due;
	uint64_t at_us, started_us, least_us; /* UTC; monotonic; how long the command takes at least */
	bool generated;
	struct trail_generation generation;
	char key_name[16];
	uint8_t *command;
	size_t command_len;
	struct card_reply reply;
};

static uint64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
write_trail(struct slot *slot, bool answered)
{
	struct trail_entry entry = {
		.at_us = slot->at_us,
		.took_us = monotonic_us() - slot->started_us,
		.slot = slot->number,
		.serial = slot_serial(slot),
		.n = slot->commands,
		.command = slot->command,
		.command_len = slot->command_len,
		.answer = answered ? slot->reply.bytes : NULL,
		.answer_len = slot->reply.len,
		.generation = slot->generated ? &slot->generation : NULL,
	};

	trail_command(slot->world->trail, &entry);
}

/* The command's bytes may hold a PIN. */
static void
end_command(struct slot *slot)
{
	slot->stage = STAGE_NONE;
	OPENSSL_clear_free(slot->command, slot->command_len);
	slot->command = NULL;
}

/* The line stands in the log before the answer is out: nobody has seen an answer that the log does not show. */
static void
answer(struct slot *slot)
{
	write_trail(slot, true);
	end_command(slot);
	vpcd_reply(slot->vpcd, slot->reply.bytes, slot->reply.len);
}

static void
on_due(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	answer(argument);
}

static void
answer_when_due(struct slot *slot)
{
	uint64_t took = monotonic_us() - slot->started_us, left;
	struct timeval wait;

	if (took >= slot->least_us) {
		answer(slot);
		return;
	}
	left = slot->least_us - took;
	wait.tv_sec = (time_t)(left / 1000000);
	wait.tv_usec = (suseconds_t)(left % 1000000);
	slot->stage = STAGE_WAITING;
	event_add(slot->due, &wait);
}

static void
run_save(struct work_item *item)
{
	struct slot *slot = (struct slot *)((char *)item - offsetof(struct slot, save));

	slot->save_error = token_save(slot->token);
}

/* What could not be stored was not done: the card goes back to what the disk says, and answers so. */
static void
take_back(struct slot *slot)
{
	int error;

	log_error("token %s: state not stored: the card answers 6581", slot_serial(slot));
	error = token_reload(slot->token);
	if (error)
		log_error("token %s: state not read back (%s): what the card shows from now is lost",
			  slot_serial(slot), error_info(error)->name);
	card_refuse(&slot->reply, SW_MEMORY);
}

static void
done_save(struct work_item *item)
{
	struct slot *slot = (struct slot *)((char *)item - offsetof(struct slot, save));

	if (slot->stage != STAGE_SAVING)
		return; /* pulled out meanwhile */
	if (slot->save_error)
		take_back(slot);
	answer_when_due(slot);
}

/* Power may fail at any moment: before the state is on the disk nobody is told of it. */
static void
save_then_answer(struct slot *slot)
{
	if (!card_changed(token_card(slot->token))) {
		answer_when_due(slot);
		return;
	}
	if (token_freeze(slot->token)) {
		take_back(slot);
		answer_when_due(slot);
		return;
	}
	slot->stage = STAGE_SAVING;
	work_submit(slot->world->disk, &slot->save);
}

static void
on_key(void *argument, struct key *key, const char *source)
{
	struct slot *slot = argument;

	slot->order = NULL;
	slot->generation.source = source;
	card_generated(token_card(slot->token), key, &slot->reply);
	save_then_answer(slot);
}

static void
start_generation(struct slot *slot, const struct card_order *order)
{
	struct card *card = token_card(slot->token);
	uint64_t drawn = law_draw_us(slot->world->law, slot->world->seed, card_serial(card), card_generations(card) + 1,
				     order->type, order->bits);

	snprintf(slot->key_name, sizeof slot->key_name, "%s%u", order->type == KEY_RSA ? "rsa" : "p", order->bits);
	slot->generated = true;
	slot->generation = (struct trail_generation){ .drawn_us = drawn, .key = slot->key_name, .source = "none" };
	if (drawn > slot->least_us)
		slot->least_us = drawn;
	slot->stage = STAGE_GENERATING;
	slot->order = keygen_ask(slot->world->keygen, order->type, order->bits, on_key, slot);
	if (!slot->order)
		on_key(slot, NULL, "none");
}

static void
on_command(void *argument, const uint8_t *command, size_t len)
{
	struct slot *slot = argument;
	struct card_order order;

	slot->commands++;
	slot->at_us = trail_now_us();
	slot->started_us = monotonic_us();
	slot->least_us = slot->world->apdu_us;
	slot->generated = false;
	slot->command = OPENSSL_memdup(command, len);
	slot->command_len = slot->command ? len : 0;
	if (card_command(token_card(slot->token), command, len, &slot->reply, &order) == CARD_GENERATE)
		start_generation(slot, &order);
	else
		save_then_answer(slot);
}

/* Stops what is in progress; it will not be answered. What was already decided reaches the disk or not, as with a
 * token that is pulled out. */
static void
abandon(struct slot *slot)
{
	enum stage stage = slot->stage;

	if (stage == STAGE_NONE)
		return;
	keygen_forget(&slot->order);
	event_del(slot->due);
	slot->stage = STAGE_NONE;
	if (stage == STAGE_SAVING)
		work_wait(slot->world->disk, &slot->save);
	write_trail(slot, false);
	end_command(slot);
}

static void
on_power(void *argument, enum vpcd_power power)
{
	static const char *const names[] = {
		[VPCD_POWER_OFF] = "power-off", [VPCD_POWER_ON] = "power-on", [VPCD_RESET] = "reset",
	};
	struct slot *slot = argument;

	abandon(slot);
	card_reset(token_card(slot->token));
	trail_event(slot->world->trail, slot->number, slot_serial(slot), names[power]);
}

static void
on_lost(void *argument)
{
	struct slot *slot = argument;

	abandon(slot);
	card_reset(token_card(slot->token));
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "lost");
}

static const struct vpcd_events events = { .command = on_command, .power = on_power, .lost = on_lost };

struct slot *
slot_new(const struct slot_world *world, unsigned number, uint16_t port)
{
	struct slot *slot = calloc(1, sizeof *slot);

	if (!slot)
		return NULL;
	slot->world = world;
	slot->number = number;
	slot->port = port;
	slot->save.run = run_save;
	slot->save.done = done_save;
	slot->due = evtimer_new(world->base, on_due, slot);
	slot->vpcd = vpcd_new(world->base, port, card_atr, card_atr_len, &events, slot);
	if (!slot->due || !slot->vpcd)
		slot_free(&slot);
	return slot;
}

void
slot_free(struct slot **slot)
{
	if (*slot) {
		slot_remove(*slot);
		vpcd_free(&(*slot)->vpcd);
		if ((*slot)->due)
			event_free((*slot)->due);
		free(*slot);
	}
	*slot = NULL;
}

void
slot_insert(struct slot *slot, struct token *token)
{
	slot->token = token;
	slot->commands = 0;
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "insert");
	vpcd_plug(slot->vpcd);
}

void
slot_remove(struct slot *slot)
{
	if (!slot->token)
		return;
	vpcd_unplug(slot->vpcd);
	abandon(slot);
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "remove");
	token_free(&slot->token);
}

const char *
slot_serial(const struct slot *slot)
{
	return slot->token ? card_serial(token_card(slot->token)) : NULL;
}

void
slot_status(const struct slot *slot, struct slot_status *status)
{
	*status = (struct slot_status){
		.port = slot->port,
		.serial = slot_serial(slot),
		.connected = vpcd_connected(slot->vpcd),
		.generating = slot->stage == STAGE_GENERATING || (slot->stage == STAGE_WAITING && slot->generated),
		.commands = slot->commands,
		.generations = slot->token ? card_generations(token_card(slot->token)) : 0,
	};
}
