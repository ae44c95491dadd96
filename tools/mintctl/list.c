/* mintctl status, summary, list, bays: many things, a line each. */
#include "schemas/errors.h"
#include "tools/mintctl/lines.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/programs.h"
#include "tools/mintctl/screen.h"

#include <stdlib.h>
#include <string.h>

enum { DETAIL_COLUMNS = 60, CELL_BYTES = 512 };

/* --- status */

static void
print_tally(const json_t *status, const char *name, const char *machine, const char *title)
{
	const json_t *tally = json_object_get(status, name);
	const char *separator = "";
	const char *state;
	json_t *count;

	text_pad(stdout, title, 14);
	json_object_foreach((json_t *)(uintptr_t)tally, state, count) {
		if (strcmp(state, "total") == 0)
			continue;
		printf("%s%s %lld", separator, state_text(machine, state), (long long)json_integer_value(count));
		separator = say(", ", "，");
	}
	puts(*separator ? "" : say("none", "无"));
}

static void
print_pace(const json_t *status)
{
	const json_t *pace = json_object_get(status, "tokens_per_hour");
	char left[SCREEN_SPAN_BYTES];

	if (!json_is_number(pace) || json_is_true(json_object_get(status, "idle")))
		return; /* nothing is being made: an hour's worth of it would be a guess */
	screen_span(number_of(status, "left_s"), left);
	text_pad(stdout, say("pace", "速度"), 14);
	printf("%.0f %s%s%s\n", json_number_value(pace), say("tokens an hour", "支/小时"), say(", left: ", "，预计剩余："), left);
}

/* Only where tokens are keyed ahead at all. */
static void
print_stock(const json_t *status)
{
	const json_t *stock = json_object_get(status, "stock");
	int low = json_is_true(json_object_get(stock, "low"));

	if (!low && number_of(stock, "wanted") == 0 && json_array_size(json_object_get(stock, "levels")) == 0)
		return;
	text_pad(stdout, say("stock", "库存"), 14);
	printf("%lld %s%s\n", number_of(stock, "ready"), text_of(stock, "key_type"), low ? say(", low: see mintctl stock", "，不足：见 mintctl stock") : "");
}

/* What a person can still do something about: those that will be late and are not yet, and a stock that does not last. */
static void
print_outlook(const json_t *status)
{
	const json_t *forecast = json_object_get(status, "forecast");
	long long to_come = number_of(forecast, "late") - number_of(forecast, "past");
	char text[SCREEN_TIME_BYTES];

	if (!json_is_object(forecast))
		return;
	screen_time(json_string_value(json_object_get(forecast, "empty_at")), text);
	text_pad(stdout, say("forecast", "预测"), 14);
	printf("%s%s", say("queue empty at ", "全部完成于 "), text);
	if (to_come > 0)
		printf(say(", %lld will be late (mintctl forecast)", "，%lld 份申请将逾期（mintctl forecast）"), to_come);
	if (number_of(forecast, "short") > 0)
		printf(say(", %lld more than there are prekeyed tokens", "，超出预制密钥介质 %lld 支"), number_of(forecast, "short"));
	putchar('\n');
}

/* A board that is as it should be needs no line. */
static void
print_stations(const json_t *status)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "stations"), i, row) {
		const json_t *why = json_object_get(row, "trouble");

		if (json_is_object(why))
			printf("\n%s%s%s%s%s%s\n  %s %s\n", say("station ", "控制板 "), text_of(row, "name"), say(": ", "："), words_of(why, "what"),
			    *text_of(row, "detail") ? say(": ", "：") : "", text_of(row, "detail"), say("do:", "处理："), words_of(why, "do"));
		if (json_is_true(json_object_get(row, "lid_open")))
			printf("\n%s%s%s\n", say("station ", "控制板 "), text_of(row, "name"), say(": the lid is open", "：机盖打开"));
	}
}

/* What waits for a person, with what that person does next. */
static void
print_parked(const json_t *status)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "parked"), i, row) {
		const json_t *why = json_object_get(row, "parked");

		printf("\n%s%s%s%s%s%s\n  %s %s\n", say("parked: ", "搁置："), text_of(row, "name"), say(": ", "："), words_of(why, "what"),
		    *text_of(row, "detail") ? say(": ", "：") : "", text_of(row, "detail"), say("do:", "处理："), words_of(why, "do"));
		print_choices(row, "  ");
	}
}

/* What the CA or the printer could not do and is tried again by itself. */
static void
print_delayed(const json_t *status)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "delayed"), i, row) {
		const json_t *why = json_object_get(row, "why");

		printf("\n%s%s%s%s (%lld)\n  %s %s\n", strcmp(text_of(row, "place"), "ca") == 0 ? say("waits for the CA: ", "等待 CA：") : say("waits for the printer: ", "等待打印机："),
		    words_of(why, "what"), *text_of(row, "detail") ? say(": ", "：") : "", text_of(row, "detail"), number_of(row, "count"),
		    say("do:", "处理："), words_of(why, "do"));
	}
}

/* The bench begins nothing: before everything else. */
static void
print_standstill(const json_t *status)
{
	const json_t *why = json_object_get(status, "standstill");

	if (json_is_object(why))
		printf("%s%s\n  %s %s\n\n", say("the bench stands still: ", "制证台已停顿："), words_of(why, "what"), say("do:", "处理："), words_of(why, "do"));
}

/* After a restore nothing new is begun; restore.c says the same at length. */
static void
print_unsettled(const json_t *status)
{
	const json_t *unsettled = json_object_get(status, "unsettled"), *row;
	size_t i;

	if (!json_is_object(unsettled))
		return;
	printf(say("restored from a backup: no credential is begun and no certificate asked for until these are settled: %zu\n",
	           "已从备份恢复：以下证书处理完毕之前，不再开始制证、不再申请签发：%zu\n"), json_array_size(json_object_get(unsettled, "certificates")));
	if (json_is_true(json_object_get(unsettled, "ca_restored")))
		printf("  %s\n", say("and what the CA signed since the backup without knowing it now: find it by the tokens", "以及备份后由 CA 签发、现已无记录的证书：请按介质查找"));
	json_array_foreach(json_object_get(unsettled, "certificates"), i, row)
		printf("  %s  %s  %s\n", text_of(row, "serial"), text_of(row, "signed_at"), text_of(row, "credential"));
	printf(say("  do: revoke what was not handed over (mintctl ca revoke, the bench stopped), cancel the applications of what was; then: mintctl settle %s --why …\n\n",
	           "  处理：未发出的予以吊销（停止制证台后执行 mintctl ca revoke），已发出的取消其申请；然后执行 mintctl settle %s --why …\n\n"), text_of(status, "bench"));
}

int
run_status(struct run *run)
{
	json_t *status;
	int r = look(run, "/v1/status", &status);

	if (r != 0)
		return r;
	if (!command_print_json(run, status)) {
		print_standstill(status);
		print_unsettled(status);
		print_tally(status, "applications", "application", say("applications", "申请"));
		print_tally(status, "credentials", "credential", say("credentials", "证书"));
		print_tally(status, "tokens", "token", say("tokens", "介质"));
		print_tally(status, "bays", "bay", say("bays", "工位"));
		print_tally(status, "labels", "print_job", say("labels", "面单"));
		print_stock(status);
		print_pace(status);
		print_outlook(status);
		if (number_of(status, "late") > 0)
			printf("%s%lld%s\n", say("past their deadline: ", "逾期："), number_of(status, "late"), say(" (mintctl list --late)", "（mintctl list --late）"));
		print_stations(status);
		print_delayed(status);
		print_parked(status);
		programs_print(status);
	}
	json_decref(status);
	return 0;
}

/* --- summary */

static void
print_number(const json_t *summary, const char *name, const char *title)
{
	const json_t *value = json_object_get(summary, name);

	text_pad(stdout, title, 26);
	if (json_is_real(value))
		printf("%.3f\n", json_real_value(value));
	else if (json_is_integer(value))
		printf("%lld\n", (long long)json_integer_value(value));
	else
		puts("-");
}

static void
print_steps(const json_t *summary)
{
	struct table *table = table_new(5);
	const json_t *row;
	size_t i;

	table_add(table, say("step", "步骤"));
	table_add(table, say("times", "次数"));
	table_add(table, say("failed", "失败"));
	table_add(table, say("mean ms", "平均毫秒"));
	table_add(table, say("longest ms", "最长毫秒"));
	json_array_foreach(json_object_get(summary, "steps"), i, row) {
		table_add(table, step_text(text_of(row, "step")));
		table_add_number(table, number_of(row, "count"));
		table_add_number(table, number_of(row, "failed"));
		table_add_number(table, number_of(row, "mean_ms"));
		table_add_number(table, number_of(row, "max_ms"));
	}
	putchar('\n');
	table_print(table, stdout, say("no step has ended yet", "尚无完成的步骤"));
	table_free(&table);
}

int
run_summary(struct run *run)
{
	static const struct {
		const char *name, *en, *zh;
	} rows[] = {
		{ "applications", "applications", "申请" },
		{ "issued", "  issued", "  已发证" },
		{ "held", "  held", "  暂停" },
		{ "rejected", "  rejected in review", "  审核不通过" },
		{ "cancelled", "  cancelled", "  取消" },
		{ "credentials", "credentials", "证书" },
		{ "issued_credentials", "  issued", "  已发证" },
		{ "proofs", "  proven", "  已验证" },
		{ "waiting", "  waiting", "  待制证" },
		{ "parked", "  parked", "  搁置" },
		{ "tokens_quarantined", "tokens in quarantine", "隔离介质" },
		{ "labels", "labels printed", "已打印面单" },
		{ "elapsed_s", "elapsed, seconds", "用时（秒）" },
		{ "tokens_per_hour", "tokens an hour", "支/小时" },
		{ "bay_utilisation", "bay utilisation", "工位利用率" },
	};
	char path[LOOK_PATH_BYTES] = "/v1/summary";
	json_t *summary = NULL;
	int r = add_query(path, "since", run->options[OPTION_SINCE]);

	r = r == 0 ? look(run, path, &summary) : command_fail_with(run, r, "--since");
	if (r != 0)
		return r;
	if (!command_print_json(run, summary)) {
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			print_number(summary, rows[i].name, say(rows[i].en, rows[i].zh));
		print_steps(summary);
	}
	json_decref(summary);
	return 0;
}

/* --- list */

static void
add_time(struct table *table, const json_t *row, const char *name)
{
	char text[SCREEN_TIME_BYTES];

	screen_time(text_of(row, name), text);
	table_add(table, text);
}

static void
print_applications(const json_t *answer)
{
	struct table *table = table_new(6);
	const json_t *row;
	size_t i;

	table_add(table, say("application", "申请号"));
	table_add(table, say("state", "状态"));
	table_add(table, say("minted", "已制"));
	table_add(table, say("deadline", "期限"));
	table_add(table, say("delivery", "交付"));
	table_add(table, say("marks", "标记"));
	json_array_foreach(json_object_get(answer, "applications"), i, row) {
		char text[CELL_BYTES];

		table_add(table, text_of(row, "reference"));
		table_add(table, state_text("application", text_of(row, "state")));
		snprintf(text, sizeof text, "%lld/%lld", number_of(row, "minted"), number_of(row, "quantity"));
		table_add(table, text);
		add_time(table, row, "deadline_at");
		table_add(table, strcmp(text_of(row, "delivery"), "post") == 0 ? say("post", "邮寄") : say("on site", "现场"));
		snprintf(text, sizeof text, "%s%s%s", json_is_true(json_object_get(row, "urgent")) ? say("urgent ", "加急 ") : "",
		    json_is_true(json_object_get(row, "late")) ? say("late ", "逾期 ") : "",
		    number_of(row, "parked") ? say("parked ", "搁置 ") : "");
		table_add(table, text);
	}
	table_print(table, stdout, say("no application", "没有申请"));
	table_free(&table);
}

static void
print_credentials(const json_t *answer)
{
	struct table *table = table_new(5);
	const json_t *row;
	size_t i;

	table_add(table, say("credential", "证书"));
	table_add(table, say("state", "状态"));
	table_add(table, say("token", "介质"));
	table_add(table, say("since", "始于"));
	table_add(table, say("why, and what to do", "原因与处理"));
	json_array_foreach(json_object_get(answer, "credentials"), i, row) {
		const json_t *why = json_object_get(row, "parked");
		char text[CELL_BYTES], cut[CELL_BYTES];

		snprintf(text, sizeof text, "%s%s%s", words_of(why, "what"), json_is_object(why) ? " → " : "", words_of(why, "do"));
		text_cut(text, DETAIL_COLUMNS * 2, cut, sizeof cut);
		table_add(table, text_of(row, "name"));
		table_add(table, state_text("credential", text_of(row, "state")));
		table_add(table, text_of(row, "token"));
		add_time(table, row, "changed_at");
		table_add(table, cut);
	}
	table_print(table, stdout, say("no credential", "没有证书"));
	table_free(&table);
}

int
run_list(struct run *run)
{
	static const char *const machines[] = { "application", "credential", NULL };
	const char *word = run->options[OPTION_STATE], *state = word ? state_named("application", word) : NULL;
	int credentials = word && !state;
	long long limit = number_option(run, OPTION_LIMIT);
	char path[LOOK_PATH_BYTES];
	json_t *answer;
	int r = 0;

	if (credentials)
		state = state_named("credential", word);
	if (word && !state)
		return state_unknown(run, machines);
	if (run->options[OPTION_LIMIT] && limit <= 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--limit: a number from 1", "--limit：应为不小于 1 的整数"));
	if (credentials && (run->options[OPTION_URGENT] || run->options[OPTION_LATE]))
		return command_fail_with(run, MINT_ARGUMENT, say("--urgent, --late: only with a state of applications",
		    "--urgent、--late：仅适用于申请的状态"));
	snprintf(path, sizeof path, credentials ? "/v1/credentials" : "/v1/applications");
	r = add_query(path, "state", state);
	if (r == 0)
		r = add_query(path, credentials ? "application" : "reference", run->options[OPTION_REFERENCE]);
	if (r == 0 && !credentials)
		r = add_query(path, "urgent", run->options[OPTION_URGENT] ? "1" : NULL);
	if (r == 0 && !credentials)
		r = add_query(path, "late", run->options[OPTION_LATE] ? "1" : NULL);
	if (r != 0)
		return command_fail_with(run, r, "list");
	r = look_at_all(run, path, credentials ? "credentials" : "applications", limit, &answer);
	if (r == 0 && !command_print_json(run, answer))
		credentials ? print_credentials(answer) : print_applications(answer);
	json_decref(answer);
	return r;
}

/* --- bays */

int
run_bays(struct run *run)
{
	struct table *table;
	json_t *answer;
	const json_t *row;
	size_t i;
	int r = look(run, "/v1/bays", &answer);

	if (r != 0)
		return r;
	if (command_print_json(run, answer)) {
		json_decref(answer);
		return 0;
	}
	table = table_new(7);
	table_add(table, say("bay", "工位"));
	table_add(table, say("state", "状态"));
	table_add(table, say("step", "步骤"));
	table_add(table, say("credential", "证书"));
	table_add(table, say("parcel", "包裹"));
	table_add(table, say("token", "介质"));
	table_add(table, say("trouble, and what to do", "故障与处理"));
	json_array_foreach(json_object_get(answer, "bays"), i, row) {
		const json_t *why = json_object_get(row, "trouble");
		char text[CELL_BYTES], token[CELL_BYTES];

		snprintf(text, sizeof text, "%s%s%s", words_of(why, "what"), json_is_object(why) ? " → " : "", words_of(why, "do"));
		snprintf(token, sizeof token, "%s %s", text_of(row, "token"), text_of(row, "token_marker"));
		table_add_number(table, number_of(row, "bay"));
		table_add(table, state_text("bay", text_of(row, "state")));
		table_add(table, *text_of(row, "step") ? step_text(text_of(row, "step")) : "");
		table_add(table, text_of(row, "credential"));
		number_of(row, "parcel") ? table_add_number(table, number_of(row, "parcel")) : table_add(table, "");
		table_add(table, token);
		table_add(table, text);
	}
	table_print(table, stdout, say("no bay", "没有工位"));
	table_free(&table);
	json_decref(answer);
	return 0;
}
