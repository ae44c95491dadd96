/* What `mintctl backup` writes and `mintctl restore` reads: a directory with a whole record, the CA's files, and a list of both.
 *
 *   backup.json   written last: what is in it, its digests, how many rows; without it the directory is no backup
 *   mint.db       the record at one moment, one file
 *   ca/           the embedded CA's directory, its issue log at least as new as the record
 */
#ifndef MINTCTL_BACKUP_H
#define MINTCTL_BACKUP_H

#include "tools/mintctl/command.h"

#include <limits.h>
#include <stdint.h>

#define BACKUP_LIST "backup.json"
#define BACKUP_RECORD "mint.db"
#define BACKUP_CA "ca"

enum { BACKUP_DETAIL_BYTES = 2 * PATH_MAX, BACKUP_DIGEST_BYTES = 65, BACKUP_FORMAT = 1 };

struct sqlite3;
struct sqlite3_stmt;

/* --- records (backup_record.c). A failure fills in `detail`. */

/* Opens a record read only, beside a running bench if need be. MINT_NOT_FOUND, MINT_STORAGE. Close with sqlite3_close. */
int record_open(const char *path, struct sqlite3 **db, char *detail);
/* A statement of schemas/sql/backup.sql by its number (enum backup_statement). NULL with `detail`. */
struct sqlite3_stmt *record_ask(struct sqlite3 *db, int statement, char *detail);
/* The first column of its first row. 0 or MINT_STORAGE. */
int record_number(struct sqlite3 *db, int statement, int64_t *number, char *detail);
/* {migration, rows: {table: count}, event, event_at}: MINT_REFUSED when it is another program's or a newer release's. A new reference. */
int record_describe(struct sqlite3 *db, json_t **facts, char *detail);
/* Every page, every index, every reference. MINT_STORAGE when something is wrong with it. */
int record_check(struct sqlite3 *db, char *detail);
/* The whole of it, as it is in the transaction that `from` has open, into a new single file. `tell` hears pages done and of how many. */
int record_copy(struct sqlite3 *from, const char *path, void (*tell)(int done, int all), char *detail);

/* --- files (backup_files.c). Errors: MINT_STORAGE with errno. */

/* Copies and syncs a regular file: whole lines alone if so wanted, else all of it. Owner and mode as the original's. */
int file_copy(int from, const char *name, int to, const char *as, int whole_lines);
/* SHA-256 in hexadecimal digits. */
int file_digest(int directory, const char *name, char digest[BACKUP_DIGEST_BYTES]);
/* Names of the regular files of a directory, sorted, but for those that were being written. NULL on a failure. A new reference. */
json_t *file_names(int directory);
/* Opens a directory, made with this mode if it is not there and `mode` is not 0. Descriptor, or −1 with errno. */
int directory_open(int at, const char *path, unsigned mode);
/* Syncs the directory that holds this path. */
int parent_sync(const char *path);

/* --- the CA's own program (ca.c) */

/* `mint-ca list --json` of a directory; a new reference. Its error, with its reason in `detail`: MINT_NOT_FOUND, MINT_SYNTAX … */
int ca_list(const char *directory, int64_t from_byte, json_t **answer, char *detail);

/* Is what stands in this directory a whole backup that this release can use? *list is a new reference to its backup.json. */
int backup_verify(const char *path, json_t **list, char *detail);

#endif
