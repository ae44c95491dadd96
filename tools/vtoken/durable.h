/* Files that are there whole or not at all, whenever the power goes. */
#ifndef MINT_VTOKEN_DURABLE_H
#define MINT_VTOKEN_DURABLE_H

#include <stddef.h>

/* Puts a file of these bytes (mode 0600) into the directory, in place of one of that name: written beside, synced,
 * renamed, directory synced. MINT_STORAGE. */
int durable_replace(int directory, const char *name, const void *bytes, size_t len);

/* Removes a file so that it stays removed. 0, MINT_NOT_FOUND when another took it first, MINT_STORAGE. */
int durable_remove(int directory, const char *name);

/* Reads a whole file of at most `capacity` bytes. Bytes read, MINT_NOT_FOUND or MINT_STORAGE (also when larger). */
int durable_read(int directory, const char *name, void *bytes, size_t capacity);

/* All of `bytes` at `offset`. MINT_STORAGE. */
int durable_write_at(int fd, const void *bytes, size_t len, size_t offset);

/* Opens a directory, made with mode 0700 when it is not there. A descriptor, or MINT_STORAGE. */
int durable_directory(const char *path);

#endif
