/* Names, phones and addresses as the public may read them: rules as tables, one walk over the characters each. */
#include "hostd/label/mask.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names */

/* The first row whose length is reached; head and tail characters stay readable. */
static const struct {
	size_t from, head, tail;
} name_rules[] = {
	{ 3, 1, 1 },
	{ 2, 1, 0 },
	{ 0, 0, 0 },
};

static bool
starts_character(const char *at)
{
	return !g_unichar_ismark(g_utf8_get_char(at));
}

char *
mask_name(const char *name)
{
	size_t length = 0, index = 0, rule = 0;
	char *masked = malloc(strlen(name) + 1), *out = masked;

	if (!masked)
		return NULL;
	for (const char *at = name; *at; at = g_utf8_next_char(at))
		length += starts_character(at) || at == name;
	while (length < name_rules[rule].from)
		rule++;
	for (const char *at = name, *next; *at; at = next) {
		next = g_utf8_next_char(at);
		bool first = starts_character(at) || at == name;
		index += first;
		if (index <= name_rules[rule].head || index > length - name_rules[rule].tail) {
			memcpy(out, at, (size_t)(next - at));
			out += next - at;
		} else if (first) {
			*out++ = '*';
		}
	}
	*out = '\0';
	return masked;
}

/* --- phones */

enum { PHONE_HIDDEN = 6, PHONE_TAIL = 2 };

/* How many leading digits may stay: the first row whose prefix matches. */
static const struct {
	const char *prefix;
	size_t head;
} phone_rules[] = {
	{ "861", 5 }, /* +86 and the first three of a mobile number */
	{ "86", 2 },
	{ "400", 3 },
	{ "800", 3 },
	{ "010", 3 }, /* area codes: 010 and 02x have three digits, all others four */
	{ "02", 3 },
	{ "0", 4 },
	{ "1", 3 },
	{ "", 0 },
};

/* The value of an ASCII or full-width digit, -1 for anything else. */
static int
digit_value(gunichar c)
{
	if (c >= 0xFF10 && c <= 0xFF19)
		return (int)(c - 0xFF10);
	return c >= '0' && c <= '9' ? (int)(c - '0') : -1;
}

static size_t
phone_head(const char *phone)
{
	char digits[4] = "";
	size_t count = 0;
	size_t rule = 0;

	for (const char *at = phone; *at && count < sizeof digits - 1; at = g_utf8_next_char(at)) {
		int value = digit_value(g_utf8_get_char(at));
		if (value >= 0)
			digits[count++] = (char)('0' + value);
	}
	while (strncmp(digits, phone_rules[rule].prefix, strlen(phone_rules[rule].prefix)) != 0)
		rule++;
	return phone_rules[rule].head;
}

char *
mask_phone(const char *phone)
{
	size_t count = 0, index = 0, shown, head, tail;
	char *masked = malloc(strlen(phone) + 1), *out = masked;

	if (!masked)
		return NULL;
	for (const char *at = phone; *at; at = g_utf8_next_char(at))
		count += digit_value(g_utf8_get_char(at)) >= 0;
	shown = count > PHONE_HIDDEN ? count - PHONE_HIDDEN : 0;
	head = MIN(phone_head(phone), shown);
	tail = MIN((size_t)PHONE_TAIL, shown - head);
	for (const char *at = phone, *next; *at; at = next) {
		next = g_utf8_next_char(at);
		bool digit = digit_value(g_utf8_get_char(at)) >= 0;
		index += digit;
		if (digit && index > head && index <= count - tail) {
			*out++ = '*';
			continue;
		}
		memcpy(out, at, (size_t)(next - at));
		out += next - at;
	}
	*out = '\0';
	return masked;
}

/* --- addresses */

/* What a number in an address is followed by, and what that makes of it. The first row that matches counts, so longer words
 * stand before shorter ones. */
enum meaning { MEANING_KEEP, MEANING_BUILDING, MEANING_ROOM, MEANING_ROOM_INSIDE /* a room once a building was named */ };
static const struct {
	const char *word;
	enum meaning meaning;
	bool hanzi;   /* also behind 一二三 … */
	bool letters; /* also behind one or two letters without a digit */
} followers[] = {
	{ "号楼", MEANING_BUILDING, true, true },
	{ "号院", MEANING_KEEP, true, false },
	{ "号单元", MEANING_ROOM, true, true },
	{ "号房", MEANING_ROOM, true, false },
	{ "号室", MEANING_ROOM, true, false },
	{ "号铺", MEANING_ROOM, true, false },
	{ "号", MEANING_ROOM_INSIDE, true, false },
	{ "栋", MEANING_BUILDING, true, true },
	{ "幢", MEANING_BUILDING, true, true },
	{ "座", MEANING_BUILDING, true, true },
	{ "期", MEANING_KEEP, true, false },
	{ "区", MEANING_KEEP, true, true },
	{ "单元", MEANING_ROOM, true, true },
	{ "室", MEANING_ROOM, true, true },
	{ "层", MEANING_ROOM, true, false },
	{ "楼", MEANING_ROOM, true, false },
	{ "房", MEANING_ROOM, false, true },
	{ "户", MEANING_ROOM, false, true },
	{ "铺", MEANING_ROOM, false, true },
	{ "门", MEANING_ROOM, false, false },
	{ "档", MEANING_ROOM, false, false },
};

/* Words that name a building without a number. 楼 alone will not do: 鼓楼区 is a district. */
static const char *const building_words[] = { "大厦", "大楼", "公寓", "宿舍", "写字楼", "办公楼", "教学楼", "综合楼", "商务楼" };

static const char *const room_words[] = { "room", "rm", "unit", "flat", "suite", "apt", "floor" };

static const char hidden_rest[] = "****";

/* A number as addresses write it: 12, 3-2-1201, B1806, ＃5, 二十八. */
struct number {
	const char *start, *end;
	bool digits, hanzi;
	size_t letters;
};

static bool
is_latin(gunichar c)
{
	return (c < 0x80 && g_ascii_isalpha((gchar)c)) || (c >= 0xFF21 && c <= 0xFF3A) || (c >= 0xFF41 && c <= 0xFF5A);
}

static bool
is_joiner(gunichar c)
{
	return c == '-' || c == '#' || c == '~' || c == 0x2013 || c == 0x2014 || c == 0xFF0D || c == 0xFF03;
}

static bool
is_hanzi_numeral(gunichar c)
{
	static const char numerals[] = "零〇一二三四五六七八九十百两";

	return c >= 0x80 && g_utf8_strchr(numerals, -1, c) != NULL;
}

/* Three letters and more before the digits are a name (SOHO1201), not part of the number. */
static void
number_drop_name(struct number *number)
{
	const char *at = number->start;
	size_t letters = 0;

	while (at < number->end && is_latin(g_utf8_get_char(at))) {
		at = g_utf8_next_char(at);
		letters++;
	}
	if (letters >= 3 && at < number->end) {
		number->start = at;
		number->letters -= letters;
	}
}

static bool
number_at(const char *at, struct number *number)
{
	*number = (struct number){ .start = at, .hanzi = is_hanzi_numeral(g_utf8_get_char(at)) };
	for (; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (number->hanzi ? !is_hanzi_numeral(c) : digit_value(c) < 0 && !is_latin(c) && !is_joiner(c))
			break;
		number->digits |= digit_value(c) >= 0;
		number->letters += is_latin(c);
	}
	number->end = at;
	if (number->digits)
		number_drop_name(number);
	return at > number->start;
}

static bool
is_room_word(const struct number *number)
{
	for (size_t i = 0; i < G_N_ELEMENTS(room_words); i++) {
		size_t length = strlen(room_words[i]);
		if ((size_t)(number->end - number->start) >= length &&
		    g_ascii_strncasecmp(number->start, room_words[i], length) == 0 && !number->digits)
			return true;
	}
	return false;
}

static bool
is_sentence_end(const char *at)
{
	static const char marks[] = ",;/()[]，。；、（）【】";

	return *at == '\0' || g_utf8_strchr(marks, -1, g_utf8_get_char(at)) != NULL;
}

static bool
follower_fits(size_t row, const struct number *number, const char *after)
{
	if (strncmp(after, followers[row].word, strlen(followers[row].word)) != 0)
		return false;
	if (number->hanzi)
		return followers[row].hanzi;
	return number->digits || (followers[row].letters && number->letters > 0 && number->letters <= 2);
}

static enum meaning
number_meaning(const struct number *number, bool inside)
{
	const char *after = number->end;

	if (is_room_word(number))
		return MEANING_ROOM;
	while (*after == ' ')
		after++;
	for (size_t i = 0; i < G_N_ELEMENTS(followers); i++)
		if (follower_fits(i, number, after))
			return followers[i].meaning == MEANING_ROOM_INSIDE ? (inside ? MEANING_ROOM : MEANING_KEEP) : followers[i].meaning;
	/* A bare number: a room when it ends the address or stands inside a building, else a road (104国道). */
	return number->digits && (inside || is_sentence_end(after)) ? MEANING_ROOM : MEANING_KEEP;
}

static bool
names_building(const char *at)
{
	for (size_t i = 0; i < G_N_ELEMENTS(building_words); i++)
		if (strncmp(at, building_words[i], strlen(building_words[i])) == 0)
			return true;
	return false;
}

/* Where the unit, floor or room begins; NULL when the address has none. */
static const char *
room_start(const char *address)
{
	struct number number;
	bool inside = false;

	for (const char *at = address; *at;) {
		if (!number_at(at, &number)) {
			inside |= names_building(at);
			at = g_utf8_next_char(at);
			continue;
		}
		switch (number_meaning(&number, inside)) {
		case MEANING_ROOM:
			return number.start;
		case MEANING_BUILDING:
			inside = true;
			break;
		case MEANING_KEEP:
		case MEANING_ROOM_INSIDE:
			break;
		}
		at = number.end;
	}
	return NULL;
}

char *
mask_address(const char *address)
{
	const char *room = room_start(address);
	size_t kept = room ? (size_t)(room - address) : strlen(address);
	char *masked = malloc(kept + sizeof hidden_rest);

	if (!masked)
		return NULL;
	snprintf(masked, kept + sizeof hidden_rest, "%.*s%s", (int)kept, address, room ? hidden_rest : "");
	return masked;
}
