/* mintctl token list, token show: tokens, and what may be ordered about them. */
#include "tools/mintctl/token.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/lines.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <string.h>

enum { DETAIL_COLUMNS = 100, CELL_BYTES = 512 };

/* --- one */

static void
print_tries(const char *title, const json_t *left)
{
	char text[64];

	if (!json_is_integer(left))
		return;
	snprintf(text, sizeof text, json_integer_value(left) ? say("%lld left", "剩 %lld 次") : say("locked", "已锁定"),
	    (long long)json_integer_value(left));
	line(title, text);
}

/* The credential that is on it now; "" when none is. */
static const char *
credential_on(const json_t *token)
{
	const json_t *use;
	size_t i;

	json_array_foreach(json_object_get(token, "uses"), i, use)
		if (json_is_null(json_object_get(use, "ended_at")))
			return text_of(use, "credential");
	return "";
}

/* Only what is open now. What carries a credential is decided about by that one's name. */
static void
print_orders(const json_t *token)
{
	const char *credential = credential_on(token);
	const json_t *orders = json_object_get(token, "orders"), *verb;
	char text[CELL_BYTES];
	size_t i;

	json_array_foreach(orders, i, verb) {
		snprintf(text, sizeof text, "mintctl token %s %s --why …", json_string_value(verb), text_of(token, "marker"));
		line(say("may be ordered", "可下命令"), text);
	}
	if (!*credential)
		return;
	snprintf(text, sizeof text, "mintctl show %s", credential); /* says what may be decided about it */
	line(say("may be ordered", "可下命令"), text);
}

static void
print_one(const json_t *token)
{
	const json_t *use;
	size_t i;

	line(say("token", "介质"), text_of(token, "serial"));
	line(say("marker", "标签号"), text_of(token, "marker"));
	line(say("found on it", "原有标签"), text_of(token, "found"));
	line(say("model", "型号"), text_of(token, "model"));
	line("ATR", text_of(token, "atr"));
	line(say("state", "状态"), state_text("token", text_of(token, "state")));
	print_tries(say("user PIN, tries", "用户口令"), json_object_get(token, "user_tries"));
	print_tries(say("SO-PIN, tries", "管理员口令"), json_object_get(token, "so_tries"));
	line_time(say("seen", "最近检测"), token, "seen_at");
	print_why(json_object_get(token, "failed"), text_of(token, "failed_detail"));
	json_array_foreach(json_object_get(token, "uses"), i, use) {
		line(say("served", "用于"), text_of(use, "credential"));
		line(say("  outcome", "  结果"), outcome_text(text_of(use, "outcome")));
	}
	print_orders(token);
}

void
token_print(const json_t *answer)
{
	const json_t *tokens = json_object_get(answer, "tokens"), *token;
	size_t i;

	if (json_array_size(tokens) > 1)
		printf("%s\n", say("several tokens have this serial number: name the one that is meant by its marker",
		    "有多支介质使用该序列号：请用标签号指明"));
	json_array_foreach(tokens, i, token) {
		if (i)
			putchar('\n');
		print_one(token);
	}
}

int
run_token_show(struct run *run)
{
	char path[LOOK_PATH_BYTES] = "/v1/tokens/";
	json_t *answer = NULL;
	int r = client_escape(path, sizeof path, run->arguments[0]);

	r = r == 0 ? look(run, path, &answer) : command_fail_with(run, r, run->arguments[0]);
	if (r != 0)
		return r;
	if (!command_print_json(run, answer))
		token_print(answer);
	json_decref(answer);
	return 0;
}

/* --- many */

static void
print_list(const json_t *answer)
{
	struct table *table = table_new(5);
	const json_t *row;
	size_t i;

	table_add(table, say("token", "介质"));
	table_add(table, say("marker", "标签号"));
	table_add(table, say("state", "状态"));
	table_add(table, say("model", "型号"));
	table_add(table, say("why, and what to do", "原因与处理"));
	json_array_foreach(json_object_get(answer, "tokens"), i, row) {
		const json_t *why = json_object_get(row, "failed");
		char text[CELL_BYTES], cut[CELL_BYTES];

		snprintf(text, sizeof text, "%s%s%s", words_of(why, "what"), json_is_object(why) ? " → " : "", words_of(why, "do"));
		text_cut(text, DETAIL_COLUMNS, cut, sizeof cut);
		table_add(table, text_of(row, "serial"));
		table_add(table, text_of(row, "marker"));
		table_add(table, state_text("token", text_of(row, "state")));
		table_add(table, text_of(row, "model"));
		table_add(table, cut);
	}
	table_print(table, stdout, say("no token", "没有介质"));
	table_free(&table);
}

int
run_token_list(struct run *run)
{
	static const char *const machines[] = { "token", NULL };
	const char *word = run->options[OPTION_STATE], *state = word ? state_named("token", word) : NULL;
	long long limit = number_option(run, OPTION_LIMIT);
	char path[LOOK_PATH_BYTES] = "/v1/tokens";
	json_t *answer = NULL;
	int r;

	if (word && !state)
		return state_unknown(run, machines);
	if (run->options[OPTION_LIMIT] && limit <= 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--limit: a number from 1", "--limit：应为不小于 1 的整数"));
	r = add_query(path, "state", state);
	if (r == 0)
		r = look_at_all(run, path, "tokens", limit, &answer);
	if (r == 0 && !command_print_json(run, answer))
		print_list(answer);
	json_decref(answer);
	return r;
}
