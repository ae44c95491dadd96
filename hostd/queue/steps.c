#include "hostd/queue/steps.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/secret.h"
#include "hostd/queue/subject.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/work.h"

#include <assert.h>

const struct step steps[STEP_COUNT] = {
#define STEP(name, performer, from, to, timeout_ms, probe, undo, hung, en, zh) \
	[STEP_##name] = { #name, PERFORMER_##performer, STATE_credential_##from, STATE_credential_##to, timeout_ms, \
		PROBE_##probe, UNDO_##undo, HUNG_##hung },
#include "schemas/steps.def"
#undef STEP
};

const struct step *
steps_from(enum state state)
{
	for (int i = 0; i < STEP_COUNT; i++)
		if (steps[i].from == state && steps[i].performer <= PERFORMER_ca)
			return &steps[i];
	return NULL;
}

/* What a doubt has to be settled about was written. */
int
steps_writes(const struct step *step)
{
	return step && (step->performer == PERFORMER_mint || step->performer == PERFORMER_prove) && step->probe != PROBE_none;
}

/* --- what a worker is told, step by step */

static struct blob
codes_of(const struct work *work)
{
	return (struct blob){ .data = work->codes, .length = work->codes_bytes };
}

static struct blob
key_id_of(const struct work *work)
{
	return (struct blob){ .data = work->key_id, .length = KEY_ID_BYTES };
}

static struct blob
certificate_of(const struct work *work)
{
	return (struct blob){ .data = work->certificate, .length = work->certificate_bytes };
}

static uint32_t
subject_bytes_of(struct queue *queue, const struct work *work)
{
	uint32_t bytes = 0;

	if (store_get(queue->store, QUEUE_person_record, "i", work->application) == 0) {
		bytes = subject_bytes(store_text(queue->store, QUEUE_person_record, 0));
		store_done(queue->store, QUEUE_person_record);
	}
	return bytes;
}

/* A token keeps its transport codes when it is erased: at no moment can it carry codes of ours that are not on record. */
static void
say_initialise(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	int erase = bay->content != CONTENT_BLANK;
	int known = erase && (!work->foreign || bay->begun_by_us);

	message->type = MESSAGE_initialise;
	message->initialise = (struct message_initialise){
		.journal = journal, .erase = (uint8_t)erase, .label = work->marker, .codes = codes_of(work),
		.old_codes = known ? codes_of(work) : (struct blob){ NULL, 0 },
		.so_pin = erase ? secret_of(bay->queue, work->token) : "", .key_type = work->key_type, .key_id = key_id_of(work),
		.subject_bytes = subject_bytes_of(bay->queue, work),
	};
}

static void
say_key(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	(void)bay;
	message->type = MESSAGE_make_key;
	message->make_key = (struct message_make_key){
		.journal = journal, .key_type = work->key_type, .key_id = key_id_of(work), .label = work->name,
		.codes = codes_of(work),
	};
}

static void
say_request(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	(void)bay;
	message->type = MESSAGE_make_request;
	message->make_request = (struct message_make_request){
		.journal = journal, .key_id = key_id_of(work), .common_name = work->name, .codes = codes_of(work),
	};
}

static void
say_burn(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	(void)bay;
	message->type = MESSAGE_burn;
	message->burn = (struct message_burn){
		.journal = journal, .key_id = key_id_of(work), .label = work->name, .certificate = certificate_of(work),
		.codes = codes_of(work),
	};
}

static void
say_prove(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	message->type = MESSAGE_prove;
	message->prove = (struct message_prove){
		.journal = journal, .serial = work->serial, .key_id = key_id_of(work), .certificate = certificate_of(work),
		.codes = codes_of(work), .proven = !bay->codes_known && work->state == STATE_credential_verified,
	};
}

/* A process that did not make the proof first has to see which codes are still transport codes: the step's probe. */
static void
say_seal(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	if (!bay->codes_known) {
		say_prove(bay, work, journal, message);
		return;
	}
	message->type = MESSAGE_seal;
	message->seal.journal = journal;
}

static void
say_check(const struct bay *bay, const struct work *work, uint64_t journal, struct message *message)
{
	(void)bay;
	message->type = MESSAGE_check;
	message->check = (struct message_check){
		.journal = journal, .serial = work->serial, .key_id = key_id_of(work), .codes = codes_of(work),
		.spki = { .data = work->spki, .length = work->spki_bytes },
	};
}

static void (*const say[STEP_COUNT])(const struct bay *, const struct work *, uint64_t, struct message *) = {
	[STEP_initialise] = say_initialise,
	[STEP_key] = say_key,
	[STEP_request] = say_request,
	[STEP_burn] = say_burn,
	[STEP_prove] = say_prove,
	[STEP_seal] = say_seal,
	[STEP_check] = say_check,
};

int
steps_begin(struct bay *bay, const struct work *work, enum step_id id)
{
	int64_t journal = journal_begin(bay->queue, work, bay, id);

	return journal < 0 ? (int)journal : steps_order(bay, work, id, journal);
}

int
steps_order(struct bay *bay, const struct work *work, enum step_id id, int64_t journal)
{
	struct message message = { .type = MESSAGE_hello };
	int r;

	assert(say[id]);
	say[id](bay, work, (uint64_t)journal, &message);
	r = bay_at_step(bay, &steps[id], journal);
	return r == 0 ? turn_send(bay->queue, bay->worker, &message) : r;
}
