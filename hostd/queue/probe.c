#include "hostd/queue/probe.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/mint.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/recover.h"
#include "hostd/queue/secret.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

/* What a row of the record says of the token. */
enum known {
#define CONTENT(...)
#define KNOWN(name, ...) KNOWN_##name,
#define ACTION(...)
#define DECISION(...)
#include "schemas/decisions.def"
#undef CONTENT
#undef KNOWN
#undef ACTION
#undef DECISION
	KNOWN_COUNT
};

struct token {
	int64_t    id, use, credential;
	enum state stock;                /* of its use, while that serves no credential; else STATE_NONE */
	enum known known;
	int        has_codes;
	int        erasing;              /* a person allows that what is on it is erased */
	int        others;               /* rows with the same serial number that are not this token */
	char       marker[33];
	char       found[65];            /* label of one that was not ours */
	char       failed_error[33];
};

typedef int action(struct bay *bay, const struct message_probed *probed, struct token *token);

#define CONTENT(...)
#define KNOWN(...)
#define ACTION(name, ...) static action name;
#define DECISION(...)
#include "schemas/decisions.def"
#undef ACTION
#undef DECISION

static const struct {
	uint8_t rank;
	action *run;
} decisions[][KNOWN_COUNT] = {
#define ACTION(...)
#define DECISION(content, known, rank, action) [CONTENT_##content][KNOWN_##known] = { rank, action },
#include "schemas/decisions.def"
#undef CONTENT
#undef KNOWN
#undef ACTION
#undef DECISION
};

static int
trouble(struct bay *bay, const char *error)
{
	return bay_finish(bay, AFTER_TROUBLE, error);
}

/* --- which row it is */

/* It was never tried: what was on it when it came is all that speaks against it. */
static int
was_refused(const struct token *token)
{
	return strcmp(token->failed_error, "TOKEN_FOREIGN") == 0 || strcmp(token->failed_error, "TOKEN_LIVE") == 0;
}

static enum known
known_by(enum state state, const char *credential_state, const struct token *token)
{
	switch ((int)state) {
	case STATE_token_quarantined:
		return was_refused(token) ? KNOWN_STRANGER : KNOWN_QUARANTINED;
	case STATE_token_scrapped:
		return KNOWN_SCRAPPED;
	case STATE_token_shipped:
		return KNOWN_SHIPPED;
	case STATE_token_sealed:
		return KNOWN_SEALED;
	case STATE_token_erasable:
		return KNOWN_ERASABLE;
	default:
		if (token->stock == STATE_stock_ready)
			return KNOWN_STOCK;
		if (!token->use)
			return token->erasing ? KNOWN_ERASABLE : KNOWN_FREE;
		return token->stock == STATE_stock_claimed || states_by_name(MACHINE_credential, credential_state) == STATE_credential_claimed
		    ? KNOWN_BEGUN : KNOWN_BOUND;
	}
}

/* A row of :token_find. */
static void
take_row(struct store *store, struct token *token)
{
	enum queue_statement g = QUEUE_token_find;

	memset(token, 0, sizeof *token);
	token->id = store_i64(store, g, 0);
	store_copy(store, g, 2, token->marker, sizeof token->marker);
	token->has_codes = (int)store_i64(store, g, 3);
	store_copy(store, g, 4, token->failed_error, sizeof token->failed_error);
	token->use = store_i64(store, g, 5);
	token->credential = store_i64(store, g, 6);
	store_copy(store, g, 7, token->found, sizeof token->found);
	token->erasing = (int)store_i64(store, g, 8);
	token->stock = token->credential ? STATE_NONE : states_by_name(MACHINE_stock, store_text(store, g, 10));
	token->known = known_by(states_by_name(MACHINE_token, store_text(store, g, 1)), store_text(store, g, 9), token);
}

/* Whether the token may show this label. What shows none may be anything that was not finished: not what was last seen whole. */
static int
may_show(const struct token *token, const struct message_probed *probed)
{
	static const uint8_t was_whole[KNOWN_COUNT] = {
		[KNOWN_BOUND] = 1, [KNOWN_STOCK] = 1, [KNOWN_SEALED] = 1, [KNOWN_SHIPPED] = 1, [KNOWN_STRANGER] = 1,
	};
	static const uint8_t may_be_others[KNOWN_COUNT] = {
		[KNOWN_ERASABLE] = 1, [KNOWN_STRANGER] = 1, [KNOWN_QUARANTINED] = 1, [KNOWN_SCRAPPED] = 1,
	};

	if (probed->content == CONTENT_BLANK || strcmp(probed->label, token->marker) == 0)
		return 1;
	if (strcmp(probed->label, token->found) == 0 && (may_be_others[token->known] || token->erasing))
		return 1;
	return probed->content != CONTENT_MARKED && !probed->label[0] && !was_whole[token->known];
}

/* Whether the token is in another bay: then what is in this one only has the same serial number. A bay that has lost sight of it has no
 * say in it any more. */
static int
is_elsewhere(const struct bay *bay, int64_t token)
{
	const struct queue *queue = bay->queue;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		if (&queue->bays[i] != bay && queue->bays[i].token == token && !bay_has_lost_sight(&queue->bays[i]))
			return 1;
	return 0;
}

static int
is_out(const struct token *token)
{
	return token->known == KNOWN_STRANGER || token->known == KNOWN_QUARANTINED || token->known == KNOWN_SCRAPPED;
}

/* How well a row fits, lower is better; 0: not at all. A destroyed token is refused by its serial number alone while no other
 * one has that number. */
static int
rank_of(const struct bay *bay, const struct message_probed *probed, const struct token *token, int rows)
{
	int rank = decisions[probed->content][token->known].rank;

	if (!rank || !may_show(token, probed) || is_elsewhere(bay, token->id))
		return 0;
	/* What shows nothing of ours may be somebody's: it is the one that we had begun only if it never left its bay. */
	if (probed->content == CONTENT_FOREIGN && token->known == KNOWN_BEGUN && !token->erasing && (token->id != bay->token || bay->recalled))
		return 0;
	/* Where no serial number tells one from the next, a token that was refused is known by its label alone. */
	if (!probed->serial[0] && is_out(token) && strcmp(probed->label, token->marker) != 0 && strcmp(probed->label, token->found) != 0)
		return 0;
	if (token->known == KNOWN_SCRAPPED && rows > 1 && strcmp(probed->label, token->marker) != 0)
		return 0;
	return token->id == bay->token && !bay->recalled ? 1 : rank + 1;
}

/* The row that is this token; known as not on record when none is. *taken: the row that carries this very marker, and is in
 * another bay. */
static int
find(const struct bay *bay, const struct message_probed *probed, struct token *found, int *taken)
{
	struct store *store = bay->queue->store;
	struct blob atr = { .data = bay->atr, .length = bay->atr_bytes };
	enum queue_statement g = QUEUE_token_find;
	int rows = (int)store_value(store, QUEUE_token_alike, 0, "sbs", probed->model, &atr, probed->serial);
	int best = 0, rank, r;
	struct token token;

	memset(found, 0, sizeof *found);
	*taken = 0;
	for (r = store_get(store, g, "sbs", probed->model, &atr, probed->serial); r == 0; r = store_next(store, g)) {
		take_row(store, &token);
		if (probed->label[0] && strcmp(probed->label, token.marker) == 0 && is_elsewhere(bay, token.id))
			*taken = 1;
		rank = rank_of(bay, probed, &token, rows);
		if (rank && (!best || rank < best)) {
			best = rank;
			*found = token;
		}
	}
	store_done(store, g);
	found->others = rows - (best > 0);
	return r == MINT_NOT_FOUND ? 0 : r;
}

/* --- the decision */

/* A row or none: what was held here before is gone, what is here now is shown. */
static int
settle_on(struct bay *bay, const struct message_probed *probed, const struct token *token)
{
	struct queue *queue = bay->queue;
	int r = 0;

	if (token->id)
		r = store_run(queue->store, QUEUE_token_seen, "iidd", token->id, queue_now(queue), (int)probed->user_tries,
		    (int)probed->so_tries);
	bay->cycled = 0;
	if (r == 0 && bay->credential && bay->token != token->id && !(bay->recalled && queue->recovering))
		r = finish_left(queue, bay->credential); /* swapped while nobody watched; at the start it may be in a bay that is still looked at */
	return r == 0 ? bay_holds(bay, token->id, token->credential) : r;
}

static int
same_marker(struct bay *bay, const struct message_probed *probed)
{
	log_warning("bay %d: token %s: its marker %s is on the token of another bay too: left alone", bay->number, probed->serial,
	    probed->label);
	return trouble(bay, "TOKEN_TWIN");
}

int
probe_decide(struct bay *bay, const struct message_probed *probed)
{
	struct queue *queue = bay->queue;
	struct token token;
	int taken, r;

	if (probed->content < CONTENT_BLANK || probed->content > CONTENT_UNKNOWN_CARD)
		return MINT_PROTOCOL;
	bay->content = probed->content;
	bay->in_stock = 0;
	bay->subject_max = probed->subject_max;
	snprintf(bay->key_types, sizeof bay->key_types, "%s", probed->key_types);
	r = find(bay, probed, &token, &taken);
	if (r != 0)
		return r;
	bay->begun_by_us = probed->content == CONTENT_HALF ||
	                   (strcmp(probed->label, token.marker) == 0 && probed->spki.length == 0);
	r = settle_on(bay, probed, &token);
	if (r == 0 && taken)
		r = same_marker(bay, probed);
	else if (r == 0)
		r = decisions[probed->content][token.known].run(bay, probed, &token);
	bay->settled = 1; /* whatever its worker still waits for: what is in the bay is known now */
	return r == 0 ? recover_settled(queue) : r;
}

/* --- actions */

/* Transport codes go on record before any token is to carry them; where some are known already those stay, because they may be
 * what is on the token. */
static int
keep_codes(struct bay *bay, const struct message_probed *probed, int64_t token)
{
	return store_run(bay->queue->store, QUEUE_token_set_codes, "ib", token, &probed->fresh_codes);
}

/* A row of its own. Where the serial number was known it is told: from now on only the marker tells these tokens apart. */
static int
add(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	struct queue *queue = bay->queue;
	struct blob atr = { .data = bay->atr, .length = bay->atr_bytes };
	struct happening happening = { .kind = "token.twin" };
	int r = store_run(queue->store, QUEUE_token_add, "sbsi", probed->model, &atr, probed->serial, queue_now(queue));

	if (r != 0)
		return r;
	happening.token = token->id = store_last_id(queue->store);
	r = settle_on(bay, probed, token);
	if (r != 0 || !token->others)
		return r;
	log_warning("bay %d: token %s: another token has the same serial number: on record as MB-%08lld", bay->number, probed->serial,
	    (long long)token->id);
	return feed_add(queue, &happening);
}

static int
adopt(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	int r = add(bay, probed, token);

	if (r == 0)
		r = states_apply(bay->queue, MACHINE_token, token->id, "recognise", NULL);
	return r == 0 ? claim(bay, probed, token) : r;
}

static int
take_back(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	enum state state = states_of(bay->queue, MACHINE_token, token->id);
	int r = store_run(bay->queue->store, QUEUE_token_clean, "i", token->id);

	if (r == 0 && state != STATE_token_blank)
		r = states_apply(bay->queue, MACHINE_token, token->id, "recognise", NULL);
	secret_drop(bay->queue, token->id);
	return r == 0 ? claim(bay, probed, token) : r;
}

static int
claim(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	int64_t use;
	int r, s;

	if (probed->fresh_codes.length == 0 && !token->has_codes) {
		log_error("bay %d: the worker made no codes for token %lld: see its log", bay->number, (long long)token->id);
		return trouble(bay, "CRYPTO");
	}
	r = claim_next(bay, token->id, &use);
	if (r == MINT_NOT_FOUND || r == MINT_TOKEN_MECHANISM) {
		s = stock_begin(bay, token->id, &use);
		r = s == MINT_NOT_FOUND ? r : s;
	}
	if (r == MINT_NOT_FOUND)
		return bay_finish(bay, AFTER_IDLE, NULL);
	if (r == MINT_TOKEN_MECHANISM) /* a good token, but none that can be used now: the bay says so and waits for other work */
		return bay_finish(bay, AFTER_IDLE, "TOKEN_MECHANISM");
	if (r == 0)
		r = keep_codes(bay, probed, token->id);
	return r == 0 ? mint_next(bay, use) : r;
}

/* Into quarantine, and shown so. */
static int
refuse(struct bay *bay, const struct token *token, const char *error, const char *detail)
{
	int r = fault_quarantine(bay->queue, token->id, error, detail);

	return r == 0 ? trouble(bay, error_by_name(error)->name) : r;
}

/* Put on record, so that it is known when it comes back, and a named person can order something about it. A module that gives no
 * serial number leaves nothing to know it by. */
static int
keep_out(struct bay *bay, const struct message_probed *probed, struct token *token, const char *error)
{
	struct queue *queue = bay->queue;
	int r;

	if (!probed->serial[0])
		return trouble(bay, error_by_name(error)->name);
	r = token->id ? 0 : add(bay, probed, token);
	if (r == 0)
		r = store_run(queue->store, QUEUE_token_found, "is", token->id, probed->label);
	if (r == 0 && states_of(queue, MACHINE_token, token->id) != STATE_token_unknown)
		return refuse(bay, token, error, probed->label);
	if (r == 0)
		r = store_run(queue->store, QUEUE_token_failed, "iss", token->id, error, probed->label);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, token->id, "refuse", error);
	return r == 0 ? trouble(bay, error_by_name(error)->name) : r;
}

/* Ours, but the credential it was begun for has gone elsewhere; or a person allows it. A finished one that was given up carries its
 * final codes, which the bench does not know; and with the SO-PIN locked it would only cost the credential a try. */
static int
claim_erasing(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	if (!token->has_codes && !token->erasing)
		return probed->content == CONTENT_MARKED ? keep_out(bay, probed, token, "CODE_UNKNOWN") : foreign(bay, probed, token);
	if (probed->so_tries == 0 && probed->content != CONTENT_HALF)
		return refuse(bay, token, "PIN_LOCKED", "the SO-PIN is locked: it cannot be erased");
	return claim(bay, probed, token);
}

static int
go_on(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	int r;

	if (!token->has_codes) {
		if (probed->content != CONTENT_BLANK && !token->erasing)
			return trouble(bay, "TOKEN_FOREIGN");
		r = keep_codes(bay, probed, token->id);
		if (r != 0)
			return r;
	}
	return mint_resume(bay, token->use, probed);
}

/* Whether it carries what was made for the credential: a twin of it that was begun and lost has the marker, but not the key. */
static int
carries_the_key(struct bay *bay, const struct message_probed *probed, const struct token *token)
{
	struct work work;
	int same = work_load(bay->queue, token->use, &work) == 0 && probed->spki.length == work.spki_bytes && work.spki_bytes > 0 &&
	           memcmp(probed->spki.data, work.spki, work.spki_bytes) == 0;

	work_wipe(&work);
	return same;
}

static int
from_stock(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	return stock_found(bay, token->use, probed);
}

static int
tampered(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	(void)probed;
	return stock_refuse(bay, token->use, "it is only half initialised");
}

static int
hand_over(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	enum state state = states_of(bay->queue, MACHINE_credential, token->credential);

	if (!carries_the_key(bay, probed, token)) {
		int r = bay_holds(bay, 0, 0);

		return r == 0 ? same_marker(bay, probed) : r;
	}
	/* Taken too: pcscd or the hub was away for a moment, or a person put it back. It is a good one and belongs on the table. */
	if (state == STATE_credential_sealed || state == STATE_credential_taken)
		return bay_finish(bay, AFTER_TAKE, NULL);
	return live(bay, probed, token);
}

static int
live(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	(void)probed, (void)token;
	return trouble(bay, "TOKEN_LIVE");
}

/* Of another bench, or of a record that was lost. */
static int
strange(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	return keep_out(bay, probed, token, probed->certificate_sha256.length ? "TOKEN_LIVE" : "TOKEN_FOREIGN");
}

static int
foreign(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	return keep_out(bay, probed, token, "TOKEN_FOREIGN");
}

static int
unreadable(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	(void)probed, (void)token;
	return trouble(bay, "TOKEN_UNKNOWN");
}

static int
bad(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	const struct error_info *why = error_by_name(token->failed_error);

	(void)probed;
	return trouble(bay, why ? why->name : "TOKEN_ERROR");
}

static int
boxed(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	return probed->label[0] ? bad(bay, probed, token) : trouble(bay, "TOKEN_QUARANTINED");
}

static int
scrap(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	(void)probed, (void)token;
	return trouble(bay, "TOKEN_SCRAPPED");
}
