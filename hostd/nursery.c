#include "hostd/nursery.h"
#include "hostd/base/clock.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/spawn.h"
#include "schemas/messages.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_S = 15 };

/* A worker that was asked for. */
struct due {
	struct due *next;
	uint64_t    lease;
	int64_t     since_us; /* monotonic */
};

/* A process that makes workers: the first of the list is the one that is asked; the others answer what they owe, and end. */
struct source {
	struct source  *next;
	struct nursery *nursery;
	struct ipc     *channel; /* NULL once it is closed */
	struct due     *due;
	pid_t           pid;
	uint64_t        print;   /* fingerprint() when it was started; 0: not to be asked any more */
};

struct nursery {
	struct event_base  *base;
	const struct spawn *what;
	nursery_born       *on_born;
	void               *argument;
	struct source      *sources;
	int                 stopped;
};

/* --- what it has read */

/* FNV-1a, 64 bits (draft-eastlake-fnv): to see that something is another, not to keep anybody from making it look the same. */
static void
mix(uint64_t *hash, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		*hash = (*hash ^ (value >> (8 * i) & 0xff)) * 0x100000001b3U;
}

/* Which file it is and how it is, not only when it changed: clocks go back, and links are set to older files. */
static void
mix_file(uint64_t *hash, int directory, const char *name)
{
	struct stat file = { 0 };

	for (const char *c = name; *c; c++)
		mix(hash, (uint8_t)*c);
	mix(hash, fstatat(directory, name, &file, 0) == 0);
	mix(hash, file.st_dev);
	mix(hash, file.st_ino);
	mix(hash, (uint64_t)file.st_size);
	mix(hash, (uint64_t)file.st_mtim.tv_sec);
	mix(hash, (uint64_t)file.st_mtim.tv_nsec);
	mix(hash, (uint64_t)file.st_ctim.tv_sec);
	mix(hash, (uint64_t)file.st_ctim.tv_nsec);
}

/* Of all that a worker reads or loads once; the order of a directory's entries does not count. */
static uint64_t
fingerprint(const struct spawn *what)
{
	const char *const files[] = { what->config_path, what->config->station_key, what->config->module, what->config->models };
	DIR *models = opendir(what->config->models), *programs = opendir(what->config->programs);
	uint64_t hash = 0xcbf29ce484222325U, all = 0, one = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		mix_file(&hash, AT_FDCWD, files[i]);
	if (programs)
		mix_file(&hash, dirfd(programs), what->file);
	for (struct dirent *entry = models ? readdir(models) : NULL; entry; entry = readdir(models)) {
		one = 0;
		if (strcmp(entry->d_name, "..") != 0)
			mix_file(&one, dirfd(models), entry->d_name);
		all += one;
	}
	mix(&hash, all);
	if (models)
		closedir(models);
	if (programs)
		closedir(programs);
	return hash;
}

/* --- what it owes */

static int
add_due(struct source *source, uint64_t lease)
{
	struct due *due = calloc(1, sizeof *due);

	if (!due)
		return 0;
	*due = (struct due){ .next = source->due, .lease = lease, .since_us = clock_monotonic_us() };
	source->due = due;
	return 1;
}

/* 1 when it was owed. */
static int
take_due(struct source *source, uint64_t lease)
{
	for (struct due **place = &source->due; *place; place = &(*place)->next) {
		struct due *due = *place;

		if (due->lease != lease)
			continue;
		*place = due->next;
		free(due);
		return 1;
	}
	return 0;
}

static void
give_up(struct source *source)
{
	while (source->due) {
		uint64_t lease = source->due->lease;

		take_due(source, lease);
		source->nursery->on_born(source->nursery->argument, lease, 0);
	}
}

/* --- the process */

static void
on_news(struct ipc *ipc, const struct message *message, int passed_fd, void *argument)
{
	struct source *source = argument;

	(void)ipc;
	if (passed_fd >= 0)
		close(passed_fd);
	if (!message) {
		ipc_free(&source->channel); /* ending: its last children are told when it is reaped */
	} else if (message->type == MESSAGE_worker_started) {
		const struct message_worker_started *born = &message->worker_started;

		if (take_due(source, born->lease))
			source->nursery->on_born(source->nursery->argument, born->lease, (pid_t)born->pid);
		if (source != source->nursery->sources && !source->due)
			ipc_free(&source->channel); /* another has taken its place: it ends by that */
	} else if (message->type != MESSAGE_hello || ipc_check_hello(message) != 0) {
		log_error("mint-worker: sent %s, which mintd does not take: ending it", message_name(message->type));
		kill(source->pid, SIGKILL);
	}
}

static struct source *
add_source(struct nursery *nursery)
{
	struct source *source = calloc(1, sizeof *source);
	int fd, no_pulse;

	if (!source)
		return NULL;
	source->nursery = nursery;
	source->print = fingerprint(nursery->what);
	source->pid = spawn(nursery->what, &fd, &no_pulse);
	if (source->pid < 0) {
		free(source);
		return NULL;
	}
	source->channel = ipc_new(nursery->base, fd, on_news, source);
	source->next = nursery->sources;
	nursery->sources = source;
	return source;
}

/* One that read what stands in the files now. */
static struct source *
source_of(struct nursery *nursery)
{
	struct source *source = nursery->sources;

	if (nursery->stopped)
		return NULL;
	if (source && source->channel && source->print == fingerprint(nursery->what))
		return source;
	if (source && source->channel && !source->due)
		ipc_free(&source->channel); /* it ends by that */
	return add_source(nursery);
}

void
nursery_start(struct nursery *nursery)
{
	source_of(nursery);
}

void
nursery_ask(struct nursery *nursery, uint64_t lease, int channel_fd)
{
	struct source *source = source_of(nursery);
	struct message order = { .type = MESSAGE_worker_start };

	order.worker_start.lease = lease;
	if (source && source->channel && add_due(source, lease)) {
		ipc_send(source->channel, &order, channel_fd);
		return;
	}
	close(channel_fd);
	nursery->on_born(nursery->argument, lease, 0);
}

void
nursery_pulse(struct nursery *nursery)
{
	int64_t limit_us = clock_monotonic_us() - (int64_t)ANSWER_S * 1000000;

	for (struct source *s = nursery->sources; s; s = s->next)
		for (const struct due *due = s->due; due; due = due->next)
			if (due->since_us < limit_us) {
				log_error("mint-worker: made no worker in %d s: killing it; another is started for the next", ANSWER_S);
				kill(s->pid, SIGKILL);
				break;
			}
}

void
nursery_refuse(struct nursery *nursery)
{
	for (const struct source *s = nursery->sources; s; s = s->next)
		kill(s->pid, SIGKILL);
}

void
nursery_stop(struct nursery *nursery)
{
	nursery->stopped = 1;
	nursery_refuse(nursery);
}

/* One that was asked for nothing more ends with 0 or its channel's CLOSED. */
static void
say_end(const struct source *source, int status)
{
	if (WIFSIGNALED(status))
		log_error("mint-worker, which makes the others: ended by signal %d", WTERMSIG(status));
	else if (source->channel || source->due)
		log_error("mint-worker, which makes the others: ended with status %d", WEXITSTATUS(status));
}

int
nursery_has(const struct nursery *nursery, pid_t pid)
{
	const struct source *source = nursery->sources;

	while (source && source->pid != pid)
		source = source->next;
	return source != NULL;
}

void
nursery_renew(struct nursery *nursery)
{
	if (nursery->sources)
		nursery->sources->print = 0;
}

int
nursery_ended(struct nursery *nursery, pid_t pid, int status)
{
	for (struct source **place = &nursery->sources; *place; place = &(*place)->next) {
		struct source *source = *place;

		if (source->pid != pid)
			continue;
		*place = source->next;
		if (!nursery->stopped)
			say_end(source, status);
		ipc_free(&source->channel);
		give_up(source);
		free(source);
		return 1;
	}
	return 0;
}

int
nursery_is_gone(const struct nursery *nursery)
{
	return !nursery->sources;
}

/* --- from the cradle to the grave */

struct nursery *
nursery_new(struct event_base *base, const struct spawn *what, nursery_born *on_born, void *argument)
{
	struct nursery *nursery = calloc(1, sizeof *nursery);

	if (nursery)
		*nursery = (struct nursery){ .base = base, .what = what, .on_born = on_born, .argument = argument };
	return nursery;
}

void
nursery_free(struct nursery **place)
{
	struct nursery *nursery = *place;

	*place = NULL;
	while (nursery && nursery->sources) {
		struct source *source = nursery->sources;

		nursery->sources = source->next;
		ipc_free(&source->channel);
		while (source->due)
			take_due(source, source->due->lease);
		free(source);
	}
	free(nursery);
}
