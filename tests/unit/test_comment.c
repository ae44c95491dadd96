/* Comments go, lines and quoted texts stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/base/comment.h"

static const struct {
	const char *text, *left;
} cases[] = {
	{ "", "" },
	{ "a = 1 # b\nc = 2\n", "a = 1    \nc = 2\n" },
	{ "# x\n// y\n", "   \n    \n" },
	{ "a /* b\n c */ d", "a     \n      d" },
	{ "a = \"# no // no /* no\" # yes", "a = \"# no // no /* no\"      " },
	{ "a = '# no' # yes", "a = '# no'      " },
	{ "a = \"\\\"# no\" # yes", "a = \"\\\"# no\"      " },
	{ "a = b#c//d", "a = b#c//d" },
	{ "a = {#x\n1}", "a = {  \n1}" },
	{ "/* never ends", "/* never ends" },
	{ "\"never ends # x", "\"never ends # x" },
	{ "\"\\", "\"\\" },
};

static void
comments_become_blanks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = strdup(cases[i].text);
		assert_non_null(text);
		comment_blank(text);
		assert_string_equal(text, cases[i].left);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(comments_become_blanks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
