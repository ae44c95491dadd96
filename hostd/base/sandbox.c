#include "hostd/base/sandbox.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { STAY, EXEC };
enum { OPEN, HIDDEN };
enum { REFUSE, KILL };
enum { UNIX = 1 << AF_UNIX, INET = 1 << AF_INET, NETLINK = 1 << AF_NETLINK };

static const struct row {
	int      may_exec;
	int      has_secrets;
	unsigned starting, serving; /* 1 << family */
} rows[] = {
#define MAY(program, name, exec, secrets, starting, serving) [PROGRAM_##program] = { exec, secrets, starting, serving },
#include "hostd/base/sandbox.def"
#undef MAY
};

/* An architecture that lacks a call has a negative number for it, which libseccomp passes over. */
enum { LAST = INT_MIN };

static const struct group {
	int        reply;
	const int *calls; /* until LAST */
} groups[] = {
#define CALL(name) SCMP_SYS(name),
#define DENY(reply, what, calls) { reply, (const int[]){ calls LAST } },
#include "hostd/base/sandbox.def"
#undef DENY
#undef CALL
};

/* clone(2)'s first argument on the architectures of Debian but s390x; CLONE_NEWTIME is for clone3 and unshare only. */
static const uint64_t namespaces[] = {
	CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
};

/* There in builds with LeakSanitizer, which stops the process's other threads with ptrace(2) to look for leaks. */
extern void __lsan_do_leak_check(void) __attribute__((weak));

static int
deny_groups(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		for (const int *call = groups[i].calls; *call != LAST && r == 0; call++)
			if (*call != SCMP_SYS(ptrace) || !__lsan_do_leak_check)
				r = seccomp_rule_add(filter, groups[i].reply == KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM), *call, 0);
	return r;
}

/* A filter cannot see the flags of clone3, which lie in memory: without it the C library falls back to clone. */
static int
deny_namespaces(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0] && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
	return r;
}

static int
deny_exec(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);

	return r == 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0) : r;
}

/* As if the kernel had no such family: what libraries are prepared for. The comparison is of 64 bits, the kernel's of 32:
 * whatever stands in the upper half is refused by the last rule. */
static int
deny_families(scmp_filter_ctx filter, int call, unsigned families)
{
	const uint32_t reply = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	uint64_t family = 0;
	int r = 0;

	for (; families >> family && r == 0; family++)
		if (!(families >> family & 1))
			r = seccomp_rule_add(filter, reply, call, 1, SCMP_A0(SCMP_CMP_EQ, family, 0));
	return r == 0 ? seccomp_rule_add(filter, reply, call, 1, SCMP_A0(SCMP_CMP_GE, family, 0)) : r;
}

/* 0, or a negative errno. */
static int
load(const struct row *row, unsigned families)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : -ENOMEM;

	if (r == 0) /* whatever threads there are: all of them, or failure */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = deny_groups(filter);
	if (r == 0)
		r = deny_namespaces(filter);
	if (r == 0 && !row->may_exec)
		r = deny_exec(filter);
	if (r == 0)
		r = deny_families(filter, SCMP_SYS(socket), families);
	if (r == 0)
		r = deny_families(filter, SCMP_SYS(socketpair), families);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int
complain(const char *what, int error)
{
	log_error("sandbox: %s: %s: it needs a kernel with seccomp filters, outside a container that forbids them", what,
	    strerror(error));
	return MINT_SYSTEM;
}

int
sandbox_enter(enum program program)
{
	const struct row *row = &rows[program];
	const struct rlimit none = { 0, 0 };
	int r;

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return complain("core files", errno);
	if (row->has_secrets && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return complain("memory closed to others", errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return complain("no new privileges", errno);
	r = load(row, row->starting);
	return r == 0 ? 0 : complain("filter", -r);
}

int
sandbox_serve(enum program program)
{
	const struct row *row = &rows[program];
	int r = row->serving == row->starting ? 0 : load(row, row->serving);

	return r == 0 ? 0 : complain("filter", -r);
}
