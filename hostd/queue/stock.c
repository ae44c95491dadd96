#include "hostd/queue/stock.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/digest.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/mint.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/restored.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

/* --- how many */

static int64_t
level(struct queue *queue, const char *key_type)
{
	return store_value(queue->store, QUEUE_stock_ready, 0, "s", key_type);
}

/* Begun and not done, in bays where that goes on: a token that was taken out in mid-work may never come back. */
static int64_t
in_work(struct queue *queue, const char *key_type)
{
	return store_value(queue->store, QUEUE_stock_in_work, 0, "s", key_type);
}

static int
offers(const struct bay *bay, const char *key_type)
{
	const char *at = bay->key_types[0] ? bay->key_types : key_type;
	size_t length = strlen(key_type);

	for (; (at = strstr(at, key_type)) != NULL; at += length)
		if ((at == bay->key_types || at == key_type || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return 1;
	return 0;
}

struct wish {
	int64_t order;              /* 0: the configuration's level */
	char    key_type[17];
	char    lot[65];            /* "" not said */
};

/* Orders in the order they came; the first one of a key type that the bay offers, or that it does not. */
static int
ordered(struct bay *bay, struct wish *wish, int offered)
{
	struct store *store = bay->queue->store;
	enum queue_statement g = QUEUE_stock_orders;
	int r, found = 0;

	for (r = store_get(store, g, ""); r == 0 && !found; r = found ? 0 : store_next(store, g)) {
		int64_t left = store_i64(store, g, 2);

		wish->order = store_i64(store, g, 0);
		store_copy(store, g, 1, wish->key_type, sizeof wish->key_type);
		store_copy(store, g, 3, wish->lot, sizeof wish->lot);
		found = offers(bay, wish->key_type) == offered && in_work(bay->queue, wish->key_type) < left;
	}
	store_done(store, g);
	return found;
}

static int
find_wish(struct bay *bay, struct wish *wish, int offered)
{
	const struct config *config = bay->queue->config;

	memset(wish, 0, sizeof *wish);
	if (restored_is_unsettled(bay->queue))
		return 0;
	if (ordered(bay, wish, offered))
		return 1;
	memset(wish, 0, sizeof *wish);
	if (config->stock_keep == 0 || offers(bay, config->stock_key_type) != offered)
		return 0;
	snprintf(wish->key_type, sizeof wish->key_type, "%s", config->stock_key_type);
	return level(bay->queue, wish->key_type) + in_work(bay->queue, wish->key_type) < config->stock_keep;
}

int
stock_wants(struct bay *bay)
{
	struct wish wish;

	return !bay->in_stock && find_wish(bay, &wish, 1);
}

int
stock_wants_others(struct bay *bay)
{
	struct wish wish;

	return !bay->in_stock && !find_wish(bay, &wish, 1) && find_wish(bay, &wish, 0);
}

int64_t
stock_blanks_wanted(struct queue *queue)
{
	const struct config *config = queue->config;
	enum queue_statement g = QUEUE_stock_orders;
	int64_t sum = 0, left = config->stock_keep > 0 ? config->stock_keep - level(queue, config->stock_key_type) : 0;

	for (int r = store_get(queue->store, g, ""); r == 0; r = store_next(queue->store, g)) {
		char key_type[17];

		store_copy(queue->store, g, 1, key_type, sizeof key_type);
		sum += store_i64(queue->store, g, 2) - in_work(queue, key_type);
		if (strcmp(key_type, config->stock_key_type) == 0)
			left -= store_i64(queue->store, g, 2); /* what is ordered is made for the level, too */
	}
	if (config->stock_keep > 0 && store_value(queue->store, QUEUE_stock_ordered, 0, "s", config->stock_key_type) == 0)
		left -= in_work(queue, config->stock_key_type);
	return (sum > 0 ? sum : 0) + (left > 0 ? left : 0);
}

/* --- keying ahead */

int
stock_begin(struct bay *bay, int64_t token, int64_t *use)
{
	struct queue *queue = bay->queue;
	struct wish wish;
	int r;

	if (!find_wish(bay, &wish, 1))
		return MINT_NOT_FOUND;
	r = store_run(queue->store, QUEUE_use_add, "iidi", (int64_t)0, token, bay->number, queue_now(queue));
	if (r != 0)
		return r;
	*use = store_last_id(queue->store);
	r = store_run(queue->store, QUEUE_stock_add, "iisii", *use, wish.order, wish.key_type, (int64_t)bay->subject_max, queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_token_lot, "is", token, wish.lot[0] ? wish.lot : NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, token, "bind", NULL);
	return r == 0 ? bay_holds(bay, token, 0) : r;
}

static int
holds(const struct work *work, const struct message_checked *checked)
{
	struct blob spki = { .data = work->spki, .length = work->spki_bytes };

	return checked->challenge.length == DIGEST_BYTES && digest_check_signature(&spki, &checked->challenge, &checked->signature) == 0;
}

/* What could use it at once does: it need not be taken out for that. */
static int
into_stock(struct bay *bay, const struct work *work)
{
	int64_t credential, application;

	bay->in_stock = 1;
	snprintf(bay->key_types, sizeof bay->key_types, "%s", work->key_type);
	bay->queue->wake = 1; /* one more is there: others may be left for other tokens */
	if (claim_find(bay, &credential, &application) == 0)
		return bay_finish(bay, AFTER_PROBE, NULL);
	return bay_finish(bay, AFTER_STOCK, NULL);
}

static int
checked(struct bay *bay, const struct work *work, const struct message_checked *answer)
{
	struct queue *queue = bay->queue;
	int r;

	if (!holds(work, answer))
		return fault_token(bay, work, "PROOF_CHALLENGE", "the token does not sign with the key that it made");
	r = journal_end(queue, bay->journal, "done", NULL, NULL);
	if (r == 0)
		r = store_run(queue->store, QUEUE_stock_checked, "iibbi", work->use, (int64_t)bay->pid, &answer->challenge, &answer->signature,
		    queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_stock_order_made, "ii", work->use, queue_now(queue));
	if (r == 0)
		r = states_apply(queue, MACHINE_stock, work->use, "checked", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, work->token, "prekey", NULL);
	return r == 0 ? into_stock(bay, work) : r;
}

int
stock_checked(struct bay *bay, const struct message *message)
{
	struct work work;
	int r = work_of_bay(bay, &work);

	if (r == 0)
		r = checked(bay, &work, &message->checked);
	work_wipe(&work);
	return r;
}

int
stock_left(struct bay *bay)
{
	struct happening happening = { .kind = "stock.taken", .token = bay->token };
	int was_done = bay->in_stock && bay->state == STATE_bay_stock;

	bay->in_stock = 0;
	return was_done ? feed_add(bay->queue, &happening) : 0;
}

/* --- what is in stock is used */

/* Why it is not what was put into stock; NULL. Everything that the token shows without a code. */
static const char *
tampered(const struct work *work, const struct message_probed *probed)
{
	if (probed->key_id.length != KEY_ID_BYTES || memcmp(probed->key_id.data, work->key_id, KEY_ID_BYTES) != 0)
		return "its key is not under the id that we gave it";
	if (!work->spki_bytes || probed->spki.length != work->spki_bytes || memcmp(probed->spki.data, work->spki, work->spki_bytes) != 0)
		return "its public key is not the one on record";
	if (probed->certificate_sha256.length)
		return "a certificate is on it";
	if (probed->tries_lost)
		return "somebody has tried a code on it";
	return NULL;
}

static void
warn_if_low(struct queue *queue, const char *key_type)
{
	int64_t left = level(queue, key_type);
	struct happening happening = { .kind = "stock.low" };

	if (queue->config->stock_low == 0 || left != queue->config->stock_low - 1)
		return;
	log_warning("stock: %lld tokens with %s keys are left: less than %d", (long long)left, key_type, queue->config->stock_low);
	feed_add(queue, &happening);
}

/* The use goes on, for a credential now. */
static int
serve(struct bay *bay, const struct work *work, int64_t credential, int64_t application)
{
	struct queue *queue = bay->queue;
	int r = store_run(queue->store, QUEUE_use_bind, "ii", work->use, credential);

	if (r == 0)
		r = store_run(queue->store, QUEUE_stock_used, "ii", work->use, queue_now(queue));
	if (r == 0)
		r = states_apply(queue, MACHINE_stock, work->use, "use", NULL);
	if (r == 0)
		r = claim_bind(bay, work->token, work->use, credential, application);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, credential, "prekeyed", NULL);
	bay->in_stock = 0;
	if (r == 0)
		warn_if_low(queue, work->key_type);
	return r == 0 ? mint_next(bay, work->use) : r;
}

static int
found(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	const char *flaw = tampered(work, probed);
	int64_t credential, application;
	int r;

	if (flaw)
		return fault_token(bay, work, "TOKEN_TAMPERED", flaw);
	bay->in_stock = 1;
	bay->subject_max = (uint32_t)store_value(bay->queue->store, QUEUE_stock_subject_max, 0, "i", work->use);
	snprintf(bay->key_types, sizeof bay->key_types, "%s", work->key_type);
	r = claim_find(bay, &credential, &application);
	if (r == MINT_NOT_FOUND)
		return bay_finish(bay, AFTER_IDLE, "STOCK_UNUSED");
	return r == 0 ? serve(bay, work, credential, application) : r;
}

int
stock_found(struct bay *bay, int64_t use, const struct message_probed *probed)
{
	struct work work;
	int r = work_load(bay->queue, use, &work);

	if (r == 0)
		r = found(bay, &work, probed);
	work_wipe(&work);
	return r;
}

int
stock_refuse(struct bay *bay, int64_t use, const char *detail)
{
	struct work work;
	int r = work_load(bay->queue, use, &work);

	if (r == 0)
		r = fault_token(bay, &work, "TOKEN_TAMPERED", detail);
	work_wipe(&work);
	return r;
}

/* --- given up */

int
stock_give_up(struct queue *queue, int64_t use, const char *outcome)
{
	int r = store_run(queue->store, QUEUE_use_end, "isi", use, outcome, queue_now(queue));

	return r == 0 ? states_apply(queue, MACHINE_stock, use, "give_up", NULL) : r;
}

static int
is_in_a_bay(const struct queue *queue, int64_t token)
{
	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (queue->bays[i].token == token)
			return 1;
	return 0;
}

/* Taken out in mid-work and lost, it would be in work for ever: no credential misses it, so that no other order gets at it. */
int
stock_scrap(struct queue *queue, int64_t token)
{
	int64_t use = store_value(queue->store, QUEUE_stock_of_token, 0, "i", token);
	int cut_short = use && states_of(queue, MACHINE_token, token) == STATE_token_bound && !is_in_a_bay(queue, token);
	int r = cut_short ? states_apply(queue, MACHINE_token, token, "unbind", NULL) : 0;

	if (r == 0)
		r = states_apply(queue, MACHINE_token, token, "scrap", NULL);
	return r == 0 && use ? stock_give_up(queue, use, "abandoned") : r;
}

/* --- orders */

int
stock_order(struct queue *queue, const char *key_type, int64_t count, const char *lot, const char *actor)
{
	int r = store_run(queue->store, QUEUE_stock_order_end, "si", key_type, queue_now(queue));

	if (r == 0)
		r = store_run(queue->store, QUEUE_stock_order_add, "sissi", key_type, count, lot, actor, queue_now(queue));
	queue->wake = 1;
	return r;
}

int
stock_stop(struct queue *queue, const char *key_type)
{
	if (store_value(queue->store, QUEUE_stock_ordered, 0, "s", key_type) == 0)
		return MINT_NOT_FOUND;
	queue->wake = 1; /* bays that said that they do not offer it */
	return store_run(queue->store, QUEUE_stock_order_end, "si", key_type, queue_now(queue));
}
