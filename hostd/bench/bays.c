#include "hostd/bench/bays.h"
#include "hostd/base/assign.h"
#include "hostd/base/config.h"
#include "hostd/bench/presence.h"
#include "hostd/bench/usb_path.h"
#include "schemas/messages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS_MAX = 16, ATR_MAX = 33 }; /* of one pcscd; ISO/IEC 7816-3, 8.2.1 */

struct reader {
	bool          is_there;
	bool          port_known;
	enum presence presence;
	char          name[ASSIGN_READER_MAX + 1];
	char          port[USB_PATH_BYTES];
	uint8_t       atr[ATR_MAX];
	uint32_t      atr_bytes;
};

/* What of a bay was told last. */
struct told {
	bool          ever;
	enum presence presence;
	char          reader[ASSIGN_READER_MAX + 1];
	char          port[USB_PATH_BYTES];
};

struct watched {
	struct reader readers[READERS_MAX];
	bool          looked;     /* the first look is over: what is not there now is absent */
};

struct bays {
	const struct config *config;
	bays_tell           *tell;
	bays_reader         *reader;
	void                *argument;
	struct watched      *watched;    /* of each pcscd */
	struct assigned     *assigned;   /* of each bay, as all below */
	struct told         *told;
	char               (*wired)[USB_PATH_BYTES];
	const char         **ports;
};

struct bays *
bays_new(const struct config *config, bays_tell *tell, bays_reader *reader, void *argument)
{
	struct bays *bays = calloc(1, sizeof *bays);

	if (!bays)
		return NULL;
	*bays = (struct bays){
		.config = config, .tell = tell, .reader = reader, .argument = argument,
		.watched = calloc(config->pcscd_count + 1, sizeof *bays->watched), .assigned = calloc(config->bay_count + 1, sizeof *bays->assigned),
		.told = calloc(config->bay_count + 1, sizeof *bays->told), .wired = calloc(config->bay_count + 1, sizeof *bays->wired),
		.ports = calloc(config->bay_count + 1, sizeof *bays->ports),
	};
	if (!bays->watched || !bays->assigned || !bays->told || !bays->wired || !bays->ports)
		bays_free(&bays);
	for (size_t i = 0; bays && i < config->bay_count; i++)
		bays->ports[i] = config->bays[i].port[0] ? config->bays[i].port : bays->wired[i];
	return bays;
}

void
bays_free(struct bays **place)
{
	struct bays *bays = *place;

	*place = NULL;
	if (!bays)
		return;
	free(bays->watched);
	free(bays->assigned);
	free(bays->told);
	free(bays->wired);
	free(bays->ports);
	free(bays);
}

const char *
bays_port(const struct bays *bays, size_t bay)
{
	return bays->ports[bay];
}

/* --- what a bay shows */

static const struct reader *
reader_of(const struct watched *watched, const char *name)
{
	for (size_t i = 0; name[0] && i < READERS_MAX; i++)
		if (watched->readers[i].is_there && strcmp(watched->readers[i].name, name) == 0)
			return &watched->readers[i];
	return NULL;
}

/* A bay without a reader. Where any reader that fits may come, or one that goes with the bay's power or its token, it is a place for
 * one, not a fault. */
static enum presence
absent(const struct bays *bays, size_t bay)
{
	return config_bay_is_pattern(&bays->config->bays[bay]) || bays->ports[bay][0] ? PRESENCE_EMPTY : PRESENCE_NO_READER;
}

static void
tell_bay(struct bays *bays, size_t bay, enum presence presence, const struct reader *reader)
{
	struct message message = { .type = MESSAGE_bay };
	struct told *told = &bays->told[bay];
	const char *port = reader ? reader->port : "";

	if (told->ever && told->presence == presence && strcmp(told->reader, bays->assigned[bay].reader) == 0 && strcmp(told->port, port) == 0)
		return;
	*told = (struct told){ .ever = true, .presence = presence };
	snprintf(told->reader, sizeof told->reader, "%s", bays->assigned[bay].reader);
	snprintf(told->port, sizeof told->port, "%s", port);
	message.bay.bay = (uint32_t)bays->config->bays[bay].number;
	message.bay.presence = (uint8_t)presence;
	message.bay.reader = told->reader;
	message.bay.port = told->port;
	if (presence == PRESENCE_TOKEN)
		message.bay.atr = (struct blob){ reader->atr, reader->atr_bytes };
	bays->tell(&message, bays->argument);
}

/* A bay that got another reader begins afresh: what was in the first is gone. */
static void
show(struct bays *bays, size_t bay)
{
	const struct told *told = &bays->told[bay];
	const struct watched *watched = &bays->watched[bays->config->bays[bay].pcscd];
	const struct reader *reader = reader_of(watched, bays->assigned[bay].reader);
	bool other = told->ever && strcmp(told->reader, bays->assigned[bay].reader) != 0;

	if (other && (told->presence == PRESENCE_TOKEN || told->presence == PRESENCE_MUTE))
		tell_bay(bays, bay, absent(bays, bay), NULL);
	if (reader)
		tell_bay(bays, bay, reader->presence, reader);
	else if (watched->looked)
		tell_bay(bays, bay, absent(bays, bay), NULL);
}

static bool
any_port_is_known(const struct bays *bays)
{
	for (size_t i = 0; i < bays->config->bay_count; i++)
		if (bays->ports[i][0])
			return true;
	return false;
}

static void
assign(struct bays *bays, size_t pcscd)
{
	const struct watched *watched = &bays->watched[pcscd];
	struct assign_reader readers[READERS_MAX];
	bool by_port = any_port_is_known(bays);
	size_t count = 0;

	for (size_t i = 0; i < READERS_MAX; i++)
		if (watched->readers[i].is_there && (watched->readers[i].port_known || !by_port))
			readers[count++] = (struct assign_reader){ watched->readers[i].name, watched->readers[i].port };
	assign_readers(bays->config, pcscd, readers, count, bays->ports, bays->assigned);
	for (size_t i = 0; i < bays->config->bay_count; i++)
		if (bays->config->bays[i].pcscd == pcscd && !config_bay_is_slot(&bays->config->bays[i]))
			show(bays, i);
}

/* --- readers */

static struct reader *
place_for(struct watched *watched, const char *name)
{
	struct reader *free_place = NULL;

	for (size_t i = 0; i < READERS_MAX; i++) {
		struct reader *reader = &watched->readers[i];

		if (reader->is_there && strcmp(reader->name, name) == 0)
			return reader;
		if (!reader->is_there && !free_place)
			free_place = reader;
	}
	return free_place;
}

static void
take_reader(struct bays *bays, struct reader *reader, const struct message_bay *seen)
{
	bool was_known = reader->is_there && reader->port_known;
	char was[USB_PATH_BYTES];

	memcpy(was, reader->port, sizeof was);
	snprintf(reader->name, sizeof reader->name, "%s", seen->reader);
	reader->is_there = seen->presence != PRESENCE_NO_READER;
	reader->presence = (enum presence)seen->presence;
	reader->port_known = strcmp(seen->port, PRESENCE_PORT_ASKED) != 0;
	snprintf(reader->port, sizeof reader->port, "%s", reader->port_known ? seen->port : "");
	reader->atr_bytes = seen->atr.length < ATR_MAX ? seen->atr.length : ATR_MAX;
	if (reader->atr_bytes > 0)
		memcpy(reader->atr, seen->atr.data, reader->atr_bytes);
	if (was_known != (reader->is_there && reader->port_known))
		bays->reader(reader->name, was_known ? was : reader->port, !was_known, bays->argument);
}

void
bays_take(struct bays *bays, size_t pcscd, const struct message *report)
{
	struct watched *watched = &bays->watched[pcscd];
	struct reader *reader;

	if (!report->bay.reader[0]) {
		watched->looked = true;
	} else if ((reader = place_for(watched, report->bay.reader))) {
		take_reader(bays, reader, &report->bay);
	}
	assign(bays, pcscd);
}

void
bays_wire(struct bays *bays, int number, const char *port)
{
	const struct config_bay *bay = config_bay(bays->config, number);
	size_t place = bay ? (size_t)(bay - bays->config->bays) : 0;

	if (!bay || strcmp(bays->wired[place], port) == 0)
		return;
	for (size_t i = 0; i < bays->config->bay_count; i++)
		if (port[0] && strcmp(bays->wired[i], port) == 0)
			bays->wired[i][0] = '\0';
	snprintf(bays->wired[place], sizeof bays->wired[place], "%s", port);
	for (size_t i = 0; i < bays->config->pcscd_count; i++)
		assign(bays, i);
}

void
bays_each_reader(const struct bays *bays, bays_reader *call, void *argument)
{
	for (size_t i = 0; i < bays->config->pcscd_count; i++)
		for (size_t j = 0; j < READERS_MAX; j++)
			if (bays->watched[i].readers[j].is_there && bays->watched[i].readers[j].port_known)
				call(bays->watched[i].readers[j].name, bays->watched[i].readers[j].port, 1, argument);
}
