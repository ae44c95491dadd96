/* mintctl stock: tokens that are keyed ahead. */
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

static void
print_levels(const json_t *stock)
{
	struct table *table = table_new(6);
	const json_t *row;
	size_t i;

	table_add(table, say("key type", "密钥类型"));
	table_add(table, say("model", "型号"));
	table_add(table, say("lot", "批次"));
	table_add(table, say("in stock", "在库"));
	table_add(table, say("being made", "预制中"));
	table_add(table, say("cut short", "中断"));
	json_array_foreach(json_object_get(stock, "levels"), i, row) {
		table_add(table, text_of(row, "key_type"));
		table_add(table, text_of(row, "model"));
		table_add(table, text_of(row, "lot"));
		table_add_number(table, number_of(row, "ready"));
		table_add_number(table, number_of(row, "in_work"));
		table_add_number(table, number_of(row, "cut_short"));
	}
	table_print(table, stdout, say("no token is in stock", "没有库存"));
	table_free(&table);
}

static void
print_order(const json_t *row)
{
	const char *bays = text_of(row, "not_offered_in");

	printf("%s%s: %lld/%lld%s%s\n", say("ordered: ", "已下令："), text_of(row, "key_type"), number_of(row, "made"), number_of(row, "count"),
	    *text_of(row, "lot") ? say(", lot ", "，批次 ") : "", text_of(row, "lot"));
	if (*bays)
		printf("  %s%s%s%s\n", say("bays with tokens that do not offer this key type: ", "以下工位的介质不支持该密钥类型："), bays,
		    say(": put in another model, or mintctl stock stop --key-type ", "：换用其他型号，或 mintctl stock stop --key-type "),
		    text_of(row, "key_type"));
}

static void
print_orders(const json_t *stock)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(stock, "orders"), i, row)
		print_order(row);
	if (number_of(stock, "keep") > 0)
		printf("%s%lld %s\n", say("kept by itself when no work waits: ", "空闲时自动保持："), number_of(stock, "keep"), text_of(stock, "key_type"));
	if (json_is_true(json_object_get(stock, "low")))
		printf("%s%lld%s%lld%s\n", say("low: ", "库存不足："), number_of(stock, "ready"), say(" in stock, fewer than ", " 支在库，低于 "),
		    number_of(stock, "low_below"), say(": mintctl stock prekey --count N", "：mintctl stock prekey --count N"));
}

int
run_stock(struct run *run)
{
	json_t *stock;
	int r = look(run, "/v1/stock", &stock);

	if (r != 0)
		return r;
	if (!command_print_json(run, stock)) {
		print_levels(stock);
		print_orders(stock);
	}
	json_decref(stock);
	return 0;
}
