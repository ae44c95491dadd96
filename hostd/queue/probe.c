#include "hostd/queue/probe.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/claim.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/mint.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/recover.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

/* What the record knows of the token. */
enum known { KNOWN_NOT, KNOWN_FREE, KNOWN_BOUND, KNOWN_SEALED, KNOWN_SHIPPED, KNOWN_BAD, KNOWN_COUNT };

struct token {
	int64_t    id, use, credential;
	enum known known;
	enum state state;
	int        has_codes;
	char       marker[33];
	char       failed_error[33];
};

typedef int action(struct bay *bay, const struct message_probed *probed, struct token *token);

static action adopt, claim, claim_erasing, go_on, hand_over, live, foreign, unreadable, bad;

/* Law of the bench: never erase what may be somebody's, never repeat without looking. Rows: what is on the token; columns: what
 * the record knows of it. */
static action *const decisions[][KNOWN_COUNT] = {
	/*                       not known  free           bound       sealed      shipped  quarantined, scrapped */
	[CONTENT_BLANK] =        { adopt,      claim,         go_on,      foreign,    foreign, bad },
	[CONTENT_MARKED] =       { live,       claim_erasing, go_on,      hand_over,  live,    bad },
	[CONTENT_HALF] =         { foreign,    claim_erasing, go_on,      foreign,    foreign, bad },
	[CONTENT_FOREIGN] =      { foreign,    foreign,       foreign,    foreign,    foreign, bad },
	[CONTENT_UNKNOWN_CARD] = { unreadable, unreadable,    unreadable, unreadable, unreadable, unreadable },
};

static int
trouble(struct bay *bay, const char *error)
{
	return bay_finish(bay, AFTER_TROUBLE, error);
}

static enum known
known_by(enum state state, int64_t use)
{
	if (state == STATE_token_quarantined || state == STATE_token_scrapped)
		return KNOWN_BAD;
	if (state == STATE_token_shipped)
		return KNOWN_SHIPPED;
	if (state == STATE_token_sealed)
		return KNOWN_SEALED;
	return use ? KNOWN_BOUND : KNOWN_FREE;
}

static int
find(struct queue *queue, const struct bay *bay, const struct message_probed *probed, struct token *token)
{
	struct blob atr = { .data = bay->atr, .length = bay->atr_bytes };
	enum queue_statement g = QUEUE_token_find;
	int r;

	memset(token, 0, sizeof *token);
	r = store_get(queue->store, g, "sbs", probed->model, &atr, probed->serial);
	if (r == MINT_NOT_FOUND)
		return 0;
	if (r != 0)
		return r;
	token->id = store_i64(queue->store, g, 0);
	token->state = states_by_name(MACHINE_token, store_text(queue->store, g, 1));
	store_copy(queue->store, g, 2, token->marker, sizeof token->marker);
	token->has_codes = (int)store_i64(queue->store, g, 3);
	store_copy(queue->store, g, 4, token->failed_error, sizeof token->failed_error);
	token->use = store_i64(queue->store, g, 5);
	token->credential = store_i64(queue->store, g, 6);
	store_done(queue->store, g);
	token->known = known_by(token->state, token->use);
	/* Some lots carry one serial twice: with our marker on it, a token is ours only if it is the right one. */
	if (probed->content == CONTENT_MARKED && strcmp(probed->label, token->marker) != 0)
		memset(token, 0, sizeof *token);
	return 0;
}

/* Whether the token is at work in another bay: then this one only has the same serial. A worker that is being stopped because
 * the token was taken out under it has no say in it any more. */
static int
is_at_work_elsewhere(const struct bay *bay, int64_t token)
{
	struct queue *queue = bay->queue;
	int at_work = 0;

	for (size_t i = 0; token && i < queue->config->bay_count; i++) {
		struct bay *other = &queue->bays[i];

		if (other == bay || !other->lease || other->token != token)
			continue;
		if (other->left)
			other->token = other->credential = 0;
		else
			at_work = 1;
	}
	return at_work;
}

int
probe_decide(struct bay *bay, const struct message_probed *probed)
{
	struct queue *queue = bay->queue;
	struct token token;
	int r;

	if (probed->content < CONTENT_BLANK || probed->content > CONTENT_UNKNOWN_CARD)
		return MINT_PROTOCOL;
	bay->content = probed->content;
	r = find(queue, bay, probed, &token);
	if (r != 0)
		return r;
	if (token.id) {
		r = store_run(queue->store, QUEUE_token_seen, "ii", token.id, queue_now(queue));
		if (r != 0)
			return r;
	}
	if (bay->credential && bay->token != token.id) {
		r = finish_left(queue, bay->credential); /* swapped while nobody watched */
		if (r != 0)
			return r;
	}
	if (is_at_work_elsewhere(bay, token.id)) {
		log_warning("bay %d: token %s is at work in another bay: this one has the same serial", bay->number, probed->serial);
		r = bay_holds(bay, 0, 0);
		return r == 0 ? trouble(bay, "TOKEN_OTHER") : r;
	}
	r = bay_holds(bay, token.id, token.credential);
	if (r == 0)
		r = decisions[probed->content][token.known](bay, probed, &token);
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

static int
adopt(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	struct queue *queue = bay->queue;
	struct blob atr = { .data = bay->atr, .length = bay->atr_bytes };
	int r = store_run(queue->store, QUEUE_token_add, "sbsi", probed->model, &atr, probed->serial, queue_now(queue));

	if (r != 0)
		return r;
	token->id = store_last_id(queue->store);
	r = states_apply(queue, MACHINE_token, token->id, "recognise", NULL);
	if (r == 0)
		r = bay_holds(bay, token->id, 0);
	return r == 0 ? claim(bay, probed, token) : r;
}

static int
claim(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	struct queue *queue = bay->queue;
	int64_t use;
	int r;

	if (probed->fresh_codes.length == 0 && !token->has_codes) {
		log_error("bay %d: the worker made no codes for token %lld: see its log", bay->number, (long long)token->id);
		return trouble(bay, "CRYPTO");
	}
	r = claim_next(queue, bay, token->id, &use);
	if (r == MINT_NOT_FOUND)
		return bay_finish(bay, AFTER_IDLE, NULL);
	if (r == 0)
		r = keep_codes(bay, probed, token->id);
	return r == 0 ? mint_next(bay, use) : r;
}

/* Ours, but the credential it was begun for has gone elsewhere: its codes are known, so it may be used again. */
static int
claim_erasing(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	return token->has_codes ? claim(bay, probed, token) : foreign(bay, probed, token);
}

static int
go_on(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	int r;

	if (!token->has_codes) {
		if (probed->content != CONTENT_BLANK)
			return foreign(bay, probed, token);
		r = keep_codes(bay, probed, token->id);
		if (r != 0)
			return r;
	}
	return mint_resume(bay, token->use, probed);
}

static int
hand_over(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	enum state state = states_of(bay->queue, MACHINE_credential, token->credential);

	/* Taken too: pcscd or the hub was away for a moment, or a person put it back. It is a good one and belongs on the table. */
	if (state == STATE_credential_sealed || state == STATE_credential_taken)
		return bay_finish(bay, AFTER_TAKE, NULL);
	return live(bay, probed, token);
}

static int
live(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	if (token->id || probed->certificate_sha256.length)
		return trouble(bay, "TOKEN_LIVE");
	return foreign(bay, probed, token);
}

static int
foreign(struct bay *bay, const struct message_probed *probed, struct token *token)
{
	(void)probed, (void)token;
	return trouble(bay, "TOKEN_FOREIGN");
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
