#include "hostd/standing.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct standing_file {
	char *path, *new_path;
	int   fd;           /* locked */
	int   complained;
};

struct standing_file *
standing_new(const char *api_socket)
{
	struct standing_file *file = calloc(1, sizeof *file);

	if (!file)
		return NULL;
	file->fd = -1;
	if (asprintf(&file->path, "%s.programs", api_socket) < 0)
		file->path = NULL;
	if (asprintf(&file->new_path, "%s.programs.new", api_socket) < 0)
		file->new_path = NULL;
	if (!file->path || !file->new_path)
		standing_free(&file);
	return file;
}

/* --- the file */

static void
put_number(FILE *out, const char *name, int64_t number)
{
	if (number == 0)
		fprintf(out, ", \"%s\": null", name);
	else
		fprintf(out, ", \"%s\": %lld", name, (long long)number);
}

/* Every text is a constant of ours: nothing to escape. */
static void
put_row(FILE *out, const struct standing *row)
{
	fprintf(out, "{\"program\": \"%s\", \"state\": \"%s\"", row->program, row->state);
	put_number(out, "pid", row->pid);
	put_number(out, "since", row->since_us);
	fprintf(out, ", \"restarts\": %d, \"last_exit\": ", row->restarts);
	if (!row->has_ended)
		fputs("null", out);
	else if (WIFSIGNALED(row->ended))
		fprintf(out, "{\"signal\": %d, \"hung\": %s}", WTERMSIG(row->ended), row->hung ? "true" : "false");
	else
		fprintf(out, "{\"status\": %d}", WEXITSTATUS(row->ended));
	put_number(out, "again", row->again_us);
	fputs("}", out);
}

static int
put_all(int fd, const struct standing *rows, size_t count)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *out = own >= 0 ? fdopen(own, "w") : NULL;
	int failed;

	if (!out) {
		if (own >= 0)
			close(own);
		return -1;
	}
	fprintf(out, "{\"mintd\": %d, \"at\": %lld, \"programs\": [\n", (int)getpid(), (long long)clock_utc_us());
	for (size_t i = 0; i < count; i++) {
		put_row(out, &rows[i]);
		fputs(i + 1 < count ? ",\n" : "\n", out);
	}
	fputs("]}\n", out);
	failed = ferror(out);
	return fclose(out) != 0 || failed ? -1 : 0;
}

/* The directory may be another user's (mint-api's): nothing that lies there is followed or kept. */
static int
write_file(struct standing_file *file, const struct standing *rows, size_t count)
{
	int fd;

	if (unlink(file->new_path) != 0 && errno != ENOENT)
		return -1;
	fd = open(file->new_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fchmod(fd, 0644) != 0 || put_all(fd, rows, count) != 0 ||
	    rename(file->new_path, file->path) != 0) {
		close(fd);
		return -1;
	}
	if (file->fd >= 0)
		close(file->fd);
	file->fd = fd;
	return 0;
}

/* --- systemd */

static void
notify_status(const struct standing *rows, size_t count)
{
	char down[256] = "";
	size_t used = 0, up = 0;

	for (size_t i = 0; i < count; i++) {
		up += strcmp(rows[i].state, "up") == 0;
		if (strcmp(rows[i].state, "down") == 0 && used < sizeof down)
			used += (size_t)snprintf(down + used, sizeof down - used, " %s", rows[i].program);
	}
	if (*down)
		sd_notifyf(0, "STATUS=stays down:%s: see the log, mend it, then reload this unit · 已停止：%s，请查看日志，排除后重新加载本单元",
		    down, down);
	else
		sd_notifyf(0, "STATUS=%zu of %zu programs run · 运行中 %zu/%zu", up, count, up, count);
}

void
standing_tell(struct standing_file *file, const struct standing *rows, size_t count)
{
	notify_status(rows, count);
	if (write_file(file, rows, count) == 0) {
		file->complained = 0;
	} else if (!file->complained) {
		log_warning("%s: %s: mintctl will not know which program is down: is the directory there?", file->path, strerror(errno));
		file->complained = 1;
	}
}

void
standing_free(struct standing_file **place)
{
	struct standing_file *file = *place;

	*place = NULL;
	if (!file)
		return;
	if (file->fd >= 0 && file->path)
		unlink(file->path);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->new_path);
	free(file);
}
