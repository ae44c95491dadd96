/* mintctl ca …: the sibling program mint-ca with the same arguments. It holds the CA's key; this program must not. */
#include "schemas/errors.h"
#include "tools/mintctl/backup.h"
#include "tools/mintctl/command.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CA_PATH_BYTES = PATH_MAX + 16 };

/* Beside this program. 0 or MINT_SYSTEM. */
static int
ca_path(char path[CA_PATH_BYTES])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	if (length < 0)
		return MINT_SYSTEM;
	self[length] = '\0';
	snprintf(path, CA_PATH_BYTES, "%s/mint-ca", dirname(self));
	return 0;
}

static void
become_ca(const char *path, char **arguments)
{
	arguments[0] = (char *)(uintptr_t)path;
	execv(path, arguments);
	if (errno == ENOENT) {
		arguments[0] = (char[]){ "mint-ca" };
		execv("/usr/lib/mintbench/mint-ca", arguments);
	}
}

int
run_ca(struct run *run)
{
	char path[CA_PATH_BYTES];
	char **arguments = calloc((size_t)run->argument_count + 2, sizeof *arguments);

	if (!arguments || ca_path(path) != 0) {
		free(arguments);
		return command_fail_with(run, MINT_SYSTEM, "/proc/self/exe");
	}
	for (int i = 0; i < run->argument_count; i++)
		arguments[i + 1] = run->arguments[i];
	if (run->argument_count == 0 || strcmp(run->arguments[0], "--help") == 0)
		arguments[1] = (char[]){ "help" }; /* its own --help is that of a program mintd starts */
	become_ca(path, arguments);
	free(arguments);
	return command_fail_with(run, MINT_NOT_FOUND, path);
}

/* What it says on its standard output, as JSON. Its exit status, −1 when it could not be asked. */
static int
ask_ca(char **arguments, json_t **answer)
{
	char path[CA_PATH_BYTES];
	int ends[2], status;
	FILE *from;
	pid_t pid;

	if (ca_path(path) != 0 || pipe(ends) != 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		become_ca(path, arguments);
		_exit(127);
	}
	close(ends[1]);
	from = fdopen(ends[0], "r");
	*answer = from ? json_loadf(from, 0, NULL) : NULL;
	if (from)
		fclose(from);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
ca_list(const char *directory, int64_t from_byte, json_t **answer, char *detail)
{
	char number[32];
	char *arguments[] = { NULL, (char[]){ "list" }, (char[]){ "--json" }, (char[]){ "--dir" }, (char *)(uintptr_t)directory,
		(char[]){ "--from" }, number, NULL };
	const struct error_info *error;
	const char *why;
	int status;

	snprintf(number, sizeof number, "%" PRId64, from_byte);
	*answer = NULL;
	status = ask_ca(arguments, answer);
	if (status == 0 && *answer)
		return 0;
	why = json_string_value(json_object_get(*answer, "detail"));
	error = error_by_name(json_string_value(json_object_get(*answer, "error")) ? json_string_value(json_object_get(*answer, "error")) : "");
	snprintf(detail, BACKUP_DETAIL_BYTES, "%s: %s", directory, why ? why : "mint-ca");
	json_decref(*answer);
	*answer = NULL;
	return error ? error->code : MINT_SYSTEM;
}
