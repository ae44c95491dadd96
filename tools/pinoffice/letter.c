#include "tools/pinoffice/letter.h"

#include <string.h>

/* No date and nothing else that changes: a letter made again is the same, and its file need not be touched. The SO-PIN is not in it: it is
 * the office's own, for the day when both the user PIN and the PUK are used up. */
const char letter_template[] =
    "PIN LETTER / 口令函\n"
    "==================================================================\n"
    "\n"
    "Application / 申请号      {application}\n"
    "Certificate / 证书        {credential}\n"
    "Token / 介质              {label}\n"
    "Serial number / 序列号    {serial}\n"
    "\n"
    "    User PIN / 用户口令             {user-pin}\n"
    "\n"
    "    Unblocking code (PUK) / 解锁码  {user-puk}\n"
    "\n"
    "==================================================================\n"
    "The token comes to you separately. Compare its serial number with\n"
    "the one above. Change the PIN at first use, and keep this letter\n"
    "apart from the token: the unblocking code gives a new PIN when too\n"
    "many wrong ones were tried. Was this letter open when it came? Then\n"
    "do not use the token, and call us.\n"
    "\n"
    "介质另行寄送。收到后请核对序列号与上文一致；首次使用时请修改口令；\n"
    "请将本函与介质分开保管：口令多次输错被锁定后，可用解锁码重设。\n"
    "收到时如本函已被拆封，请勿使用该介质，并立即与我们联系。\n";

enum { FIELDS = 7 };

static const char *const names[FIELDS] = { "label", "serial", "model", "application", "credential", "user-pin", "user-puk" };

static const char *
value_of(const struct page *page, int field)
{
	const char *const values[FIELDS] = { page->content.label, page->content.serial, page->content.model, page->application,
		page->credential, page->content.codes[CODE_user_pin], page->content.codes[CODE_user_puk] };

	return *values[field] ? values[field] : "-";
}

/* Which field "{name}" at `text` is, with its length in *length; −1: none. */
static int
field_at(const char *text, size_t *length)
{
	const char *end = strchr(text, '}');

	*length = end ? (size_t)(end - text) + 1 : 0;
	for (int i = 0; i < FIELDS && end; i++)
		if (strlen(names[i]) == *length - 2 && memcmp(names[i], text + 1, *length - 2) == 0)
			return i;
	return -1;
}

int
letter_check(const char *template_text)
{
	size_t length;

	for (const char *open = strchr(template_text, '{'); open; open = strchr(open + 1, '{'))
		if (field_at(open, &length) < 0)
			return -1;
	return 0;
}

size_t
letter_write(const char *template_text, const struct page *page, char text[LETTER_BYTES_MAX])
{
	size_t used = 0, length;

	while (*template_text) {
		int field = *template_text == '{' ? field_at(template_text, &length) : -1;
		const char *piece = field >= 0 ? value_of(page, field) : template_text;
		size_t bytes = field >= 0 ? strlen(piece) : 1 + strcspn(template_text + 1, "{");

		if (used + bytes >= LETTER_BYTES_MAX)
			return 0;
		memcpy(text + used, piece, bytes);
		used += bytes;
		template_text += field >= 0 ? length : bytes;
	}
	text[used] = '\0';
	return used;
}
