/* Between the files of `mintctl restore`: restore.c (the order of things, files), restore_record.c (the record), restore_tell.c. */
#ifndef MINTCTL_RESTORE_H
#define MINTCTL_RESTORE_H

#include "tools/mintctl/backup.h"

#include <sys/types.h>

enum { NAME_ROOM = PATH_MAX + 64 };

struct config;

struct restore {
	struct run *run;
	struct config *config;
	const char *from;
	char        aside[32];          /* what the names of old files get behind them */
	json_t     *list;               /* of the backup */
	json_t     *log;                /* of the CA as it will be used, from the backup's moment on */
	int         put_ca;
	int         ca_was_put;         /* by this command or by one that was cut short */
	int         resumed;            /* one was cut short after its first move, or before it */
	int         had_record;         /* there was an old record when it began */
	int64_t     old_highest;        /* numbers in the record that is replaced, where it can still be read */
	json_t     *lost_applications;  /* references; NULL: the old record cannot tell */
	json_t     *later_certificates; /* signed, and not in the restored record */
	json_t     *unsettled;          /* what a person has to settle before the bench mints; NULL: nothing */
	json_t     *moved;              /* names of old files */
	char        detail[BACKUP_DETAIL_BYTES];
};

/* Says in restore->detail what errno says of this path; MINT_STORAGE. */
int restore_failed(struct restore *restore, const char *path);

/* DATABASE with a suffix, and the name that such a file gets when it is moved aside. */
void restore_beside(const struct restore *restore, const char *suffix, char path[NAME_ROOM]);
void restore_aside(const struct restore *restore, const char *suffix, char path[NAME_ROOM + 64]);

/* Owner and mode of a file or directory as `like` has them, where that is there; `mode` for a directory. 0 or MINT_STORAGE with errno. */
int restore_owner(const char *path, const char *like, mode_t mode);

/* Makes the new record at `to` and finds out what it does not know. 0, or an error with its detail. */
int restore_record(struct restore *restore, const char *to);

/* For people or as JSON, when all is in its place. */
void restore_tell(struct restore *restore);

#endif
