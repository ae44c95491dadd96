/* The log that disk.so writes and disk-cut reads: what every change of a file or directory needs to be undone, and what was synced.
 *
 * It is a sparse file, mapped by every process of the bench: what one has put into it stays when that process is killed. A record
 * counts once `used` has passed it.
 */
#ifndef MINT_CRASH_DISK_H
#define MINT_CRASH_DISK_H

#include <pthread.h>
#include <stdint.h>

enum { DISK_MAGIC = 0x4d494e44, DISK_PATH_BYTES = 1024, DISK_NAME_BYTES = 256 };

#define DISK_LOG_BYTES ((uint64_t)8 << 30)

enum disk_change {
	DISK_WRITE = 1, /* of bytes or of the size; behind the record stand the old bytes */
	DISK_SYNC,      /* all of inode was synced; of a directory: its entries */
	DISK_CREATE,    /* a name for inode that was not there: open, mkdir, link */
	DISK_UNLINK,
	DISK_RENAME
};

struct disk_record {
	uint32_t change;      /* enum disk_change */
	uint32_t bytes;       /* of the whole record with what stands behind it, a multiple of 8 */
	uint64_t inode;       /* that was changed or named */
	/* DISK_WRITE */
	uint64_t offset;
	uint64_t length;      /* bytes written, 0 for a change of the size alone */
	uint64_t old_length;  /* old bytes behind the record, from `offset` on */
	uint64_t old_size;
	uint64_t new_size;
	/* entries: (directory, name), for a rename that was the old one and `to` is the new one */
	uint64_t directory;
	uint64_t to_directory;
	uint64_t displaced;   /* inode that had the new name, 0: none */
	char     name[DISK_NAME_BYTES];
	char     to_name[DISK_NAME_BYTES];
};

/* Where names are: a record of a change of bytes ends before them. */
enum { DISK_SHORT_BYTES = 56 };

struct disk_log {
	uint32_t        magic;
	uint32_t        pad;
	pthread_mutex_t mutex;          /* robust, between processes: its owner may be killed */
	char            root[DISK_PATH_BYTES];
	uint64_t        used;           /* bytes, this head included */
	uint64_t        adding;         /* changes that asked for space */
	uint64_t        refused;        /* of them with ENOSPC */
	/* the file DISK_FULL as last seen, and how many more changes it lets pass */
	uint64_t        full_inode;
	int64_t         full_changed_ns;
	int64_t         full_left;
};

#endif
