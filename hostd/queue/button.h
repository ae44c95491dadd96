/* The buttons of the station, and the foot pedal. */
#ifndef MINT_QUEUE_BUTTON_H
#define MINT_QUEUE_BUTTON_H

#include "schemas/messages.h"

struct queue;

/* `confirm` packs the one parcel that is complete, as `mintctl pack` with its tokens would; with none or several nothing happens but a
 * sound and an event that says why (law 4). `quiet` ends the alarm. Others are the board's own. MINT_PROTOCOL for a button that there
 * is not. */
int button_press(struct queue *queue, const struct message_press *press);

#endif
