/* What several answers have in common: pages, and errors that say what to do. */
#include "hostd/api/api.h"
#include "schemas/errors.h"

#include <stdio.h>

void
api_explain(json_t *object, const char *member, const char *name)
{
	const struct error_info *info = name ? error_by_name(name) : NULL;

	json_object_set_new(object, member, info ? call_error_json(info->code, "") : json_null());
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
