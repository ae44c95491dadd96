/* How mintd's programs stand, for people: the file API_SOCKET.programs, which mint-api shows and which mintctl reads itself where
 * mint-api does not answer, and systemd's STATUS=.
 *
 * The file is JSON, replaced as a whole at each change, and locked (flock(2)) while the mintd that wrote it lives: a reader that gets
 * the lock looks at what a dead mintd left.
 */
#ifndef MINT_STANDING_H
#define MINT_STANDING_H

#include <stddef.h>
#include <stdint.h>

struct standing {
	const char *program;
	const char *state;      /* of the machine `program` in schemas/states.def */
	int         pid;        /* 0: none */
	int64_t     since_us;   /* UTC, of the state */
	int         restarts;   /* since mintd started */
	int         has_ended;  /* `ended` is set */
	int         ended;      /* waitpid(2)'s status of the last end */
	int         hung;       /* that end was mintd's SIGKILL because it was silent */
	int64_t     again_us;   /* UTC of the next try, 0: none */
};

struct standing_file;

/* NULL when out of memory. */
struct standing_file *standing_new(const char *api_socket);

/* Replaces the file and tells systemd. What cannot be written is logged once; the bench works without. */
void standing_tell(struct standing_file *file, const struct standing *rows, size_t count);

/* Removes the file. Accepts NULL. */
void standing_free(struct standing_file **file);

#endif
