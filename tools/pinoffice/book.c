#include "tools/pinoffice/book.h"

#include <openssl/crypto.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct book {
	void *root; /* tsearch(3) of struct page */
};

static const enum code_name codes_of[SEAT_COUNT][2] = {
	[SEAT_user] = { CODE_user_pin, CODE_user_puk },
	[SEAT_so] = { CODE_so_pin, CODE_so_puk },
};

struct book *
book_new(void)
{
	return calloc(1, sizeof(struct book));
}

static void
free_page(void *page)
{
	OPENSSL_clear_free(page, sizeof(struct page));
}

void
book_free(struct book **book)
{
	if (*book)
		tdestroy((*book)->root, free_page);
	free(*book);
	*book = NULL;
}

static int
compare(const void *left, const void *right)
{
	const struct content *a = &((const struct page *)left)->content, *b = &((const struct page *)right)->content;
	int order = strcmp(a->label, b->label);

	if (order == 0)
		order = strcmp(a->serial, b->serial);
	return order ? order : strcmp(a->model, b->model);
}

/* The page of the token, a new one without codes where it is not known. */
static struct page *
find_page(struct book *book, const struct content *content)
{
	struct page *page = OPENSSL_zalloc(sizeof *page);
	void **place;

	if (!page)
		return NULL;
	memcpy(page->content.model, content->model, sizeof content->model);
	memcpy(page->content.serial, content->serial, sizeof content->serial);
	memcpy(page->content.label, content->label, sizeof content->label);
	place = tsearch(page, &book->root, compare);
	if (!place || *place != page)
		free_page(page);
	return place ? *place : NULL;
}

static int
is_same(const struct content *a, const struct content *b, enum seat seat)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(a->codes[codes_of[seat][i]], b->codes[codes_of[seat][i]]) != 0)
			return 0;
	return 1;
}

static void
take_seat(struct page *page, enum seat seat, const struct content *from, long long envelope)
{
	for (int i = 0; i < 2; i++) {
		enum code_name code = codes_of[seat][i];

		OPENSSL_cleanse(page->content.codes[code], CONTENT_CODE_BYTES);
		if (from)
			memcpy(page->content.codes[code], from->codes[code], CONTENT_CODE_BYTES);
	}
	page->envelope[seat] = envelope;
}

/* 1 when what the envelope holds of the seat is the latest. */
static int
add_seat(struct page *page, enum seat seat, const struct content *content, long long envelope)
{
	long long known = page->envelope[seat];

	if (page->unclear[seat])
		return 0;
	if (!content_has(&page->content, seat) || is_same(&page->content, content, seat)) {
		take_seat(page, seat, content, envelope > known ? envelope : known);
		return 1;
	}
	if (envelope == 0 || known == 0 || envelope == known) {
		page->unclear[seat] = 1;
		take_seat(page, seat, NULL, 0);
		return 0;
	}
	if (envelope < known)
		return 0;
	take_seat(page, seat, content, envelope);
	return 1;
}

int
book_add(struct book *book, const struct content *content, long long envelope, const char *application, const char *credential)
{
	struct page *page = find_page(book, content);
	int unclear = 0;

	if (!page)
		return -1;
	for (int seat = 0; seat < SEAT_COUNT; seat++) {
		if (!content_has(content, (enum seat)seat))
			continue;
		if (add_seat(page, (enum seat)seat, content, envelope) && seat == SEAT_user && *application) {
			snprintf(page->application, sizeof page->application, "%s", application);
			snprintf(page->credential, sizeof page->credential, "%s", credential);
		}
		unclear |= page->unclear[seat];
	}
	return unclear;
}

void
book_expect(struct book *book, const char *model, const char *serial, const char *label, enum seat seat, long long envelope)
{
	struct page wanted = { .envelope = { 0 } }, *page;
	void **place;

	snprintf(wanted.content.model, sizeof wanted.content.model, "%s", model);
	snprintf(wanted.content.serial, sizeof wanted.content.serial, "%s", serial);
	snprintf(wanted.content.label, sizeof wanted.content.label, "%s", label);
	place = tfind(&wanted, &book->root, compare);
	page = place ? *place : NULL;
	if (page && page->expected[seat] < envelope)
		page->expected[seat] = envelope;
}

struct visit {
	void (*each)(const struct page *page, void *argument);
	void *argument;
};

static void
on_node(const void *node, VISIT when, void *closure)
{
	const struct visit *visit = closure;

	if (when == postorder || when == leaf)
		visit->each(*(const struct page *const *)node, visit->argument);
}

void
book_each(const struct book *book, void (*each)(const struct page *, void *), void *argument)
{
	struct visit visit = { each, argument };

	twalk_r(book->root, on_node, &visit);
}

static void
check_page(const struct page *page, void *argument)
{
	const struct visit *visit = argument;
	struct page *own = (struct page *)(uintptr_t)page; /* the tree's, which its walk shows as constant */
	int missing = 0;

	for (int seat = 0; seat < SEAT_COUNT; seat++) {
		if (page->unclear[seat] || page->expected[seat] <= page->envelope[seat])
			continue;
		own->unclear[seat] = missing = 1;
		take_seat(own, (enum seat)seat, NULL, 0);
	}
	if (missing)
		visit->each(page, visit->argument);
}

void
book_check(struct book *book, void (*told)(const struct page *, void *), void *argument)
{
	struct visit visit = { told, argument };

	book_each(book, check_page, &visit);
}
