/* The effects of faults. Each that happens is an event in the APDU log, in front of its command's line. */
#include "tools/vtoken/slot_internal.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <openssl/rand.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MS_US 1000

/* True when the command is dealt with. `after`: slot->reply holds the true answer, else the card was not asked. */
typedef bool effect(struct slot *slot, const struct fault *fault, bool after);

static effect do_cut, do_garbage, do_kill, do_length, do_silence, do_slow, do_sw;

static effect *const effects[] = {
	[FAULT_CUT] = do_cut,         [FAULT_SW] = do_sw,         [FAULT_SILENCE] = do_silence,
	[FAULT_GARBAGE] = do_garbage, [FAULT_LENGTH] = do_length, [FAULT_SLOW] = do_slow,
	[FAULT_KILL] = do_kill,
};

/* The token loses its power now. Taking it out of the slot waits for the loop: the caller still works with it. */
static bool
cut(struct slot *slot, int32_t ms)
{
	struct timeval wait = { 0 };

	link_unplug(slot->link);
	slot_abandon(slot);
	card_reset(token_card(slot->token));
	slot->stays_out = ms == FAULT_FOREVER;
	if (!slot->stays_out) {
		wait.tv_sec = ms / 1000;
		wait.tv_usec = ms % 1000 * 1000;
	}
	event_add(slot->after_cut, &wait);
	return true;
}

static bool
do_cut(struct slot *slot, const struct fault *fault, bool after)
{
	(void)after;
	return cut(slot, fault->value);
}

/* The process first: it must not hear of the token. */
static bool
do_kill(struct slot *slot, const struct fault *fault, bool after)
{
	(void)after;
	if (kill(fault->value, SIGKILL) != 0)
		log_error("slot %u: process %d: %s", slot->number, (int)fault->value, strerror(errno));
	return cut(slot, FAULT_FOREVER);
}

void
slot_fault_over(struct slot *slot)
{
	if (slot->stays_out)
		slot->world->pulled(slot->world->argument, slot->number);
	else
		link_plug(slot->link);
}

/* What replaces an answer goes out at once before, and in the answer's place after. */
static bool
replaced(struct slot *slot, bool after)
{
	if (!after)
		slot_send(slot);
	return !after;
}

static bool
do_sw(struct slot *slot, const struct fault *fault, bool after)
{
	card_refuse(&slot->reply, (uint16_t)fault->value);
	return replaced(slot, after);
}

static bool
do_garbage(struct slot *slot, const struct fault *fault, bool after)
{
	slot->reply.len = (size_t)fault->value;
	RAND_bytes(slot->reply.bytes, fault->value);
	return replaced(slot, after);
}

static bool
do_length(struct slot *slot, const struct fault *fault, bool after)
{
	struct card_reply *reply = &slot->reply;
	size_t data = reply->len - 2, by = (size_t)(fault->value < 0 ? -fault->value : fault->value);

	(void)after;
	if (fault->value >= 0) {
		by = reply->len + by > sizeof reply->bytes ? sizeof reply->bytes - reply->len : by;
		memmove(reply->bytes + data + by, reply->bytes + data, 2);
		memset(reply->bytes + data, 0xFF, by);
		reply->len += by;
	} else if (by <= data) {
		memmove(reply->bytes + data - by, reply->bytes + data, 2);
		reply->len -= by;
	} else {
		memmove(reply->bytes, reply->bytes + data, 1);
		reply->len = 1;
	}
	return false;
}

static bool
do_silence(struct slot *slot, const struct fault *fault, bool after)
{
	if (fault->value == FAULT_FOREVER)
		slot->stage = STAGE_SILENT;
	else
		slot_wait(slot, after ? STAGE_WAITING : STAGE_HELD, (uint64_t)fault->value * MS_US);
	return true;
}

static bool
do_slow(struct slot *slot, const struct fault *fault, bool after)
{
	(void)after;
	slot->slow_us = (uint32_t)fault->value * MS_US;
	if (slot->least_us < slot->slow_us)
		slot->least_us = slot->slow_us;
	return false;
}

static bool
happen(struct slot *slot, enum fault_moment moment)
{
	const struct fault *fault;
	char text[FAULT_TEXT], event[FAULT_TEXT + 32];

	while ((fault = faults_due(slot->faults, moment))) {
		fault_text(fault, text);
		snprintf(event, sizeof event, "fault id=%u %s", fault->id, text);
		trail_event(slot->world->trail, slot->number, slot_serial(slot), event);
		slot->world->noticed(slot->world->argument, slot->number);
		if (effects[fault->effect](slot, fault, moment == FAULT_AFTER))
			return true;
	}
	return false;
}

bool
slot_fault_before(struct slot *slot)
{
	return happen(slot, FAULT_BEFORE);
}

/* Only a cut or a kill can be due here: what the card did is as if it had never been. */
bool
slot_fault_unstored(struct slot *slot)
{
	int error;

	if (!happen(slot, FAULT_UNSTORED))
		return false;
	error = token_reload(slot->token);
	if (error)
		log_error("token %s: state not read back (%s)", slot_serial(slot), error_info(error)->name);
	return true;
}

bool
slot_fault_after(struct slot *slot)
{
	return happen(slot, FAULT_AFTER);
}
