/* What the files of mint-worker share: one token, one role, one life. */
#ifndef MINT_WORKER_WORKER_H
#define MINT_WORKER_WORKER_H

#include "hostd/base/config.h"
#include "hostd/base/model.h"
#include "hostd/worker/card.h"
#include "hostd/worker/codes.h"
#include "schemas/messages.h"

#include <openssl/evp.h>

/* Our label on a token begins with this; what follows is the token's number in the record. */
#define TOKEN_MARKER "MB-"

struct key;
struct module;
struct session;
struct token;

struct worker {
	struct config      *config;
	struct models      *models;
	uint8_t             station_key[CODES_KEY_BYTES];
	char                conf_path[256];  /* our opensc.conf; "" before it was written */

	/* from the order */
	uint64_t            lease;
	uint32_t            bay;
	enum worker_role    role;
	char                reader[129];
	uint8_t             atr[MODEL_ATR_MAX];
	size_t              atr_length;

	/* what was found */
	const struct model *model;           /* NULL before the order, or when no profile fits */
	char                serial[65];
	char                label[65];

	/* the module, as far as it is open now */
	struct module      *module;
	struct token       *token;
	struct session     *session;
	struct key         *key;             /* last made or opened */
	uint8_t             key_id[32];
	size_t              key_id_length;
	bool                logged_in;       /* as the user */

	/* role prove, between `prove` and `seal` */
	struct codes        transport;
	struct codes        final;
	unsigned            codes_left;      /* ENVELOPE_ bits that `seal` will set */

	char                detail[512];     /* why the last step failed, for technicians: no secret */
};

/* --- access.c: the way to the token. All return 0 or a negative MINT_ code with worker->detail set. */

/* Sets detail; returns `error`. */
int worker_fail(struct worker *worker, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* An absolute deadline for pkcs11/, `timeout_ms` from now. It also arms SIGALRM a little later: should a module hang inside
 * a call, the process ends, and a fresh one probes what happened. */
int64_t worker_deadline(const struct worker *worker, int timeout_ms);

/* The same with the model's time-out for steps that have none of their own. */
int64_t worker_step_deadline(const struct worker *worker);

/* Disarms. */
void worker_at_rest(void);

/* Looks at the card; MINT_TOKEN_OTHER when its serial number is not worker->serial (unless that is still ""). */
int access_look(struct worker *worker, struct card_look *look);

/* Loads the module, opens token and session. Nothing to do when they are open. */
int access_open(struct worker *worker, int64_t deadline_ms);

/* Logs out, closes, finalises, unloads. */
void access_close(struct worker *worker);

/* Opens the sealed codes of a message. */
int access_codes(struct worker *worker, const struct blob *sealed, struct codes *codes);

/* MINT_PIN_LOCKED when that code has one try left or none: no worker ever uses up the last one. */
int access_may_try(struct worker *worker, enum code code, int64_t deadline_ms);

/* access_open and a login as the user with these sealed codes, unless logged in already. */
int access_login(struct worker *worker, const struct blob *sealed, int64_t deadline_ms);

/* Makes worker->key the key pair of that id. */
int access_key(struct worker *worker, const struct blob *id, int64_t deadline_ms);

/* Remembers why pkcs11/ failed; returns `error`. */
int access_failed(struct worker *worker, int error);

/* --- the steps, each for one message: 0 with `answer` filled (its blobs live until step_answered), or a negative error.
 * What `answer` points to and must be freed stands in `keep`. */

struct step_keep {
	uint8_t  fixed[CODES_SEALED_MAX];
	uint8_t *one, *two; /* freed with OPENSSL_free */
	uint8_t  hash[32], challenge[32];
};

typedef int step_run(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep);

step_run step_order, step_initialise, step_make_key, step_make_request, step_burn, step_prove, step_seal;

#endif
