/* Reading queries: nothing is guessed, nothing ignored. */
#include "hostd/api/query.h"
#include "schemas/errors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct query_parameter parameters[] = {
#define ROUTE(...)
#define QUERY(route, name, kind, low, high, en, zh) { ROUTE_##route, QUERY_##kind, #name, low, high, { en, zh } },
#include "schemas/routes.def"
#undef QUERY
#undef ROUTE
};

#define PARAMETER_COUNT (sizeof parameters / sizeof parameters[0])

const struct query_parameter *
query_next(enum route_name route, const struct query_parameter *before)
{
	for (size_t i = before ? (size_t)(before - parameters) + 1 : 0; i < PARAMETER_COUNT; i++)
		if (parameters[i].route == route)
			return &parameters[i];
	return NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* jansson checks UTF-8 as RFC 3629 asks; a second table of ranges here would be a second truth. */
static int
is_utf8(const char *text, size_t length)
{
	json_t *string = json_stringn(text, length);

	json_decref(string);
	return string != NULL;
}

int
query_decode(const char *in, size_t length, char *out, size_t out_bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)in[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_digit(in[i + 1]) : -1;
			int low = i + 2 < length ? hex_digit(in[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || used + 1 >= out_bytes)
			return -1;
		out[used++] = (char)c;
	}
	out[used] = '\0';
	return is_utf8(out, used) ? (int)used : -1;
}

int
query_integer(const char *text, int64_t low, int64_t high, int64_t *value)
{
	uint64_t sum = 0;

	if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || sum > (uint64_t)INT64_MAX / 10)
			return -1;
		sum = sum * 10 + (uint64_t)(*text - '0');
	}
	if (sum > (uint64_t)INT64_MAX || (int64_t)sum < low || (int64_t)sum > high)
		return -1;
	*value = (int64_t)sum;
	return 0;
}

static int
read_flag(const char *text, int64_t *value)
{
	*value = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
	return *value || strcmp(text, "0") == 0 || strcmp(text, "false") == 0 ? 0 : -1;
}

static int
read_value(struct query *query, const struct query_parameter *parameter, const char *text, size_t length)
{
	char *decoded = query->values[query->count].text;
	int64_t *number = &query->values[query->count].number;
	int got = query_decode(text, length, decoded, QUERY_TEXT_BYTES);

	if (got < 0)
		return -1;
	switch (parameter->kind) {
	case QUERY_number:
		return query_integer(decoded, parameter->low, parameter->high, number);
	case QUERY_cursor:
		return query_integer(decoded, 0, INT64_MAX, number);
	case QUERY_flag:
		return read_flag(decoded, number);
	case QUERY_text:
		return got >= parameter->low && got <= parameter->high ? 0 : -1;
	}
	return -1;
}

static void
say_range(const struct query_parameter *parameter, char *detail)
{
	switch (parameter->kind) {
	case QUERY_number:
		snprintf(detail, QUERY_DETAIL_BYTES, "%s: a number from %lld to %lld", parameter->name,
		    (long long)parameter->low, (long long)parameter->high);
		return;
	case QUERY_cursor:
		snprintf(detail, QUERY_DETAIL_BYTES, "%s: give back what the page before said", parameter->name);
		return;
	case QUERY_flag:
		snprintf(detail, QUERY_DETAIL_BYTES, "%s: 0 or 1", parameter->name);
		return;
	case QUERY_text:
		snprintf(detail, QUERY_DETAIL_BYTES, "%s: %lld to %lld bytes of UTF-8, percent-encoded", parameter->name,
		    (long long)parameter->low, (long long)parameter->high);
		return;
	}
}

/* The name comes from outside and goes into an answer: only what a parameter's name may hold is repeated. */
static void
say_unknown(enum route_name route, const char *name, size_t length, char *detail)
{
	size_t safe = strspn(name, "abcdefghijklmnopqrstuvwxyz_");
	int used = snprintf(detail, QUERY_DETAIL_BYTES, "%.*s: not a parameter here; there are:",
	    (int)(safe < length ? safe : length) > 32 ? 32 : (int)(safe < length ? safe : length), name);

	for (const struct query_parameter *p = query_next(route, NULL); p; p = query_next(route, p))
		if (used < QUERY_DETAIL_BYTES)
			used += snprintf(detail + used, QUERY_DETAIL_BYTES - (size_t)used, " %s", p->name);
}

static int
read_pair(struct query *query, enum route_name route, const char *pair, size_t length, char *detail)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals ? (size_t)(equals - pair) : length;
	const struct query_parameter *p = query_next(route, NULL);

	while (p && (strlen(p->name) != name_length || memcmp(p->name, pair, name_length) != 0))
		p = query_next(route, p);
	if (!p) {
		say_unknown(route, pair, name_length, detail);
		return MINT_ARGUMENT;
	}
	if (query_has(query, p->name)) {
		snprintf(detail, QUERY_DETAIL_BYTES, "%s: given twice", p->name);
		return MINT_ARGUMENT;
	}
	assert(query->count < QUERY_PARAMETERS_MAX);
	if (!equals || read_value(query, p, equals + 1, length - name_length - 1) != 0) {
		say_range(p, detail);
		return MINT_ARGUMENT;
	}
	query->values[query->count++].parameter = p;
	return 0;
}

int
query_read(struct query *query, enum route_name route, const char *text, char *detail)
{
	memset(query, 0, sizeof *query);
	detail[0] = '\0';
	while (text && *text) {
		size_t length = strcspn(text, "&");
		int r = length ? read_pair(query, route, text, length, detail) : 0;

		if (r != 0)
			return r;
		text += length;
		if (*text == '&')
			text++;
	}
	return 0;
}

int
query_has(const struct query *query, const char *name)
{
	for (size_t i = 0; i < query->count; i++)
		if (strcmp(query->values[i].parameter->name, name) == 0)
			return 1;
	return 0;
}

int64_t
query_number(const struct query *query, const char *name, int64_t preset)
{
	for (size_t i = 0; i < query->count; i++)
		if (strcmp(query->values[i].parameter->name, name) == 0)
			return query->values[i].number;
	return preset;
}

const char *
query_text(const struct query *query, const char *name)
{
	for (size_t i = 0; i < query->count; i++)
		if (strcmp(query->values[i].parameter->name, name) == 0)
			return query->values[i].text;
	return NULL;
}
