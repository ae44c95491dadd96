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

	const struct config_bay *place;      /* NULL before the order */

	/* what was found */
	const struct model *model;           /* NULL before the order, or when no profile fits */
	enum token_content  content;         /* as the probe of this process found it */
	uint8_t             tries[CODES];    /* left of each code then, less those that failed since; TRIES_NOT_SAID */
	char                serial[65];
	char                label[65];

	/* the module, as far as it is open now */
	struct module      *module;
	struct token       *token;
	struct session     *session;
	struct key         *key;             /* last made or opened */
	int64_t             made_us;         /* how long the command took that initialised the token and made its key; 0: none did */
	uint8_t             key_id[32];
	size_t              key_id_length;
	bool                logged_in;       /* as the user */
	bool                facts_are_fresh; /* what the module told of the token's codes is not older than their last use */

	/* role prove, between `prove` and `seal` */
	struct codes        transport;
	struct codes        final;
	unsigned            unblocked;       /* bits (1 << enum code): what this process has unblocked, once */
	unsigned            codes_left;      /* ENVELOPE_ bits that `seal` will set */

	char                key_types[129];  /* of the model, for `probed` */

	/* role watch */
	bool                watching;        /* something has been told */
	int                 shown;           /* enum presence last told */
	char                shown_label[65];

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

/* Looks at the card by PC/SC, or at the slot by its module; MINT_TOKEN_OTHER when its serial number is not worker->serial (unless
 * that is still ""). */
int access_look(struct worker *worker, struct card_look *look);
int access_look_tries(struct worker *worker, struct card_look *look);

/* What to say of a failure `r` (0 stays 0): a token that has been taken out, or changed for another, is told as that, whatever a module
 * or a program says about it: they know many words for it. */
int access_or_gone(struct worker *worker, int r);

/* Loads the module and opens the token; access_open a session too. Nothing to do when they are open. */
int access_token(struct worker *worker, int64_t deadline_ms);
int access_open(struct worker *worker, int64_t deadline_ms);

/* What the module says of the token's stage. */
enum card_stage access_stage(const struct worker *worker);

/* Opens the token and checks that its label is worker->label; *stage is what the module says of it. MINT_TOKEN_INIT otherwise. */
int access_marked(struct worker *worker, int64_t deadline_ms, enum card_stage *stage);

/* OpenSC adds the PIN's name to a label: "MB-00000001 (PIN)". Ours has no blank, so it ends there; a stranger's is given as it is. */
void access_label(const struct worker *worker, char *label, size_t size);

/* Has pkcs11/ follow what the profile says of signatures with this key type. */
void access_prefer(struct worker *worker, const char *key_type);

/* Logs out, closes, finalises, unloads. */
void access_close(struct worker *worker);

/* Opens the sealed codes of a message. */
int access_codes(struct worker *worker, const struct blob *sealed, struct codes *codes);

/* MINT_PIN_LOCKED when that code has one try left or none, as the module's flags or the card itself told: no worker ever uses up the
 * last one. access_tried keeps count: `result` of a login with it. */
void access_tried(struct worker *worker, enum code code, int result);
int access_may_try(struct worker *worker, enum code code, int64_t deadline_ms);

/* Has the card's driver ask whether it is blank, for cards that take plain commands not at all (initialise.c). *stage is CARD_BLANK or
 * CARD_NOT_SAID. */
int access_blank_by_driver(struct worker *worker, enum card_stage *stage);

/* Gives a code its tries back and sets it to what it is in `codes`, where the profile knows a way, once in a process (initialise.c).
 * The module is closed afterwards. MINT_PIN_LOCKED otherwise. */
int access_unblock(struct worker *worker, enum code code, const struct codes *codes);

/* access_open and a login as the user with these sealed codes, unless logged in already. A user PIN whose tries are used up is
 * unblocked first. */
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

step_run step_order, step_initialise, step_make_key, step_make_request, step_burn, step_prove, step_seal, step_check, step_survey;

/* --- role watch (watch.c) */

/* How long to wait on the channel before the slot is looked at again, milliseconds; −1 for ever: another role. */
int watch_interval_ms(const struct worker *worker);

/* Looks at the slot; 1 when `answer` has news to be sent, 0 when all is as before. */
int watch_look(struct worker *worker, struct message *answer);

#endif
