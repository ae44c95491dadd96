#include "tools/vtoken/control.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

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
#define WORDS_MAX 4

struct client {
	struct control *control;
	struct bufferevent *stream;
	struct client *next;
};

struct control {
	struct event_base *base;
	struct rack *rack;
	struct evconnlistener *listener;
	struct client *clients;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* A command's words; each handler writes exactly one line. */
typedef void handler(struct control *control, char **words, struct evbuffer *out);

static handler do_help, do_insert, do_list, do_quit, do_remove;

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int count; /* of words, the name included */
	handler *run;
} commands[] = {
	{ "help", "", "this list", 1, do_help },
	{ "insert", "SLOT new|SERIAL", "put a new blank token, or the one of that serial number, into a slot", 3, do_insert },
	{ "list", "", "slots and what is in them", 1, do_list },
	{ "quit", "", "pull everything's plug and end the program; the tokens stay in their slots", 1, do_quit },
	{ "remove", "SLOT", "pull the token out of a slot, whatever it is doing", 2, do_remove },
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void
say_error(struct evbuffer *out, int error, const char *what)
{
	evbuffer_add_printf(out, "{\"ok\": false, \"error\": \"%s\", \"what\": \"%s\"}\n", error_info(error)->name,
			    what ? what : error_info(error)->what[MINT_EN]);
}

/* A slot's number, or rack_count when it is none. */
static size_t
slot_number(const struct control *control, const char *word)
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	return *word >= '0' && *word <= '9' && *end == '\0' && number < rack_count(control->rack)
		       ? number
		       : rack_count(control->rack);
}

static void
do_help(struct control *control, char **words, struct evbuffer *out)
{
	(void)control;
	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true, \"commands\": [");
	for (size_t n = 0; n < COMMANDS; n++)
		evbuffer_add_printf(out, "%s{\"command\": \"%s\", \"arguments\": \"%s\", \"help\": \"%s\"}",
				    n ? ", " : "", commands[n].name, commands[n].arguments, commands[n].help);
	evbuffer_add_printf(out, "]}\n");
}

static void
say_slot(struct control *control, size_t n, struct evbuffer *out)
{
	struct slot_status status;

	rack_status(control->rack, n, &status);
	evbuffer_add_printf(out, "{\"slot\": %zu, \"port\": %u, \"serial\": ", n, status.port);
	if (status.serial)
		evbuffer_add_printf(out, "\"%s\"", status.serial);
	else
		evbuffer_add_printf(out, "null");
	evbuffer_add_printf(out, ", \"connected\": %s, \"generating\": %s, \"commands\": %llu, \"generations\": %u}",
			    status.connected ? "true" : "false", status.generating ? "true" : "false",
			    (unsigned long long)status.commands, status.generations);
}

static void
do_list(struct control *control, char **words, struct evbuffer *out)
{
	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true, \"slots\": [");
	for (size_t n = 0; n < rack_count(control->rack); n++) {
		evbuffer_add_printf(out, "%s", n ? ", " : "");
		say_slot(control, n, out);
	}
	evbuffer_add_printf(out, "]}\n");
}

static void
do_insert(struct control *control, char **words, struct evbuffer *out)
{
	size_t slot = slot_number(control, words[1]);
	int error = rack_insert(control->rack, slot, strcmp(words[2], "new") == 0 ? NULL : words[2]);
	struct slot_status status;

	if (error) {
		say_error(out, error, error == MINT_EXISTS ? "a token is in that slot" : NULL);
		return;
	}
	rack_status(control->rack, slot, &status);
	evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"serial\": \"%s\"}\n", slot, status.serial);
}

static void
do_remove(struct control *control, char **words, struct evbuffer *out)
{
	size_t slot = slot_number(control, words[1]);
	char serial[CARD_SERIAL_TEXT];
	int error = rack_remove(control->rack, slot, serial);

	if (error)
		say_error(out, error, NULL);
	else
		evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"serial\": \"%s\"}\n", slot, serial);
}

static void
do_quit(struct control *control, char **words, struct evbuffer *out)
{
	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true}\n");
	event_base_loopexit(control->base, NULL); /* after this turn: the answer goes out first */
}

static void
run_line(struct control *control, char *line, struct evbuffer *out)
{
	char *words[WORDS_MAX], *rest = NULL, *word;
	int count = 0;

	for (word = strtok_r(line, " \t", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	for (size_t n = 0; count && n < COMMANDS; n++) {
		if (strcmp(commands[n].name, words[0]))
			continue;
		if (commands[n].count != count)
			break;
		commands[n].run(control, words, out);
		return;
	}
	say_error(out, MINT_ARGUMENT, "no such command, or wrong arguments: say help");
}

static void
drop(struct client *client)
{
	struct client **link = &client->control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	bufferevent_free(client->stream);
	free(client);
}

static void
on_readable(struct bufferevent *stream, void *argument)
{
	struct client *client = argument;
	struct evbuffer *in = bufferevent_get_input(stream), *out = bufferevent_get_output(stream);
	char *line;

	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF))) {
		run_line(client->control, line, out);
		free(line);
	}
	if (evbuffer_get_length(in) > LINE_MAX_BYTES)
		drop(client);
	else
		bufferevent_flush(stream, EV_WRITE, BEV_FLUSH);
}

static void
on_end(struct bufferevent *stream, short what, void *argument)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		drop(argument);
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
		client->stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->stream) {
		free(client);
		close(fd);
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
	strcpy(address.sun_path, made->path);
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
		log_error("%s: control socket not opened (%s)", path, error_info(error)->name);
		free(made);
		return error;
	}
	*control = made;
	return 0;
}

void
control_free(struct control **control)
{
	if (!*control)
		return;
	while ((*control)->clients)
		drop((*control)->clients); /* takes it off the list. NOLINT(clang-analyzer-unix.Malloc): not seen there */
	evconnlistener_free((*control)->listener);
	unlink((*control)->path);
	free(*control);
	*control = NULL;
}
