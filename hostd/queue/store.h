/* The one way to the record: SQLite, one connection, every statement prepared once from the list in schemas/sql/queue.sql.
 *
 * Kept narrow: nothing outside store*.c knows which database this is. WAL, synchronous=FULL: what store_commit has called done
 * survives a power cut.
 */
#ifndef MINT_QUEUE_STORE_H
#define MINT_QUEUE_STORE_H

#include "schemas/messages.h"

#include "queue_sql.h"

struct store;

/* Opens or makes the database and brings it to this release's migration; before an older one is changed, a copy is put beside it
 * ("<path>.before-<number>"). MINT_REFUSED when a newer release made it or it is another program's, MINT_DAMAGED after a log
 * line that says which file and what is wrong with it, MINT_STORAGE when it cannot be written, MINT_MEMORY. A damaged one is left as it
 * is, and one that is missing where there was one is not made anew (damage.h). Free with store_close, which does not commit. */
int store_open(const char *path, struct store **store);
void store_close(struct store **store);

/* Runs a statement that gives no rows (or whose rows do not matter). `types` has a letter for each parameter:
 *   d int   i int64_t   s const char * (NULL is NULL)   b const struct blob * (NULL is NULL)
 * The first write begins a transaction. MINT_EXISTS when a uniqueness is broken, else MINT_STORAGE. */
int store_run(struct store *store, enum queue_statement statement, const char *types, ...);

/* The id of the row the last INSERT made, and how many rows the last write touched. */
int64_t store_last_id(const struct store *store);
int store_changes(const struct store *store);

/* Runs a statement up to its first row: 0, MINT_NOT_FOUND or MINT_STORAGE. store_next goes to the following row. What the column
 * functions give lives until the next call for this statement. Both end the statement by themselves when there is no further row;
 * whoever leaves earlier calls store_done. */
int store_get(struct store *store, enum queue_statement statement, const char *types, ...);
int store_next(struct store *store, enum queue_statement statement);
void store_done(struct store *store, enum queue_statement statement);
int64_t store_i64(struct store *store, enum queue_statement statement, int column);
const char *store_text(struct store *store, enum queue_statement statement, int column); /* "" for NULL, never NULL */
struct blob store_blob(struct store *store, enum queue_statement statement, int column); /* length 0 for NULL */
int store_is_null(struct store *store, enum queue_statement statement, int column);

/* The first column of the first row, `none` when there is no row or it is NULL. A storage error shows at the commit. */
int64_t store_value(struct store *store, enum queue_statement statement, int64_t none, const char *types, ...);

/* Copies a text column into `out`, cut to its size. */
void store_copy(struct store *store, enum queue_statement statement, int column, char *out, size_t out_bytes);

/* One message's part of the transaction: keep it, or take back what was written since the mark. Marks do not nest. After a storage
 * error store_commit fails even when all was taken back. */
int store_mark(struct store *store);
int store_keep(struct store *store);
void store_take_back(struct store *store);

/* 1 when something was written that is not committed. */
int store_is_dirty(const struct store *store);

/* Why the last MINT_STORAGE: MINT_DISK_FULL, MINT_DAMAGED (nothing may be written any more), or MINT_STORAGE. */
int store_trouble(const struct store *store);

/* Commits what the turn wrote. On failure everything since the last commit is taken back: MINT_STORAGE. */
int store_commit(struct store *store);
void store_rollback(struct store *store);

#endif
