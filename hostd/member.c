#include "hostd/member.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "hostd/base/pulse.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXCUSED_US = 1000000 };

void
member_started(struct member *member, pid_t pid, int pulse_fd)
{
	member->pid = pid;
	member->pulse_fd = pulse_fd;
	member->answered = 0;
	member->silent = 0;
	member->killed = 0;
	member->again_us = 0;
	member->starts++;
	member->started_us = clock_monotonic_us();
	if (pulse_fd >= 0)
		pulse_ask(pulse_fd);
}

/* Counted in pulses, not in time: while mintd itself did not run (a stopped or sleeping machine) nobody was silent. */
int
member_pulse(struct member *member)
{
	int first, limit;

	if (!member->pid)
		return 0;
	if (pulse_heard(member->pulse_fd) > 0) {
		first = !member->answered;
		member->answered = 1;
		member->silent = 0;
		pulse_ask(member->pulse_fd);
		return first;
	}
	limit = member->answered ? member->silent_max : member->starting_max;
	if (++member->silent > limit && !member->killed) {
		member->killed = 1;
		log_error("%s: process %d has not answered for %d s: killing it", member->file, (int)member->pid, limit);
		kill(member->pid, SIGKILL);
	}
	return 0;
}

static void
start_later(struct member *member, int64_t pause_ms)
{
	struct timeval pause = { pause_ms / 1000, pause_ms % 1000 * 1000 };

	evtimer_add(member->retry, &pause);
	member->again_us = clock_utc_us() + pause_ms * 1000;
}

static void
log_end(const struct member *member, int64_t pause_ms)
{
	const char *how = WIFSIGNALED(member->ended) ? "signal" : "status";
	int number = WIFSIGNALED(member->ended) ? WTERMSIG(member->ended) : WEXITSTATUS(member->ended);

	if (!member->fate.is_down)
		log_warning("%s: ended with %s %d: starting it again in %lld ms", member->file, how, number, (long long)pause_ms);
	else if (pause_ms < 0)
		log_error("%s: ended with %s %d, %d times now: it stays down: mend what it said above, then send mintd a SIGHUP",
		    member->file, how, number, member->fate.deaths);
	else
		log_error("%s: ended with %s %d, %d times now: it stays down: mend what it said above, then send mintd a SIGHUP; "
		    "tried again in %lld s", member->file, how, number, member->fate.deaths, (long long)pause_ms / 1000);
}

void
member_ended(struct member *member, int status, int counts, const struct fate_limits *limits)
{
	int64_t pause_ms;

	member->pid = 0;
	if (member->pulse_fd >= 0)
		close(member->pulse_fd);
	member->pulse_fd = -1;
	if (!counts)
		return;
	member->has_ended = 1;
	member->ended = status;
	member->ended_us = clock_monotonic_us();
	member->hung = member->killed;
	member->before.fate = member->fate;
	member->before.was_down = member->was_down;
	pause_ms = fate_died(&member->fate, limits, member->started_us, member->ended_us);
	member->was_down |= member->fate.is_down;
	log_end(member, pause_ms);
	if (pause_ms >= 0)
		start_later(member, pause_ms);
}

void
member_excuse(struct member *member)
{
	if (!member->has_ended || member->ended != 0 || clock_monotonic_us() - member->ended_us > EXCUSED_US)
		return;
	if (member->fate.is_down && !member->before.fate.is_down)
		log_info("%s: it ended because mint-queue had: it does not stay down, it starts with it", member->file);
	member->fate = member->before.fate;
	member->was_down = member->before.was_down;
	member->again_us = 0;
	evtimer_del(member->retry);
}

void
member_forgive(struct member *member)
{
	fate_forgive(&member->fate);
	fate_forgive(&member->before.fate);
}

static const char *
state_of(const struct member *member, int can_start)
{
	if (member->pid)
		return member->answered ? "up" : "starting";
	if (member->fate.is_down)
		return "down";
	return can_start ? "restarting" : "waiting";
}

struct standing
member_standing(struct member *member, int can_start)
{
	const char *state = state_of(member, can_start);

	if (!member->state || strcmp(member->state, state) != 0)
		member->since_us = clock_utc_us();
	member->state = state;
	return (struct standing){
		.program = member->file, .state = state, .pid = (int)member->pid, .since_us = member->since_us,
		.restarts = member->starts > 0 ? member->starts - 1 : 0, .has_ended = member->has_ended, .ended = member->ended,
		.hung = member->hung, .again_us = member->again_us,
	};
}
