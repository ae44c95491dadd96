/* Role watch: what a slot shows that PC/SC does not know of. Many modules tell of no slot event, and many show new tokens only once
 * they have been initialised anew; so the module is opened for each look, and nothing is left open in between. */
#include "hostd/worker/worker.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

enum { INTERVAL_MS = 500 };

int
watch_interval_ms(const struct worker *worker)
{
	return worker->role == ROLE_WATCH ? INTERVAL_MS : -1;
}

/* An empty label is that of a blank token: one is as good as the next. */
static enum presence
look(struct worker *worker, char *label, size_t size)
{
	int r;

	label[0] = '\0';
	r = access_token(worker, worker_step_deadline(worker));
	if (r == 0)
		access_label(worker, label, size);
	access_close(worker);
	worker_at_rest();
	switch (r) {
	case 0:
	case MINT_TOKEN_UNKNOWN:
		return PRESENCE_TOKEN;
	case MINT_TOKEN_GONE:
		return PRESENCE_EMPTY;
	default:
		return PRESENCE_NO_READER;
	}
}

int
watch_look(struct worker *worker, struct message *answer)
{
	char label[sizeof worker->shown_label];
	int presence = (int)look(worker, label, sizeof label);

	if (worker->watching && presence == worker->shown && strcmp(label, worker->shown_label) == 0)
		return 0;
	worker->watching = true;
	worker->shown = presence;
	snprintf(worker->shown_label, sizeof worker->shown_label, "%s", label);
	answer->type = MESSAGE_bay;
	answer->bay = (struct message_bay){
		.bay = worker->bay, .presence = (uint8_t)presence, .reader = "", .label = worker->shown_label,
	};
	return 1;
}
