#include "tools/vtoken/say.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 10
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

int
say_command(const char *path, const char *command)
{
	int fd = call(path), error = MINT_CLOSED;
	FILE *stream;

	if (fd < 0) {
		log_error("%s: %s: does a vtoken run there?", path, error_info(fd)->what[MINT_EN]);
		return fd;
	}
	stream = fdopen(fd, "r+");
	if (!stream) {
		close(fd);
		return MINT_SYSTEM;
	}
	if (fprintf(stream, "%s\n", command) > 0 && fflush(stream) == 0)
		error = print_answer(stream);
	fclose(stream);
	return error;
}
