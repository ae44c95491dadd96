/* The journal: intent before an act, result after it (law 1). */
#ifndef MINT_QUEUE_JOURNAL_H
#define MINT_QUEUE_JOURNAL_H

#include "hostd/queue/steps.h"

#include <stdint.h>

struct bay;
struct queue;
struct work;

/* Writes the intent. `bay` names the process that will act; NULL for a step that no worker does. The row's id, or a negative
 * error. */
int64_t journal_begin(struct queue *queue, const struct work *work, const struct bay *bay, enum step_id step);

/* The intent to cut the power of a bay, with its token's work (NULL: the token is in no work, or nobody knows it). `because`: the step at
 * which it had hung, "probe", "mute" or "order". */
int64_t journal_cycle(struct queue *queue, const struct work *work, const struct bay *bay, const char *because);

/* How often that was done for this use of a token and this step. */
int64_t journal_cycled(struct queue *queue, const struct work *work, const char *because);

/* Writes the result: "done", "failed" or "lost"; error and detail may be NULL. */
int journal_end(struct queue *queue, int64_t journal, const char *outcome, const char *error, const char *detail);

/* The open row of a step that no worker does, 0 when there is none. */
int64_t journal_open(struct queue *queue, int64_t credential, enum step_id step);

/* How often a step was begun for this use of a token. */
int64_t journal_begun(struct queue *queue, const struct work *work, enum step_id step);

/* Intent and result in one, of what a person has done. */
int journal_note(struct queue *queue, const struct work *work, enum step_id step);

#endif
