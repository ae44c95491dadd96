/* The processes below mintd: who is started when, and who is told of whose end. */
#include "hostd/family.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/members.h"
#include "hostd/pcscds.h"
#include "hostd/spawn.h"
#include "hostd/workers.h"
#include "schemas/errors.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { MUTE_MS = 1000 };

struct family {
	struct event_base *base;
	const struct config *config;
	const char        *config_path;
	struct fate_limits limits;
	struct member      members[MEMBER_COUNT]; /* mint-queue first, then the leaves */
	struct spawn       worker;       /* how one is started */
	struct workers    *workers;
	struct pcscds     *pcscds;       /* those that are ours to start */
	struct ipc        *channel;      /* to mint-queue */
	struct event      *mute;         /* mint-queue has closed its channel: killed when this comes before its end */
	struct event      *pulse;
	struct standing_file *standing;
	int                queue_ready;
	int                told_ready;   /* READY=1 is out */
	int                stopping;
	int                hopeless;     /* exit status of a mint-queue that only a person can help, or where no pcscd can be started any more */
};

static void start_queue(struct family *);

static struct member *
queue_of(struct family *family)
{
	return &family->members[0];
}

static void
tell_queue(struct family *family, const struct message *message, int passed_fd)
{
	if (family->channel)
		ipc_send(family->channel, message, passed_fd);
	else if (passed_fd >= 0)
		close(passed_fd);
}

/* --- how it stands */

static void
tell_people(struct family *family)
{
	struct standing standing[MEMBER_COUNT + CONFIG_PCSCD_MAX];
	size_t count = MEMBER_COUNT;

	if (family->stopping)
		return;
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		standing[i] = member_standing(&family->members[i], i == 0 || family->queue_ready);
	count += pcscds_standing(family->pcscds, standing + MEMBER_COUNT);
	standing_tell(family->standing, standing, count);
}

/* It has come as far as it can: mint-queue is there, or stays down and the status says so. */
static void
tell_ready(struct family *family)
{
	if (!family->told_ready)
		sd_notify(0, "READY=1");
	family->told_ready = 1;
}

static int
all_but_pcscd_are_gone(const struct family *family)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (family->members[i].pid)
			return 0;
	return workers_are_gone(family->workers);
}

int
family_is_gone(const struct family *family)
{
	return all_but_pcscd_are_gone(family) && pcscds_are_gone(family->pcscds);
}

/* The readers go when nobody works with them any more. */
static void
go_on_stopping(struct family *family, int signal_number)
{
	if (!family->stopping)
		return;
	if (all_but_pcscd_are_gone(family))
		pcscds_stop(family->pcscds, signal_number);
	if (family_is_gone(family))
		event_base_loopbreak(family->base);
}

static void
on_pcscd(void *argument)
{
	struct family *family = argument;

	tell_people(family);
	if (family->stopping && family_is_gone(family))
		event_base_loopbreak(family->base);
}

/* For the record: events are where a shift looks later. */
static void
tell_record(struct family *family, const struct member *member)
{
	struct message news = { .type = MESSAGE_program };

	news.program = (struct message_program){
		.program = member->program, .down = (uint8_t)(member->pid == 0),
		.restarts = (uint32_t)(member->starts - 1), .status = (uint32_t)member->ended,
	};
	tell_queue(family, &news, -1);
}

/* --- the leaves: everything that hangs on mint-queue */

static pid_t
spawn_member(struct family *family, struct member *member, int *channel_fd)
{
	struct spawn what = {
		.config = family->config, .config_path = family->config_path, .file = member->file, .has_pulse = 1,
	};
	int pulse_fd;
	pid_t pid = spawn(&what, channel_fd, &pulse_fd);

	if (pid >= 0)
		member_started(member, pid, pulse_fd);
	else
		member_ended(member, NO_START << 8, 1, &family->limits);
	return pid;
}

static void
start_leaf(struct family *family, struct member *leaf)
{
	struct message peer = { .type = MESSAGE_peer };
	int fd;
	pid_t pid;

	if (leaf->pid || leaf->fate.is_down || !family->queue_ready || family->stopping)
		return;
	pid = spawn_member(family, leaf, &fd);
	if (pid < 0)
		return;
	peer.peer.program = leaf->program;
	peer.peer.pid = (uint32_t)pid;
	tell_queue(family, &peer, fd);
}

static void
start_member(struct member *member)
{
	if (member == queue_of(member->family))
		start_queue(member->family);
	else
		start_leaf(member->family, member);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	struct member *member = argument;

	(void)fd, (void)what;
	if (member->fate.is_down)
		member_forgive(member);
	start_member(member);
	tell_people(member->family);
}

static void
start_leaves(struct family *family)
{
	for (size_t i = 1; i < MEMBER_COUNT; i++)
		start_leaf(family, &family->members[i]);
}

/* --- workers */

static int
is_others(void *argument, pid_t pid)
{
	const struct family *family = argument;

	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (family->members[i].pid == pid)
			return 1;
	return pcscds_is_starter(family->pcscds, pid);
}

/* The last of them may be what mint-queue's start, or the end of all, waits for. */
static void
on_worker(void *argument, const struct message *news, int passed_fd)
{
	struct family *family = argument;

	tell_queue(family, news, passed_fd);
	if (!workers_are_done(family->workers))
		return;
	if (!queue_of(family)->pid && !evtimer_pending(queue_of(family)->retry, NULL))
		start_queue(family);
	go_on_stopping(family, SIGTERM);
}

/* --- mint-queue */

static void
on_queue(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	static const struct timeval mute = { MUTE_MS / 1000, MUTE_MS % 1000 * 1000 };
	struct family *family = argument;
	struct member *queue = queue_of(family);

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		ipc_free(&family->channel);
		family->queue_ready = 0;
		if (queue->pid)
			evtimer_add(family->mute, &mute); /* ending, as a rule, with a status that is worth waiting for */
		return;
	}
	switch ((int)message->type) {
	case MESSAGE_hello:
		break;
	case MESSAGE_ready:
		family->queue_ready = 1;
		start_leaves(family);
		workers_prepare(family->workers);
		tell_ready(family);
		tell_people(family);
		break;
	case MESSAGE_worker_start:
		if (!family->stopping) /* else not answered: mint-queue is about to end, too */
			workers_start(family->workers, message->worker_start.lease);
		break;
	case MESSAGE_worker_kill:
		workers_kill(family->workers, message->worker_kill.lease);
		break;
	default:
		log_error("mint-queue: sent %s, which mintd does not take: restarting it", message_name(message->type));
		kill(queue->pid, SIGKILL);
	}
}

/* Alive but not talking: it is started anew. */
static void
on_mute(evutil_socket_t fd, short what, void *argument)
{
	struct family *family = argument;

	(void)fd, (void)what;
	if (queue_of(family)->pid)
		kill(queue_of(family)->pid, SIGKILL);
}

static void
start_queue(struct family *family)
{
	struct member *queue = queue_of(family);
	int fd;

	/* Never before the last worker is reaped: a second process on a reader would break the first one's token. */
	if (queue->pid || queue->fate.is_down || family->hopeless || !workers_are_done(family->workers) || family->stopping)
		return;
	if (spawn_member(family, queue, &fd) >= 0)
		family->channel = ipc_new(family->base, fd, on_queue, family);
}

/* A damaged record, one of a newer release, a wrong configuration: to start again and again would only fill the log. */
static int
only_a_person_helps(int status)
{
	static const int errors[] = { MINT_DAMAGED, MINT_REFUSED, MINT_CONFIG };

	for (size_t i = 0; WIFEXITED(status) && i < sizeof errors / sizeof errors[0]; i++)
		if (WEXITSTATUS(status) == error_info(errors[i])->exit_status)
			return 1;
	return 0;
}

static void
queue_ended(struct family *family, int status)
{
	struct member *queue = queue_of(family);

	ipc_free(&family->channel);
	evtimer_del(family->mute);
	family->queue_ready = 0;
	if (only_a_person_helps(status)) {
		family->hopeless = WEXITSTATUS(status);
		log_error("mint-queue cannot work before a person has mended what it said: ending");
	}
	member_ended(queue, status, !family->stopping && !family->hopeless, &family->limits);
	workers_kill_all(family->workers);
	for (size_t i = 1; i < MEMBER_COUNT; i++) {
		if (family->members[i].pid)
			kill(family->members[i].pid, SIGTERM);
		member_excuse(&family->members[i]);
	}
	if (queue->fate.is_down)
		tell_ready(family);
}

/* --- the end of children */

static int
leaf_ended(struct family *family, pid_t pid, int status)
{
	struct message message = { .type = MESSAGE_exited };

	for (size_t i = 1; i < MEMBER_COUNT; i++) {
		struct member *leaf = &family->members[i];

		if (leaf->pid != pid)
			continue;
		message.exited = (struct message_exited){
			.program = leaf->program, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		tell_queue(family, &message, -1);
		/* Without mint-queue it ended because of that, and starts with it. */
		member_ended(leaf, status, family->queue_ready && !family->stopping, &family->limits);
		if (family->queue_ready && leaf->fate.is_down)
			tell_record(family, leaf);
		return 1;
	}
	return 0;
}

/* mint-queue before the others: who ended because of it did not end by itself. */
void
family_reap(struct family *family)
{
	struct member *queue = queue_of(family);
	int status, news = 0;
	pid_t pid;

	if (queue->pid && waitpid(queue->pid, &status, WNOHANG) == queue->pid) {
		queue_ended(family, status);
		news = 1;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == queue->pid)
			queue_ended(family, status);
		else if (pcscds_lost(family->pcscds, pid)) {
			log_error("what starts pcscd has ended: ending, to be started anew");
			family->hopeless = error_info(MINT_SYSTEM)->exit_status;
		} else if (!leaf_ended(family, pid, status)) {
			workers_ended(family->workers, pid, status);
			continue;
		}
		news = 1;
	}
	if (!queue->pid && !evtimer_pending(queue->retry, NULL))
		start_queue(family); /* it waited for the last worker */
	if (news)
		tell_people(family);
	go_on_stopping(family, SIGTERM);
}

void
family_try_again(struct family *family)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		struct member *member = &family->members[i];

		if (member->pid)
			continue;
		member_forgive(member);
		evtimer_del(member->retry);
		start_member(member);
	}
	pcscds_start(family->pcscds);
	tell_people(family);
}

/* --- the pulse */

static void
on_pulse(evutil_socket_t fd, short what, void *argument)
{
	struct family *family = argument;
	int news = pcscds_pulse(family->pcscds);

	(void)fd, (void)what;
	workers_pulse(family->workers);
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		struct member *member = &family->members[i];

		if (!member_pulse(member))
			continue;
		news = 1;
		if (member->was_down)
			tell_record(family, member);
		member->was_down = 0;
	}
	if (news)
		tell_people(family);
}

/* --- from the cradle to the grave */

static int
make_pulse(struct family *family)
{
	struct timeval period = { PULSE_MS / 1000, PULSE_MS % 1000 * 1000 };

	family->pulse = event_new(family->base, -1, EV_PERSIST, on_pulse, family);
	return family->pulse && event_add(family->pulse, &period) == 0 ? 0 : MINT_MEMORY;
}

int
family_new(struct family **out, struct event_base *base, const struct config *config, const char *config_path,
    const struct starter *starter)
{
	struct family *family = calloc(1, sizeof *family);
	int r;

	*out = family;
	if (!family)
		return MINT_MEMORY;
	*family = (struct family){
		.base = base, .config = config, .config_path = config_path,
		.limits = { .deaths_max = config->deaths_max, .deaths_within_s = config->deaths_within_s, .down_s = config->down_s },
		.standing = standing_new(config->api_socket),
		.worker = { .config = config, .config_path = config_path, .file = "mint-worker" },
	};
	family->workers = workers_new(base, &family->worker, on_worker, is_others, family);
	family->pcscds = pcscds_new(base, config, starter, &family->limits, on_pcscd, family);
	family->mute = evtimer_new(base, on_mute, family);
	r = family->mute && family->pcscds && family->workers ? members_make(family->members, family, config, base, on_retry) : MINT_MEMORY;
	if (r == 0)
		r = family->standing ? make_pulse(family) : MINT_MEMORY;
	if (r == 0)
		r = members_check_users(config);
	if (r != 0)
		family_free(out);
	return r;
}

void
family_start(struct family *family)
{
	pcscds_start(family->pcscds);
	start_queue(family);
	tell_people(family);
}

/* A token in mid-step is left as it is: the journal knows, and the next start probes it. */
void
family_stop(struct family *family, int signal_number)
{
	family->stopping = 1;
	workers_stop(family->workers);
	for (size_t i = MEMBER_COUNT; i-- > 0;)
		if (family->members[i].pid)
			kill(family->members[i].pid, signal_number);
	if (signal_number == SIGKILL)
		pcscds_stop(family->pcscds, SIGKILL);
	go_on_stopping(family, signal_number);
}

int
family_hopeless(const struct family *family)
{
	return family->hopeless;
}

void
family_free(struct family **place)
{
	struct family *family = *place;

	*place = NULL;
	if (!family)
		return;
	members_free(family->members);
	workers_free(&family->workers);
	pcscds_free(&family->pcscds);
	if (family->pulse)
		event_free(family->pulse);
	if (family->mute)
		event_free(family->mute);
	ipc_free(&family->channel);
	standing_free(&family->standing);
	free(family);
}
