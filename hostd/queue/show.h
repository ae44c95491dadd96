/* What the bench shows and sounds: the LED of each bay, the stack light, the buzzer. Found anew from what the bays show at the end of each
 * turn that changed something; mint-bench is told what has changed. */
#ifndef MINT_QUEUE_SHOW_H
#define MINT_QUEUE_SHOW_H

#include "hostd/queue/queue.h"
#include "schemas/station.h"

/* Whether there is somebody to tell and something may be new. */
int show_is_due(const struct queue *queue);

/* A part of a turn: tells mint-bench what has changed since it was told last. */
int show_all(struct queue *queue, void *unused);

/* The light of the bay now; *blanks, how many blank tokens are still to be asked for, becomes less by one when it asks for one. */
enum station_light show_light(const struct bay *bay, int64_t *blanks);

/* A sound, with the turn. While the alarm goes on only silence ends it: no token that is done elsewhere, no press of `confirm`. */
int show_sound(struct queue *queue, enum station_sound sound);

/* A mint-bench that has just come knows nothing; nor does one whose messages were thrown away. */
void show_forget(struct queue *queue);

/* Storage has failed and nothing can be begun: every bay asks for a person, at once. */
void show_stalled(struct queue *queue);

#endif
