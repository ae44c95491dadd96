/* Inside the store: what its files share. */
#ifndef MINT_QUEUE_STORE_INTERNAL_H
#define MINT_QUEUE_STORE_INTERNAL_H

#include "hostd/queue/store.h"

#include <sqlite3.h>

struct store {
	sqlite3      *db;
	sqlite3_stmt *statements[QUEUE_STATEMENT_COUNT];
	int           open;       /* a transaction is open: something was written */
	int           marked;     /* inside one message's part */
	int           savepoint;  /* the mark was set inside an open transaction */
	int           trouble;    /* what MINT_STORAGE meant last */
	int           broken;     /* a write or sync failed: the transaction must not be committed */
};

/* MINT_EXISTS when a uniqueness was broken, else MINT_STORAGE after a log line; the store remembers what it means. */
int store_error(struct store *store, const char *what);

/* Runs SQL that gives no rows, with store_error for an answer. */
int store_sql(struct store *store, const char *sql);

/* Prepares every statement of the list. 0 or MINT_STORAGE. */
int store_prepare(struct store *store);

/* Brings the database of that path to this release's migration, with a copy beside it first; see store_open for the errors. */
int store_migrate(struct store *store, const char *path);

/* Gives a file that was written its name; file and name are on the disk then. 0, or MINT_STORAGE after a log line. */
int store_name_file(const char *written, const char *name);

#endif
