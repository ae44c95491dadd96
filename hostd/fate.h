/* What becomes of a program that ended: started again after a pause, or left down. Pure: no process, no clock of its own. */
#ifndef MINT_FATE_H
#define MINT_FATE_H

#include <stdint.h>

enum { FATE_DEATHS_MAX = 100 };

/* From the configuration. */
struct fate_limits {
	int deaths_max;      /* so many deaths … */
	int deaths_within_s; /* … in this time, and it stays down … */
	int down_s;          /* … until a new try after so long; 0: until a person says so */
};

struct fate {
	int64_t deaths_us[FATE_DEATHS_MAX]; /* the newest, in a ring */
	int     deaths;                     /* all since the last fate_forgive */
	int     backoff_ms;
	int     is_down;
};

/* A death at now_us (monotonic) of a process started at started_us. The pause until the next start in ms: 0.1 s, doubled up to 10 s
 * while it lives less than 5 s; where it is to stay down, is_down is set and the pause is the long one, −1 for none. */
int64_t fate_died(struct fate *fate, const struct fate_limits *limits, int64_t started_us, int64_t now_us);

/* A new start is ordered, or the long pause is over: nothing counts that was before. */
void fate_forgive(struct fate *fate);

#endif
