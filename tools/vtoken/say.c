#include "tools/vtoken/say.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 70
#define OK "{\"ok\": true"

static int
call(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd;

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int)sizeof address.sun_path)
		return MINT_ARGUMENT;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return MINT_SYSTEM;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		close(fd);
		return MINT_CLOSED;
	}
	return fd;
}

/* Prints up to and with the end of the line. */
static int
print_answer(FILE *stream)
{
	char part[4096];
	int error = MINT_CLOSED;

	for (int first = 1; fgets(part, sizeof part, stream); first = 0) {
		if (first)
			error = strncmp(part, OK, strlen(OK)) ? MINT_REFUSED : 0;
		fputs(part, stdout);
		if (strchr(part, '\n'))
			return error;
	}
	return errno == EAGAIN ? MINT_TIMEOUT : MINT_CLOSED;
}

/* A stream to the vtoken; NULL with the reason in *error, which was said. */
static FILE *
connection(const char *path, int *error)
{
	int fd = call(path);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "r+");

	*error = fd < 0 ? fd : stream ? 0 : MINT_SYSTEM;
	if (fd < 0)
		log_error("%s: %s: does a vtoken run there?", path, error_info(fd)->what[MINT_EN]);
	else if (!stream)
		close(fd);
	return stream;
}

static int
say_line(FILE *stream, const char *line)
{
	if (fprintf(stream, "%s\n", line) < 0 || fflush(stream))
		return MINT_CLOSED;
	return print_answer(stream);
}

int
say_command(const char *path, const char *command)
{
	int error;
	FILE *stream = connection(path, &error);

	if (!stream)
		return error;
	error = say_line(stream, command);
	fclose(stream);
	return error;
}

static bool
says_nothing(const char *line)
{
	line += strspn(line, " \t");
	return *line == '\0' || *line == '#';
}

int
say_script(const char *path, const char *file)
{
	FILE *script = strcmp(file, "-") ? fopen(file, "r") : stdin, *stream;
	char *line = NULL;
	size_t capacity = 0;
	int error = MINT_NOT_FOUND;

	if (!script) {
		log_error("%s: cannot be read: %s", file, strerror(errno));
		return error;
	}
	stream = connection(path, &error);
	for (unsigned number = 1; !error && getline(&line, &capacity, script) > 0; number++) {
		line[strcspn(line, "\r\n")] = '\0';
		if (says_nothing(line))
			continue;
		error = say_line(stream, line);
		fflush(stdout);
		if (error)
			log_error("%s:%u: %s: %s", file, number, line, error_info(error)->what[MINT_EN]);
	}
	free(line);
	if (stream)
		fclose(stream);
	if (script != stdin)
		fclose(script);
	return error;
}
