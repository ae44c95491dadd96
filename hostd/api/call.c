/* From request to answer. Refusals look alike wherever they come from. */
#include "hostd/api/call.h"
#include "hostd/api/api.h"
#include "hostd/api/door.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_BYTES = 512, TAG_BYTES = 96 };

static const char type_json[] = "application/json; charset=utf-8";

/* The HTTP statuses; what is not here is our own fault. */
static const struct {
	int error, status;
} statuses[] = {
	{ MINT_ARGUMENT, 400 }, { MINT_SYNTAX, 400 },     { MINT_FORBIDDEN, 403 }, { MINT_NOT_FOUND, 404 },
	{ MINT_METHOD, 405 },   { MINT_REFUSED, 409 },    { MINT_EXISTS, 409 },    { MINT_DIFFERENT, 409 },
	{ MINT_BUSY, 409 },     { MINT_TOO_LARGE, 413 },  { MINT_FIELD, 422 },     { MINT_CLOSED, 503 },
	{ MINT_TIMEOUT, 504 },  { MINT_STORAGE, 507 },    { MINT_TOKEN_GONE, 409 }, { MINT_TOKEN_OTHER, 409 },
	{ MINT_TOKEN_LIVE, 409 }, { MINT_DISK_FULL, 507 }, { MINT_DAMAGED, 507 },
};

int
call_status_of(int error)
{
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (statuses[i].error == -abs(error))
			return statuses[i].status;
	return 500;
}

/* --- life */

static void
on_hangup(struct evhttp_connection *connection, void *argument)
{
	struct call *call = argument;

	/* evhttp leaves the request to us, without its connection; the answer frees it. */
	(void)connection;
	if (call->gone)
		call->gone(call);
}

static void
on_sent(struct evhttp_request *request, void *argument)
{
	struct api *api = argument;

	(void)request;
	api->unsent--;
}

static void
call_link(struct call *call)
{
	call->next = call->api->calls;
	call->place = &call->api->calls;
	if (call->next)
		call->next->place = &call->next;
	call->api->calls = call;
}

/* The last moment of a call: its answer is with evhttp. */
static void
call_free(struct call *call)
{
	*call->place = call->next;
	if (call->next)
		call->next->place = call->place;
	free(call);
}

/* Before the last bytes are handed over. */
static void
let_go(struct call *call)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(call->request);

	if (!connection)
		return;
	evhttp_connection_set_closecb(connection, NULL, NULL);
	call->api->unsent++;
	evhttp_request_set_on_complete_cb(call->request, on_sent, call->api);
}

static void
add_header(struct call *call, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(call->request), name, value);
}

static void
add_headers(struct call *call, const char *type, const char *tag)
{
	add_header(call, "Content-Type", type);
	add_header(call, "X-Content-Type-Options", "nosniff");
	add_header(call, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(call, "Cache-Control", tag ? "no-cache" : "no-store");
	if (tag)
		add_header(call, "ETag", tag);
	if (call->api->ending)
		add_header(call, "Connection", "close");
}

/* --- answers */

static int
add_json(const char *bytes, size_t length, void *buffer)
{
	return evbuffer_add(buffer, bytes, length);
}

static void
send_json(struct call *call, int status, json_t *body, const char *tag)
{
	struct evbuffer *bytes = evbuffer_new();

	if (!body || !bytes || json_dump_callback(body, add_json, bytes, JSON_COMPACT) != 0 || evbuffer_add(bytes, "\n", 1) != 0)
		status = 500;
	json_decref(body);
	add_headers(call, type_json, status == 200 ? tag : NULL);
	let_go(call);
	evhttp_send_reply(call->request, status, NULL, bytes);
	if (bytes)
		evbuffer_free(bytes);
	call_free(call);
}

void
call_reply(struct call *call, int status, json_t *body)
{
	if (record_failed(call->api->record)) {
		json_decref(body);
		call_error(call, MINT_STORAGE, "the record could not be read");
	} else if (!body) {
		call_error(call, MINT_MEMORY, "the answer could not be made");
	} else {
		send_json(call, status, body, NULL);
	}
}

/* Minutes are part of it because some answers say what is late. */
static void
make_tag(struct call *call, char *tag)
{
	snprintf(tag, TAG_BYTES, "\"%lld.%lld.%llx.%lld\"", (long long)record_seq(call->api->record),
	    (long long)record_version(call->api->record), (long long)call->api->started_us,
	    (long long)(clock_utc_us() / 60000000));
}

int
call_unchanged(struct call *call)
{
	const char *known = call_header(call, "If-None-Match");
	char tag[TAG_BYTES];

	if (!known)
		return 0;
	make_tag(call, tag);
	if (strcmp(known, tag) != 0)
		return 0;
	add_header(call, "ETag", tag);
	add_header(call, "Cache-Control", "no-cache");
	let_go(call);
	evhttp_send_reply(call->request, 304, NULL, NULL);
	call_free(call);
	return 1;
}

void
call_reply_tagged(struct call *call, json_t *body)
{
	char tag[TAG_BYTES];

	make_tag(call, tag);
	if (record_failed(call->api->record) || !body) {
		json_decref(body);
		call_error(call, MINT_STORAGE, "the record could not be read");
		return;
	}
	send_json(call, 200, body, tag);
}

json_t *
call_error_json(int error, const char *detail)
{
	const struct error_info *info = error_info(error);

	return json_pack("{s:s,s:{s:s,s:s},s:{s:s,s:s},s:s}", "error", info->name, "what", "en", info->what[MINT_EN],
	    "zh", info->what[MINT_ZH], "do", "en", info->next[MINT_EN], "zh", info->next[MINT_ZH], "detail", detail);
}

void
call_error(struct call *call, int error, const char *format, ...)
{
	char detail[DETAIL_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	send_json(call, call_status_of(error), call_error_json(error, detail), NULL);
}

void
call_not_found(struct call *call)
{
	call_error(call, MINT_NOT_FOUND, "%s", call->object);
}

void
call_start(struct call *call, int status, const char *type)
{
	add_headers(call, type, NULL);
	evhttp_send_reply_start(call->request, status, NULL);
}

static void
on_written(struct evhttp_connection *connection, void *argument)
{
	struct call *call = argument;

	(void)connection;
	call->written(call);
}

void
call_chunk(struct call *call, struct evbuffer *bytes, void (*written)(struct call *))
{
	call->written = written;
	if (written)
		evhttp_send_reply_chunk_with_cb(call->request, bytes, on_written, call);
	else
		evhttp_send_reply_chunk(call->request, bytes);
}

void
call_end(struct call *call)
{
	let_go(call);
	evhttp_send_reply_end(call->request);
	call_free(call);
}

struct evbuffer *
call_body(struct call *call)
{
	return evhttp_request_get_input_buffer(call->request);
}

const char *
call_header(const struct call *call, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(call->request), name);
}

/* --- arrival */

/* 0 and the route is known, or the call has been answered. */
static int
admit(struct call *call)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	enum evhttp_cmd_type command = evhttp_request_get_command(call->request);
	int reads = command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD;
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	char detail[QUERY_DETAIL_BYTES];
	int r;

	if (call->api->ending) {
		call_error(call, MINT_CLOSED, "mint-api is restarting");
		return MINT_CLOSED;
	}
	if (call->door == ROUTE_any && door_is_foreign(call->request)) {
		call_error(call, MINT_FORBIDDEN, "Host or Origin is not this bench's");
		return MINT_FORBIDDEN;
	}
	r = reads || command == EVHTTP_REQ_POST
	    ? route_find(reads ? ROUTE_GET : ROUTE_POST, path ? path : "", &call->route, call->object) : MINT_METHOD;
	if (r != 0) {
		call_error(call, r, "GET /v1 lists what there is");
		return r;
	}
	if (route_info(call->route)->door == ROUTE_local && call->door != ROUTE_local) {
		call_error(call, MINT_FORBIDDEN, "%s %s", reads ? "GET" : "POST", route_info(call->route)->path);
		return MINT_FORBIDDEN;
	}
	r = query_read(&call->query, call->route, evhttp_uri_get_query(uri), detail);
	if (r != 0)
		call_error(call, r, "%s", detail);
	return r;
}

static void (*const handlers[])(struct call *) = {
#define ROUTE(name, ...) [ROUTE_##name] = route_##name,
#define QUERY(...)
#include "schemas/routes.def"
#undef QUERY
#undef ROUTE
};

void
call_begin(struct api *api, struct evhttp_request *request, enum route_door door)
{
	struct call *call = calloc(1, sizeof *call);
	struct record *record = api->record;

	if (!call) {
		evhttp_send_error(request, 500, NULL);
		return;
	}
	*call = (struct call){ .api = api, .request = request, .door = door };
	call_link(call);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_hangup, call);
	if (door == ROUTE_local)
		door_actor(request, call->actor, sizeof call->actor);
	if (admit(call) != 0)
		return;
	if (record_begin(record) != 0) {
		call_error(call, MINT_STORAGE, "the record could not be read");
		return;
	}
	handlers[call->route](call);
	record_end(record);
}
