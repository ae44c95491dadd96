/* One list of routes: found, indexed and described from the same rows. */
#include "hostd/api/route.h"
#include "hostd/api/query.h"
#include "hostd/base/release.h"
#include "schemas/errors.h"

#include <string.h>

static const struct route routes[] = {
#define ROUTE(name, method, path, door, en, zh) { #name, path, ROUTE_##method, ROUTE_##door, { en, zh } },
#define QUERY(...)
#include "schemas/routes.def"
#undef QUERY
#undef ROUTE
};

static const char *const method_names[] = { [ROUTE_GET] = "GET", [ROUTE_POST] = "POST" };

const struct route *
route_info(enum route_name name)
{
	return &routes[name];
}

/* 1 when the path fits the pattern. A pattern holds at most one {…}, as its last segment. */
static int
path_fits(const char *pattern, const char *path, char *object)
{
	size_t fixed = strcspn(pattern, "{");
	const char *rest;

	object[0] = '\0';
	if (pattern[fixed] == '\0')
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, fixed) != 0)
		return 0;
	rest = path + fixed;
	return *rest && !strchr(rest, '/') && query_decode(rest, strlen(rest), object, ROUTE_SEGMENT_BYTES) > 0;
}

int
route_find(enum route_method method, const char *path, enum route_name *name, char *object)
{
	int known = 0;

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!path_fits(routes[i].path, path, object))
			continue;
		known = 1;
		if (routes[i].method != method)
			continue;
		*name = (enum route_name)i;
		return 0;
	}
	return known ? MINT_METHOD : MINT_NOT_FOUND;
}

static json_t *
words(const char *const pair[2])
{
	return json_pack("{s:s,s:s}", "en", pair[MINT_EN], "zh", pair[MINT_ZH]);
}

static const char *const kind_names[] = {
	[QUERY_number] = "number", [QUERY_flag] = "flag", [QUERY_text] = "text", [QUERY_cursor] = "cursor",
};

json_t *
route_index_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		json_t *parameters = json_array();

		for (const struct query_parameter *p = query_next((enum route_name)i, NULL); p; p = query_next((enum route_name)i, p))
			json_array_append_new(parameters, json_pack("{s:s,s:s,s:o}", "name", p->name, "kind",
			    kind_names[p->kind], "summary", words(p->summary)));
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:o}", "method", method_names[routes[i].method],
		    "path", routes[i].path, "door", routes[i].door == ROUTE_local ? "local" : "any",
		    "summary", words(routes[i].summary), "parameters", parameters));
	}
	return json_pack("{s:s,s:o}", "release", MINT_RELEASE, "routes", list);
}

static json_t *
schema_of(const struct query_parameter *p)
{
	switch (p->kind) {
	case QUERY_number:
		return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", (json_int_t)p->low, "maximum", (json_int_t)p->high);
	case QUERY_flag:
		return json_pack("{s:s,s:[s,s,s,s]}", "type", "string", "enum", "0", "1", "false", "true");
	case QUERY_text:
		return json_pack("{s:s,s:I}", "type", "string", "minLength", (json_int_t)1);
	case QUERY_cursor:
		break;
	}
	return json_pack("{s:s,s:s}", "type", "string", "pattern", "^[0-9]+$");
}

static json_t *
parameters_of(enum route_name name)
{
	json_t *list = json_array();
	const char *open = strchr(routes[name].path, '{');

	if (open)
		json_array_append_new(list, json_pack("{s:s%,s:s,s:b,s:{s:s}}", "name", open + 1, strlen(open) - 2,
		    "in", "path", "required", 1, "schema", "type", "string"));
	for (const struct query_parameter *p = query_next(name, NULL); p; p = query_next(name, p))
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:o}", "name", p->name, "in", "query",
		    "description", p->summary[MINT_EN], "x-zh", p->summary[MINT_ZH], "schema", schema_of(p)));
	return list;
}

static json_t *
operation_of(enum route_name name)
{
	static const char reference[] = "#/components/responses/error";
	json_t *operation = json_pack("{s:s,s:s,s:s,s:s,s:o}", "operationId", routes[name].name,
	    "summary", routes[name].summary[MINT_EN], "x-summary-zh", routes[name].summary[MINT_ZH],
	    "x-door", routes[name].door == ROUTE_local ? "local" : "any", "parameters", parameters_of(name));

	json_object_set_new(operation, "responses", json_pack("{s:{s:s},s:{s:s}}", "200", "description", "as described in docs/back-office.md",
	    "default", "$ref", reference));
	if (routes[name].method == ROUTE_POST)
		json_object_set_new(operation, "requestBody", json_pack("{s:b,s:{s:{}}}", "required", 1, "content", "application/json"));
	return operation;
}

/* The shape of every refusal: docs and clients rely on it. */
static json_t *
error_component(void)
{
	json_t *pair = json_pack("{s:s,s:{s:{s:s},s:{s:s}}}", "type", "object", "properties", "en", "type", "string", "zh", "type", "string");

	return json_pack("{s:{s:{s:s,s:{s:{s:{s:s,s:[s,s,s],s:{s:{s:s},s:O,s:o,s:{s:s}}}}}}}}",
	    "responses", "error", "description", "what is wrong and what to do, in both languages",
	    "content", "application/json", "schema", "type", "object", "required", "error", "what", "do",
	    "properties", "error", "type", "string", "what", pair, "do", pair, "detail", "type", "string");
}

json_t *
route_openapi_json(void)
{
	json_t *paths = json_object();

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		json_t *path = json_object_get(paths, routes[i].path);

		if (!path) {
			path = json_object();
			json_object_set_new(paths, routes[i].path, path);
		}
		json_object_set_new(path, routes[i].method == ROUTE_GET ? "get" : "post", operation_of((enum route_name)i));
	}
	return json_pack("{s:s,s:{s:s,s:s},s:o,s:o}", "openapi", "3.1.0", "info", "title", "Mintbench", "version", MINT_RELEASE,
	    "paths", paths, "components", error_component());
}
