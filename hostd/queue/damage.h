/* Is what lies on the disk the record, whole? Looked at before SQLite opens it, because SQLite takes an empty file for a new database
 * and passes over what it cannot read of a write-ahead log without a word. */
#ifndef MINT_QUEUE_DAMAGE_H
#define MINT_QUEUE_DAMAGE_H

#include <stddef.h>

/* 0, also when there never was a record; MINT_DAMAGED, MINT_STORAGE with what is wrong in `why`. Nothing is changed. */
int damage_look(const char *path, char *why, size_t why_bytes);

/* A whole record is on the disk under this name: when it is missing from now on, that is damage and no first start. The mark is an empty
 * file beside it, "<path>.made"; a log line says when it cannot be put, which is no reason to stop. */
void damage_expect(const char *path);

#endif
