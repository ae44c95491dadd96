#include "tools/vtoken/slot_internal.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "tools/vtoken/sw.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INS_AT 1

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

static void
notice(const struct slot *slot)
{
	slot->world->noticed(slot->world->argument, slot->number);
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
void
slot_send(struct slot *slot)
{
	write_trail(slot, true);
	end_command(slot);
	link_reply(slot->link, slot->reply.bytes, slot->reply.len);
	notice(slot);
}

static void
answer(struct slot *slot)
{
	if (!slot_fault_after(slot))
		slot_send(slot);
}

static void run_command(struct slot *slot);
static void end_generation(struct slot *slot);

static void
on_due(evutil_socket_t fd, short what, void *argument)
{
	struct slot *slot = argument;

	(void)fd;
	(void)what;
	if (slot->stage == STAGE_HELD)
		run_command(slot);
	else if (slot->stage == STAGE_GENERATING)
		end_generation(slot);
	else
		answer(slot);
}

void
slot_wait(struct slot *slot, enum stage stage, uint64_t us)
{
	struct timeval wait = { .tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000) };

	slot->stage = stage;
	event_add(slot->due, &wait);
}

/* What the command's least time has left. */
static uint64_t
left_us(const struct slot *slot)
{
	uint64_t took = monotonic_us() - slot->started_us;

	return took < slot->least_us ? slot->least_us - took : 0;
}

static void
answer_when_due(struct slot *slot)
{
	uint64_t left = left_us(slot);

	if (left)
		slot_wait(slot, STAGE_WAITING, left);
	else
		answer(slot);
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
	slot->stage = STAGE_NONE;
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
	slot->changes++;
	faults_count_change(slot->faults);
	if (slot_fault_unstored(slot))
		return;
	if (token_freeze(slot->token)) {
		take_back(slot);
		answer_when_due(slot);
		return;
	}
	slot->stage = STAGE_SAVING;
	work_submit(slot->world->disk, &slot->save);
}

static void
end_generation(struct slot *slot)
{
	struct key *key = slot->key;

	slot->key = NULL;
	card_generated(token_card(slot->token), key, &slot->reply);
	save_then_answer(slot);
}

/* However soon the key was made or fetched, the card has it when the drawn time is over, and not before. */
static void
on_key(void *argument, struct key *key, const char *source)
{
	struct slot *slot = argument;
	uint64_t left = left_us(slot);

	slot->order = NULL;
	slot->key = key;
	slot->generation.source = source;
	if (left)
		slot_wait(slot, STAGE_GENERATING, left);
	else
		end_generation(slot);
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
run_command(struct slot *slot)
{
	struct card *card = token_card(slot->token);
	struct card_order order;

	slot->stage = STAGE_NONE;
	if (card_command(card, slot->command, slot->command_len, &slot->reply, &order) == CARD_GENERATE)
		start_generation(slot, &order);
	else
		save_then_answer(slot);
}

static void
on_command(void *argument, const uint8_t *command, size_t len)
{
	struct slot *slot = argument;

	slot->commands++;
	slot->at_us = trail_now_us();
	slot->started_us = monotonic_us();
	slot->least_us = slot->slow_us > slot->world->apdu_us ? slot->slow_us : slot->world->apdu_us;
	slot->generated = false;
	slot->command = OPENSSL_memdup(command, len);
	slot->command_len = slot->command ? len : 0;
	if (!slot->command) {
		card_refuse(&slot->reply, SW_INTERNAL);
		slot_send(slot);
		return;
	}
	faults_count_command(slot->faults, len > INS_AT ? command[INS_AT] : 0);
	if (!slot_fault_before(slot))
		run_command(slot);
}

/* Stops what is in progress; it will not be answered. What was already decided reaches the disk or not, as with a
 * token that is pulled out. */
void
slot_abandon(struct slot *slot)
{
	enum stage stage = slot->stage;

	if (!slot->command)
		return;
	keygen_forget(&slot->order);
	key_free(&slot->key);
	event_del(slot->due);
	slot->stage = STAGE_NONE;
	if (stage == STAGE_SAVING)
		work_wait(slot->world->disk, &slot->save);
	write_trail(slot, false);
	end_command(slot);
}

static void
on_power(void *argument, enum link_power power)
{
	static const char *const names[] = {
		[LINK_POWER_OFF] = "power-off", [LINK_POWER_ON] = "power-on", [LINK_RESET] = "reset",
	};
	struct slot *slot = argument;

	slot_abandon(slot);
	card_reset(token_card(slot->token));
	trail_event(slot->world->trail, slot->number, slot_serial(slot), names[power]);
}

static void
on_lost(void *argument)
{
	struct slot *slot = argument;

	slot_abandon(slot);
	card_reset(token_card(slot->token));
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "lost");
}

static void
on_connected(void *argument)
{
	notice(argument);
}

static const struct link_events events = {
	.command = on_command, .power = on_power, .connected = on_connected, .lost = on_lost,
};

static void
on_after_cut(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	slot_fault_over(argument);
}

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
	slot->after_cut = evtimer_new(world->base, on_after_cut, slot);
	slot->faults = faults_new();
	slot->link = link_new(world->base, world->protocol, port, world->atr, world->atr_len, &events, slot);
	if (!slot->due || !slot->after_cut || !slot->faults || !slot->link)
		slot_free(&slot);
	return slot;
}

void
slot_free(struct slot **slot)
{
	if (*slot) {
		slot_remove(*slot);
		link_free(&(*slot)->link);
		if ((*slot)->due)
			event_free((*slot)->due);
		if ((*slot)->after_cut)
			event_free((*slot)->after_cut);
		faults_free(&(*slot)->faults);
		free(*slot);
	}
	*slot = NULL;
}

void
slot_insert(struct slot *slot, struct token *token)
{
	slot->token = token;
	slot->commands = slot->changes = 0;
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "insert");
	link_plug(slot->link);
	notice(slot);
}

void
slot_remove(struct slot *slot)
{
	if (!slot->token)
		return;
	link_unplug(slot->link);
	event_del(slot->after_cut);
	slot_abandon(slot);
	trail_event(slot->world->trail, slot->number, slot_serial(slot), "remove");
	token_free(&slot->token);
	notice(slot);
}

const char *
slot_serial(const struct slot *slot)
{
	return slot->token ? card_serial(token_card(slot->token)) : NULL;
}

const char *
slot_name(const struct slot *slot)
{
	return slot->token ? token_name(slot->token) : NULL;
}

const struct card *
slot_card(const struct slot *slot)
{
	return slot->token ? token_card(slot->token) : NULL;
}

struct faults *
slot_faults(struct slot *slot)
{
	return slot->faults;
}

void
slot_clear_faults(struct slot *slot)
{
	faults_clear(slot->faults);
	slot->slow_us = 0;
}

void
slot_status(const struct slot *slot, struct slot_status *status)
{
	*status = (struct slot_status){
		.port = slot->port,
		.serial = slot_serial(slot),
		.name = slot_name(slot),
		.connected = link_connected(slot->link),
		.generating = slot->stage == STAGE_GENERATING,
		.commands = slot->commands,
		.changes = slot->changes,
		.fired = faults_fired(slot->faults),
		.generations = slot->token ? card_generations(token_card(slot->token)) : 0,
	};
}
