/* The commands of the control socket: a table drives them and their help. */
#include "tools/vtoken/control_client.h"

#include "schemas/errors.h"
#include "tools/vtoken/fault.h"

#include <event2/buffer.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 10
#define WAIT_MS_MAX 60000
#define EXPECT_MS 10000

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

void
control_say_error(struct evbuffer *out, int error, const char *what)
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
	control_say_error(out, MINT_NOT_FOUND, "no such slot");
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
		control_say_error(out, MINT_NOT_FOUND, "no token is in that slot");
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
		control_say_error(out, error, error == MINT_EXISTS ? "a token is in that slot" : NULL);
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
		control_say_error(out, error, NULL);
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
		control_say_error(out, MINT_ARGUMENT, wrong);
		return;
	}
	error = faults_arm(slot_faults(rack_slot(client->control->rack, slot)), &fault, &id);
	if (error)
		control_say_error(out, error, "too many faults in that slot: clear them first");
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
		control_say_error(out, MINT_ARGUMENT, "milliseconds, at most 60000");
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
		control_say_error(out, MINT_ARGUMENT, wrong);
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

void
control_run_line(struct client *client, char *line, struct evbuffer *out)
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
	control_say_error(out, MINT_ARGUMENT, "no such command, or wrong arguments: say help");
}
