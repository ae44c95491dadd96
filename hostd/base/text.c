/* Texts from outside. */
#include "hostd/base/text.h"
#include "schemas/utf8.h"

#include <stdio.h>
#include <string.h>

uint32_t
text_next(const char **text, const char *end)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	size_t length = utf8_character(*text, (size_t)(end - *text));
	uint32_t character = length <= 1 ? bytes[0] : bytes[0] & (0x7fU >> length);

	*text += length ? length : 1;
	for (size_t i = 1; i < length; i++)
		character = character << 6 | (bytes[i] & 0x3f);
	return length ? character : TEXT_INVALID;
}

size_t
text_length(const char *text)
{
	size_t length = 0;

	for (; *text != '\0'; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

static bool
is_blank(uint32_t c)
{
	return c == ' ' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Unicode categories Cc, Zl, Zp, the format characters that hide or turn text, and noncharacters. */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfdd0 && c <= 0xfdef) ||
	       (c & 0xfffe) == 0xfffe;
}

static bool
is_private_use(uint32_t c)
{
	return (c >= 0xe000 && c < 0xf900) || c >= 0xf0000;
}

static enum text_fault
character_fault(uint32_t c)
{
	if (c == TEXT_INVALID || is_control(c))
		return TEXT_CONTROL;
	if (c == 0xfffd)
		return TEXT_LOST;
	return is_private_use(c) ? TEXT_PRIVATE_USE : TEXT_OK;
}

enum text_fault
text_check(const char *text, uint32_t *character)
{
	const char *end = text + strlen(text);
	uint32_t c = 0;
	bool blank_edge = false, blank = true;
	enum text_fault fault;

	if (character)
		*character = 0;
	for (const char *at = text; at < end;) {
		bool first = at == text;

		c = text_next(&at, end);
		if ((fault = character_fault(c)) != TEXT_OK) {
			if (character)
				*character = c;
			return fault;
		}
		blank = blank && is_blank(c);
		blank_edge = blank_edge || (is_blank(c) && (first || at == end));
	}
	if (blank)
		return TEXT_BLANK;
	return blank_edge ? TEXT_EDGE : TEXT_OK;
}

void
text_copy(char *copy, size_t size, const char *text, size_t length)
{
	static const char ellipsis[] = "…";
	const char *end = text + length;
	size_t used = 0, cut = 0; /* cut: where the ellipsis still fits */

	while (text < end) {
		const char *from = text;
		uint32_t c = text_next(&text, end);
		size_t bytes = c == TEXT_INVALID || is_control(c) ? 1 : (size_t)(text - from);

		if (used + sizeof ellipsis <= size)
			cut = used;
		if (used + bytes >= size) {
			memcpy(copy + cut, ellipsis, sizeof ellipsis);
			return;
		}
		if (c == TEXT_INVALID || is_control(c))
			copy[used] = '?';
		else
			memcpy(copy + used, from, bytes);
		used += bytes;
	}
	copy[used] = '\0';
}

void
text_mask(char *mask, size_t size, const char *text)
{
	const char *at = text, *end = text + strlen(text);

	if (at < end)
		(void)text_next(&at, end);
	snprintf(mask, size, "%.*s***", (int)(at - text), text);
}

/* On a mismatch the last * takes one character more: no earlier one can help, so the time is at most the product of the lengths. */
bool
text_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			mark = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
