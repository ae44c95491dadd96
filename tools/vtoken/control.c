#include "tools/vtoken/control.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "tools/vtoken/expect.h"
#include "tools/vtoken/fault.h"

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
#define WORDS_MAX 10
#define WAIT_MS_MAX 60000
#define EXPECT_MS 10000

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

/* The words of a command, its name left out. */
struct words {
	char **at;
	int count;
};

/* Each handler writes exactly one line, or sets client->waiting and writes it later. */
typedef void handler(struct client *client, const struct words *words, struct evbuffer *out);

static handler do_clear, do_expect, do_fault, do_faults, do_help, do_insert, do_list, do_quit, do_remove, do_show, do_wait;

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int least, most; /* words besides the name */
	handler *run;
} commands[] = {
	{ "clear", "SLOT", "forget the faults of a slot", 1, 1, do_clear },
	{ "expect", "SLOT FIELD =|>=|<= N [MS]", "answer when it is so; an error after MS (10000)", 4, 5, do_expect },
	{ "fault", "SLOT before|after apdu N|ins XX N|change N [every] EFFECT [VALUE]",
	  "arm a fault: cut [MS], kill PID, sw XXXX, silence [MS], garbage N, length +N|-N, slow MS", 5, 8, do_fault },
	{ "faults", "SLOT", "the faults of a slot and how often each happened", 1, 1, do_faults },
	{ "help", "", "this list", 0, 0, do_help },
	{ "insert", "SLOT new|serial=HEX|NAME", "put a token into a slot: a blank one, a blank one with that serial number, "
					       "or the one of that name", 2, 2, do_insert },
	{ "list", "", "slots and what is in them", 0, 0, do_list },
	{ "quit", "", "pull everything's plug and end the program; the tokens stay in their slots", 0, 0, do_quit },
	{ "remove", "SLOT", "pull the token out of a slot, whatever it is doing", 1, 1, do_remove },
	{ "show", "SLOT", "the token in a slot: life cycle, files, keys, tries of its PINs", 1, 1, do_show },
	{ "wait", "MS", "answer after that time", 1, 1, do_wait },
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

/* Whether the first word is a slot's number; if not, says so. */
static bool
take_slot(const struct client *client, const struct words *words, size_t *slot, struct evbuffer *out)
{
	*slot = slot_number(client->control, words->at[0]);
	if (*slot < rack_count(client->control->rack))
		return true;
	say_error(out, MINT_NOT_FOUND, "no such slot");
	return false;
}

static void
do_help(struct client *client, const struct words *words, struct evbuffer *out)
{
	(void)client;
	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true, \"commands\": [");
	for (size_t n = 0; n < COMMANDS; n++)
		evbuffer_add_printf(out, "%s{\"command\": \"%s\", \"arguments\": \"%s\", \"help\": \"%s\"}",
				    n ? ", " : "", commands[n].name, commands[n].arguments, commands[n].help);
	evbuffer_add_printf(out, "]}\n");
}

/* A text that needs no escaping, or null. */
static void
say_text(struct evbuffer *out, const char *text)
{
	if (text)
		evbuffer_add_printf(out, "\"%s\"", text);
	else
		evbuffer_add_printf(out, "null");
}

static const char *
boolean(bool value)
{
	return value ? "true" : "false";
}

static void
say_slot(struct control *control, size_t n, struct evbuffer *out)
{
	struct slot_status status;

	rack_status(control->rack, n, &status);
	evbuffer_add_printf(out, "{\"slot\": %zu, \"port\": %u, \"serial\": ", n, status.port);
	say_text(out, status.serial);
	evbuffer_add_printf(out, ", \"token\": ");
	say_text(out, status.name);
	evbuffer_add_printf(out,
			    ", \"connected\": %s, \"generating\": %s, \"commands\": %llu, \"changes\": %llu, "
			    "\"generations\": %u, \"fired\": %llu}",
			    boolean(status.connected), boolean(status.generating), (unsigned long long)status.commands,
			    (unsigned long long)status.changes, status.generations, (unsigned long long)status.fired);
}

static void
do_list(struct client *client, const struct words *words, struct evbuffer *out)
{
	struct control *control = client->control;

	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true, \"slots\": [");
	for (size_t n = 0; n < rack_count(control->rack); n++) {
		evbuffer_add_printf(out, "%s", n ? ", " : "");
		say_slot(control, n, out);
	}
	evbuffer_add_printf(out, "]}\n");
}

static void
say_pins(const struct card_summary *summary, struct evbuffer *out)
{
	const char *between = "";

	evbuffer_add_printf(out, "\"pins\": [");
	for (unsigned n = PIN_FIRST; n <= PIN_LAST; n++) {
		if (!summary->pins[n].exists)
			continue;
		evbuffer_add_printf(out, "%s{\"pin\": %u, \"tries\": %u, \"puk_tries\": %u, \"verified\": %s}", between, n,
				    summary->pins[n].tries, summary->pins[n].puk_tries,
				    boolean(summary->verified & 1u << n));
		between = ", ";
	}
	evbuffer_add_printf(out, "]");
}

static void
do_show(struct client *client, const struct words *words, struct evbuffer *out)
{
	struct card_summary summary;
	const struct slot *slot;
	size_t n;

	if (!take_slot(client, words, &n, out))
		return;
	slot = rack_slot(client->control->rack, n);
	if (!slot_card(slot)) {
		say_error(out, MINT_NOT_FOUND, "no token is in that slot");
		return;
	}
	card_summary(slot_card(slot), &summary);
	evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"serial\": \"%s\", \"token\": \"%s\", \"life\": \"%s\", ", n,
			    slot_serial(slot), slot_name(slot), summary.operational ? "operational" : "creation");
	evbuffer_add_printf(out, "\"files\": %u, \"keys\": %u, \"bytes\": %zu, \"memory\": %zu, \"generations\": %u, ",
			    summary.files, summary.keys, summary.bytes, summary.memory,
			    card_generations(slot_card(slot)));
	say_pins(&summary, out);
	evbuffer_add_printf(out, "}\n");
}

static void
do_insert(struct client *client, const struct words *words, struct evbuffer *out)
{
	struct slot_status status;
	size_t slot;
	int error;

	if (!take_slot(client, words, &slot, out))
		return;
	error = rack_insert(client->control->rack, slot, words->at[1]);
	if (error) {
		say_error(out, error, error == MINT_EXISTS ? "a token is in that slot" : NULL);
		return;
	}
	rack_status(client->control->rack, slot, &status);
	evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"serial\": \"%s\", \"token\": \"%s\"}\n", slot, status.serial,
			    status.name);
}

static void
do_remove(struct client *client, const struct words *words, struct evbuffer *out)
{
	char serial[CARD_SERIAL_TEXT];
	size_t slot;
	int error;

	if (!take_slot(client, words, &slot, out))
		return;
	error = rack_remove(client->control->rack, slot, serial);
	if (error)
		say_error(out, error, NULL);
	else
		evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"serial\": \"%s\"}\n", slot, serial);
}

static void
do_fault(struct client *client, const struct words *words, struct evbuffer *out)
{
	struct fault fault;
	const char *wrong;
	unsigned id;
	size_t slot;
	int error;

	if (!take_slot(client, words, &slot, out))
		return;
	wrong = fault_parse(&fault, words->at + 1, words->count - 1);
	if (wrong) {
		say_error(out, MINT_ARGUMENT, wrong);
		return;
	}
	error = faults_arm(slot_faults(rack_slot(client->control->rack, slot)), &fault, &id);
	if (error)
		say_error(out, error, "too many faults in that slot: clear them first");
	else
		evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"id\": %u}\n", slot, id);
}

static void
do_faults(struct client *client, const struct words *words, struct evbuffer *out)
{
	const struct faults *faults;
	const struct fault *fault;
	char text[FAULT_TEXT];
	size_t slot;

	if (!take_slot(client, words, &slot, out))
		return;
	faults = slot_faults(rack_slot(client->control->rack, slot));
	evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu, \"faults\": [", slot);
	for (size_t n = 0; (fault = faults_at(faults, n)); n++) {
		fault_text(fault, text);
		evbuffer_add_printf(out, "%s{\"id\": %u, \"fault\": \"%s\", \"seen\": %u, \"fired\": %u, \"armed\": %s}",
				    n ? ", " : "", fault->id, text, fault->seen, fault->fired,
				    boolean(fault_armed(fault)));
	}
	evbuffer_add_printf(out, "]}\n");
}

static void
do_clear(struct client *client, const struct words *words, struct evbuffer *out)
{
	size_t slot;

	if (!take_slot(client, words, &slot, out))
		return;
	slot_clear_faults(rack_slot(client->control->rack, slot));
	evbuffer_add_printf(out, "{\"ok\": true, \"slot\": %zu}\n", slot);
}

/* The answer comes when the timer ends, or before. */
static void
answer_later(struct client *client, uint64_t ms, bool expecting)
{
	struct timeval wait = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	client->waiting = true;
	client->expecting = expecting;
	event_add(client->timer, &wait);
}

static void
do_wait(struct client *client, const struct words *words, struct evbuffer *out)
{
	uint64_t ms;

	if (expect_number(words->at[0], WAIT_MS_MAX, &ms))
		answer_later(client, ms, false);
	else
		say_error(out, MINT_ARGUMENT, "milliseconds, at most 60000");
}

static void
do_expect(struct client *client, const struct words *words, struct evbuffer *out)
{
	struct slot_status status;
	const char *wrong;
	uint64_t ms = EXPECT_MS;

	if (!take_slot(client, words, &client->slot, out))
		return;
	wrong = expect_parse(&client->expectation, words->at + 1);
	if (!wrong && words->count == 5 && !expect_number(words->at[4], WAIT_MS_MAX, &ms))
		wrong = "milliseconds, at most 60000";
	rack_status(client->control->rack, client->slot, &status);
	if (wrong)
		say_error(out, MINT_ARGUMENT, wrong);
	else if (expect_met(&client->expectation, &status))
		evbuffer_add_printf(out, "{\"ok\": true}\n");
	else
		answer_later(client, ms, true);
}

static void
do_quit(struct client *client, const struct words *words, struct evbuffer *out)
{
	(void)words;
	evbuffer_add_printf(out, "{\"ok\": true}\n");
	event_base_loopexit(client->control->base, NULL); /* after this turn: the answer goes out first */
}

static void
run_line(struct client *client, char *line, struct evbuffer *out)
{
	char *at[WORDS_MAX + 1], *rest = NULL, *word;
	struct words words = { .at = at + 1, .count = -1 };

	for (word = strtok_r(line, " \t", &rest); word && words.count < WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
		at[++words.count] = word;
	for (size_t n = 0; words.count >= 0 && n < COMMANDS; n++) {
		if (strcmp(commands[n].name, at[0]))
			continue;
		if (words.count < commands[n].least || words.count > commands[n].most)
			break;
		commands[n].run(client, &words, out);
		return;
	}
	say_error(out, MINT_ARGUMENT, "no such command, or wrong arguments: say help");
}

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
		run_line(client, line, out);
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
		say_error(out, MINT_TIMEOUT, "it did not become so in time");
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
