/* What mint-queue holds in memory. The record is in the database; here is only what a restart finds out again by asking:
 * who is connected, what the bays show, which worker is at which step. */
#ifndef MINT_QUEUE_QUEUE_H
#define MINT_QUEUE_QUEUE_H

#include "hostd/base/ipc.h"
#include "hostd/queue/rowclock.h"
#include "hostd/queue/states.h"
#include "hostd/queue/steps.h"
#include "hostd/queue/store.h"

struct bay;
struct calendar;
struct config;
struct event;
struct event_base;
struct json_t;
struct outgoing;
struct queue;
struct secret;

enum { PROGRAM_COUNT = PROGRAM_API + 1, STATIONS_MAX = 16 /* as in hostd/base/config.h */ };

/* One of the programs beside us; `ipc` is NULL while it is not there. */
struct peer {
	struct queue *queue;
	enum program  program;
	struct ipc   *ipc;
	int           greeted;       /* its hello was good */
};

/* What the bay does once its worker's process is gone. */
enum after {
	AFTER_LOST,      /* the exit was not asked for: probe again, up to a limit */
	AFTER_PROBE,     /* a fresh worker looks what is there */
	AFTER_PROVE,     /* a fresh process reads back */
	AFTER_WATCH,     /* the token has gone from its slot: the slot is looked after again */
	AFTER_IDLE,      /* a good token, nothing to do */
	AFTER_TAKE,
	AFTER_STOCK,     /* keyed ahead: into the stock box */
	AFTER_CYCLE,     /* a person has ordered that its power is cut and given again */
	AFTER_TROUBLE    /* bay->trouble says which */
};

/* Whether what a bay shows is to be believed: without power no token shows. */
enum power {
	POWER_GIVEN,     /* as far as anybody knows */
	POWER_CYCLING,   /* mint-bench was told to cut it and to give it again */
	POWER_OUT,       /* the emergency stop, over-current, a board that started anew: its token is thought to be where it was */
	POWER_DOUBT,     /* its token has just vanished: whether with its power, the board may be about to tell */
	POWER_BACK       /* it has power again; its token is waited for */
};

struct bay {
	struct queue *queue;
	int           number;
	int           reported;      /* mint-bench has told what it shows */
	int           settled;       /* its token has been looked at since it came, or there is none */
	int           is_slot;       /* of a PKCS#11 module: not mint-bench but a worker in role watch tells what it shows */
	uint8_t       presence;      /* enum presence */
	char          reader[129];
	uint8_t       atr[33];
	uint32_t      atr_bytes;
	char          label[65];     /* last told of a slot */
	char          key_types[129]; /* that the token in it offers, as last probed; "" any */
	uint32_t      subject_max;    /* longest name that a token keyed ahead has room for: the one in it, or one made now; 0 any */
	int           in_stock;       /* the token in it is keyed ahead and serves nobody yet: key_types is the type of its key */
	enum state    state;         /* STATE_bay_… */
	const char   *trouble;       /* name in schemas/errors.def */
	int64_t       token, credential; /* rows that are here, 0 when not known */

	/* the worker's process, while lease is not 0 */
	uint64_t      lease;
	uint8_t       role;
	uint32_t      pid;
	char          release[65];
	struct ipc   *worker;
	int           greeted;
	int           reaped;        /* mintd says the process is gone; its last messages may still be in the channel */
	int           killed;        /* SIGKILL was ordered: what it still says changes nothing */
	int           left;          /* the token was taken out under it */
	int           left_dark;     /* or went with the bay's power */
	int64_t       pulled;        /* credential whose token left in mid-work and is waited for; 0: none */
	uint32_t      step_limit_ms; /* of the model that this process has found; 0 not told yet */
	uint8_t       content;       /* enum token_content, as probed and then as changed by our own steps */
	int           begun_by_us;   /* it shows what an initialising of ours leaves, done or cut short: no others' codes are on it */
	int           codes_known;   /* this process has told which codes the token carries */
	enum after    after;
	const struct step *step;     /* being waited for; NULL between steps */
	int64_t       journal;       /* its row */
	int64_t       step_at;
	struct event *deadline;
	int64_t       deadline_us;   /* monotonic, when it will come; 0: not armed */
	int           losses;        /* tries at the same step that ended without an answer or by the host's fault */
	const struct step *lost_at;
	int           gone;          /* workers that said "gone" while mint-bench shows this token */
	int           hung;          /* this process was killed because it did not answer in time, or said that the token does not */

	/* its power and its place */
	enum power    power;
	int           switched;      /* mint-bench has told of its supply: it can be cut and given again */
	uint8_t       supply;        /* enum supply */
	int           cycled;        /* the power was cut for the token that is in it now */
	int           vanished;      /* and the token was seen to go */
	int           given_up;      /* its power did not come back in time: shown, and what was in work is missed */
	int           recalled;      /* its token is the one on record from before the start, or the stall: it may have left its bay since */
	int64_t       cycle_journal; /* row of the cycle that is under way */
	char          port[33];      /* where mint-bench sees its reader; "" not told */
	char          wired[33];     /* on record as its own; "" not known */
	int           learned;       /* the wiring being learned: 1 told, 0 not yet */
	int           learn_error;
	char          learn_port[33];

	/* what its LED says, as mint-bench was told; −1 before that */
	int           light, burning;
};

/* A board, as mint-bench tells it. */
struct station {
	int     told;
	int     seen;            /* this mint-bench has had a link to it, or says why it may not: before that no link is no news */
	int     missed;          /* the last event of its link was a bad one */
	uint8_t link;            /* enum station_link */
	int     stopped, lid_open;
	int64_t lost_us;         /* when it went from the bus, CLOCK_MONOTONIC; 0 never */
	char    serial[33], build[9], detail[257];
};

struct call {
	uint64_t number;
	int      is_import;
};

struct queue {
	struct event_base   *base;
	const struct config *config;
	struct calendar     *calendar;
	struct store        *store;
	struct ipc          *mintd;
	struct peer          peers[PROGRAM_COUNT];
	struct bay          *bays;       /* config->bay_count of them */
	struct bay          *bays_before; /* as they were before the part that is being handled */
	int                  ended;      /* mintd is gone, or the loop was told to end */

	/* the turn */
	const char          *actor;      /* who caused what is being handled */
	char                 actor_text[96];
	int                  actor_bay;
	int                  handled;    /* messages since the last commit */
	struct outgoing *outbox, **outbox_end; /* leave after the commit */
	struct call         *calls;      /* mint-api's, answered in this turn: all of them fail if its commit does */
	size_t               call_count, call_room;
	int                  stalled;    /* storage failed, with this error: nothing is begun until it works again; 0 */
	struct event        *chores;     /* retries: CA, printer, storage */
	int64_t              event_seq, event_told;
	struct row_clock     clock;
	int64_t              clock_kept; /* the row's time with which it was last put on record */

	struct secret       *secrets;    /* codes that people gave for tokens: in memory alone, and not for long */
	int                  wake;       /* credentials became claimable: idle bays look for work */
	int                  refused_with;
	struct json_t       *refusal;    /* why the order being handled is refused, for its answer */
	int                  recovering; /* not all bays have been looked at since the start */

	/* the station */
	struct station       stations[STATIONS_MAX];
	int                  learning;   /* the wiring is being learned: nothing is begun */
	int                  learning_cut; /* storage failed meanwhile: its end is not on record yet */
	char                 learner[96]; /* who ordered it */
	int                  sounding;   /* enum station_sound: the alarm until something else was ordered */
	int                  lamps;      /* as mint-bench was told; −1 before that */
	int                  unshown;    /* something is to be shown that is in no row */
};

/* UTC microseconds for rows (rowclock.h); never goes back behind what a row already has. */
int64_t queue_now(struct queue *queue);

/* UTC for rows of what happened at `monotonic_us`, as another program says; not before `earliest`, not after now. */
int64_t queue_time_of(struct queue *queue, int64_t monotonic_us, int64_t earliest);

struct bay *queue_bay(struct queue *queue, uint32_t number);
struct bay *queue_bay_of_lease(struct queue *queue, uint64_t lease);

/* The bay this credential's token is in, NULL when there is none; the second one only while a worker holds it. */
struct bay *queue_bay_with(struct queue *queue, int64_t credential);
struct bay *queue_bay_of_credential(struct queue *queue, int64_t credential);

/* Opens the record and takes over descriptor `mintd_fd`. MINT_STORAGE, MINT_REFUSED, MINT_CONFIG, MINT_MEMORY. `config` must
 * outlive the queue. Nothing is committed by queue_close. */
int queue_open(struct event_base *base, const struct config *config, int mintd_fd, struct queue **queue);
void queue_close(struct queue **queue);

/* Waits for events and handles one turn; 0 to go on, 1 at the end (mintd is gone). */
int queue_turn(struct queue *queue);

#endif
