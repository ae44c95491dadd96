/* print-tables: the lists under schemas/ as Markdown, for the pages of docs/ (tools/dev/docs.sh puts them in).
 *
 *   print-tables diagram MACHINE    states and changes of application, credential, token, print_job, as a mermaid diagram
 *   print-tables states MACHINE     names in both languages
 *   print-tables steps | errors | commands | reasons | decisions | lights
 *   print-tables privileges | denied    what programs may, and what none of them may (hostd/base/sandbox.def)
 */
#include <stdio.h>
#include <string.h>

struct state { const char *machine, *name, *en, *zh; };
struct change { const char *machine, *from, *event, *to, *actor; };
struct step { const char *name, *performer, *from, *to; int timeout_ms; const char *probe, *undo, *hung, *en, *zh; };
struct light { const char *name; int red, green, blue, rhythm; const char *en, *zh; };
struct shown { const char *state, *error, *blanks, *light; };
struct outcome { const char *step, *finds, *answers; };
struct error { const char *name; int number, exit_status; const char *what_en, *what_zh, *next_en, *next_zh; };
struct command { const char *verb, *object, *en, *zh; };
struct may { const char *program, *exec, *secrets, *starting, *serving; };
struct denied { const char *reply, *what, *calls; };
struct reason { const char *name, *en, *zh; };
struct action { const char *name, *error, *en, *zh; };
struct argument { const char *verb, *name; int required; const char *en, *zh; };

static const struct state states[] = {
#define STATE(machine, name, en, zh) { #machine, #name, en, zh },
#define CHANGE(...)
#include "schemas/states.def"
#undef STATE
#undef CHANGE
};

static const struct change changes[] = {
#define STATE(...)
#define CHANGE(machine, from, event, to, actor) { #machine, #from, #event, #to, #actor },
#include "schemas/states.def"
#undef STATE
#undef CHANGE
};

static const struct step steps[] = {
#define STEP(name, performer, from, to, timeout_ms, probe, undo, hung, en, zh) \
	{ #name, #performer, #from, #to, timeout_ms, #probe, #undo, #hung, en, zh },
#include "schemas/steps.def"
#undef STEP
};

static const struct light lights[] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) { #name, red, green, blue, rhythm, en, zh },
#include "schemas/station.def"
};

static const struct shown shown[] = {
#define SHOWN(state, error, blanks, light) { #state, error, #blanks, #light },
#include "schemas/lights.def"
#undef SHOWN
};

static const struct outcome outcomes[] = {
#define OUTCOME(step, finds, answers) { #step, finds, answers },
#include "schemas/outcomes.def"
#undef OUTCOME
};

static const struct error errors[] = {
#define ERROR(name, number, exit_status, what_en, what_zh, next_en, next_zh) \
	{ #name, number, exit_status, what_en, what_zh, next_en, next_zh },
#include "schemas/errors.def"
#undef ERROR
};

static const struct command commands[] = {
#define COMMAND(verb, object, en, zh) { #verb, #object, en, zh },
#define ARGUMENT(...)
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT
};

static const struct may privileges[] = {
#define MAY(program, name, exec, secrets, starting, serving) { name, #exec, #secrets, #starting, #serving },
#include "hostd/base/sandbox.def"
#undef MAY
};

static const struct denied denied[] = {
#define CALL(name) " `" #name "`"
#define DENY(reply, what, calls) { #reply, what, calls },
#include "hostd/base/sandbox.def"
#undef DENY
#undef CALL
};

static const struct argument arguments[] = {
#define COMMAND(...)
#define ARGUMENT(verb, name, required, en, zh) { #verb, #name, required, en, zh },
#include "schemas/commands.def"
#undef COMMAND
#undef ARGUMENT
};

static const struct reason reasons[] = {
#define REASON(name, en, zh) { #name, en, zh },
#include "schemas/reasons.def"
#undef REASON
};

enum content {
#define CONTENT(name, ...) CONTENT_##name,
#define KNOWN(...)
#define ACTION(...)
#define DECISION(...)
#include "schemas/decisions.def"
#undef CONTENT
};

enum known {
#define CONTENT(...)
#undef KNOWN
#define KNOWN(name, ...) KNOWN_##name,
#include "schemas/decisions.def"
#undef KNOWN
};

enum action_id {
#define KNOWN(...)
#undef ACTION
#define ACTION(name, ...) ACTION_##name,
#include "schemas/decisions.def"
#undef ACTION
#undef CONTENT
};

static const char *const contents[][2] = {
#define CONTENT(name, en, zh) { en, zh },
#define ACTION(...)
#include "schemas/decisions.def"
#undef CONTENT
#undef KNOWN
};

static const char *const knowns[][2] = {
#define CONTENT(...)
#define KNOWN(name, en, zh) { en, zh },
#include "schemas/decisions.def"
#undef KNOWN
#undef ACTION
};

static const struct action actions[] = {
#define KNOWN(...)
#define ACTION(name, error, en, zh) { #name, error, en, zh },
#include "schemas/decisions.def"
#undef ACTION
#undef DECISION
};

static const struct {
	enum content   content;
	enum known     known;
	int            rank;
	enum action_id action;
} decisions[] = {
#define ACTION(...)
#define DECISION(content, known, rank, action) { CONTENT_##content, KNOWN_##known, rank, ACTION_##action },
#include "schemas/decisions.def"
#undef CONTENT
#undef KNOWN
#undef ACTION
#undef DECISION
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static int
leaves(const char *machine, const char *state)
{
	for (size_t i = 0; i < COUNT(changes); i++)
		if (strcmp(changes[i].machine, machine) == 0 && strcmp(changes[i].from, state) == 0)
			return 1;
	return 0;
}

/* Changes between the same two states are one arrow: all their events on it, at the place of the first. */
static void
print_arrow(size_t first)
{
	const struct change *change = &changes[first];

	for (size_t i = 0; i < first; i++)
		if (strcmp(changes[i].machine, change->machine) == 0 && strcmp(changes[i].from, change->from) == 0 &&
		    strcmp(changes[i].to, change->to) == 0)
			return;
	printf("    %s --> %s: %s", change->from, change->to, change->event);
	for (size_t i = first + 1; i < COUNT(changes); i++)
		if (strcmp(changes[i].machine, change->machine) == 0 && strcmp(changes[i].from, change->from) == 0 &&
		    strcmp(changes[i].to, change->to) == 0)
			printf(", %s", changes[i].event);
	printf(" (%s)\n", change->actor);
}

static int
print_diagram(const char *machine)
{
	const char *first = NULL;

	puts("```mermaid\nstateDiagram-v2");
	for (size_t i = 0; i < COUNT(states); i++) {
		if (strcmp(states[i].machine, machine) != 0)
			continue;
		printf("    state \"%s · %s\" as %s\n", states[i].name, states[i].zh, states[i].name);
		if (!first)
			first = states[i].name;
	}
	if (!first)
		return 1;
	printf("    [*] --> %s\n", first);
	for (size_t i = 0; i < COUNT(changes); i++)
		if (strcmp(changes[i].machine, machine) == 0)
			print_arrow(i);
	for (size_t i = 0; i < COUNT(states); i++)
		if (strcmp(states[i].machine, machine) == 0 && !leaves(machine, states[i].name))
			printf("    %s --> [*]\n", states[i].name);
	puts("```");
	return 0;
}

static int
print_states(const char *machine)
{
	int printed = 0;

	puts("| state | 中文 | English |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(states); i++)
		if (strcmp(states[i].machine, machine) == 0)
			printed |= printf("| `%s` | %s | %s |\n", states[i].name, states[i].zh, states[i].en) > 0;
	return !printed;
}

static int
print_steps(const char *unused)
{
	(void)unused;
	puts("| step | 中文 | what | who acts | from → to | time-out | after a doubt, look at | undone by | when its token hangs |\n|---|---|---|---|---|---|---|---|---|");
	for (size_t i = 0; i < COUNT(steps); i++) {
		const struct step *s = &steps[i];

		printf("| `%s` | %s | %s | %s | %s → %s | ", s->name, s->zh, s->en, s->performer, s->from, s->to);
		if (s->timeout_ms)
			printf("%d s", s->timeout_ms / 1000);
		else
			fputs(strcmp(s->performer, "operator") == 0 ? "a person's" : strcmp(s->performer, "bench") == 0 ? "the station's" : "the model's", stdout);
		printf(" | %s | %s | %s |\n", s->probe, s->undo, s->hung);
	}
	return 0;
}

static int
print_outcomes(const char *unused)
{
	(void)unused;
	puts("| a call fails in | on the token is then | the worker answers |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(outcomes); i++)
		printf("| `%s` | %s | %s |\n", outcomes[i].step, outcomes[i].finds, outcomes[i].answers);
	return 0;
}

static int
print_errors(const char *unused)
{
	(void)unused;
	puts("| code | 含义 / what it means | 怎么办 / what to do | exit |\n|---|---|---|---|");
	for (size_t i = 0; i < COUNT(errors); i++)
		printf("| `%s` | %s<br>%s | **%s**<br>%s | %d |\n", errors[i].name, errors[i].what_zh, errors[i].what_en,
		    errors[i].next_zh, errors[i].next_en, errors[i].exit_status);
	return 0;
}

static int
print_commands(const char *unused)
{
	(void)unused;
	puts("| command | 中文 | what it does |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->object, "token") == 0)
			printf("| `mintctl token %s serial", c->verb);
		else if (strcmp(c->object, "bay") == 0)
			printf("| `mintctl bay %s bay", c->verb);
		else if (strcmp(c->object, "wiring") == 0)
			printf("| `mintctl bay %s", c->verb);
		else if (strcmp(c->object, "date") == 0)
			printf("| `mintctl clock %s date", c->verb);
		else if (strcmp(c->object, "stock") == 0)
			printf("| `mintctl stock %s [--key-type …]", c->verb);
		else
			printf("| `mintctl %s %s", c->verb, c->object);
		for (size_t k = 0; k < COUNT(arguments); k++) {
			const struct argument *a = &arguments[k];

			if (strcmp(a->verb, c->verb) != 0)
				continue;
			if (strcmp(a->name, "tokens") == 0)
				fputs(" serial …", stdout);
			else if (strcmp(a->name, "so_pin") == 0)
				fputs(" [--so-pin-file …]", stdout);
			else
				printf(a->required ? " --%s …" : " [--%s …]", a->name);
		}
		printf("` | %s | %s", c->zh, c->en);
		for (size_t k = 0; k < COUNT(arguments); k++)
			if (strcmp(arguments[k].verb, c->verb) == 0 && strcmp(arguments[k].name, "as") == 0)
				printf("<br>%s<br>%s", arguments[k].zh, arguments[k].en);
		puts(" |");
	}
	return 0;
}

static int
print_reasons(const char *unused)
{
	(void)unused;
	puts("| reason | 原因 | why, and what to do instead |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(reasons); i++)
		printf("| `%s` | %s | %s |\n", reasons[i].name, reasons[i].zh, reasons[i].en);
	return 0;
}

/* What a person sees and does: the error's, where the bay shows one. */
static void
print_shown(const struct action *action)
{
	for (size_t i = 0; i < COUNT(errors); i++)
		if (strcmp(errors[i].name, action->error) == 0) {
			printf("`%s` **%s**<br>%s |\n", errors[i].name, errors[i].next_zh, errors[i].next_en);
			return;
		}
	puts("|");
}

static int
print_decisions(const char *unused)
{
	(void)unused;
	puts("| 介质上的内容 / on the token | 登记状态 / on record | 处理 / what is done | 工位提示与操作 / what the bay shows, and what to do |\n"
	     "|---|---|---|---|");
	for (size_t i = 0; i < COUNT(decisions); i++) {
		const struct action *action = &actions[decisions[i].action];
		int another = decisions[i].rank == 0 && decisions[i].known != KNOWN_NOT && decisions[i].content != CONTENT_UNKNOWN_CARD;

		printf("| %s<br>%s | %s<br>%s | %s%s<br>%s%s | ", contents[decisions[i].content][1], contents[decisions[i].content][0],
		    knowns[decisions[i].known][1], knowns[decisions[i].known][0], another ? "是另一支同序列号的介质：" : "", action->zh,
		    another ? "it is another token with the same serial number: " : "", action->en);
		print_shown(action);
	}
	return 0;
}

/* What the bay shows with this light: states, with the errors they are shown for. */
static void
print_when(const char *light)
{
	const char *separator = "";

	for (size_t i = 0; i < COUNT(shown); i++) {
		const struct shown *s = &shown[i];

		if (strcmp(s->light, light) != 0)
			continue;
		printf("%s`%s`", separator, strcmp(s->error, "*") == 0 ? s->state : s->error);
		separator = " ";
	}
	puts(" |");
}

/* Sixteen ticks of 100 ms, the lowest bit first. */
static int
print_lights(const char *unused)
{
	(void)unused;
	puts("| light | 1.6 s | 红 绿 蓝 / RGB | 含义 / what it says | 工位状态或提示 / state or code of the bay |\n|---|---|---|---|---|");
	for (size_t i = 0; i < COUNT(lights); i++) {
		printf("| `%s` | `", lights[i].name);
		for (int tick = 0; tick < 16; tick++)
			putchar(lights[i].rhythm >> tick & 1 ? '#' : '.');
		printf("` | %d %d %d | %s<br>%s | ", lights[i].red, lights[i].green, lights[i].blue, lights[i].zh, lights[i].en);
		print_when(lights[i].name);
	}
	return 0;
}

/* "UNIX | INET" as "UNIX, INET": a bar would end the cell. */
static void
print_families(const char *families)
{
	for (; *families; families++)
		if (strncmp(families, " | ", 3) == 0) {
			fputs(", ", stdout);
			families += 2;
		} else {
			putchar(*families);
		}
}

static int
print_privileges(const char *unused)
{
	(void)unused;
	puts("| program | starts other programs | memory closed to its own user | sockets while starting | sockets from then on |\n"
	     "|---|---|---|---|---|");
	for (size_t i = 0; i < COUNT(privileges); i++) {
		const struct may *may = &privileges[i];

		printf("| `%s` | %s | %s | ", may->program, strcmp(may->exec, "EXEC") == 0 ? "yes" : "no",
		    strcmp(may->secrets, "HIDDEN") == 0 ? "yes" : "no");
		print_families(may->starting);
		fputs(" | ", stdout);
		print_families(may->serving);
		puts(" |");
	}
	return 0;
}

static int
print_denied(const char *unused)
{
	(void)unused;
	puts("| it would | system calls | answer |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(denied); i++)
		printf("| %s |%s | %s |\n", denied[i].what, denied[i].calls,
		    strcmp(denied[i].reply, "KILL") == 0 ? "the program is ended (SIGSYS)" : "EPERM");
	return 0;
}

static const struct {
	const char *name;
	int         takes_machine;
	int       (*print)(const char *machine);
} tables[] = {
	{ "diagram", 1, print_diagram }, { "states", 1, print_states }, { "steps", 0, print_steps },
	{ "errors", 0, print_errors },   { "commands", 0, print_commands },
	{ "reasons", 0, print_reasons },   { "decisions", 0, print_decisions },
	{ "privileges", 0, print_privileges }, { "denied", 0, print_denied }, { "outcomes", 0, print_outcomes },
	{ "lights", 0, print_lights },
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		if (argc == 2 + tables[i].takes_machine && strcmp(argv[1], tables[i].name) == 0)
			return tables[i].print(argc > 2 ? argv[2] : NULL) || fflush(stdout) != 0;
	fputs("usage: print-tables diagram MACHINE | states MACHINE | steps | errors | commands | reasons | decisions | privileges | denied | outcomes | lights\n", stderr);
	return 64;
}
