/* mint-label's side of the conversation with mint-queue: print in, printed or print_failed out (schemas/messages.def). */
#ifndef MINT_LABEL_STATION_H
#define MINT_LABEL_STATION_H

struct printer;
struct renderer;

/* Serves the channel on `fd` (taken over) until the queue closes it or SIGTERM or SIGINT arrives. 0; MINT_PROTOCOL when the queue
 * broke the protocol, MINT_MEMORY, MINT_SYSTEM; logged. */
int station_serve(int fd, struct renderer *renderer, struct printer *printer);

#endif
