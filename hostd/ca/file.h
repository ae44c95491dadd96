/* Small files of the CA's directory, written so that a power cut leaves the old one or the new one. */
#ifndef MINT_CA_FILE_H
#define MINT_CA_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* A new file, synced. MINT_EXISTS, MINT_STORAGE (errno is set). */
int file_create(int directory, const char *name, const void *bytes, size_t length, mode_t mode);

/* Takes the place of the old file in one step: temporary, sync, rename, sync of the directory. MINT_STORAGE (errno is set). */
int file_replace(int directory, const char *name, const void *bytes, size_t length, mode_t mode);

/* The whole of a file of at most `max` bytes, the caller's to free. MINT_NOT_FOUND, MINT_STORAGE, MINT_MEMORY (errno is set). */
int file_read(int directory, const char *name, size_t max, void **bytes, size_t *length);

#endif
