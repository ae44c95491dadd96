#include "hostd/ca/text.h"

#include <openssl/asn1.h>
#include <string.h>

/* Reads one code point (RFC 3629) and moves on. −1 for what is none: surrogates, over-long forms, beyond U+10FFFF. */
static long
code_point(const unsigned char **at)
{
	static const long least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = *at;
	int more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2 : *s >= 0xf0 && *s < 0xf5 ? 3 : -1;
	long value;

	if (more < 0)
		return -1;
	value = more == 0 ? *s : *s & (0x3f >> more);
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		value = value << 6 | (s[i] & 0x3f);
	}
	*at = s + 1 + more;
	return value < least[more] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? -1 : value;
}

static int
is_control(long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static int
is_noncharacter(long c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* X.680, 41.4. */
static int
is_printable(long c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c < 0x80 && strchr(" '()+,-./:=?", (int)c));
}

const char *
text_wrong(const char *text, int string_type, int chars_max)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t bytes = strlen(text);
	int chars = 0;

	if (bytes == 0)
		return "is empty";
	for (; *at; chars++) {
		long c = code_point(&at);

		if (c < 0)
			return "is not UTF-8";
		if (is_control(c) || is_noncharacter(c))
			return "holds a control character or a code point that is no character";
		if (string_type == V_ASN1_PRINTABLESTRING && !is_printable(c))
			return "holds a character that a PrintableString cannot carry";
		if (string_type == V_ASN1_IA5STRING && c > 0x7e)
			return "holds a character that is not ASCII";
	}
	if (chars > chars_max)
		return "has too many characters";
	return text[0] == ' ' || text[bytes - 1] == ' ' ? "begins or ends with a blank" : NULL;
}
