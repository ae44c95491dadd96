#include "hostd/queue/erase.h"
#include "hostd/queue/naming.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "hostd/queue/secret.h"
#include "schemas/errors.h"

#include <stdio.h>

/* Nobody's word is enough here. */
static const struct {
	enum state  state;
	enum reason reason;
} never[] = {
	{ STATE_token_blank, REASON_erase_blank },       { STATE_token_prekeyed, REASON_erase_blank },
	{ STATE_token_bound, REASON_erase_in_work },     { STATE_token_sealed, REASON_erase_finished },
	{ STATE_token_shipped, REASON_erase_shipped },   { STATE_token_scrapped, REASON_erase_scrapped },
};

/* A token given up has nothing alive on it only when the CA has revoked: never before. */
static enum reason
hindrance(struct queue *queue, const struct named_token *token)
{
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		if (never[i].state == token->state)
			return never[i].reason;
	return store_value(queue->store, QUEUE_token_certificates, 1, "i", token->id) ? REASON_erase_revoking : REASON_NONE;
}

/* Which credential is to be decided about first. */
static void
name_credential(struct queue *queue, int64_t token, json_t *detail)
{
	enum queue_statement g = QUEUE_token_credential;

	if (store_get(queue->store, g, "i", token) != 0)
		return;
	json_object_set_new(detail, "credential", json_string(store_text(queue->store, g, 0)));
	store_done(queue->store, g);
}

int
erase_allow(struct queue *queue, const struct named_token *token, const json_t *so_pin, json_t **detail)
{
	enum reason reason = hindrance(queue, token);
	int r;

	if (reason != REASON_NONE) {
		*detail = reason_give(*detail, reason);
		name_credential(queue, token->id, *detail);
		return MINT_REFUSED;
	}
	r = store_run(queue->store, QUEUE_token_erasing, "i", token->id);
	if (r == 0 && token->state != STATE_token_erasable)
		r = states_apply(queue, MACHINE_token, token->id, "erase", NULL);
	if (r == 0 && so_pin)
		r = json_is_string(so_pin) ? secret_keep(queue, token->id, json_string_value(so_pin)) : MINT_ARGUMENT;
	if (r == MINT_ARGUMENT)
		*detail = reason_give(*detail, REASON_erase_so_pin);
	return r;
}
