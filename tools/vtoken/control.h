/* The control socket: a Unix stream socket that takes one command a line and answers each with one line of JSON. `help`
 * lists the commands; docs/man/vtoken.1 explains them.
 *
 * {"ok": true, …} or {"ok": false, "error": "NOT_FOUND", "what": "…"}, error names as in schemas/errors.def.
 *
 * `wait` and `expect` are answered when their time has come; until then that connection's further lines stand back, and
 * all others go on.
 */
#ifndef MINT_VTOKEN_CONTROL_H
#define MINT_VTOKEN_CONTROL_H

#include "tools/vtoken/rack.h"

#include <event2/event.h>

struct control;

/* Listens at `path` (mode 0600), in place of a socket that nobody listens on any more. `quit` breaks the loop.
 * MINT_BUSY when another program listens there, MINT_SYSTEM. */
int control_new(struct control **control, struct event_base *base, const char *path, struct rack *rack);

/* Closes all connections and removes the socket. */
void control_free(struct control **control);

#endif
