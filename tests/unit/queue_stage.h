/* A stage for mint-queue: the real queue on a real database file, everyone else played over real channels with real messages.
 * mintd, mint-bench, workers with their tokens, mint-ca, mint-label and mint-api are the test's puppets; each may be told to misbehave. */
#ifndef MINT_TESTS_QUEUE_STAGE_H
#define MINT_TESTS_QUEUE_STAGE_H

#include "hostd/base/config.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { STAGE_BAYS = 2, STAGE_TOKENS = 24, STAGE_ISSUED = 64 };

/* What is on a token; it outlives every process. */
struct stage_token {
	int       content;          /* enum token_content */
	char      serial[32];
	char      label[33];
	EVP_PKEY *key;
	uint8_t   key_id[32];
	uint32_t  key_id_bytes;
	uint8_t   certificate[4096];
	uint32_t  certificate_bytes;
	int       codes_left;       /* bits: still transport codes */
	int       keys_made, initialised, erased;
	const char *key_types;      /* that it offers; NULL: any */
	int       so_locked;        /* no try is left of its SO-PIN */
	int       tries_lost, subject_max; /* as `probed` says them */
	int       laid_aside;       /* taken out of a bay in trouble: the operator does not use it again */
};

struct stage_bay {
	int      token;             /* index, −1 when empty */
	int      fd;                /* the puppet worker's end, −1 when none runs */
	uint64_t lease;
	int      role;
	uint8_t  certificate_read[32];
	int      finishing;
	/* what mint-bench was told */
	int      light, burning;    /* −1 before that */
	int      shows;             /* how often */
	int      cycles;            /* orders to cut its power */
	char     wired[33];
	/* what it tells */
	const char *port;           /* of its reader; NULL none */
	int      mute;              /* its token gives no ATR */
};

struct stage_issued {
	uint64_t request_id;
	uint8_t  serial[20];
	uint8_t  certificate[4096];
	uint32_t bytes;
	int      revoked;
};

struct stage;

/* Called before a puppet acts on a message of the queue: 1 when the test has dealt with it (bay NULL for CA, label, api). */
typedef int stage_hook(struct stage *stage, struct stage_bay *bay, const struct message *message);

struct stage {
	char                directory[64];
	char                database[96];
	struct config       config;
	struct config_bay   config_bays[STAGE_BAYS];
	struct event_base  *base;
	struct queue       *queue;
	int                 mintd, bench, ca, label, api; /* our ends, −1 when not there */
	struct stage_bay    bays[STAGE_BAYS];
	struct stage_token  tokens[STAGE_TOKENS];
	struct stage_issued issued[STAGE_ISSUED];
	int                 issued_count;
	int                 printed;                /* labels that came out, by job */
	uint64_t            printed_jobs[STAGE_ISSUED];
	char                last_label[8192];
	char                last_subject[4096];
	stage_hook         *hook;
	int                 hook_count;             /* for the hook's own use */
	int                 cut_after;              /* half-steps until the power goes; 0: never */
	int                 half_steps;
	int                 no_ca, no_label, no_bench; /* these are not started */
	int                 last_outcome;           /* of import_result */
	int                 last_error;             /* of command_result */
	char                last_detail[8193];
	uint64_t            last_feed;
	uint64_t            calls;
	struct config_station station;
	int                 sounds[8];              /* the last ones that mint-bench was told, the newest first */
	int                 lamps, learns;
};

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* Starts mint-queue and its peers; the bays are reported as they are. */
void stage_start(struct stage *stage);
/* Everything ends at once, as by SIGKILL: tokens, CA and database stay. */
void stage_kill(struct stage *stage);

/* Turns the queue and lets the puppets answer until nothing happens any more. 1 when the power was cut. */
int stage_run(struct stage *stage);
/* One turn of the queue, without the puppets. */
void stage_turn(struct stage *stage);

void stage_insert(struct stage *stage, int bay, int token);
void stage_remove(struct stage *stage, int bay);
/* The operator: takes finished tokens, packs them by application, puts the next blank token in, until nothing is left to do. */
int stage_operate(struct stage *stage);

/* A record as mint-api would send it; n credentials. The outcome is in last_outcome after stage_run. */
void stage_import(struct stage *stage, const char *actor, const char *reference, int n, const char *extra);
void stage_import_text(struct stage *stage, const char *actor, const char *record, const char *held);
/* Orders, and runs until it is answered; the error. */
int stage_command(struct stage *stage, const char *actor, const char *verb, const char *object, const char *arguments);

/* The CA comes (back); signs what it is asked and is gone before it answers; signs what it is given. */
void stage_meet_ca(struct stage *stage);
void stage_lose_ca(struct stage *stage, const struct message *certify);
void stage_certify(struct stage *stage, const struct message *message);

/* Before stage_start: a board has the bays, and their power can be switched; a stack light. */
void stage_fit_station(struct stage *stage);
/* What mint-bench says of it: `link` of enum station_link; `supply` of enum supply. */
void stage_station(struct stage *stage, int link, int stopped);
void stage_supply(struct stage *stage, int bay, int supply);
void stage_press(struct stage *stage, int button);
void stage_cycled(struct stage *stage, int bay, int error);
void stage_learned(struct stage *stage, int bay, int error, const char *port);

/* A new mint-bench, which reports what the bays show now. */
void stage_meet_bench(struct stage *stage);

/* As from the factory. */
void stage_blank(struct stage_token *token);

/* Sends as a puppet. */
void stage_say(int fd, const struct message *message);
void stage_fail(struct stage_bay *bay, uint64_t journal, int error, int fault);
/* Reads back and signs, and says when that was (CLOCK_MONOTONIC). */
void stage_prove_at(struct stage *stage, struct stage_bay *bay, const struct message_prove *order, int64_t read_us, int64_t signed_us);
void stage_exit(struct stage *stage, struct stage_bay *bay, int status);

/* One value of the database, as text (static); "" for NULL or no row. */
const char *stage_sql(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define assert_sql(stage, expected, ...) assert_string_equal(stage_sql(stage, __VA_ARGS__), expected)

/* Laws that hold at any time: one live certificate a credential, no key twice, nothing issued that is not proven. */
void stage_check_laws(struct stage *stage);

/* No file may grow: what a full disk does, without one. */
void stage_let_files_grow(int may);

#endif
