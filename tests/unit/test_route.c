/* Routes and queries of mint-api: what fits, what is refused, and that the lists agree with each other. */
#include "hostd/api/call.h"
#include "hostd/api/door.h"
#include "hostd/api/query.h"
#include "hostd/api/route.h"
#include "schemas/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char object[ROUTE_SEGMENT_BYTES], detail[QUERY_DETAIL_BYTES];
static struct query query;

static int
find(enum route_method method, const char *path)
{
	enum route_name name = ROUTE_COUNT;
	int r = route_find(method, path, &name, object);

	return r == 0 ? (int)name : r;
}

static void
path_without_object_is_found_whole_only(void **state)
{
	(void)state;
	assert_int_equal(find(ROUTE_GET, "/v1"), ROUTE_index);
	assert_int_equal(find(ROUTE_GET, "/v1/bays"), ROUTE_bays);
	assert_int_equal(find(ROUTE_GET, "/v1/"), MINT_NOT_FOUND);
	assert_int_equal(find(ROUTE_GET, "/v1/bays/"), MINT_NOT_FOUND);
	assert_int_equal(find(ROUTE_GET, "/V1/bays"), MINT_NOT_FOUND);
	assert_int_equal(find(ROUTE_GET, ""), MINT_NOT_FOUND);
}

static void
object_of_the_path_is_decoded(void **state)
{
	(void)state;
	assert_int_equal(find(ROUTE_GET, "/v1/applications/A-1"), ROUTE_application);
	assert_string_equal(object, "A-1");
	assert_int_equal(find(ROUTE_GET, "/v1/applications/%E4%B8%AD%2F1"), ROUTE_application);
	assert_string_equal(object, "\xe4\xb8\xad/1");
	assert_int_equal(find(ROUTE_POST, "/v1/commands/hold"), ROUTE_command);
	assert_string_equal(object, "hold");
}

static void
object_that_is_empty_deeper_or_malformed_fits_no_route(void **state)
{
	static const char *const bad[] = {
		"/v1/applications/", "/v1/applications/A/B", "/v1/applications/%", "/v1/applications/%4", "/v1/applications/%zz",
		"/v1/applications/%00", "/v1/applications/%C3", "/v1/applications/%0a",
	};
	char longest[400] = "/v1/applications/";

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(find(ROUTE_GET, bad[i]), MINT_NOT_FOUND);
	memset(longest + strlen(longest), 'a', ROUTE_SEGMENT_BYTES);
	assert_int_equal(find(ROUTE_GET, longest), MINT_NOT_FOUND);
}

static void
known_path_under_another_method_is_told_from_an_unknown_one(void **state)
{
	(void)state;
	assert_int_equal(find(ROUTE_POST, "/v1/bays"), MINT_METHOD);
	assert_int_equal(find(ROUTE_GET, "/v1/import"), MINT_METHOD);
	assert_int_equal(find(ROUTE_POST, "/v1/nothing"), MINT_NOT_FOUND);
}

/* --- queries */

static int
read_applications(const char *text)
{
	return query_read(&query, ROUTE_applications, text, detail);
}

static void
no_query_gives_the_presets(void **state)
{
	(void)state;
	assert_int_equal(read_applications(NULL), 0);
	assert_int_equal(query_number(&query, "limit", 100), 100);
	assert_null(query_text(&query, "state"));
	assert_false(query_has(&query, "urgent"));
	assert_int_equal(read_applications(""), 0);
	assert_int_equal(read_applications("&&"), 0);
}

static void
each_kind_of_parameter_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_applications("state=in_review&urgent=true&late=0&limit=500&cursor=9223372036854775807&reference=%E7%94%B3"), 0);
	assert_string_equal(query_text(&query, "state"), "in_review");
	assert_string_equal(query_text(&query, "reference"), "\xe7\x94\xb3");
	assert_int_equal(query_number(&query, "urgent", -1), 1);
	assert_int_equal(query_number(&query, "late", -1), 0);
	assert_int_equal(query_number(&query, "limit", -1), 500);
	assert_true(query_number(&query, "cursor", -1) == INT64_MAX);
}

static void
misspelt_double_and_bad_parameters_are_refused(void **state)
{
	static const char *const bad[] = {
		"stat=approved", "=1", "state", "state=", "state=a&state=b", "limit=0", "limit=501", "limit=1.5", "limit=-1", "limit=+1",
		"limit=", "limit=01", "limit= 1", "urgent=yes", "urgent=2", "cursor=abc", "cursor=9223372036854775808",
		"cursor=99999999999999999999", "reference=%ff", "reference=a%00b", "state=%0a",
		"state=0123456789012345678901234567890123",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(read_applications(bad[i]), MINT_ARGUMENT);
		assert_true(detail[0] != '\0');
	}
}

static void
a_parameter_of_another_route_is_refused(void **state)
{
	(void)state;
	assert_int_equal(query_read(&query, ROUTE_bays, "limit=1", detail), MINT_ARGUMENT);
	assert_int_equal(query_read(&query, ROUTE_events, "wait=60", detail), 0);
	assert_int_equal(query_read(&query, ROUTE_events, "wait=61", detail), MINT_ARGUMENT);
	assert_string_equal(detail, "wait: a number from 0 to 60");
}

static void
what_a_stranger_wrote_is_not_repeated(void **state)
{
	(void)state;
	assert_int_equal(read_applications("abc<script>=1"), MINT_ARGUMENT);
	assert_null(strchr(detail, '<'));
}

static void
no_route_has_more_parameters_than_fit(void **state)
{
	(void)state;
	for (int i = 0; i < ROUTE_COUNT; i++) {
		size_t count = 0;

		for (const struct query_parameter *p = query_next((enum route_name)i, NULL); p; p = query_next((enum route_name)i, p)) {
			assert_true(p->kind != QUERY_text || p->high < QUERY_TEXT_BYTES);
			count++;
		}
		assert_true(count <= QUERY_PARAMETERS_MAX);
	}
}

/* --- who may come in over TCP, and what refusals say */

static void
only_names_of_loopback_are_ours(void **state)
{
	(void)state;
	assert_true(door_host_is_ours("127.0.0.1"));
	assert_true(door_host_is_ours("localhost:8080"));
	assert_true(door_host_is_ours("[::1]:80"));
	assert_false(door_host_is_ours(NULL));
	assert_false(door_host_is_ours(""));
	assert_false(door_host_is_ours("localhost.evil.example"));
	assert_false(door_host_is_ours("localhost:"  "80x"));
	assert_false(door_host_is_ours("127.0.0.1.nip.example:80"));
	assert_false(door_host_is_ours("evil.example"));
}

static void
an_error_says_what_and_what_to_do_in_both_languages(void **state)
{
	json_t *error = call_error_json(MINT_REFUSED, "A-1");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(error, "error")), "REFUSED");
	assert_string_equal(json_string_value(json_object_get(error, "detail")), "A-1");
	assert_true(json_string_length(json_object_get(json_object_get(error, "what"), "zh")) > 0);
	assert_true(json_string_length(json_object_get(json_object_get(error, "do"), "en")) > 0);
	json_decref(error);
	assert_int_equal(call_status_of(MINT_REFUSED), 409);
	assert_int_equal(call_status_of(-MINT_NOT_FOUND), 404);
	assert_int_equal(call_status_of(MINT_CLOSED), 503);
	assert_int_equal(call_status_of(MINT_PROTOCOL), 500);
}

static void
index_and_description_name_every_route(void **state)
{
	json_t *index = route_index_json(), *openapi = route_openapi_json();

	(void)state;
	assert_int_equal(json_array_size(json_object_get(index, "routes")), ROUTE_COUNT);
	for (int i = 0; i < ROUTE_COUNT; i++) {
		const struct route *route = route_info((enum route_name)i);
		json_t *path = json_object_get(json_object_get(openapi, "paths"), route->path);

		assert_non_null(json_object_get(path, route->method == ROUTE_GET ? "get" : "post"));
	}
	json_decref(index);
	json_decref(openapi);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_without_object_is_found_whole_only),
		cmocka_unit_test(object_of_the_path_is_decoded),
		cmocka_unit_test(object_that_is_empty_deeper_or_malformed_fits_no_route),
		cmocka_unit_test(known_path_under_another_method_is_told_from_an_unknown_one),
		cmocka_unit_test(no_query_gives_the_presets),
		cmocka_unit_test(each_kind_of_parameter_is_read),
		cmocka_unit_test(misspelt_double_and_bad_parameters_are_refused),
		cmocka_unit_test(a_parameter_of_another_route_is_refused),
		cmocka_unit_test(what_a_stranger_wrote_is_not_repeated),
		cmocka_unit_test(no_route_has_more_parameters_than_fit),
		cmocka_unit_test(only_names_of_loopback_are_ours),
		cmocka_unit_test(an_error_says_what_and_what_to_do_in_both_languages),
		cmocka_unit_test(index_and_description_name_every_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
