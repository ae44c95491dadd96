#include "hostd/queue/work.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <string.h>

static uint32_t
copy_blob(struct blob blob, uint8_t *out, uint32_t room)
{
	uint32_t length = blob.length < room ? blob.length : room;

	if (length)
		memcpy(out, blob.data, length);
	return length;
}

/* The columns in the order of :work_get. */
static void
take_row(struct store *s, struct work *w)
{
	enum queue_statement g = QUEUE_work_get;
	int64_t *const ids[] = { &w->credential, &w->application, &w->use, &w->token, &w->key, &w->certificate_id };

	for (int i = 0; i < 6; i++)
		*ids[i] = store_i64(s, g, i);
	store_copy(s, g, 6, w->name, sizeof w->name);
	store_copy(s, g, 7, w->reference, sizeof w->reference);
	store_copy(s, g, 8, w->key_type, sizeof w->key_type);
	store_copy(s, g, 9, w->profile, sizeof w->profile);
	w->attempt = store_i64(s, g, 10);
	w->state = states_by_name(MACHINE_credential, store_text(s, g, 11));
	w->parked_from = states_by_name(MACHINE_credential, store_text(s, g, 12));
	store_copy(s, g, 13, w->parked_error, sizeof w->parked_error);
	store_copy(s, g, 14, w->pending, sizeof w->pending);
	w->token_state = states_by_name(MACHINE_token, store_text(s, g, 15));
	store_copy(s, g, 16, w->serial, sizeof w->serial);
	store_copy(s, g, 17, w->marker, sizeof w->marker);
	w->codes_bytes = copy_blob(store_blob(s, g, 18), w->codes, sizeof w->codes);
	w->spki_bytes = copy_blob(store_blob(s, g, 19), w->spki, sizeof w->spki);
	store_copy(s, g, 20, w->certificate_state, sizeof w->certificate_state);
	w->certificate_bytes = copy_blob(store_blob(s, g, 22), w->certificate, sizeof w->certificate);
	store_copy(s, g, 23, w->model, sizeof w->model);
	w->foreign = (int)store_i64(s, g, 24);
	for (int i = 0; i < KEY_ID_BYTES; i++)
		w->key_id[i] = (uint8_t)(w->use >> 8 * (KEY_ID_BYTES - 1 - i));
}

int
work_load(struct queue *queue, int64_t use, struct work *work)
{
	int r = store_get(queue->store, QUEUE_work_get, "i", use);

	memset(work, 0, sizeof *work);
	if (r != 0)
		return r;
	take_row(queue->store, work);
	store_done(queue->store, QUEUE_work_get);
	return 0;
}

int
work_of_credential(struct queue *queue, int64_t credential, struct work *work)
{
	int64_t use = store_value(queue->store, QUEUE_work_use_of_credential, 0, "i", credential);

	memset(work, 0, sizeof *work);
	return use ? work_load(queue, use, work) : MINT_NOT_FOUND;
}

int
work_of_bay(const struct bay *bay, struct work *work)
{
	int64_t use;

	if (bay->credential)
		return work_of_credential(bay->queue, bay->credential, work);
	memset(work, 0, sizeof *work);
	use = bay->token ? store_value(bay->queue->store, QUEUE_stock_of_token, 0, "i", bay->token) : 0;
	return use ? work_load(bay->queue, use, work) : MINT_NOT_FOUND;
}

int
work_apply(struct queue *queue, const struct work *work, const char *event)
{
	return work->credential ? states_apply(queue, MACHINE_credential, work->credential, event, NULL)
	                        : states_apply(queue, MACHINE_stock, work->use, event, NULL);
}

void
work_wipe(struct work *work)
{
	OPENSSL_cleanse(work, sizeof *work);
}
