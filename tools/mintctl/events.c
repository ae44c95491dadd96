/* mintctl events: what happened, one line each; with --follow as it happens. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_S = 30, PAGE = 500 };

/* "machine.state" and "command.verb" are names for programs; a person who reads Chinese is told their words. */
static void
kind_text(const char *kind, char *text, size_t text_bytes)
{
	static const struct {
		const char *machine, *zh;
	} machines[] = { { "application", "申请" }, { "credential", "证书" }, { "token", "介质" }, { "bay", "工位" }, { "print_job", "面单" }, { "stock", "库存" } };
	static const struct {
		const char *kind, *zh;
	} others[] = { { "token.twin", "介质：登记了同序列号的另一支" }, { "station.lost", "控制板：无应答" }, { "station.back", "控制板：已恢复" },
		{ "station.refused", "控制板：未被接受" }, { "station.stopped", "急停：已按下" }, { "station.released", "急停：已松开" },
		{ "station.lid_opened", "机盖：打开" }, { "station.lid_closed", "机盖：关闭" }, { "bay.over_current", "工位：过流断电" },
		{ "bay.weak", "工位：电压异常" }, { "bay.powered", "工位：供电恢复" }, { "press.packed", "按钮：已装袋" },
		{ "press.refused", "按钮：未受理" }, { "press.quiet", "按钮：静音" }, { "wiring.found", "接线：检测结果" },
		{ "wiring.refused", "接线：结果矛盾，保留原接线" }, { "wiring.learned", "接线：识别结束" } };
	const char *name = strchr(kind, '.') ? strchr(kind, '.') + 1 : "";
	const struct command *command = strncmp(kind, "command.", 8) == 0 ? command_by_verb(name) : NULL;

	snprintf(text, text_bytes, "%s", kind);
	if (screen_language() != MINT_ZH)
		return;
	if (command)
		snprintf(text, text_bytes, "命令：%s", command->summary[MINT_ZH]);
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
		if (strncmp(kind, machines[i].machine, strlen(machines[i].machine)) == 0 && state_text(machines[i].machine, name) != name)
			snprintf(text, text_bytes, "%s：%s", machines[i].zh, state_text(machines[i].machine, name));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(kind, others[i].kind) == 0)
			snprintf(text, text_bytes, "%s", others[i].zh);
}

static void
print_event(const json_t *event)
{
	const struct error_info *error = error_by_name(text_of(event, "error"));
	const char *object = *text_of(event, "credential") ? text_of(event, "credential")
	    : *text_of(event, "application") ? text_of(event, "application") : text_of(event, "token");
	char at[SCREEN_TIME_BYTES], bay[32] = "", kind[128];

	screen_time(text_of(event, "at"), at);
	kind_text(text_of(event, "kind"), kind, sizeof kind);
	if (json_is_integer(json_object_get(event, "bay")))
		snprintf(bay, sizeof bay, "  %s %lld", say("bay", "工位"), number_of(event, "bay"));
	printf("%lld  %s  %s  %s%s  %s%s%s\n", number_of(event, "seq"), at, kind, object, bay, text_of(event, "actor"),
	    error ? "  " : "", error ? error->what[screen_language()] : "");
}

/* With --json one object a line, so that a pipe can be read as it comes. */
static void
print_events(const struct run *run, const json_t *answer)
{
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(answer, "events"), i, event) {
		if (run->json) {
			json_dumpf(event, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			print_event(event);
		}
	}
	fflush(stdout);
}

int
run_events(struct run *run)
{
	const char *after = run->options[OPTION_AFTER];
	long long limit = number_option(run, OPTION_LIMIT), shown = 0;
	int follow = run->options[OPTION_FOLLOW] != NULL, r = 0, more = 1;
	char seq[24], page[24];

	if (run->options[OPTION_LIMIT] && limit <= 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--limit: a number from 1", "--limit：应为不小于 1 的整数"));
	if (number_option(run, OPTION_AFTER) < 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--after: a number from 0", "--after：应为不小于 0 的整数"));
	snprintf(seq, sizeof seq, "%s", after ? after : "0");
	while (more && r == 0 && (!limit || shown < limit)) {
		char path[LOOK_PATH_BYTES] = "/v1/events";
		json_t *answer;
		size_t count;

		snprintf(page, sizeof page, "%lld", limit && limit - shown < PAGE ? limit - shown : PAGE);
		add_query(path, "after", seq);
		add_query(path, "limit", page);
		add_query(path, "wait", follow ? "30" : NULL);
		r = client_get(run->client, path, (WAIT_S + 15) * 1000L, &answer);
		if (r != 0)
			return command_fail(run, r, answer);
		print_events(run, answer);
		count = json_array_size(json_object_get(answer, "events"));
		shown += (long long)count;
		more = follow || count == PAGE;
		snprintf(seq, sizeof seq, "%lld", number_of(answer, "seq"));
		json_decref(answer);
	}
	return r;
}
