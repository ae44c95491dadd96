/* Which bay shows what: readers, as the watchers tell of them, given to bays by port or by name (hostd/base/assign.h), told to mint-queue.
 *
 * A bay's port is known from the configuration, else from the wiring on record (`wired`). While any port is known, a reader whose port is
 * still being asked for is nobody's: it could be given to the wrong bay for a moment.
 */
#ifndef MINT_BENCH_BAYS_H
#define MINT_BENCH_BAYS_H

#include <stddef.h>

struct bays;
struct config;
struct message;

/* Of a bay: reader, presence and port have been told in `message`, type bay. */
typedef void bays_tell(const struct message *message, void *argument);

/* A reader came, with its port known ("" not on USB), or went. */
typedef void bays_reader(const char *name, const char *port, int is_there, void *argument);

/* NULL when out of memory. Free with bays_free. */
struct bays *bays_new(const struct config *config, bays_tell *tell, bays_reader *reader, void *argument);
void bays_free(struct bays **bays);

/* A report of the watcher of that pcscd (presence.h). What changes for bays is told at once. */
void bays_take(struct bays *bays, size_t pcscd, const struct message *report);

/* The wiring on record: "" none is known. The configuration's own port counts more. A port is one bay's: who had it loses it. */
void bays_wire(struct bays *bays, int number, const char *port);

/* The known port of a bay, its place in config->bays; "" none. */
const char *bays_port(const struct bays *bays, size_t bay);

/* For each reader that is there and whose port is known. */
void bays_each_reader(const struct bays *bays, bays_reader *call, void *argument);

#endif
