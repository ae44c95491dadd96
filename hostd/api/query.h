/* The query of a request, checked against the parameters that schemas/routes.def lists for its route. Pure: no I/O. */
#ifndef MINT_API_QUERY_H
#define MINT_API_QUERY_H

#include "hostd/api/route.h"

#include <stdint.h>

enum { QUERY_TEXT_BYTES = 192, QUERY_PARAMETERS_MAX = 8, QUERY_DETAIL_BYTES = 256 };

enum query_kind { QUERY_number, QUERY_flag, QUERY_text, QUERY_cursor };

struct query_parameter {
	enum route_name route;
	enum query_kind kind;
	const char     *name;
	int64_t         low, high;
	const char     *summary[2];
};

struct query {
	struct {
		const struct query_parameter *parameter;
		int64_t number;                  /* number, flag, cursor */
		char    text[QUERY_TEXT_BYTES];  /* text */
	} values[QUERY_PARAMETERS_MAX];
	size_t count;
};

/* Reads "a=1&b=%E4%B8%AD" (NULL: no query). MINT_ARGUMENT when a parameter is unknown, twice there, malformed or out of range;
 * `detail` (QUERY_DETAIL_BYTES, ASCII) then says which and what it takes. */
int query_read(struct query *query, enum route_name route, const char *text, char *detail);

/* The value of a parameter that the list has for this route; `preset` when the client did not give it. */
int64_t query_number(const struct query *query, const char *name, int64_t preset);
/* NULL when not given. Lives as long as the query. */
const char *query_text(const struct query *query, const char *name);
int query_has(const struct query *query, const char *name);

/* The parameters of a route, one after the other: start with NULL; NULL at the end. */
const struct query_parameter *query_next(enum route_name route, const struct query_parameter *before);

/* Decodes %XX ('+' stays: RFC 3986) of `length` bytes into `out`. Returns the length, or −1: malformed escape, NUL, bad UTF-8,
 * control character, or longer than out_bytes − 1. */
int query_decode(const char *in, size_t length, char *out, size_t out_bytes);

/* A decimal integer without sign, blanks or leading zeros, from low to high. 0, or −1. */
int query_integer(const char *text, int64_t low, int64_t high, int64_t *value);

#endif
