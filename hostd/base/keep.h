/* Files that are not to be lost: whole or not at all, on the disk before they are named, never in the place of another. */
#ifndef MINT_BASE_KEEP_H
#define MINT_BASE_KEEP_H

#include <stddef.h>

enum { KEEP_NEW, KEEP_SAME };

/* Puts a new file of mode 0600 into an open directory. KEEP_NEW; KEEP_SAME when it is there with just these bytes; MINT_EXISTS when
 * it is there with others, which stay; MINT_STORAGE with errno. The directory itself is synced by keep_sync. */
int keep_file(int directory, const char *name, const void *bytes, size_t length);

/* The same, but in the place of what is there. 0 or MINT_STORAGE. */
int keep_instead(int directory, const char *name, const void *bytes, size_t length);

/* Writes all of it, whatever a signal does. 0 or MINT_STORAGE with errno; nothing is synced. */
int keep_write(int fd, const void *data, size_t length);

/* Makes a directory, unless it is there, in one that is named by `path` from descriptor `at` on (AT_FDCWD: as it stands), and its name
 * lasts. 0 or MINT_STORAGE with errno. */
int keep_directory(int at, const char *path, unsigned mode);

/* After it the names are on the disk too. 0 or MINT_STORAGE. */
int keep_sync(int directory);

#endif
