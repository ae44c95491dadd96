/* mintctl certs: every live certificate as a file named after its credential. A file appears whole or not at all. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 256, NAME_BYTES = 200 };

struct pems {
	const char *directory;
	char        line[LINE_BYTES];
	size_t      used;
	char        name[NAME_BYTES];   /* of the certificate at hand */
	FILE       *file;
	json_t     *written;
	int         error;
};

/* A name from the record becomes a file name: what could leave the directory is refused. */
static int
is_file_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < NAME_BYTES - 16 &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}

static void
path_of(const struct pems *pems, const char *suffix, char *path, size_t path_bytes)
{
	snprintf(path, path_bytes, "%s/%s.pem%s", pems->directory, pems->name, suffix);
}

static int
begin_file(struct pems *pems)
{
	char path[4096];

	path_of(pems, ".new", path, sizeof path);
	pems->file = fopen(path, "we");
	return pems->file ? 0 : MINT_STORAGE;
}

static int
end_file(struct pems *pems)
{
	char from[4096], to[4096];
	int failed = fclose(pems->file) != 0;

	pems->file = NULL;
	path_of(pems, ".new", from, sizeof from);
	path_of(pems, "", to, sizeof to);
	if (failed || rename(from, to) != 0)
		return MINT_STORAGE;
	json_array_append_new(pems->written, json_string(to));
	return 0;
}

/* A line: the credential's name, or a line of its PEM. */
static int
take_line(struct pems *pems)
{
	int r = 0;

	if (!pems->file && strncmp(pems->line, "-----BEGIN", 10) != 0) {
		if (!is_file_name(pems->line))
			return MINT_PROTOCOL;
		memcpy(pems->name, pems->line, strlen(pems->line) + 1);
		return 0;
	}
	if (!pems->file)
		r = *pems->name ? begin_file(pems) : MINT_PROTOCOL;
	if (r == 0 && fprintf(pems->file, "%s\n", pems->line) < 0)
		r = MINT_STORAGE;
	if (r == 0 && strncmp(pems->line, "-----END", 8) == 0)
		r = end_file(pems);
	return r;
}

static int
take_bytes(void *argument, const char *bytes, size_t length)
{
	struct pems *pems = argument;

	for (size_t i = 0; i < length && pems->error == 0; i++) {
		if (bytes[i] != '\n') {
			if (pems->used + 1 >= sizeof pems->line)
				pems->error = MINT_PROTOCOL;
			else
				pems->line[pems->used++] = bytes[i];
			continue;
		}
		pems->line[pems->used] = '\0';
		pems->used = 0;
		pems->error = take_line(pems);
	}
	return pems->error;
}

int
run_certs(struct run *run)
{
	struct pems pems = { .directory = run->options[OPTION_OUT] };
	json_t *refusal = NULL;
	int r;

	if (!pems.directory)
		return command_fail_with(run, MINT_ARGUMENT, say("--out DIR is needed", "--out 目录为必填"));
	if (mkdir(pems.directory, 0755) != 0 && errno != EEXIST)
		return command_fail_with(run, MINT_STORAGE, pems.directory);
	pems.written = json_array();
	r = client_stream(run->client, "/v1/certificates", NULL, NULL, 0, take_bytes, &pems, &refusal);
	if (pems.file)
		fclose(pems.file);
	if (r != 0 && refusal) {
		command_fail(run, r, refusal);
	} else if (r != 0) {
		command_fail_with(run, r = pems.error, pems.directory);
	} else {
		json_t *answer = json_pack("{s:O}", "files", pems.written);

		if (!command_print_json(run, answer))
			printf("%zu %s %s\n", json_array_size(pems.written), say("certificates in", "张证书，位于"), pems.directory);
		json_decref(answer);
	}
	json_decref(pems.written);
	return r;
}
