/* Numbers of companies and people: GB 32100, GB 11714, GB 11643, GB/T 2260. */
#include "hostd/base/identity.h"

#include <stddef.h>
#include <string.h>

#include "hostd/base/date.h"

/* GB 32100-2015, table 1: no I, O, S, V, Z. A character's value is its place. */
static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

static const struct {
	char code[3];
	const char *name;
} provinces[] = {
	{ "10", "国家" },
	{ "11", "北京市" },
	{ "12", "天津市" },
	{ "13", "河北省" },
	{ "14", "山西省" },
	{ "15", "内蒙古自治区" },
	{ "21", "辽宁省" },
	{ "22", "吉林省" },
	{ "23", "黑龙江省" },
	{ "31", "上海市" },
	{ "32", "江苏省" },
	{ "33", "浙江省" },
	{ "34", "安徽省" },
	{ "35", "福建省" },
	{ "36", "江西省" },
	{ "37", "山东省" },
	{ "41", "河南省" },
	{ "42", "湖北省" },
	{ "43", "湖南省" },
	{ "44", "广东省" },
	{ "45", "广西壮族自治区" },
	{ "46", "海南省" },
	{ "50", "重庆市" },
	{ "51", "四川省" },
	{ "52", "贵州省" },
	{ "53", "云南省" },
	{ "54", "西藏自治区" },
	{ "61", "陕西省" },
	{ "62", "甘肃省" },
	{ "63", "青海省" },
	{ "64", "宁夏回族自治区" },
	{ "65", "新疆维吾尔自治区" },
	{ "71", "台湾省" },
	{ "81", "香港特别行政区" },
	{ "82", "澳门特别行政区" },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits_at(const char *text)
{
	return strspn(text, "0123456789");
}

/* GB 11714-1997: A is 10 … Z is 35 in the plain alphabet. */
static int
organisation_value(char c)
{
	return is_digit(c) ? c - '0' : c - 'A' + 10;
}

char
organisation_check_character(const char *first_8)
{
	static const int weights[] = { 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	for (int i = 0; i < 8; i++)
		sum += organisation_value(first_8[i]) * weights[i];
	return "0X987654321"[sum % 11];
}

char
uscc_check_character(const char *first_17)
{
	int sum = 0, weight = 1;

	for (int i = 0; i < 17; i++, weight = weight * 3 % 31)
		sum += (int)(strchr(uscc_alphabet, first_17[i]) - uscc_alphabet) * weight;
	return uscc_alphabet[(31 - sum % 31) % 31];
}

char
id_card_check_character(const char *first_17)
{
	static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	for (int i = 0; i < 17; i++)
		sum += (first_17[i] - '0') * weights[i];
	return "10X98765432"[sum % 11];
}

enum uscc_fault
uscc_check(const char *uscc)
{
	bool organisation, check;

	if (strlen(uscc) != 18)
		return USCC_LENGTH;
	if (strspn(uscc, uscc_alphabet) != 18 || digits_at(uscc + 2) < 6)
		return USCC_CHARACTER;
	if (!division_province(uscc + 2))
		return USCC_DIVISION;
	/* Character 17 may be an X, which the other alphabet has too. */
	organisation = organisation_check_character(uscc + 8) == uscc[16];
	check = uscc_check_character(uscc) == uscc[17];
	if (organisation)
		return check ? USCC_OK : USCC_CHECK;
	return check ? USCC_ORGANISATION : USCC_DIGITS;
}

static bool
birth_possible(const char *yyyymmdd, int64_t today)
{
	int part[3] = { 0, 0, 0 };
	static const int length[] = { 4, 2, 2 };

	for (int p = 0; p < 3; p++)
		for (int i = 0; i < length[p]; i++)
			part[p] = part[p] * 10 + (*yyyymmdd++ - '0');
	return part[0] >= 1800 && date_exists(part[0], part[1], part[2]) && date_day(part[0], part[1], part[2]) <= today;
}

enum id_card_fault
id_card_check(const char *id_card, int64_t today)
{
	if (strlen(id_card) != 18)
		return ID_CARD_LENGTH;
	if (digits_at(id_card) < 17 || (!is_digit(id_card[17]) && id_card[17] != 'X'))
		return ID_CARD_CHARACTER;
	if (!birth_possible(id_card + 6, today))
		return ID_CARD_DATE;
	return id_card_check_character(id_card) == id_card[17] ? ID_CARD_OK : ID_CARD_CHECK;
}

/* 010 and 02x are area codes of three digits, all others have four; subscriber numbers begin with 2 to 9. */
static bool
is_landline(const char *phone)
{
	size_t area, number, extension;
	const char *rest;

	if (phone[0] != '0' || phone[1] < '1' || phone[1] > '9')
		return false;
	area = phone[1] <= '2' ? 3 : 4;
	if (digits_at(phone) < area)
		return false;
	rest = phone + area + (phone[area] == '-');
	number = digits_at(rest);
	if ((number != 7 && number != 8) || rest[0] < '2')
		return false;
	rest += number;
	if (*rest == '\0')
		return true;
	extension = digits_at(rest + 1);
	return *rest == '-' && extension >= 1 && extension <= 6 && rest[1 + extension] == '\0';
}

enum phone_kind
phone_kind(const char *phone)
{
	if (strlen(phone) == 11 && digits_at(phone) == 11 && phone[0] == '1' && phone[1] >= '3')
		return PHONE_MOBILE;
	return is_landline(phone) ? PHONE_LANDLINE : PHONE_INVALID;
}

static bool
is_letter_or_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5321, Dot-string: atoms with single dots between them. */
static bool
local_part_valid(const char *text, size_t length)
{
	if (length == 0 || length > 64)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			if (i == 0 || i + 1 == length || text[i + 1] == '.')
				return false;
		} else if (!is_letter_or_digit(text[i]) && (text[i] == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~", text[i]))) {
			return false;
		}
	}
	return true;
}

/* At least two labels of letters, digits and inner hyphens. */
static bool
domain_valid(const char *text)
{
	int labels = 0;

	for (;; text++) {
		size_t length = 0;

		while (is_letter_or_digit(text[length]) || text[length] == '-')
			length++;
		if (length == 0 || length > 63 || text[0] == '-' || text[length - 1] == '-')
			return false;
		labels++;
		text += length;
		if (*text == '\0')
			return labels >= 2;
		if (*text != '.')
			return false;
	}
}

bool
email_valid(const char *email)
{
	const char *at = strchr(email, '@');

	if (!at || strlen(email) > 254)
		return false;
	return local_part_valid(email, (size_t)(at - email)) && domain_valid(at + 1);
}

const char *
division_province(const char *division)
{
	for (size_t i = 0; i < sizeof provinces / sizeof provinces[0]; i++)
		if (strncmp(provinces[i].code, division, 2) == 0)
			return provinces[i].name;
	return NULL;
}

enum division_fault
division_check(const char *division)
{
	if (strlen(division) != 6 || digits_at(division) != 6)
		return DIVISION_FORM;
	return division_province(division) ? DIVISION_OK : DIVISION_PROVINCE;
}

bool
uscc_names_division(const char *uscc, const char *division)
{
	return strncmp(uscc + 2, division, 6) == 0;
}
