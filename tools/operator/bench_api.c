#include "tools/operator/bench_api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX_BYTES = 16 * 1024 * 1024, CONTROL_TIMEOUT_S = 10 };

struct bench_api {
	CURL       *curl;
	const char *socket_path;
};

struct answer {
	char  *bytes;
	size_t length;
};

struct bench_api *
bench_api_new(const char *socket_path)
{
	struct bench_api *api = calloc(1, sizeof *api);

	if (!api)
		return NULL;
	api->socket_path = socket_path;
	api->curl = curl_easy_init();
	if (!api->curl)
		bench_api_free(&api);
	return api;
}

void
bench_api_free(struct bench_api **api)
{
	if (*api && (*api)->curl)
		curl_easy_cleanup((*api)->curl);
	free(*api);
	*api = NULL;
}

static size_t
collect(char *bytes, size_t size, size_t count, void *argument)
{
	struct answer *answer = argument;
	char *grown;

	if (answer->length + size * count > ANSWER_MAX_BYTES)
		return 0;
	grown = realloc(answer->bytes, answer->length + size * count + 1);
	if (!grown)
		return 0;
	answer->bytes = grown;
	memcpy(grown + answer->length, bytes, size * count);
	answer->length += size * count;
	return size * count;
}

json_t *
bench_api_get(struct bench_api *api, const char *path, long timeout_ms, long *status)
{
	struct answer answer = { NULL, 0 };
	json_t *json = NULL;
	char url[512];
	long code = 0;

	snprintf(url, sizeof url, "http://localhost%s", path);
	curl_easy_setopt(api->curl, CURLOPT_UNIX_SOCKET_PATH, api->socket_path);
	curl_easy_setopt(api->curl, CURLOPT_URL, url);
	curl_easy_setopt(api->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(api->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &answer);
	if (curl_easy_perform(api->curl) == CURLE_OK) {
		curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &code);
		if (code == 200)
			json = json_loadb(answer.bytes ? answer.bytes : "", answer.length, 0, NULL);
	}
	free(answer.bytes);
	if (status)
		*status = code;
	return json;
}

json_t *
control_command(const char *socket_path, const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { CONTROL_TIMEOUT_S, 0 };
	json_t *json = NULL;
	FILE *stream = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(socket_path) >= sizeof address.sun_path)
		goto out;
	strcpy(address.sun_path, socket_path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		goto out;
	stream = fdopen(fd, "r+");
	if (!stream)
		goto out;
	fd = -1;
	fprintf(stream, "%s\n", line);
	fflush(stream);
	json = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL);
out:
	if (stream)
		fclose(stream);
	if (fd >= 0)
		close(fd);
	return json;
}
