/* mintctl ca …: the sibling program mint-ca with the same arguments. It holds the CA's key; this program must not. */
#include "schemas/errors.h"
#include "tools/mintctl/command.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
run_ca(struct run *run)
{
	char self[PATH_MAX], path[PATH_MAX + 16];
	char **arguments = calloc((size_t)run->argument_count + 2, sizeof *arguments);
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	if (!arguments || length < 0) {
		free(arguments);
		return command_fail_with(run, MINT_SYSTEM, "/proc/self/exe");
	}
	self[length] = '\0';
	snprintf(path, sizeof path, "%s/mint-ca", dirname(self));
	arguments[0] = path;
	for (int i = 0; i < run->argument_count; i++)
		arguments[i + 1] = run->arguments[i];
	if (run->argument_count == 0 || strcmp(run->arguments[0], "--help") == 0)
		arguments[1] = (char[]){ "help" }; /* its own --help is that of a program mintd starts */
	execv(path, arguments);
	if (errno == ENOENT) {
		arguments[0] = (char[]){ "mint-ca" };
		execv("/usr/lib/mintbench/mint-ca", arguments);
	}
	free(arguments);
	return command_fail_with(run, MINT_NOT_FOUND, path);
}
