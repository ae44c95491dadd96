/* Which readers of one pcscd hold a token, from PC/SC, without ever connecting to a card: SCardGetStatusChange only looks.
 *
 * A process of its own does the waiting (watchers.h), since PC/SC has no descriptor to put into a loop; each change leaves as a `bay`
 * message on the descriptor it was given. Source: PC/SC Workgroup part 5, and pcsc-lite's winscard.h for the PnP notification.
 */
#ifndef MINT_BENCH_PRESENCE_H
#define MINT_BENCH_PRESENCE_H

#include <stddef.h>

struct config;

/* Watches the bays of one instance, its place in config->pcscds, in a process that has not spoken to PC/SC before. Messages `bay` are
 * written to `report_fd`, blocking: one for each bay at once, then one for each change. A token swapped between two looks is reported
 * as empty, then as a token. Returns when nobody reads any more (0), or MINT_MEMORY. */
int presence_watch(const struct config *config, size_t pcscd, int report_fd);

#endif
