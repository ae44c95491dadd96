/* What a power cut could still take away: fsync(2) and fdatasync(2) of the whole test program go through here, and what a file or a
 * directory held at its last one is remembered. Links into any test; the production objects know nothing of it. */
#ifndef MINT_TESTS_UNSYNCED_H
#define MINT_TESTS_UNSYNCED_H

/* The first file or directory below `directory` whose name was never synced there, or whose bytes are not those that were synced
 * (static, a path); NULL when all of it lasts. SQLite's -wal and -shm are left out: what they are worth SQLite knows. */
const char *unsynced_below(const char *directory);

#endif
