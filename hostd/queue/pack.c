#include "hostd/queue/pack.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/naming.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <string.h>

/* A row of :token_owner. */
struct owner {
	int64_t    token, credential, application, use;
	enum state token_state, credential_state;
	char       reference[129], name[129];
};

static int
find_owner(struct queue *queue, const char *name, struct owner *owner, json_t **detail)
{
	struct store *s = queue->store;
	enum queue_statement g = QUEUE_token_owner;
	struct named_token token;
	int r = naming_find(queue, name, &token, detail);

	memset(owner, 0, sizeof *owner);
	if (r == 0)
		r = store_get(s, g, "i", token.id);
	if (r != 0)
		return r;
	owner->token = store_i64(s, g, 0);
	owner->token_state = states_by_name(MACHINE_token, store_text(s, g, 1));
	owner->credential = store_i64(s, g, 2);
	owner->credential_state = states_by_name(MACHINE_credential, store_text(s, g, 3));
	owner->application = store_i64(s, g, 4);
	store_copy(s, g, 5, owner->reference, sizeof owner->reference);
	owner->use = store_i64(s, g, 6);
	store_copy(s, g, 7, owner->name, sizeof owner->name);
	store_done(s, g);
	return 0;
}

static json_t *
wrong(const char *name, const struct owner *owner, enum reason reason)
{
	json_t *detail = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "token", name, "belongs_to", owner->reference[0] ? owner->reference : NULL, "credential", owner->name[0] ? owner->name : NULL,
	    "credential_state", owner->credential ? states_name(owner->credential_state) : NULL,
	    "token_state", owner->token ? states_name(owner->token_state) : NULL);

	return reason_give(detail, reason);
}

static int
put_in(struct queue *queue, int64_t parcel, const struct owner *owner)
{
	struct work work;
	int r = work_load(queue, owner->use, &work);

	if (r == 0)
		r = journal_note(queue, &work, STEP_pack);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, owner->credential, "pack", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, owner->token, "ship", NULL);
	if (r == 0)
		r = store_run(queue->store, QUEUE_use_end, "isi", owner->use, "packed", queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_parcel_item_add, "iiii", parcel, owner->credential, owner->token,
		    queue_now(queue));
	work_wipe(&work);
	return r;
}

/* Why a token may not go into the parcel; REASON_NONE. */
static enum reason
hindrance(int64_t application, const struct owner *owner)
{
	if (!owner->credential)
		return REASON_pack_of_nobody;
	if (owner->application != application)
		return REASON_pack_of_another;
	return owner->credential_state == STATE_credential_taken || owner->credential_state == STATE_credential_packed
	    ? REASON_NONE : REASON_pack_not_finished;
}

/* One token of the list; packing it again changes nothing. */
static int
pack_one(struct queue *queue, int64_t application, int64_t parcel, const char *name, json_t **detail)
{
	struct owner owner;
	enum reason reason;
	int r = name ? find_owner(queue, name, &owner, detail) : MINT_ARGUMENT;

	if (r == MINT_ARGUMENT)
		*detail = reason_give(NULL, REASON_pack_no_list);
	else if (r == MINT_NOT_FOUND)
		*detail = wrong(name, &owner, REASON_pack_unknown);
	else if (r == MINT_AMBIGUOUS)
		json_object_set_new(*detail, "token", json_string(name));
	if (r != 0)
		return r;
	reason = hindrance(application, &owner);
	if (reason != REASON_NONE) {
		*detail = wrong(name, &owner, reason);
		return MINT_REFUSED;
	}
	return owner.credential_state == STATE_credential_packed ? 0 : put_in(queue, parcel, &owner);
}

static int64_t
missing(struct queue *queue, int64_t application)
{
	enum queue_statement g = QUEUE_application_progress;
	int64_t left;

	if (store_get(queue->store, g, "i", application) != 0)
		return -1;
	left = store_i64(queue->store, g, 0) - store_i64(queue->store, g, 2);
	store_done(queue->store, g);
	return left;
}

int
pack_tokens(struct queue *queue, int64_t application, const char *reference, const json_t *serials, json_t **detail)
{
	int64_t parcel = store_value(queue->store, QUEUE_parcel_of_application, 0, "i", application);
	int64_t left;
	int r = json_array_size(serials) > 0 && parcel ? 0 : MINT_ARGUMENT;

	*detail = NULL;
	for (size_t i = 0; r == 0 && i < json_array_size(serials); i++)
		r = pack_one(queue, application, parcel, json_string_value(json_array_get(serials, i)), detail);
	if (r != 0)
		return r;
	left = missing(queue, application);
	if (left == 0 && store_value(queue->store, QUEUE_parcel_is_open, 0, "i", parcel))
		r = store_run(queue->store, QUEUE_parcel_packed, "iis", parcel, queue_now(queue), queue->actor);
	if (r == 0)
		r = finish_check(queue, application);
	if (r == 0)
		*detail = json_pack("{s:s, s:s, s:I}", "application", reference, "state",
		    states_name(states_of(queue, MACHINE_application, application)), "missing", (json_int_t)left);
	return r;
}
