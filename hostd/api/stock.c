/* Tokens that were keyed ahead: what there is, what is ordered, what is low. */
#include "hostd/api/api.h"
#include "hostd/base/config.h"

#include <string.h>

static json_int_t
count_of(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

/* One count of all levels of a key type; NULL: of all. */
static json_int_t
sum_of(const json_t *levels, const char *key_type, const char *name)
{
	json_int_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(levels, i, row)
		if (!key_type || strcmp(json_string_value(json_object_get(row, "key_type")), key_type) == 0)
			sum += count_of(row, name);
	return sum;
}

/* What is still ordered of a key type; NULL: of all. */
static json_int_t
ordered(const json_t *orders, const char *key_type)
{
	json_int_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(orders, i, row)
		if (!key_type || strcmp(json_string_value(json_object_get(row, "key_type")), key_type) == 0)
			sum += count_of(row, "count") - count_of(row, "made");
	return sum;
}

/* How many blank tokens have still to be put in for what is ordered, and for the level that the configuration keeps. */
static json_int_t
wanted(const struct config *config, const json_t *levels, const json_t *orders)
{
	const char *kept = config->stock_key_type;
	json_int_t more = config->stock_keep - sum_of(levels, kept, "ready") - ordered(orders, kept), sum;

	sum = ordered(orders, NULL) + (more > 0 ? more : 0) - sum_of(levels, NULL, "in_work");
	return sum > 0 ? sum : 0;
}

json_t *
api_stock(struct call *call)
{
	const struct config *config = call->api->context->config;
	json_t *levels = record_rows(call->api->record, API_stock_levels, NULL);
	json_t *orders = record_rows(call->api->record, API_stock_orders, NULL);
	json_int_t ready;

	if (!levels || !orders) {
		json_decref(levels);
		json_decref(orders);
		return NULL;
	}
	ready = sum_of(levels, config->stock_key_type, "ready");
	return json_pack("{s:I, s:I, s:s, s:i, s:i, s:b, s:o, s:o}", "ready", (json_int_t)ready, "wanted", wanted(config, levels, orders),
	    "key_type", config->stock_key_type, "keep", config->stock_keep, "low_below", config->stock_low, "low",
	    ready < config->stock_low, "levels", levels, "orders", orders);
}

void
route_stock(struct call *call)
{
	if (!call_unchanged(call))
		call_reply_tagged(call, api_stock(call));
}
