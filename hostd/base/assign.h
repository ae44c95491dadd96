/* Which reader is which bay's: by USB port where the bay's port is known, by name otherwise.
 *
 * A bay whose port is known takes the reader at that port and no other; its `reader`, where it is a pattern, must fit. Then come the
 * bays whose reader is named whole, then patterns in the order of the bays; none of them takes a reader at the port of another bay. A
 * reader that stands for a bay stays with it as long as it is there, so that a token is never told as being in another bay
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

/* A reader that pcscd has now. Names longer than ASSIGN_READER_MAX are not looked at. */
struct assign_reader {
	const char *name;
	const char *port;  /* "1-2.3"; "" not on USB, or not known yet */
};

/* Of the bays of one instance (its place in config->pcscds); those of others are not touched, as names repeat between instances.
 * `ports` is the known port of each bay of the configuration, "" where none is. `assigned` has a place for each bay and holds the last
 * assignment, all "" at first. */
void assign_readers(const struct config *config, size_t pcscd, const struct assign_reader *readers, size_t count, const char *const *ports,
    struct assigned *assigned);

/* The same where nothing is known of ports. `names` are those that pcscd has now, each ended by a NUL and the last by two. */
void assign_readers_by_name(const struct config *config, size_t pcscd, const char *names, struct assigned *assigned);

#endif
