/* Which readers hold a token, from PC/SC, without ever connecting to a card: SCardGetStatusChange only looks.
 *
 * A thread of its own does the waiting, since PC/SC has no descriptor to put into a loop; each change leaves as a `bay` message
 * on the descriptor it was given. Source: PC/SC Workgroup part 5, and pcsc-lite's winscard.h for the PnP notification.
 */
#ifndef MINT_BENCH_PRESENCE_H
#define MINT_BENCH_PRESENCE_H

struct config;

/* Starts watching the bays of `config` (kept, not copied). Messages `bay` are written to `report_fd`, blocking: one for each
 * bay at once, then one for each change. A token swapped between two looks is reported as empty, then as a token.
 * 0, or MINT_MEMORY or MINT_SYSTEM after a log line. Ends with the process. */
int presence_watch(const struct config *config, int report_fd);

#endif
