/* mintctl: sees and steers a bench through mint-api's Unix socket; what must work without a daemon runs offline.
 *
 * Trusted with nothing of its own: what it may do, mint-api decides by the uid at the other end of the socket.
 */
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/screen.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const char default_socket[] = "/run/mintbench/api.sock";

/* --lang must be known before the first word is printed, errors about other options included. */
static const char *
wanted_language(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--lang=", 7) == 0)
			return argv[i] + 7;
		if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static int
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			return 1;
	return 0;
}

/* --socket, $MINT_SOCKET, the configuration's, the default; the first that is given. */
static int
find_socket(struct run *run, struct config **config)
{
	const char *named = run->options[OPTION_SOCKET] ? run->options[OPTION_SOCKET] : getenv("MINT_SOCKET");
	int r = 0;

	run->config_path = run->options[OPTION_CONFIG] ? run->options[OPTION_CONFIG] : getenv("MINT_CONFIG");
	if (named && *named) {
		run->socket_path = named;
		return 0;
	}
	run->socket_path = default_socket;
	if (run->config_path && run->command->place == PLACE_CLIENT) {
		r = config_read(run->config_path, config);
		if (r == 0)
			run->socket_path = (*config)->api_socket;
	}
	return r;
}

static int
run_command(struct run *run)
{
	struct config *config = NULL;
	int r = find_socket(run, &config);

	if (r != 0) {
		command_fail_with(run, r, run->config_path);
		goto out;
	}
	if (run->command->place == PLACE_CLIENT) {
		run->client = client_new(run->socket_path);
		if (!run->client) {
			r = command_fail_with(run, MINT_MEMORY, run->command->name);
			goto out;
		}
	}
	r = run->command->run(run);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = command_fail_with(run, MINT_STORAGE, say("standard output", "标准输出"));
out:
	client_free(&run->client);
	config_free(&config);
	return r;
}

int
main(int argc, char **argv)
{
	struct run run = { .json = wants_json(argc, argv) };
	char fault[256] = "";
	int r;

	log_open("mintctl");
	screen_open(wanted_language(argc, argv));
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("mintctl " MINT_RELEASE);
		return 0;
	}
	r = command_parse(argc, argv, &run, fault, sizeof fault);
	if (r != 0)
		return error_info(command_fail_with(&run, r, fault))->exit_status;
	if (run.options[OPTION_HELP]) {
		if (run.group[0])
			command_group_help(run.group, stdout);
		else
			command_help(run.command, stdout);
		return 0;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = run_command(&run);
	curl_global_cleanup();
	return r == 0 ? 0 : error_info(r)->exit_status;
}
