/* The steps of a credential, from schemas/steps.def. */
#ifndef MINT_QUEUE_STEPS_H
#define MINT_QUEUE_STEPS_H

#include "hostd/queue/states.h"

struct bay;
struct work;

/* In `from` and `to`: no state of the credential is asked for or changed. */
#define STATE_credential_any STATE_NONE

enum performer { PERFORMER_mint, PERFORMER_prove, PERFORMER_ca, PERFORMER_label, PERFORMER_operator, PERFORMER_bench };
enum probe_way { PROBE_token, PROBE_codes, PROBE_ca_lookup, PROBE_printer, PROBE_none };
enum undo_way { UNDO_erase, UNDO_revoke, UNDO_none };
enum hung_way { HUNG_cycle, HUNG_look };

enum step_id {
#define STEP(name, performer, from, to, timeout_ms, probe, undo, hung, en, zh) STEP_##name,
#include "schemas/steps.def"
#undef STEP
	STEP_COUNT
};

struct step {
	const char    *name;
	enum performer performer;
	enum state     from, to;      /* of the credential */
	int            timeout_ms;    /* 0: of the configuration */
	enum probe_way probe;
	enum undo_way  undo;
	enum hung_way  hung;
};

extern const struct step steps[STEP_COUNT];

/* A worker at this step changes the token: no lid and no person may cut the power now. NULL is no step. */
int steps_writes(const struct step *step);

/* The step a credential in this state stands before, NULL when none is left for a machine. */
const struct step *steps_from(enum state state);

/* Commits the intent with this turn and sends the order to the bay's worker (law 1: it leaves after the commit). The work must be
 * in the step's `from` state. */
int steps_begin(struct bay *bay, const struct work *work, enum step_id id);

/* Sends the order of a step whose intent is on record already. */
int steps_order(struct bay *bay, const struct work *work, enum step_id id, int64_t journal);

#endif
