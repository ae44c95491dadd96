/* One who is connected to the control socket: shared by the socket (control.c) and its commands (control_command.c) alone. */
#ifndef VTOKEN_CONTROL_CLIENT_H
#define VTOKEN_CONTROL_CLIENT_H

#include "tools/vtoken/expect.h"
#include "tools/vtoken/rack.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct bufferevent;
struct evbuffer;
struct evconnlistener;

struct client {
	struct control *control;
	struct bufferevent *stream;
	struct client *next;
	/* a command that is answered later */
	struct event *timer;
	bool waiting, expecting;
	size_t slot;
	struct expectation expectation;
};

struct control {
	struct event_base *base;
	struct rack *rack;
	struct evconnlistener *listener;
	struct client *clients;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* Runs one command line (changed in place) and writes its one line of answer, or sets client->waiting: then the timer, or what is
 * expected, ends that. */
void control_run_line(struct client *client, char *line, struct evbuffer *out);

/* One line that tells an error; `what` NULL: in the words of the list of errors. */
void control_say_error(struct evbuffer *out, int error, const char *what);

#endif
