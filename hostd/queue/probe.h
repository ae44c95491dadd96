/* What a worker found in its reader, against what the record knows of that token: the decision about what is done with it. */
#ifndef MINT_QUEUE_PROBE_H
#define MINT_QUEUE_PROBE_H

#include "schemas/messages.h"

struct bay;

/* First answer of a worker of role mint: claim, continue, leave alone. */
int probe_decide(struct bay *bay, const struct message_probed *probed);

#endif
