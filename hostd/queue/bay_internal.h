/* Between a bay's parts: bay.c (what is shown), bay_worker.c (the process in it), bay_follow.c (what comes next). */
#ifndef MINT_QUEUE_BAY_INTERNAL_H
#define MINT_QUEUE_BAY_INTERNAL_H

#include "hostd/queue/bay.h"

#include <event2/util.h>

/* Its row, as it is now. */
int bay_show(struct bay *bay);

/* Nothing may be begun in it now: why (power_hindrance). */
int bay_hindered(struct bay *bay, const char *hindrance);

/* The deadline of whatever is waited for; bay_on_deadline is its event's callback. */
void bay_arm(struct bay *bay, int ms);
void bay_disarm(struct bay *bay);
void bay_on_deadline(evutil_socket_t fd, short what, void *bay);

/* The token is out of the bay and no worker holds it. */
int bay_token_left(struct bay *bay);

/* A fresh process on the token, or one that looks after the slot. The bay has no lease. */
int bay_start(struct bay *bay, enum worker_role role);
int bay_start_watch(struct bay *bay);

#endif
