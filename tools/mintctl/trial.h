/* One trial: a whole life of a token for each type of key, by real mint-workers, each step told as it goes. */
#ifndef MINTCTL_TRIAL_H
#define MINTCTL_TRIAL_H

#include "tools/drive/drive.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/trial_bench.h"

#include <openssl/evp.h>
#include <signal.h>

enum trial_step {
#define TRIAL_STEP(name, ...) TRIAL_##name,
#include "tools/mintctl/trial.def"
#undef TRIAL_STEP
	TRIAL_STEPS
};

enum { TRIAL_KEYS_MAX = 8, TRIAL_DETAIL_BYTES = 512, TRIAL_KEY_ID_BYTES = 8 };

/* Our label on a token that a trial has made; TOKEN_MARKER of mint-worker begins it. */
#define TRIAL_LABEL "MB-TRY"

/* One key pair of a life. */
struct trial_key {
	const char *type;
	uint8_t     id[TRIAL_KEY_ID_BYTES];
	uint8_t    *request, *certificate;
	size_t      request_bytes, certificate_bytes;
	uint64_t    generation_us; /* 0: was not made */
	bool        whole;         /* its life came to a good end */
};

struct trial {
	struct run          *run;
	const struct config *config;
	struct trial_place   place;
	struct trial_bench   bench;
	struct models       *models;
	const struct model  *model;      /* NULL until it is known */
	char                 profile[PATH_MAX]; /* its file */
	char                 worker[PATH_MAX];
	struct drive        *drive;
	EVP_PKEY            *issuer;
	uint64_t             journal;
	int64_t              begun_us;   /* of the step in hand */

	/* the token */
	char                 serial[65], blank_serial[65]; /* the latter as the module told it of the blank token */
	char                 atr[3 * MODEL_ATR_MAX];
	uint8_t              content, user_tries;
	bool                 is_ours;    /* we have begun to initialise it */
	uint8_t              codes[TRIAL_BLOB_MAX], next[TRIAL_BLOB_MAX];
	uint32_t             codes_bytes, next_bytes;
	char                 so_pin[65]; /* the final one; "" */
	bool                 so_pin_spent; /* one was given to an order to erase that failed: it may have been a wrong one */

	/* what came of it */
	struct trial_key     keys[TRIAL_KEYS_MAX];
	size_t               key_count;
	json_t              *survey;     /* of the initialised token; NULL */
	json_t              *steps;
	size_t               certificate_fits, certificate_not; /* bytes; 0 not tried */
	const char          *key;        /* type in work, "" */
	int                  error;      /* the first */
	enum trial_step      failed;     /* where it came from */
};

/* Set by a signal: no new step is begun, what was begun is cleaned up. */
extern volatile sig_atomic_t trial_stopped;

/* Looks at the token. 0 when a life may begin; MINT_TOKEN_UNKNOWN when no profile fits, with trial->survey as far as there is one. */
int trial_look(struct trial *trial);

/* Which of CONTENT_… a token is, for people. */
const char *trial_content_text(unsigned content);

/* All lives. The first error, told. */
int trial_live(struct trial *trial);

/* Finds the longest certificate that fits, by lives of their own. */
int trial_sizes(struct trial *trial);

/* Makes the token blank again. 0 when it is; MINT_TOKEN_INIT and the like, told, when it is not. A code that is wrong may use up a try
 * of the SO-PIN, never the last one, and one only where the tries left are not told and --every-so-pin was not given. */
int trial_clean(struct trial *trial);

/* Whether the profile knows a way to a blank token. */
bool trial_can_erase(const struct trial *trial);

/* The codes that the token got last, sealed with the key of the trial's bench; they lie in `trial`. */
struct blob trial_codes(const struct trial *trial);

/* The SO-PIN of the envelope that the bench keeps, into trial->so_pin; "" without an envelope. MINT_CRYPTO. */
int trial_open_envelope(struct trial *trial);

/* --- one worker after the other (trial_talk.c) */

/* Starts a worker in a role with a configuration of the bench, and has it look; the answer is `probed`. Nothing is told. */
int trial_open(struct trial *trial, enum worker_role role, const char *configuration, struct message *answer);

/* Asks a step. What fails is told as that step's failure. */
int trial_ask(struct trial *trial, enum trial_step step, const struct message *message, enum message_type wanted, struct message *answer);

/* trial_open in the trial's own configuration, its failure told as that of `step`. */
int trial_begin(struct trial *trial, enum trial_step step, enum worker_role role, struct message *answer);

/* Ends the worker. NULL is fine. */
void trial_close(struct trial *trial);

/* Why an answer is an error, for technicians. */
const char *trial_detail(const struct message *answer, int error);

/* What the token and its module say: JSON as of hostd/worker/survey.c; the caller frees. A blank token may say nothing. */
int trial_survey(struct trial *trial, json_t **found, struct message *answer);

/* --- telling (trial_report.c) */

/* The step begun at trial->begun_us has ended, `error` 0 well; `remark` may be "". Prints and keeps it; returns `error`. */
int trial_tell(struct trial *trial, enum trial_step step, int error, const char *remark);

/* Measured numbers as lines for the profile, and what else belongs into it. With --json all of it as one object. */
void trial_report(struct trial *trial, bool blank);

#endif
