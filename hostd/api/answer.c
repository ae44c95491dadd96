/* What several answers have in common: pages, and errors that say what to do. */
#include "hostd/api/api.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

void
api_explain(json_t *object, const char *member, const char *name)
{
	const struct error_info *info = name ? error_by_name(name) : NULL;

	json_object_set_new(object, member, info ? call_error_json(info->code, "") : json_null());
}

/* As hostd/queue/fault.c decides when the order comes. */
void
api_add_choices(json_t *credential)
{
	const char *state = json_string_value(json_object_get(credential, "state"));
	int on_token = json_integer_value(json_object_get(credential, "on_token")) != 0;
	int unsettled = json_integer_value(json_object_get(credential, "unsettled")) != 0;
	const char *choices = on_token ? "redo abandon" : "abandon";

	if (!state || strcmp(state, "packed") == 0 || strcmp(state, "revoked") == 0 || (unsettled && !on_token))
		choices = "";
	else if (strcmp(state, "parked") == 0)
		choices = on_token ? "retry redo abandon" : "retry abandon";
	json_object_set_new(credential, "choices", json_string(choices));
	json_object_del(credential, "on_token");
	json_object_del(credential, "unsettled");
}

json_t *
api_page(json_t *rows, const char *list, int64_t limit)
{
	json_t *cursor = json_null(), *row;
	size_t i;

	if (rows && json_array_size(rows) > (size_t)limit) {
		char text[24];

		json_array_remove(rows, (size_t)limit);
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(
		    json_object_get(json_array_get(rows, (size_t)limit - 1), "cursor")));
		cursor = json_string(text);
	}
	json_array_foreach(rows, i, row)
		json_object_del(row, "cursor");
	return rows ? json_pack("{s:o,s:o}", list, rows, "cursor", cursor) : NULL;
}

void
api_explain_parked(json_t *credentials)
{
	json_t *credential;
	size_t i;

	json_array_foreach(credentials, i, credential)
		api_explain(credential, "parked", json_string_value(json_object_get(credential, "parked_error")));
}
