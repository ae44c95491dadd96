#include "tools/vtoken/control.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "tools/vtoken/control_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define BACKLOG 16

static void
free_client(struct client *client)
{
	if (client->timer)
		event_free(client->timer);
	if (client->stream)
		bufferevent_free(client->stream);
	free(client);
}

static void
drop(struct control *control, struct client *client)
{
	struct client **link = &control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	free_client(client);
}

static void
on_readable(struct bufferevent *stream, void *argument)
{
	struct client *client = argument;
	struct evbuffer *in = bufferevent_get_input(stream), *out = bufferevent_get_output(stream);
	char *line;

	while (!client->waiting && (line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF))) {
		control_run_line(client, line, out);
		free(line);
	}
	if (!client->waiting && evbuffer_get_length(in) > LINE_MAX_BYTES)
		drop(client->control, client);
	else
		bufferevent_flush(stream, EV_WRITE, BEV_FLUSH);
}

/* Answers what was waiting, then goes on with the lines that stood back. */
static void
end_waiting(struct client *client, bool good)
{
	struct evbuffer *out = bufferevent_get_output(client->stream);

	client->waiting = client->expecting = false;
	event_del(client->timer);
	if (good)
		evbuffer_add_printf(out, "{\"ok\": true}\n");
	else
		control_say_error(out, MINT_TIMEOUT, "it did not become so in time");
	on_readable(client->stream, client);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;

	(void)fd;
	(void)what;
	end_waiting(client, !client->expecting);
}

/* In a turn of the loop of its own: what the client says next may remove the very token that is being reported. */
static void
on_noticed(void *argument, unsigned slot)
{
	struct control *control = argument;
	struct slot_status status;

	rack_status(control->rack, slot, &status);
	for (struct client *client = control->clients; client; client = client->next) {
		if (!client->expecting || client->slot != slot || !expect_met(&client->expectation, &status))
			continue;
		client->expecting = false;
		event_active(client->timer, EV_TIMEOUT, 0);
	}
}

static void
on_end(struct bufferevent *stream, short what, void *argument)
{
	struct client *client = argument;

	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		drop(client->control, client);
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len, void *argument)
{
	struct control *control = argument;
	struct client *client = calloc(1, sizeof *client);

	(void)listener;
	(void)address;
	(void)len;
	if (client)
		client->timer = evtimer_new(control->base, on_timer, client);
	if (client && client->timer)
		client->stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->stream) {
		close(fd);
		if (client)
			free_client(client);
		return;
	}
	client->control = control;
	client->next = control->clients;
	control->clients = client;
	bufferevent_setcb(client->stream, on_readable, NULL, on_end, client);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* Removes a socket that a killed program left behind; MINT_BUSY when somebody answers on it. */
static int
clear_path(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int answered = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

	if (fd >= 0)
		close(fd);
	if (answered)
		return MINT_BUSY;
	return unlink(address->sun_path) && errno != ENOENT ? MINT_SYSTEM : 0;
}

int
control_new(struct control **control, struct event_base *base, const char *path, struct rack *rack)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *made = calloc(1, sizeof *made);
	mode_t before;
	int error;

	*control = NULL;
	if (!made)
		return MINT_MEMORY;
	made->base = base;
	made->rack = rack;
	error = snprintf(made->path, sizeof made->path, "%s", path) < (int)sizeof made->path ? 0 : MINT_ARGUMENT;
	memcpy(address.sun_path, made->path, sizeof address.sun_path);
	if (!error)
		error = clear_path(&address);
	if (!error) {
		before = umask(0177);
		made->listener = evconnlistener_new_bind(base, on_connection, made,
							 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG,
							 (struct sockaddr *)&address, sizeof address);
		umask(before);
		error = made->listener ? 0 : MINT_SYSTEM;
	}
	if (error) {
		log_error("%s: control socket not opened (%s): %s", path, error_info(error)->name,
		    error == MINT_BUSY ? "another vtoken answers there: name another socket" : "check its directory and who may write there");
		free(made);
		return error;
	}
	rack_watch(rack, on_noticed, made);
	*control = made;
	return 0;
}

void
control_free(struct control **control)
{
	struct control *old = *control;
	struct client *next;

	*control = NULL;
	if (!old)
		return;
	for (struct client *client = old->clients; client; client = next) {
		next = client->next;
		free_client(client);
	}
	rack_watch(old->rack, NULL, NULL);
	evconnlistener_free(old->listener);
	unlink(old->path);
	free(old);
}
