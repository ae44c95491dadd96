/* Which readers of one pcscd there are, where each is plugged in, and which hold a token, from PC/SC. SCardGetStatusChange only looks;
 * for the USB port a reader is connected to without its card (SCARD_SHARE_DIRECT, left as it is). No command ever reaches a card.
 *
 * A process of its own does the waiting (watchers.h), since PC/SC has no descriptor to put into a loop; each change leaves as a `bay`
 * message of bay 0 on the descriptor it was given: mint-bench knows which bay's reader it is (bays.h). Threads of their own ask for ports, one a
 * reader: pcscd lets a connection wait as long as a worker's transaction lasts, and neither presence nor another reader must. Source: PC/SC Workgroup part 5, and
 * pcsc-lite's winscard.h for the PnP notification and reader.h for SCARD_ATTR_CHANNEL_ID.
 */
#ifndef MINT_BENCH_PRESENCE_H
#define MINT_BENCH_PRESENCE_H

#include <stddef.h>

struct config;

/* `port` of a report: it is being asked for, and another report follows when it is known, or known not to be on USB (""). */
#define PRESENCE_PORT_ASKED "?"

/* Watches one instance, its place in config->pcscds, in a process that has not spoken to PC/SC before. Messages `bay` are
 * written to `report_fd`, blocking: one for each reader at once, then one for each change; PRESENCE_NO_READER when it goes. After the
 * first look, and whenever pcscd is not there, one with reader "" says that this is all there is. A token swapped between two looks
 * is reported as empty, then as a token; since it may be another reader under the same name, its port is asked for anew. Returns when nobody reads any more (0), or MINT_SYSTEM. */
int presence_watch(const struct config *config, size_t pcscd, int report_fd);

#endif
