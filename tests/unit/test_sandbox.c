/* What each program is refused, and what it must be able to do: each call is made by a child that entered the sandbox. The
 * arguments are ones that the kernel itself refuses, so that nothing happens should the sandbox let a call through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostd/base/log.h"
#include "hostd/base/sandbox.h"
#include "schemas/errors.h"

extern void __lsan_do_leak_check(void) __attribute__((weak));

enum { KILLED = 1000 }; /* an outcome beside the errnos: ended by SIGSYS */

enum {
	MINTD = 1 << PROGRAM_MINTD, QUEUE = 1 << PROGRAM_QUEUE, WORKER = 1 << PROGRAM_WORKER, CA = 1 << PROGRAM_CA,
	BENCH = 1 << PROGRAM_BENCH, LABEL = 1 << PROGRAM_LABEL, API = 1 << PROGRAM_API,
	ALL = MINTD | QUEUE | WORKER | CA | BENCH | LABEL | API
};

/* --- calls; each returns 0 or an errno */

static int
outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int
call(long number, long a, long b, long c)
{
	return outcome(syscall(number, a, b, c, 0L, 0L, 0L));
}

static int
family(long domain)
{
	return call(SYS_socket, domain, SOCK_DGRAM, 0);
}

static int
make_child(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	return outcome(pid);
}

static int call_execve(void) { return call(SYS_execve, (long)"/nowhere", 0, 0); }
static int call_execveat(void) { return call(SYS_execveat, -1, (long)"/nowhere", 0); }
static int make_unix(void) { return family(AF_UNIX); }
static int make_inet(void) { return family(AF_INET); }
static int make_inet6(void) { return family(AF_INET6); }
static int make_netlink(void) { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }
static int make_packet(void) { return call(SYS_socket, AF_PACKET, SOCK_RAW, 0); }
static int make_vsock(void) { return call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }
static int make_inet_disguised(void) { return family((long)(0xffffffff00000000UL | AF_INET)); }
static int make_pair_inet(void) { int fds[2]; return outcome(socketpair(AF_INET, SOCK_STREAM, 0, fds)); }
static int trace(void) { return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }
static int read_memory(void) { return call(SYS_process_vm_readv, getpid(), 0, 0); }
static int write_memory(void) { return call(SYS_process_vm_writev, getpid(), 0, 0); }
static int take_descriptor(void) { return call(SYS_pidfd_getfd, -1, 0, 0); }
static int call_unshare(void) { return call(SYS_unshare, 0, 0, 0); }
static int call_setns(void) { return call(SYS_setns, -1, 0, 0); }
static int make_user_namespace(void) { return make_child(CLONE_NEWUSER); }
static int make_network_namespace(void) { return make_child(CLONE_NEWUSER | CLONE_NEWNET); }
static int call_clone3(void) { return call(SYS_clone3, 0, 0, 0); }
static int call_bpf(void) { return call(SYS_bpf, -1, 0, 0); }
static int call_perf(void) { return call(SYS_perf_event_open, 0, 0, 0); }
static int call_userfaultfd(void) { return call(SYS_userfaultfd, -1, 0, 0); }
static int call_uring(void) { return call(SYS_io_uring_setup, 0, 0, 0); }
static int call_keyctl(void) { return call(SYS_keyctl, -1, 0, 0); }
static int call_add_key(void) { return call(SYS_add_key, 0, 0, 0); }
static int call_mount(void) { return call(SYS_mount, 0, 0, 0); }
static int call_umount(void) { return call(SYS_umount2, 0, -1, 0); }
static int call_move_mount(void) { return call(SYS_move_mount, -1, 0, -1); }
static int call_fsopen(void) { return call(SYS_fsopen, 0, -1, 0); }
static int call_pivot_root(void) { return call(SYS_pivot_root, 0, 0, 0); }
static int call_chroot(void) { return call(SYS_chroot, 0, 0, 0); }
static int load_module(void) { return call(SYS_init_module, 0, 0, 0); }
static int load_module_file(void) { return call(SYS_finit_module, -1, 0, -1); }
static int unload_module(void) { return call(SYS_delete_module, 0, -1, 0); }
static int call_kexec(void) { return call(SYS_kexec_load, 0, -1, 0); }
static int call_reboot(void) { return call(SYS_reboot, 0, 0, 0); }
static int call_swapon(void) { return call(SYS_swapon, 0, -1, 0); }
static int set_clock(void) { return call(SYS_clock_settime, CLOCK_MONOTONIC, 0, 0); }
static int set_hostname(void) { return call(SYS_sethostname, 0, -1, 0); }

static int
make_thread(void)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, (void *(*)(void *))(uintptr_t)getpid, NULL);

	return r == 0 ? pthread_join(thread, NULL) : r;
}

/* What an event loop, a database and a lock are made of. */
static int
do_daily_work(void)
{
	char path[] = "/tmp/mint-sandbox-XXXXXX";
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fds[2], file = mkstemp(path);
	void *page = file < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	int good = page != MAP_FAILED && unlink(path) == 0 && ftruncate(file, 4096) == 0 && fcntl(file, F_SETLK, &lock) == 0 &&
	    fdatasync(file) == 0 && epoll_create1(0) >= 0 && pipe(fds) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0 && kill(getpid(), 0) == 0 && sched_yield() == 0;

	return good ? make_child(0) : errno;
}

static const struct attempt {
	const char *name;
	int       (*make)(void);
	int         denied_to; /* bits of programs */
	int         denial;    /* an errno, or KILLED */
} attempts[] = {
	{ "execve", call_execve, ALL & ~(MINTD | WORKER), EPERM },
	{ "execveat", call_execveat, ALL & ~(MINTD | WORKER), EPERM },
	{ "socket, AF_UNIX", make_unix, 0, 0 },
	{ "socket, AF_INET", make_inet, ALL & ~(MINTD | API), EAFNOSUPPORT },
	{ "socket, AF_INET in the lower half of a number", make_inet_disguised, ALL, EAFNOSUPPORT },
	{ "socket, AF_INET6", make_inet6, ALL, EAFNOSUPPORT },
	{ "socket, AF_NETLINK", make_netlink, ALL & ~(MINTD | BENCH), EAFNOSUPPORT },
	{ "socket, AF_PACKET", make_packet, ALL, EAFNOSUPPORT },
	{ "socket, AF_VSOCK", make_vsock, ALL, EAFNOSUPPORT },
	{ "socketpair, AF_INET", make_pair_inet, ALL & ~(MINTD | API), EAFNOSUPPORT },
	{ "ptrace", trace, ALL, EPERM },
	{ "process_vm_readv", read_memory, ALL, EPERM },
	{ "process_vm_writev", write_memory, ALL, EPERM },
	{ "pidfd_getfd", take_descriptor, ALL, EPERM },
	{ "unshare", call_unshare, ALL, EPERM },
	{ "setns", call_setns, ALL, EPERM },
	{ "clone, new user namespace", make_user_namespace, ALL, EPERM },
	{ "clone, new network namespace", make_network_namespace, ALL, EPERM },
	{ "clone3", call_clone3, ALL, ENOSYS },
	{ "bpf", call_bpf, ALL, EPERM },
	{ "perf_event_open", call_perf, ALL, EPERM },
	{ "userfaultfd", call_userfaultfd, ALL, EPERM },
	{ "io_uring_setup", call_uring, ALL, EPERM },
	{ "keyctl", call_keyctl, ALL, EPERM },
	{ "add_key", call_add_key, ALL, EPERM },
	{ "mount", call_mount, ALL, KILLED },
	{ "umount", call_umount, ALL, KILLED },
	{ "move_mount", call_move_mount, ALL, KILLED },
	{ "fsopen", call_fsopen, ALL, KILLED },
	{ "pivot_root", call_pivot_root, ALL, KILLED },
	{ "chroot", call_chroot, ALL, KILLED },
	{ "init_module", load_module, ALL, KILLED },
	{ "finit_module", load_module_file, ALL, KILLED },
	{ "delete_module", unload_module, ALL, KILLED },
	{ "kexec_load", call_kexec, ALL, KILLED },
	{ "reboot", call_reboot, ALL, KILLED },
	{ "swapon", call_swapon, ALL, KILLED },
	{ "clock_settime", set_clock, ALL, KILLED },
	{ "sethostname", set_hostname, ALL, KILLED },
	{ "a thread", make_thread, 0, 0 },
	{ "daily work", do_daily_work, 0, 0 },
};

enum { ATTEMPTS = sizeof attempts / sizeof attempts[0], NOBODY = 0 };

/* --- children */

static void
enter(int program)
{
	if (program != NOBODY && sandbox_enter((enum program)program) != 0)
		_exit(254);
}

/* Without the exit handlers: a sanitizer's have nothing to do here. */
static int
in_child(int first, int second, int (*make)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		enter(first);
		enter(second);
		_exit(make());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 254);
	return WEXITSTATUS(status);
}

static int
expected(const struct attempt *attempt, int program, int plain)
{
	if (attempt->make == trace && __lsan_do_leak_check)
		return plain;
	return attempt->denied_to & 1 << program ? attempt->denial : plain;
}

static void
check_all(int above, int program)
{
	int differ = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		const struct attempt *attempt = &attempts[i];
		int plain = in_child(NOBODY, NOBODY, attempt->make), found = in_child(above, program, attempt->make);

		differ += plain != found;
		if (found != expected(attempt, program, plain)) {
			print_error("program %d: %s: found %d, without a sandbox %d\n", program, attempt->name, found,
			    plain);
			fail();
		}
	}
	assert_true(differ > ATTEMPTS / 2); /* else this machine refuses all of it by itself, and nothing was shown */
}

/* --- tests */

static void
each_program_is_refused_what_it_gave_up_and_nothing_else(void **state)
{
	(void)state;
	for (int program = PROGRAM_MINTD; program <= PROGRAM_API; program++)
		check_all(NOBODY, program);
}

static void
below_mintd_each_program_still_may_what_it_needs(void **state)
{
	(void)state;
	for (int program = PROGRAM_QUEUE; program <= PROGRAM_API; program++)
		check_all(PROGRAM_MINTD, program);
}

static void
needed_calls_work_without_a_sandbox_too(void **state)
{
	(void)state;
	for (int i = 0; i < ATTEMPTS; i++)
		if (attempts[i].denied_to == 0)
			assert_int_equal(in_child(NOBODY, NOBODY, attempts[i].make), 0);
	assert_int_equal(in_child(NOBODY, NOBODY, make_inet), 0);
	assert_int_equal(in_child(NOBODY, NOBODY, call_execve), ENOENT);
}

/* 1: no core file, 2: no new rights, 4: memory closed to others */
static int
limits(void)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) != 0)
		return 255;
	return (core.rlim_max == 0 ? 1 : 0) | (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 2 : 0) |
	    (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 4 : 0);
}

static void
nobody_leaves_a_core_file_or_gains_rights_and_holders_of_secrets_are_closed(void **state)
{
	(void)state;
	for (int program = PROGRAM_MINTD; program <= PROGRAM_API; program++)
		assert_int_equal(in_child(NOBODY, program, limits), (1 << program) & (QUEUE | WORKER | CA | API) ? 7 : 3);
}

/* A connection to ourselves through the listener: both sockets are older than the last filter. */
static int
serve_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), peer;
	char byte = 0;

	if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0 || sandbox_serve(PROGRAM_API) != 0)
		return 1;
	if (connect(client, (struct sockaddr *)&address, length) != 0 || (peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		return 2;
	if (write(client, "x", 1) != 1 || read(peer, &byte, 1) != 1 || byte != 'x')
		return 3;
	return make_inet() == EAFNOSUPPORT && make_unix() == 0 ? 0 : 4;
}

static void
mint_api_answers_on_loopback_and_opens_no_connection_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(in_child(PROGRAM_MINTD, PROGRAM_API, serve_loopback), 0);
}

/* What the socket of the start hears, it hears on; another one is not made. */
static int
serve_arrivals(void)
{
	int listener = socket(AF_NETLINK, SOCK_RAW, 0);

	if (listener < 0 || sandbox_serve(PROGRAM_BENCH) != 0)
		return 255;
	return fcntl(listener, F_GETFD) >= 0 ? make_netlink() : 254;
}

static void
mint_bench_listens_for_what_is_plugged_in_and_opens_no_other_socket_of_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(in_child(PROGRAM_MINTD, PROGRAM_BENCH, serve_arrivals), EAFNOSUPPORT);
}

static void *
wait_then_try(void *fd)
{
	char byte;

	return (void *)(intptr_t)(read((int)(intptr_t)fd, &byte, 1) == 1 ? make_inet() : -1);
}

static int
narrow_beside_a_thread(void)
{
	pthread_t thread;
	void *found = NULL;
	int fds[2];

	if (pipe(fds) != 0 || pthread_create(&thread, NULL, wait_then_try, (void *)(intptr_t)fds[0]) != 0 ||
	    sandbox_serve(PROGRAM_API) != 0 || write(fds[1], "x", 1) != 1 || pthread_join(thread, &found) != 0)
		return 255;
	return (int)(intptr_t)found;
}

static void
a_thread_that_was_there_before_is_held_to_it_too(void **state)
{
	(void)state;
	assert_int_equal(in_child(NOBODY, PROGRAM_API, narrow_beside_a_thread), EAFNOSUPPORT);
}

/* This program again, which then asks for a socket of AF_INET: see main. */
static int
start_another(void)
{
	static char self[] = "/proc/self/exe", argument[] = "--make-inet";
	char *arguments[] = { self, argument, NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid)
		return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
what_a_worker_starts_runs_and_reaches_no_network(void **state)
{
	(void)state;
	assert_int_equal(in_child(NOBODY, NOBODY, start_another), 0);
	assert_int_equal(in_child(PROGRAM_MINTD, PROGRAM_WORKER, start_another), EAFNOSUPPORT);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_program_is_refused_what_it_gave_up_and_nothing_else),
		cmocka_unit_test(below_mintd_each_program_still_may_what_it_needs),
		cmocka_unit_test(needed_calls_work_without_a_sandbox_too),
		cmocka_unit_test(nobody_leaves_a_core_file_or_gains_rights_and_holders_of_secrets_are_closed),
		cmocka_unit_test(mint_api_answers_on_loopback_and_opens_no_connection_of_its_own),
		cmocka_unit_test(mint_bench_listens_for_what_is_plugged_in_and_opens_no_other_socket_of_the_kernel),
		cmocka_unit_test(a_thread_that_was_there_before_is_held_to_it_too),
		cmocka_unit_test(what_a_worker_starts_runs_and_reaches_no_network),
	};

	if (argc == 2 && strcmp(argv[1], "--make-inet") == 0)
		_exit(make_inet());
	log_open("test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
