/* The packing table: tokens that were taken out of their bays and are in no parcel yet.
 *
 * It is a file, one marker a line, because the tokens of a real table are still there after a power cut, too. A token is
 * written down before it is taken out; finding it twice does no harm.
 */
#ifndef MINT_OPERATOR_PILE_H
#define MINT_OPERATOR_PILE_H

#include <stddef.h>

struct pile;

/* Opens or creates the file and reads what lies there. NULL with errno. */
struct pile *pile_open(const char *path);
void pile_free(struct pile **pile);

/* 0, or −1 with errno. */
int pile_add(struct pile *pile, const char *marker);

/* Whether that token lies on the table. */
int pile_has(const struct pile *pile, const char *marker);

size_t pile_count(const struct pile *pile);

/* What was put there first, NULL when nothing lies there; lives until the pile changes. */
const char *pile_first(const struct pile *pile);

/* Takes it away; the file is written anew. 0, or −1 with errno. */
int pile_drop(struct pile *pile, const char *marker);

#endif
