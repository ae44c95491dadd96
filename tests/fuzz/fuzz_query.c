/* Paths and queries of any client: the first line of the input is the path, the rest the query. */
#include "hostd/api/query.h"
#include "hostd/api/route.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_query(enum route_name name, const char *text)
{
	char detail[QUERY_DETAIL_BYTES];
	struct query query;
	int r = query_read(&query, name, text, detail);

	if ((r != 0) != (detail[0] != '\0'))
		abort(); /* a refusal says why, and only a refusal does */
	for (size_t i = 0; r == 0 && i < query.count; i++) {
		const struct query_parameter *p = query.values[i].parameter;

		if (p->kind == QUERY_number && (query.values[i].number < p->low || query.values[i].number > p->high))
			abort();
		if (query.values[i].number < 0 || !memchr(query.values[i].text, '\0', QUERY_TEXT_BYTES))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *query, object[ROUTE_SEGMENT_BYTES];
	enum route_name name;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	query = strchr(text, '\n');
	if (query)
		*query++ = '\0';
	if (route_find(ROUTE_GET, text, &name, object) == 0 || route_find(ROUTE_POST, text, &name, object) == 0)
		read_query(name, query);
	free(text);
	return 0;
}
