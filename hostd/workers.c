#include "hostd/workers.h"
#include "hostd/base/config.h"
#include "hostd/spawn.h"
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct worker {
	struct worker *next;
	uint64_t       lease; /* 0: a spare one, that nobody has asked for yet */
	pid_t          pid;
	int            channel; /* of a spare one, −1 once it was passed on or given up */
	int64_t        newest;  /* last_change() when it was started: a worker reads configuration, models and key then */
};

static void
note_change(const struct stat *file, int64_t *newest)
{
	int64_t changed = (int64_t)file->st_ctim.tv_sec * 1000000000 + file->st_ctim.tv_nsec;

	if (changed > *newest)
		*newest = changed;
}

/* The latest time at which a file changed or came into its place, of those that a worker reads once: UTC nanoseconds. */
static int64_t
last_change(const struct spawn *what)
{
	const char *const files[] = { what->config_path, what->config->station_key };
	DIR *models = opendir(what->config->models);
	int64_t newest = 0;
	struct stat file;

	for (struct dirent *entry = models ? readdir(models) : NULL; entry; entry = readdir(models))
		if (strcmp(entry->d_name, "..") != 0 && fstatat(dirfd(models), entry->d_name, &file, 0) == 0)
			note_change(&file, &newest);
	if (models)
		closedir(models);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (stat(files[i], &file) == 0)
			note_change(&file, &newest);
	return newest;
}

static struct worker *
add(struct worker **list, const struct spawn *what)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int no_pulse;

	if (!worker)
		return NULL;
	worker->newest = last_change(what);
	worker->pid = spawn(what, &worker->channel, &no_pulse);
	if (worker->pid < 0) {
		free(worker);
		return NULL;
	}
	worker->next = *list;
	*list = worker;
	return worker;
}

/* One that read what stands in the files now; those that read something older are ended, and reaped like any other. */
static struct worker *
spare_of(struct worker *list, int64_t newest)
{
	for (; list; list = list->next) {
		if (list->lease || list->channel < 0)
			continue;
		if (list->newest == newest)
			return list;
		kill(list->pid, SIGKILL);
		close(list->channel);
		list->channel = -1;
	}
	return NULL;
}

int
workers_start(struct worker **list, const struct spawn *what, uint64_t lease, struct message *answer)
{
	struct worker *worker = spare_of(*list, last_change(what));
	int fd;

	if (!worker)
		worker = add(list, what);
	if (!worker) {
		*answer = (struct message){ .type = MESSAGE_exited };
		answer->exited = (struct message_exited){ .lease = lease, .program = PROGRAM_WORKER, .status = NO_START << 8 };
		return -1;
	}
	fd = worker->channel;
	worker->channel = -1;
	worker->lease = lease;
	*answer = (struct message){ .type = MESSAGE_worker_started };
	answer->worker_started = (struct message_worker_started){ .lease = lease, .pid = (uint32_t)worker->pid };
	return fd;
}

void
workers_spare(struct worker **list, const struct spawn *what, size_t count)
{
	size_t spare = 0;

	for (const struct worker *w = *list; w; w = w->next)
		spare += w->lease == 0 && w->channel >= 0;
	while (spare < count && add(list, what))
		spare++;
}

void
workers_kill(const struct worker *list, uint64_t lease)
{
	for (const struct worker *w = list; w; w = w->next)
		if (w->lease == lease)
			kill(-w->pid, SIGKILL);
}

void
workers_kill_all(const struct worker *list)
{
	for (const struct worker *w = list; w; w = w->next)
		kill(-w->pid, SIGKILL);
}

int
workers_ended(struct worker **list, pid_t pid, int status, struct message *news)
{
	for (struct worker **place = list; *place; place = &(*place)->next) {
		struct worker *worker = *place;

		if (worker->pid != pid)
			continue;
		/* What the worker started (pkcs15-init) must be gone before the reader is called free. */
		kill(-pid, SIGKILL);
		if (worker->channel >= 0)
			close(worker->channel);
		*news = (struct message){ .type = MESSAGE_exited };
		news->exited = (struct message_exited){
			.lease = worker->lease, .program = PROGRAM_WORKER, .pid = (uint32_t)pid, .status = (uint32_t)status,
		};
		*place = worker->next;
		free(worker);
		return 1;
	}
	return 0;
}
