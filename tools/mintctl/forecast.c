/* mintctl forecast: when the queue will be empty, who will be late, what would save them. */
#include "schemas/errors.h"
#include "tools/mintctl/lines.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <stdlib.h>
#include <string.h>

/* People look at those that come first; --limit shows more, --json what was asked for. */
enum { LATE_SHOWN = 20, CELL_BYTES = 64 };

static const char *const figures[] = { "p50", "p90" };

/* --- what it stands on */

static void
print_ground(const json_t *forecast)
{
	char text[256];

	snprintf(text, sizeof text, say("%lld waiting, %lld in work, of %lld applications", "待制 %lld，在制 %lld，涉及申请 %lld"), number_of(forecast, "waiting"),
	    number_of(forecast, "in_work"), number_of(forecast, "applications_open"));
	line(say("credentials", "证书"), text);
	snprintf(text, sizeof text, say("%lld parked, %lld held", "搁置 %lld，暂停 %lld"), number_of(forecast, "parked"), number_of(forecast, "held"));
	if (number_of(forecast, "parked") + number_of(forecast, "held") > 0)
		line(say("not reckoned with", "未计入"), text);
	line_number(say("bays at work", "在用工位"), number_of(forecast, "bays"));
	line(say("hours of work", "工作时间"), *text_of(forecast, "hours") ? text_of(forecast, "hours") : say("around the clock", "全天"));
	if (json_is_false(json_object_get(forecast, "calendar_certain")))
		line("", say("reaches into a year whose official holidays are not in the calendar yet", "预测期内有年度的放假安排尚未写入日历"));
}

static void
add_ms(struct table *table, const json_t *time, const char *name)
{
	char text[CELL_BYTES];

	snprintf(text, sizeof text, "%.1f s", (double)number_of(time, name) / 1000);
	table_add(table, text);
}

static void
add_time_row(struct table *table, const char *what, const json_t *time)
{
	if (!json_is_object(time))
		return;
	table_add(table, what);
	add_ms(table, time, "p50_ms");
	add_ms(table, time, "p90_ms");
	if (json_is_true(json_object_get(time, "presumed")))
		table_add(table, say("presumed: too few measured yet", "默认值（实测不足）"));
	else
		table_add_number(table, number_of(time, "measured"));
}

static void
print_times(const json_t *forecast)
{
	struct table *table = table_new(4);
	const json_t *kind;
	size_t i;

	table_add(table, say("a token takes", "每支介质用时"));
	table_add(table, say("median", "中位数"));
	table_add(table, say("slow (90 %)", "偏慢（90%）"));
	table_add(table, say("measured", "实测次数"));
	json_array_foreach(json_object_get(forecast, "key_types"), i, kind) {
		char text[CELL_BYTES];

		add_time_row(table, text_of(kind, "key_type"), json_object_get(kind, "in_line"));
		snprintf(text, sizeof text, say("%s, prekeyed", "%s，预制密钥"), text_of(kind, "key_type"));
		add_time_row(table, text, json_object_get(kind, "prekeyed"));
	}
	add_time_row(table, say("change of token", "换介质"), json_object_get(forecast, "swap"));
	putchar('\n');
	table_print(table, stdout, NULL);
	table_free(&table);
}

/* --- the figures, the median's beside the slow one's */

static void
cell_time(const json_t *figure, const char *name, char *cell)
{
	screen_time(json_string_value(json_object_get(figure, name)), cell);
}

static void
cell_span(const json_t *figure, const char *name, char *cell)
{
	if (json_is_integer(json_object_get(figure, name)))
		screen_span(number_of(figure, name), cell);
	else
		strcpy(cell, "-");
}

static void
cell_count(const json_t *figure, const char *name, char *cell)
{
	snprintf(cell, CELL_BYTES, "%lld", number_of(figure, name));
}

static void
cell_bays(const json_t *figure, const char *name, char *cell)
{
	if (json_is_integer(json_object_get(figure, name)))
		cell_count(figure, name, cell);
	else
		snprintf(cell, CELL_BYTES, "%s", say("not even 64", "64 个仍不够"));
}

static void
cell_prekeyed(const json_t *figure, const char *name, char *cell)
{
	if (json_is_integer(json_object_get(figure, name)))
		cell_count(figure, name, cell);
	else
		snprintf(cell, CELL_BYTES, "%s", say("no number", "无法补救"));
}

static int
prekeyed_is_known(const json_t *forecast)
{
	const json_t *kind;
	size_t i;

	json_array_foreach(json_object_get(forecast, "key_types"), i, kind)
		if (json_is_object(json_object_get(kind, "prekeyed")))
			return 1;
	return 0;
}

static void
print_figures(const json_t *forecast)
{
	static const struct {
		const char *name;
		void      (*cell)(const json_t *figure, const char *name, char *cell);
		const char *en, *zh;
	} rows[] = {
		{ "empty_at", cell_time, "queue empty", "全部完成于" },
		{ "left_s", cell_span, "from now", "尚需" },
		{ "late", cell_count, "applications late", "逾期申请" },
		{ "past", cell_count, "  past their deadline now", "  其中现已逾期" },
		{ "latest_s", cell_span, "  the latest by", "  最长逾期" },
		{ "bays_needed", cell_bays, "bays that save the others", "避免其余逾期所需工位" },
		{ "prekeyed_needed", cell_prekeyed, "prekeyed tokens that do", "或所需预制密钥介质" },
	};
	struct table *table = table_new(3);

	table_add(table, say("forecast", "预测"));
	table_add(table, say("median", "中位数"));
	table_add(table, say("slow (90 %)", "偏慢（90%）"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].cell == cell_prekeyed && !prekeyed_is_known(forecast))
			continue; /* no prekeyed token was ever used here */
		table_add(table, say(rows[i].en, rows[i].zh));
		for (size_t f = 0; f < sizeof figures / sizeof figures[0]; f++) {
			char cell[CELL_BYTES];

			rows[i].cell(json_object_get(forecast, figures[f]), rows[i].name, cell);
			table_add(table, cell);
		}
	}
	putchar('\n');
	table_print(table, stdout, NULL);
	table_free(&table);
}

/* --- who will be late */

static void
add_figure(struct table *table, const json_t *figure)
{
	char cell[CELL_BYTES];

	cell_time(figure, "end_at", cell);
	table_add(table, cell);
	cell_span(figure, "late_s", cell);
	table_add(table, number_of(figure, "late_s") == 0 && strcmp(cell, "-") != 0 ? "" : cell);
}

static void
print_late(const json_t *forecast)
{
	struct table *table = table_new(6);
	const json_t *row;
	char cell[CELL_BYTES];
	size_t i;

	table_add(table, say("late application", "将逾期的申请"));
	table_add(table, say("deadline", "期限"));
	table_add(table, say("ends", "完成于"));
	table_add(table, say("late by", "逾期"));
	table_add(table, say("slow: ends", "偏慢：完成于"));
	table_add(table, say("late by", "逾期"));
	json_array_foreach(json_object_get(forecast, "applications"), i, row) {
		table_add(table, text_of(row, "reference"));
		cell_time(row, "deadline_at", cell);
		table_add(table, cell);
		for (size_t f = 0; f < sizeof figures / sizeof figures[0]; f++)
			add_figure(table, json_object_get(row, figures[f]));
	}
	putchar('\n');
	table_print(table, stdout, say("no application will be late", "没有申请将逾期"));
	if (number_of(json_object_get(forecast, "p90"), "late") > (long long)json_array_size(json_object_get(forecast, "applications")))
		puts(say("more of them: mintctl forecast --limit N", "更多：mintctl forecast --limit N"));
	table_free(&table);
}

static void
print_forecast(const json_t *forecast)
{
	print_ground(forecast);
	print_times(forecast);
	if (number_of(forecast, "applications_open") == 0) {
		printf("\n%s\n", say("nothing is to be minted", "没有待制证书"));
		return;
	}
	print_figures(forecast);
	print_late(forecast);
}

int
run_forecast(struct run *run)
{
	const char *limit = run->options[OPTION_LIMIT];
	char path[LOOK_PATH_BYTES] = "/v1/forecast", shown[CELL_BYTES];
	json_t *forecast;
	int r;

	if (limit && number_option(run, OPTION_LIMIT) <= 0)
		return command_fail_with(run, MINT_ARGUMENT, say("--limit: a number from 1", "--limit：应为不小于 1 的整数"));
	snprintf(shown, sizeof shown, "%d", LATE_SHOWN);
	r = add_query(path, "limit", limit || run->json ? limit : shown);
	if (r == 0)
		r = add_query(path, "late", run->json && !run->options[OPTION_LATE] ? NULL : "1");
	if (r != 0)
		return command_fail_with(run, r, "--limit");
	r = look(run, path, &forecast);
	if (r != 0)
		return r;
	if (!command_print_json(run, forecast))
		print_forecast(forecast);
	json_decref(forecast);
	return 0;
}
