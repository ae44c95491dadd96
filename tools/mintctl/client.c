#include "tools/mintctl/client.h"
#include "schemas/errors.h"
#include "tools/mintctl/programs.h"
#include "tools/mintctl/screen.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 256 * 1024 * 1024, POST_TIMEOUT_MS = 60000, REFUSAL_BYTES_MAX = 64 * 1024 };

struct client {
	CURL       *curl;
	const char *socket_path;
};

struct answer {
	CURL  *curl;
	char  *bytes;
	size_t length, limit;
	int  (*take)(void *, const char *, size_t); /* NULL: collect */
	void  *argument;
	int    taker_ended;
};

struct client *
client_new(const char *socket_path)
{
	struct client *client = calloc(1, sizeof *client);

	if (!client)
		return NULL;
	client->socket_path = socket_path;
	client->curl = curl_easy_init();
	if (!client->curl)
		client_free(&client);
	return client;
}

void
client_free(struct client **client)
{
	if (*client)
		curl_easy_cleanup((*client)->curl);
	free(*client);
	*client = NULL;
}

json_t *
client_error(int error, const char *detail)
{
	const struct error_info *info = error_info(error);

	return json_pack("{s:s,s:{s:s,s:s},s:{s:s,s:s},s:s}", "error", info->name, "what", "en", info->what[MINT_EN],
	    "zh", info->what[MINT_ZH], "do", "en", info->next[MINT_EN], "zh", info->next[MINT_ZH], "detail", detail);
}

static size_t
collect(struct answer *answer, const char *bytes, size_t length)
{
	char *grown;

	if (length > answer->limit - answer->length)
		return 0;
	grown = realloc(answer->bytes, answer->length + length + 1);
	if (!grown)
		return 0;
	answer->bytes = grown;
	memcpy(grown + answer->length, bytes, length);
	answer->length += length;
	return length;
}

static size_t
on_bytes(char *bytes, size_t size, size_t count, void *argument)
{
	struct answer *answer = argument;
	long status = 0;

	curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!answer->take || status != 200)
		return collect(answer, bytes, size * count);
	answer->taker_ended = answer->take(answer->argument, bytes, size * count) != 0;
	return answer->taker_ended ? 0 : size * count;
}

/* The error that an answer names; one that is not JSON (an old release, a proxy) is a broken protocol. */
static int
refusal(struct answer *answer, long status, json_t **json)
{
	json_t *object = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
	const char *name = json_string_value(json_object_get(object, "error"));
	const struct error_info *info = name ? error_by_name(name) : NULL;
	char detail[64];

	if (info) {
		*json = object;
		return info->code;
	}
	json_decref(object);
	snprintf(detail, sizeof detail, "mint-api answered HTTP status %ld", status);
	*json = client_error(status == 413 ? MINT_TOO_LARGE : MINT_PROTOCOL, detail);
	return status == 413 ? MINT_TOO_LARGE : MINT_PROTOCOL;
}

static int
transport_failed(struct client *client, CURLcode code, json_t **json)
{
	int error = code == CURLE_OPERATION_TIMEDOUT ? MINT_TIMEOUT : code == CURLE_OUT_OF_MEMORY ? MINT_MEMORY : MINT_CLOSED;
	char detail[512];

	if (code == CURLE_COULDNT_CONNECT && programs_ask_mintd(client->socket_path, detail, sizeof detail))
		error = MINT_PROGRAM_DOWN;
	else if (code == CURLE_COULDNT_CONNECT)
		snprintf(detail, sizeof detail, "%s: %s", client->socket_path,
		    say("no bench answers here: start mintd, or name its socket with --socket or --config",
		        "此处没有制证台应答：请启动 mintd，或用 --socket、--config 指定套接字"));
	else
		snprintf(detail, sizeof detail, "%s: %s", client->socket_path, curl_easy_strerror(code));
	*json = client_error(error, detail);
	return error;
}

static int
evaluate(struct client *client, CURLcode code, struct answer *answer, json_t **json)
{
	long status = 0;
	int r = 0;

	*json = NULL;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (answer->taker_ended)
		r = MINT_SYSTEM;
	else if (code != CURLE_OK)
		r = transport_failed(client, code, json);
	else if (status != 200)
		r = refusal(answer, status, json);
	else if (!answer->take) {
		*json = json_loadb(answer->bytes ? answer->bytes : "", answer->length, JSON_DECODE_ANY, NULL);
		if (!*json)
			r = refusal(answer, status, json);
	}
	free(answer->bytes);
	return r;
}

/* Options common to all; libcurl forgets those of the exchange before. */
static void
prepare(struct client *client, struct answer *answer, const char *path, long timeout_ms)
{
	char url[2048];

	curl_easy_reset(client->curl);
	snprintf(url, sizeof url, "http://localhost%s", path);
	answer->curl = client->curl;
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
	curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, answer);
}

/* "Expect: 100-continue" would cost a round trip that nobody needs on a socket of the same machine. */
static struct curl_slist *
headers_for(const char *accept)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	char line[128];

	headers = curl_slist_append(headers, "Content-Type: application/json");
	snprintf(line, sizeof line, "Accept: %s", accept ? accept : "*/*");
	return curl_slist_append(headers, line);
}

int
client_get(struct client *client, const char *path, long timeout_ms, json_t **json)
{
	struct answer answer = { .limit = ANSWER_BYTES_MAX };

	prepare(client, &answer, path, timeout_ms);
	return evaluate(client, curl_easy_perform(client->curl), &answer, json);
}

static CURLcode
perform_with(struct client *client, const char *accept, const void *body, size_t body_bytes)
{
	struct curl_slist *headers = headers_for(accept);
	CURLcode code;

	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	if (body) {
		curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_bytes);
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
	}
	code = curl_easy_perform(client->curl);
	curl_slist_free_all(headers);
	return code;
}

int
client_post(struct client *client, const char *path, json_t *body, json_t **json)
{
	struct answer answer = { .limit = ANSWER_BYTES_MAX };
	char *text = json_dumps(body, JSON_COMPACT);
	int r;

	if (!text) {
		*json = client_error(MINT_MEMORY, path);
		return MINT_MEMORY;
	}
	prepare(client, &answer, path, POST_TIMEOUT_MS);
	r = evaluate(client, perform_with(client, NULL, text, strlen(text)), &answer, json);
	free(text);
	return r;
}

int
client_stream(struct client *client, const char *path, const char *accept, const void *body, size_t body_bytes,
    int (*take)(void *, const char *, size_t), void *argument, json_t **json)
{
	struct answer answer = { .limit = REFUSAL_BYTES_MAX, .take = take, .argument = argument };

	prepare(client, &answer, path, 0);
	return evaluate(client, perform_with(client, accept, body, body_bytes), &answer, json);
}

int
client_escape(char *path, size_t path_bytes, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t used = strlen(path);

	for (; *text; text++) {
		int as_is = strchr(plain, *text) != NULL;

		if (used + (as_is ? 1 : 3) >= path_bytes)
			return MINT_ARGUMENT;
		used += (size_t)snprintf(path + used, path_bytes - used, as_is ? "%c" : "%%%02X", (unsigned char)*text);
	}
	return 0;
}
