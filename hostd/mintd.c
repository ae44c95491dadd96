/* mintd: starts, wires and restarts the programs of a bench.
 *
 * Trusted with: the configuration's paths, the right to start processes, and, where each program has a user of its own, root's
 * rights, of which it uses the changing of users and the ending of children. It opens no database and no device and parses
 * nothing from outside but the configuration; all it hears is mint-queue asking for workers and children ending.
 *
 * Wiring: descriptor 3 of mint-queue leads here. For each other program a socket pair is made: one end becomes its
 * descriptor 3, the other is passed to mint-queue. Descriptor 4 is the family's lock: every descendant inherits it, so a
 * new mintd waits until the last process of an earlier one, pkcs15-init included, has let go of its reader. Descriptor 5 of what
 * runs on a loop is its pulse (hostd/base/pulse.h).
 *
 * What starts pcscd, where the configuration says so, is forked before the sandbox is entered (starter.h): pcscd needs a namespace and
 * sockets that the sandbox denies, and with it every program here. It hears mintd alone and starts nothing but the configuration's commands.
 *
 * With systemd: READY=1, STATUS= (hostd/standing.h), WATCHDOG=1 from the loop, STOPPING=1.
 */
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/base/release.h"
#include "hostd/base/sandbox.h"
#include "hostd/family.h"
#include "hostd/starter.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { LOCK_FD = 4, LOCK_WAIT_S = 10, STOP_MS = 1500 };

struct mintd {
	struct event_base *base;
	struct family     *family;
	struct event      *stop_deadline;
	struct event      *watchdog;     /* NULL without systemd's WatchdogSec= */
	int                stopping;
};

/* --- the loop */

static void
on_stop_deadline(evutil_socket_t fd, short what, void *argument)
{
	struct mintd *mintd = argument;

	(void)fd, (void)what;
	log_warning("some programs did not stop in %d ms: killing them", STOP_MS);
	family_stop(mintd->family, SIGKILL);
}

static void
stop(struct mintd *mintd)
{
	struct timeval deadline = { STOP_MS / 1000, STOP_MS % 1000 * 1000 };

	if (mintd->stopping)
		return;
	mintd->stopping = 1;
	sd_notify(0, "STOPPING=1");
	family_stop(mintd->family, SIGTERM);
	evtimer_add(mintd->stop_deadline, &deadline);
	if (family_is_gone(mintd->family))
		event_base_loopbreak(mintd->base);
}

static void
on_stop(evutil_socket_t signal_number, short what, void *argument)
{
	(void)what;
	log_info("%s: stopping", signal_number == SIGINT ? "SIGINT" : "SIGTERM");
	stop(argument);
}

static void
on_child(evutil_socket_t signal_number, short what, void *argument)
{
	struct mintd *mintd = argument;

	(void)signal_number, (void)what;
	family_reap(mintd->family);
	if (family_hopeless(mintd->family))
		stop(mintd);
	if (mintd->stopping && family_is_gone(mintd->family))
		event_base_loopbreak(mintd->base);
}

static void
on_hangup(evutil_socket_t signal_number, short what, void *argument)
{
	struct mintd *mintd = argument;

	(void)signal_number, (void)what;
	if (mintd->stopping)
		return;
	log_info("SIGHUP: starting what is down");
	family_try_again(mintd->family);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
	sd_notify(0, "WATCHDOG=1");
}

/* Twice in the time that systemd waits (sd_watchdog_enabled(3)). */
static int
start_watchdog(struct mintd *mintd)
{
	uint64_t limit_us = 0;
	struct timeval period;

	if (sd_watchdog_enabled(0, &limit_us) <= 0)
		return 0;
	period.tv_sec = (time_t)(limit_us / 2 / 1000000);
	period.tv_usec = (suseconds_t)(limit_us / 2 % 1000000);
	mintd->watchdog = event_new(mintd->base, -1, EV_PERSIST, on_watchdog, mintd);
	return mintd->watchdog && event_add(mintd->watchdog, &period) == 0 ? 0 : MINT_MEMORY;
}

static int
run(const struct config *config, const char *config_path, const struct starter *starter, int *hopeless)
{
	static const struct { int number; event_callback_fn call; } caught[] = {
		{ SIGCHLD, on_child }, { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_hangup },
	};
	enum { CAUGHT = sizeof caught / sizeof caught[0] };
	struct event *signals[CAUGHT] = { NULL };
	struct mintd mintd = { .base = event_base_new() };
	int r = mintd.base ? family_new(&mintd.family, mintd.base, config, config_path, starter) : MINT_MEMORY;

	if (r == 0)
		mintd.stop_deadline = evtimer_new(mintd.base, on_stop_deadline, &mintd);
	for (size_t i = 0; i < CAUGHT && r == 0; i++) {
		signals[i] = evsignal_new(mintd.base, caught[i].number, caught[i].call, &mintd);
		if (!mintd.stop_deadline || !signals[i] || event_add(signals[i], NULL) != 0)
			r = MINT_MEMORY;
	}
	if (r == 0)
		r = start_watchdog(&mintd);
	if (r == 0) {
		family_start(mintd.family);
		event_base_dispatch(mintd.base);
		*hopeless = family_hopeless(mintd.family);
	}
	for (size_t i = 0; i < CAUGHT; i++)
		if (signals[i])
			event_free(signals[i]);
	if (mintd.stop_deadline)
		event_free(mintd.stop_deadline);
	if (mintd.watchdog)
		event_free(mintd.watchdog);
	family_free(&mintd.family);
	if (mintd.base)
		event_base_free(mintd.base);
	return r;
}

/* --- alone on its database */

static void
on_alarm(int signal_number)
{
	(void)signal_number; /* its only use is to end flock(2) */
}

/* Descriptor 4, inherited by every descendant; see the head of this file. */
static int
take_family_lock(const struct config *config)
{
	struct sigaction alarmed = { .sa_handler = on_alarm };
	char path[PATH_MAX];
	int fd, r;

	snprintf(path, sizeof path, "%s.lock", config->database);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || dup2(fd, LOCK_FD) < 0) {
		log_error("%s: %s: is the directory there and writable?", path, strerror(errno));
		return MINT_SYSTEM;
	}
	if (fd != LOCK_FD)
		close(fd);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(LOCK_WAIT_S);
	r = flock(LOCK_FD, LOCK_EX);
	alarm(0);
	if (r == 0)
		return 0;
	log_error("%s: held by another mintd or what it left behind: stop that one first", path);
	return MINT_BUSY;
}

static const char usage[] =
	"usage: mintd --config FILE\n"
	"Starts, wires and restarts the programs of a bench. SIGTERM or Ctrl-C stops them all, SIGHUP starts what stays down.\n"
	"  --config FILE   the bench's configuration (docs/configuration.md)\n"
	"  --version       print the release\n"
	"  --help          print this\n";

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	struct config *config = NULL;
	struct starter *starter = NULL;
	char *config_path = NULL; /* absolute: every program is given it */
	int option, r, hopeless = 0;

	log_open("mintd");
	while ((option = getopt_long(argc, argv, "c:hv", options, NULL)) != -1)
		switch (option) {
		case 'c':
			free(config_path);
			config_path = realpath(optarg, NULL);
			if (!config_path)
				log_error("%s: %s: name the configuration with --config", optarg, strerror(errno));
			break;
		case 'h':
			return fputs(usage, stdout) < 0;
		case 'v':
			return puts("mintd " MINT_RELEASE) < 0;
		default:
			return fputs(usage, stderr), error_info(MINT_ARGUMENT)->exit_status;
		}
	if (!config_path || optind != argc) {
		free(config_path);
		return fputs(usage, stderr), error_info(MINT_ARGUMENT)->exit_status;
	}
	r = config_read(config_path, &config);
	if (r == 0)
		r = take_family_lock(config);
	if (r == 0)
		r = starter_new(&starter, config);
	if (r == 0)
		r = sandbox_enter(PROGRAM_MINTD);
	if (r == 0)
		r = run(config, config_path, starter, &hopeless);
	starter_free(&starter);
	config_free(&config);
	free(config_path);
	return r == 0 ? hopeless : error_info(r)->exit_status;
}
