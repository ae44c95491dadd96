#include "tools/vtoken/rack.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISK_THREADS 4
#define CHOSEN "serial="

struct rack {
	struct slot_world world;
	struct drawer *drawer;
	void (*noticed)(void *argument, unsigned slot);
	void *argument; /* of noticed */
	size_t count;
	struct slot *slots[];
};

static int
remember(struct rack *rack)
{
	char (*names)[TOKEN_NAME_TEXT] = calloc(rack->count, sizeof *names);
	int error;

	if (!names)
		return MINT_MEMORY;
	for (size_t n = 0; n < rack->count; n++)
		if (slot_name(rack->slots[n]))
			snprintf(names[n], sizeof names[n], "%s", slot_name(rack->slots[n]));
	error = drawer_remember(rack->drawer, names, rack->count);
	free(names);
	return error;
}

/* A token that cannot be read stays out; the others must not suffer from it. */
static int
recall(struct rack *rack)
{
	char (*names)[TOKEN_NAME_TEXT] = calloc(rack->count, sizeof *names);
	struct token *token;
	int error = names ? drawer_recall(rack->drawer, names, rack->count) : MINT_MEMORY, failed;

	for (size_t n = 0; !error && n < rack->count; n++) {
		if (!names[n][0])
			continue;
		failed = drawer_take(rack->drawer, names[n], &token);
		if (failed)
			log_error("slot %zu: token %s: not put back (%s)", n, names[n], error_info(failed)->name);
		else
			slot_insert(rack->slots[n], token);
	}
	free(names);
	return error;
}

static int
say(int error, const char *object, const char *what)
{
	if (error)
		log_error("%s: %s (%s)", object, what, error_info(error)->name);
	return error;
}

static int
open_parts(struct rack *rack, const struct rack_config *config)
{
	struct event_base *base = rack->world.base;
	int error;

	error = say(drawer_open(&rack->drawer, config->state_path), config->state_path,
		    "state directory not opened: is another vtoken using it?");
	if (!error)
		drawer_limit(rack->drawer, config->memory);
	if (!error)
		error = trail_open(&rack->world.trail, config->log_path);
	if (!error)
		error = work_new(&rack->world.disk, base, DISK_THREADS, false);
	if (!error)
		error = say(keygen_new(&rack->world.keygen, base, config->pool_path, config->pool_target),
			    config->pool_path ? config->pool_path : "threads", "key generation not set up");
	return error;
}

static void
on_noticed(void *argument, unsigned slot)
{
	struct rack *rack = argument;

	if (rack->noticed)
		rack->noticed(rack->argument, slot);
}

static void
on_pulled(void *argument, unsigned slot)
{
	char serial[CARD_SERIAL_TEXT];
	int error = rack_remove(argument, slot, serial);

	if (error)
		log_error("slot %u: what a fault pulled is still remembered as in it (%s)", slot, error_info(error)->name);
}

int
rack_new(struct rack **rack, struct event_base *base, const struct rack_config *config)
{
	struct rack *made = calloc(1, sizeof *made + config->count * sizeof(struct slot *));
	int error;

	*rack = NULL;
	if (!made)
		return MINT_MEMORY;
	made->world.base = base;
	made->world.protocol = config->protocol;
	made->world.law = config->law;
	made->world.seed = config->seed;
	made->world.apdu_us = config->apdu_us;
	made->world.atr = config->atr;
	made->world.atr_len = config->atr_len;
	made->world.noticed = on_noticed;
	made->world.pulled = on_pulled;
	made->world.argument = made;
	error = open_parts(made, config);
	for (; !error && made->count < config->count; made->count++) {
		made->slots[made->count] = slot_new(&made->world, (unsigned)made->count, config->ports[made->count]);
		if (!made->slots[made->count])
			error = MINT_MEMORY;
	}
	if (!error)
		error = say(recall(made), config->state_path, "contents of the slots not read");
	if (error)
		rack_free(&made);
	*rack = made;
	return error;
}

void
rack_free(struct rack **rack)
{
	if (!*rack)
		return;
	for (size_t n = 0; n < (*rack)->count; n++)
		slot_free(&(*rack)->slots[n]);
	work_free(&(*rack)->world.disk);
	keygen_free(&(*rack)->world.keygen);
	trail_close(&(*rack)->world.trail);
	drawer_close(&(*rack)->drawer);
	free(*rack);
	*rack = NULL;
}

static bool
in_use(const struct rack *rack, const char *name)
{
	for (size_t n = 0; n < rack->count; n++)
		if (slot_name(rack->slots[n]) && strcmp(slot_name(rack->slots[n]), name) == 0)
			return true;
	return false;
}

static int
get_token(struct rack *rack, const char *which, struct token **token)
{
	if (strcmp(which, "new") == 0)
		return drawer_make(rack->drawer, token);
	if (strncmp(which, CHOSEN, strlen(CHOSEN)) == 0)
		return drawer_make_as(rack->drawer, which + strlen(CHOSEN), token);
	return drawer_take(rack->drawer, which, token);
}

int
rack_insert(struct rack *rack, size_t slot, const char *which)
{
	struct token *token;
	int error;

	if (slot >= rack->count)
		return MINT_NOT_FOUND;
	if (slot_name(rack->slots[slot]))
		return MINT_EXISTS;
	error = get_token(rack, which, &token);
	if (error)
		return error;
	if (in_use(rack, token_name(token))) {
		token_free(&token);
		return MINT_BUSY;
	}
	slot_insert(rack->slots[slot], token);
	return remember(rack);
}

int
rack_remove(struct rack *rack, size_t slot, char *serial)
{
	if (slot >= rack->count || !slot_serial(rack->slots[slot]))
		return MINT_NOT_FOUND;
	memcpy(serial, slot_serial(rack->slots[slot]), CARD_SERIAL_TEXT);
	slot_remove(rack->slots[slot]);
	return remember(rack);
}

size_t
rack_count(const struct rack *rack)
{
	return rack->count;
}

struct slot *
rack_slot(const struct rack *rack, size_t n)
{
	return rack->slots[n];
}

void
rack_watch(struct rack *rack, void (*noticed)(void *argument, unsigned slot), void *argument)
{
	rack->noticed = noticed;
	rack->argument = argument;
}

void
rack_status(const struct rack *rack, size_t slot, struct slot_status *status)
{
	slot_status(rack->slots[slot], status);
}

bool
rack_busy(const struct rack *rack)
{
	return keygen_busy(rack->world.keygen);
}
