#include "hostd/queue/naming.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/reason.h"
#include "schemas/errors.h"

#include <string.h>

static int
ambiguous(json_t *markers, json_t **detail)
{
	if (!detail) {
		json_decref(markers);
		return MINT_AMBIGUOUS;
	}
	*detail = reason_give(*detail, REASON_token_ambiguous);
	json_object_set_new(*detail, "markers", markers);
	return MINT_AMBIGUOUS;
}

int
naming_find(struct queue *queue, const char *name, struct named_token *token, json_t **detail)
{
	struct store *s = queue->store;
	enum queue_statement g = QUEUE_token_named;
	json_t *markers = json_array();
	int r;

	memset(token, 0, sizeof *token);
	for (r = store_get(s, g, "s", name); r == 0; r = store_next(s, g)) {
		enum state state = states_by_name(MACHINE_token, store_text(s, g, 2));

		if (token->id && state == STATE_token_scrapped)
			break; /* they come last */
		json_array_append_new(markers, json_string(store_text(s, g, 1)));
		if (!token->id)
			*token = (struct named_token){ store_i64(s, g, 0), state, (int)store_i64(s, g, 3) };
	}
	store_done(s, g);
	if (r != 0 && r != MINT_NOT_FOUND) {
		json_decref(markers);
		return r;
	}
	if (json_array_size(markers) > 1)
		return ambiguous(markers, detail);
	json_decref(markers);
	return token->id ? 0 : MINT_NOT_FOUND;
}
