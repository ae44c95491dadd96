/* Is what lies on the disk the record, whole? Looked at before SQLite opens it, because SQLite takes an empty file for a new database
 * and passes over what it cannot read of a write-ahead log without a word. Nothing is changed. */
#ifndef MINT_QUEUE_DAMAGE_H
#define MINT_QUEUE_DAMAGE_H

#include <stddef.h>

/* 0, also when there is no record yet; MINT_DAMAGED, MINT_STORAGE with what is wrong in `why`. */
int damage_look(const char *path, char *why, size_t why_bytes);

#endif
