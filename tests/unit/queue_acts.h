/* What people and misfortune do at the stage, each at once with what follows from it; for the tests of the station's side of mint-queue. */
#ifndef MINT_TESTS_QUEUE_ACTS_H
#define MINT_TESTS_QUEUE_ACTS_H

#include "tests/unit/queue_stage.h"

extern const char OPERATOR[];

/* cmocka's: a stage whose bays a board has, with the laws checked at the end. */
int act_set_up(void **state);
int act_tear_down(void **state);

void act_import(struct stage *stage, const char *reference, int n);
void act_insert(struct stage *stage, int bay, int token);

/* A reader goes: with its power, or with the token that a person takes. */
void act_vanish(struct stage *stage, int bay);

/* What the bay waits for has not come: it must be waiting. */
void act_time_is_up(struct stage *stage, int bay);

/* Hooks: the key's step is not answered; nor is a kill. */
int act_keep_silent_at_key(struct stage *stage, struct stage_bay *bay, const struct message *message);
int act_keep_worker(struct stage *stage, struct stage_bay *bay, const struct message *message);

#endif
