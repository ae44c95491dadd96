#include "tools/mintctl/programs.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static int
is_state(const json_t *row, const char *state)
{
	return strcmp(text_of(row, "state"), state) == 0;
}

static void
exit_text(const json_t *end, char *text, size_t text_bytes)
{
	text[0] = '\0';
	if (json_is_true(json_object_get(end, "hung")))
		snprintf(text, text_bytes, "%s", say("did not answer and was killed", "无响应，已强制结束"));
	else if (json_object_get(end, "signal"))
		snprintf(text, text_bytes, "%s %lld", say("signal", "信号"), number_of(end, "signal"));
	else if (json_object_get(end, "status"))
		snprintf(text, text_bytes, "%s %lld", say("status", "退出码"), number_of(end, "status"));
}

void
programs_text(const json_t *row, char *text, size_t text_bytes)
{
	char since[SCREEN_TIME_BYTES], again[SCREEN_TIME_BYTES], end[64], next[96] = "";

	screen_time(text_of(row, "since"), since);
	screen_time(text_of(row, "again"), again);
	exit_text(json_object_get(row, "last_exit"), end, sizeof end);
	if (*text_of(row, "again"))
		snprintf(next, sizeof next, "%s%s", say(", next try ", "，下次尝试 "), again);
	snprintf(text, text_bytes, "%s%s%s%s%s%s%s%s%lld%s%s", text_of(row, "program"), say(": ", "："),
	    state_text("program", text_of(row, "state")), say(" since ", "，自 "), since, *end ? say(", last exit: ", "，上次退出：") : "", end,
	    say(", restarted ", "，已重启 "), number_of(row, "restarts"), say(" times", " 次"), next);
}

void
programs_print(const json_t *status)
{
	const json_t *row;
	char text[512];
	size_t i;

	json_array_foreach(json_object_get(status, "programs"), i, row) {
		if (is_state(row, "up"))
			continue;
		programs_text(row, text, sizeof text);
		printf("\n%s\n", text);
		if (is_state(row, "down"))
			printf("  %s %s\n", say("do:", "处理："), words_of(json_object_get(row, "trouble"), "do"));
	}
}

void
programs_down(const json_t *status, char *text, size_t text_bytes)
{
	const json_t *row;
	size_t i, used = 0;

	text[0] = '\0';
	json_array_foreach(json_object_get(status, "programs"), i, row)
		if (is_state(row, "down") && used < text_bytes)
			used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used ? " " : "", text_of(row, "program"));
}

/* --- mintd's own file */

/* Its times are microseconds; those of mint-api's answer are texts. */
static void
set_time(json_t *row, const char *name)
{
	const json_t *at = json_object_get(row, name);
	char text[SCREEN_TIME_BYTES];
	struct tm utc;
	time_t seconds;

	if (!json_is_integer(at))
		return;
	seconds = (time_t)(json_integer_value(at) / 1000000);
	if (gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
		json_object_set_new(row, name, json_string(text));
}

/* NULL when there is none, or when the mintd that wrote it is gone. */
static json_t *
read_file(const char *socket_path)
{
	char path[512];
	json_t *file = NULL;
	int fd;

	snprintf(path, sizeof path, "%s.programs", socket_path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		file = json_loadfd(fd, 0, NULL);
	close(fd);
	return file;
}

int
programs_ask_mintd(const char *socket_path, char *text, size_t text_bytes)
{
	json_t *file = read_file(socket_path), *row;
	size_t i;
	int found = 0;

	json_array_foreach(json_object_get(file, "programs"), i, row) {
		if (found || !is_state(row, "down"))
			continue;
		set_time(row, "since");
		set_time(row, "again");
		programs_text(row, text, text_bytes);
		found = 1;
	}
	json_decref(file);
	return found;
}
