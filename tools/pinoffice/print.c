#include "tools/pinoffice/print.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct printing {
	json_t *tokens; /* NULL: as a table */
	int     show;
};

static void
print_page(const struct page *page, void *argument)
{
	const struct printing *printing = argument;

	printf("%-12s  %-20s  %-20s ", page->content.label, page->content.serial, *page->credential ? page->credential : "-");
	for (int i = 0; i < CODE_COUNT; i++)
		if (*page->content.codes[i])
			printf(" %s%s%s", code_text((enum code_name)i), printing->show ? " " : "", printing->show ? page->content.codes[i] : "");
	if (page->unclear[SEAT_user] || page->unclear[SEAT_so])
		fputs(" ?", stdout);
	putchar('\n');
}

/* Table heads are the names of the JSON members: one word for a thing, in both languages. */
int
print_table(const struct book *book, int show)
{
	struct printing printing = { NULL, show };

	printf("%-12s  %-20s  %-20s  %s\n", "label", "serial", "credential", "codes");
	book_each(book, print_page, &printing);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

static json_t *
codes_json(const struct content *content, int show)
{
	json_t *codes = show ? json_object() : json_array();

	for (int i = 0; i < CODE_COUNT; i++) {
		if (!*content->codes[i])
			continue;
		if (show)
			json_object_set_new(codes, code_text((enum code_name)i), json_string(content->codes[i]));
		else
			json_array_append_new(codes, json_string(code_text((enum code_name)i)));
	}
	return codes;
}

static json_t *
number_or_null(long long envelope)
{
	return envelope ? json_integer(envelope) : json_null();
}

static void
add_page(const struct page *page, void *argument)
{
	struct printing *printing = argument;

	json_array_append_new(printing->tokens, json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:o,s:o},s:o}", "label", page->content.label,
	    "serial", page->content.serial, "model", page->content.model, "application", page->application, "credential",
	    page->credential, "envelopes", "user", number_or_null(page->envelope[SEAT_user]), "so",
	    number_or_null(page->envelope[SEAT_so]), "codes", codes_json(&page->content, printing->show)));
}

int
print_json(const struct book *book, const struct faults *faults, int show)
{
	struct printing printing = { json_array(), show };
	json_t *answer;
	int r;

	book_each(book, add_page, &printing);
	answer = json_pack("{s:o,s:O}", "tokens", printing.tokens, "faults", faults_json(faults));
	r = json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	return r == 0 && fflush(stdout) == 0 ? 0 : -1;
}
