#include "hostd/pcscds.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/member.h"
#include "hostd/starter.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STARTING_S = 30, NAME_BYTES = CONFIG_PCSCD_NAME_MAX + sizeof "pcscd " };

struct instance {
	struct pcscds *all;
	size_t         pcscd; /* place in config->pcscds */
	int            ordered; /* to start: news of it is to come */
	struct member  member;
	char           name[NAME_BYTES];
};

struct pcscds {
	const struct config      *config;
	const struct starter     *starter;
	const struct fate_limits *limits;
	void                    (*on_news)(void *);
	void                     *argument;
	struct event             *heard;
	int                       stopping;
	size_t                    count;
	struct instance           list[CONFIG_PCSCD_MAX];
};

static void
start(struct instance *instance)
{
	if (instance->member.pid || instance->ordered || instance->all->stopping)
		return;
	instance->ordered = 1;
	starter_order(instance->all->starter, instance->pcscd, 0);
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	struct instance *instance = argument;

	(void)fd, (void)what;
	if (instance->member.fate.is_down)
		fate_forgive(&instance->member.fate);
	start(instance);
}

static void
take_news(struct pcscds *pcscds, const struct starter_news *news)
{
	for (size_t i = 0; i < pcscds->count; i++) {
		struct instance *instance = &pcscds->list[i];

		if (instance->pcscd != news->pcscd)
			continue;
		instance->ordered = 0;
		if (news->pid)
			member_started(&instance->member, news->pid, -1);
		else
			member_ended(&instance->member, news->status, !pcscds->stopping, pcscds->limits);
		/* It came up after it was told to stop. */
		if (news->pid && pcscds->stopping)
			starter_order(pcscds->starter, instance->pcscd, SIGKILL);
	}
}

static void
on_heard(evutil_socket_t fd, short what, void *argument)
{
	struct pcscds *pcscds = argument;
	struct starter_news news;

	(void)fd, (void)what;
	while (starter_hear(pcscds->starter, &news))
		take_news(pcscds, &news);
	pcscds->on_news(pcscds->argument);
}

static int
add(struct pcscds *pcscds, struct event_base *base, size_t pcscd)
{
	struct instance *instance = &pcscds->list[pcscds->count++];

	*instance = (struct instance){ .all = pcscds, .pcscd = pcscd };
	snprintf(instance->name, sizeof instance->name, "pcscd %s", pcscds->config->pcscds[pcscd].name);
	instance->member = (struct member){
		.file = instance->name, .pulse_fd = -1, .starting_max = STARTING_S * 1000 / PULSE_MS,
		.retry = evtimer_new(base, on_retry, instance),
	};
	return instance->member.retry != NULL;
}

struct pcscds *
pcscds_new(struct event_base *base, const struct config *config, const struct starter *starter, const struct fate_limits *limits,
    void (*on_news)(void *), void *argument)
{
	struct pcscds *pcscds = calloc(1, sizeof *pcscds);
	int complete;

	if (!pcscds)
		return NULL;
	*pcscds = (struct pcscds){ .config = config, .starter = starter, .limits = limits, .on_news = on_news, .argument = argument };
	if (!starter)
		return pcscds;
	pcscds->heard = event_new(base, starter_fd(starter), EV_READ | EV_PERSIST, on_heard, pcscds);
	complete = pcscds->heard && event_add(pcscds->heard, NULL) == 0;
	for (size_t i = 0; i < config->pcscd_count && complete; i++)
		if (config->pcscds[i].start[0])
			complete = add(pcscds, base, i);
	if (!complete)
		pcscds_free(&pcscds);
	return pcscds;
}

void
pcscds_free(struct pcscds **place)
{
	struct pcscds *pcscds = *place;

	*place = NULL;
	if (!pcscds)
		return;
	for (size_t i = 0; i < pcscds->count; i++)
		if (pcscds->list[i].member.retry)
			event_free(pcscds->list[i].member.retry);
	if (pcscds->heard)
		event_free(pcscds->heard);
	free(pcscds);
}

void
pcscds_start(struct pcscds *pcscds)
{
	for (size_t i = 0; i < pcscds->count; i++) {
		if (pcscds->list[i].member.pid)
			continue;
		fate_forgive(&pcscds->list[i].member.fate);
		evtimer_del(pcscds->list[i].member.retry);
		start(&pcscds->list[i]);
	}
}

void
pcscds_stop(struct pcscds *pcscds, int signal_number)
{
	pcscds->stopping = 1;
	for (size_t i = 0; i < pcscds->count; i++) {
		evtimer_del(pcscds->list[i].member.retry);
		if (pcscds->list[i].member.pid)
			starter_order(pcscds->starter, pcscds->list[i].pcscd, signal_number);
	}
}

int
pcscds_are_gone(const struct pcscds *pcscds)
{
	for (size_t i = 0; i < pcscds->count; i++)
		if (pcscds->list[i].member.pid || pcscds->list[i].ordered)
			return 0;
	return 1;
}

static int
socket_answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), answers;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	answers = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return answers;
}

/* Only until it is up: each look is a client that pcscd makes a thread for. */
int
pcscds_pulse(struct pcscds *pcscds)
{
	int news = 0;

	for (size_t i = 0; i < pcscds->count; i++) {
		struct member *member = &pcscds->list[i].member;
		const char *socket_path = config_pcscd_path(&pcscds->config->pcscds[pcscds->list[i].pcscd]);

		if (!member->pid || member->answered)
			continue;
		member->answered = socket_answers(socket_path);
		news |= member->answered;
		if (member->answered || ++member->silent <= member->starting_max || member->killed)
			continue;
		member->killed = 1;
		log_error("%s: %s: nobody answers after %d s: killing it", member->file, socket_path, STARTING_S);
		starter_order(pcscds->starter, pcscds->list[i].pcscd, SIGKILL);
	}
	return news;
}

int
pcscds_is_starter(const struct pcscds *pcscds, pid_t pid)
{
	return pcscds->starter && pid == starter_pid(pcscds->starter);
}

int
pcscds_lost(struct pcscds *pcscds, pid_t pid)
{
	if (!pcscds_is_starter(pcscds, pid))
		return 0;
	pcscds->stopping = 1;
	event_del(pcscds->heard); /* it would be readable for ever */
	for (size_t i = 0; i < pcscds->count; i++) {
		pcscds->list[i].member.pid = 0;
		pcscds->list[i].ordered = 0;
	}
	return 1;
}

size_t
pcscds_standing(struct pcscds *pcscds, struct standing *rows)
{
	for (size_t i = 0; i < pcscds->count; i++)
		rows[i] = member_standing(&pcscds->list[i].member, 1);
	return pcscds->count;
}
