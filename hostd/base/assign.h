/* Which reader is which bay's: those named whole first, then patterns in the order of the bays.
 *
 * A reader that stands for a bay stays with it as long as it is there, so that a token is never told as being in another bay
 * because a neighbour came or went. Several bays may have one pattern; each gets a reader of its own.
 */
#ifndef MINT_BASE_ASSIGN_H
#define MINT_BASE_ASSIGN_H

#include <stddef.h>

struct config;

enum { ASSIGN_READER_MAX = 128 };

/* The reader of one bay; "" none. */
struct assigned {
	char reader[ASSIGN_READER_MAX + 1];
};

/* Of the bays of one instance (its place in config->pcscds); those of others are not touched, as names repeat between instances.
 * `names` are those that pcscd has now, each ended by a NUL and the last by two; longer ones than ASSIGN_READER_MAX are not
 * looked at. `assigned` has a place for each bay of the configuration and holds the last assignment, all "" at first. */
void assign_readers(const struct config *config, size_t pcscd, const char *names, struct assigned *assigned);

#endif
