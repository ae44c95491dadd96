/* Listening. What evhttp would take by itself (any size, any time) is bounded here. */
#include "hostd/api/door.h"
#include "hostd/api/api.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	HEADERS_BYTES_MAX = 16 * 1024,
	BODY_BYTES_LOCAL = 256 * 1024 * 1024, /* an import of 100,000 records */
	BODY_BYTES_NETWORK = 64 * 1024,       /* nothing that takes a body is open there */
	IDLE_S = 90,                          /* longer than the longest poll */
	BACKLOG = 64
};

struct door {
	struct evhttp *local, *network;
	struct evhttp_bound_socket *bound[2];
	char socket_path[sizeof ((struct sockaddr_un *)0)->sun_path];
	struct stat socket_identity;
};

static void
on_local(struct evhttp_request *request, void *argument)
{
	call_begin(argument, request, ROUTE_local);
}

static void
on_network(struct evhttp_request *request, void *argument)
{
	call_begin(argument, request, ROUTE_any);
}

/* Every method is let in: a refusal of ours is JSON, evhttp's would be HTML. */
static struct evhttp *
http_new(struct api *api, long body_bytes, void (*on_request)(struct evhttp_request *, void *))
{
	struct evhttp *http = evhttp_new(api->context->base);

	if (!http)
		return NULL;
	evhttp_set_max_headers_size(http, HEADERS_BYTES_MAX);
	evhttp_set_max_body_size(http, body_bytes);
	evhttp_set_timeout(http, IDLE_S);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_gencb(http, on_request, api);
	return http;
}

static int
refuse_listener(const char *place, int fd)
{
	int error = errno;

	log_error("%s: cannot listen: %s: is another mint-api running, and may this user write there?", place, strerror(error));
	if (fd >= 0)
		close(fd);
	return error == EADDRINUSE ? MINT_BUSY : MINT_SYSTEM;
}

/* 1 when somebody answers on the socket: it is not a left-over. */
static int
socket_is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int
listen_local(struct api *api, struct door *door, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		log_error("%s: too long for a socket: choose a shorter `api_socket`", path);
		return MINT_CONFIG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (socket_is_alive(&address)) {
		errno = EADDRINUSE;
		return refuse_listener(path, -1);
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0)
		return refuse_listener(path, fd);
	memcpy(door->socket_path, path, strlen(path) + 1);
	if (stat(path, &door->socket_identity) != 0)
		return refuse_listener(path, fd);
	door->local = http_new(api, BODY_BYTES_LOCAL, on_local);
	door->bound[0] = door->local ? evhttp_accept_socket_with_handle(door->local, fd) : NULL;
	return door->bound[0] ? 0 : MINT_MEMORY;
}

/* The file appears whole: a reader never sees half a number. */
static int
write_port(const char *path, unsigned port)
{
	char temporary[4096];
	FILE *file;

	if (!path[0])
		return 0;
	snprintf(temporary, sizeof temporary, "%s.new", path);
	file = fopen(temporary, "we");
	if (!file || fprintf(file, "%u\n", port) < 0 || fclose(file) != 0 || rename(temporary, path) != 0) {
		log_error("%s: cannot be written: %s: mend `api_port_file`", path, strerror(errno));
		return MINT_SYSTEM;
	}
	return 0;
}

static int
listen_network(struct api *api, struct door *door, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof address;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return refuse_listener("TCP port on loopback", fd);
	door->network = http_new(api, BODY_BYTES_NETWORK, on_network);
	door->bound[1] = door->network ? evhttp_accept_socket_with_handle(door->network, fd) : NULL;
	if (!door->bound[1])
		return MINT_MEMORY;
	log_info("http://127.0.0.1:%u: listening, reading only", ntohs(address.sin_port));
	return write_port(api->context->config->api_port_file, ntohs(address.sin_port));
}

int
door_open(struct api *api)
{
	struct door *door = calloc(1, sizeof *door);
	int r;

	if (!door)
		return MINT_MEMORY;
	api->doors = door;
	r = listen_local(api, door, api->context->config->api_socket);
	if (r == 0 && api->context->config->api_port >= 0)
		r = listen_network(api, door, api->context->config->api_port);
	return r;
}

/* Only the socket that is ours is removed: a successor may have put its own there already. */
static void
remove_socket(const struct door *door)
{
	struct stat now;

	if (door->socket_path[0] && stat(door->socket_path, &now) == 0 && now.st_ino == door->socket_identity.st_ino &&
	    now.st_dev == door->socket_identity.st_dev)
		unlink(door->socket_path);
}

void
door_shut(struct api *api)
{
	struct door *door = api->doors;

	if (door->bound[0])
		evhttp_del_accept_socket(door->local, door->bound[0]);
	if (door->bound[1])
		evhttp_del_accept_socket(door->network, door->bound[1]);
	door->bound[0] = door->bound[1] = NULL;
	remove_socket(door);
}

void
door_close(struct api *api)
{
	struct door *door = api->doors;

	if (!door)
		return;
	door_shut(api);
	if (door->local)
		evhttp_free(door->local);
	if (door->network)
		evhttp_free(door->network);
	free(door);
	api->doors = NULL;
}

/* --- who is there */

int
door_host_is_ours(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };

	for (size_t i = 0; host && i < sizeof names / sizeof names[0]; i++) {
		size_t length = strlen(names[i]);

		if (strncasecmp(host, names[i], length) != 0)
			continue;
		if (host[length] == '\0')
			return 1;
		if (host[length] == ':' && strlen(host + length + 1) <= 5 &&
		    strspn(host + length + 1, "0123456789") == strlen(host + length + 1))
			return 1;
	}
	return 0;
}

int
door_is_foreign(struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *host = evhttp_find_header(headers, "Host");
	const char *origin = evhttp_find_header(headers, "Origin");
	const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");

	if (!door_host_is_ours(host))
		return 1;
	if (origin && (strncmp(origin, "http://", 7) != 0 || strcasecmp(origin + 7, host) != 0))
		return 1;
	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

void
door_actor(struct evhttp_request *request, char *actor, unsigned actor_bytes)
{
	struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct ucred peer;
	socklen_t length = sizeof peer;
	struct passwd *user;

	snprintf(actor, actor_bytes, "uid:?");
	if (getsockopt(bufferevent_getfd(stream), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return;
	user = getpwuid(peer.uid);
	snprintf(actor, actor_bytes, "uid:%u(%.32s)", (unsigned)peer.uid, user ? user->pw_name : "?");
}
