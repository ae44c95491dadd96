/* A program of the family that runs on a loop: its process, its pulse, its deaths, and how it stands. */
#ifndef MINT_MEMBER_H
#define MINT_MEMBER_H

#include "hostd/fate.h"
#include "hostd/standing.h"
#include "schemas/messages.h"

#include <sys/types.h>

struct event;
struct family;

enum { PULSE_MS = 1000 };

struct member {
	struct family *family;
	enum program   program;
	const char    *file;
	int            starting_max, silent_max;  /* pulses without an answer */
	struct event  *retry;

	pid_t          pid;          /* 0 while it does not run */
	int            pulse_fd;     /* −1 while it does not run */
	int            answered;     /* since its start */
	int            silent;       /* pulses since the last answer */
	int            killed;       /* by us, because it was silent */
	int64_t        started_us;   /* monotonic */
	struct fate    fate;
	int            was_down;     /* down at its last end: coming up is news */
	struct {
		struct fate fate;
		int         was_down;
	} before;                    /* its last end */
	int            starts;       /* since mintd's own */

	const char    *state;        /* as last told */
	int64_t        since_us, again_us;
	int            has_ended, ended, hung; /* its last end; hung: we killed it */
	int64_t        ended_us;     /* monotonic */
};

/* It runs now; pulse_fd −1: it has no pulse. */
void member_started(struct member *member, pid_t pid, int pulse_fd);

/* One pulse: takes what was answered, kills who was silent for too long, asks again. 1 when this was its first answer. */
int member_pulse(struct member *member);

/* It was reaped. `counts`: it ended by itself, and is started again by member->retry or stays down. */
void member_ended(struct member *member, int status, int counts, const struct fate_limits *limits);

/* What it hangs on has ended: so it was that end which it saw, and by which it ended in order a moment ago, though it could be reaped first. It
 * does not count, and the start is not its own. */
void member_excuse(struct member *member);

/* A new start is ordered, or the long pause is over: fate_forgive. */
void member_forgive(struct member *member);

/* As it stands now. `can_start`: nothing but a pause keeps it from being started. */
struct standing member_standing(struct member *member, int can_start);

#endif
