/* The routes of schemas/routes.def: finding one, and telling what there is. Pure: no I/O. */
#ifndef MINT_API_ROUTE_H
#define MINT_API_ROUTE_H

#include <jansson.h>
#include <stddef.h>

enum { ROUTE_SEGMENT_BYTES = 192 };

enum route_name {
#define ROUTE(name, ...) ROUTE_##name,
#define QUERY(...)
#include "schemas/routes.def"
#undef QUERY
#undef ROUTE
	ROUTE_COUNT
};

enum route_method { ROUTE_GET, ROUTE_POST };
enum route_door { ROUTE_any, ROUTE_local };

struct route {
	const char       *name;
	const char       *path;
	enum route_method method;
	enum route_door   door;
	const char       *summary[2]; /* by enum mint_language */
};

const struct route *route_info(enum route_name name);

/* Finds the route of a path without query ("/v1/applications/A-1"; percent-encoded). `object` (ROUTE_SEGMENT_BYTES) receives the
 * decoded segment of {…}. MINT_NOT_FOUND when no path fits; MINT_METHOD when the path is known, but not under this method. */
int route_find(enum route_method method, const char *path, enum route_name *name, char *object);

/* {"routes": [{method, path, door, summary, parameters}]}: a new reference. */
json_t *route_index_json(void);

/* The OpenAPI 3.1 description: a new reference. */
json_t *route_openapi_json(void);

#endif
