/* Is a label fit to be drawn? */
#include "hostd/label/label.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "hostd/base/text.h"
#include "schemas/errors.h"

static const char application_characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";

/* Controls would break lines or turn the writing direction. A character that no font has is found when it is drawn. */
static bool
is_plain_text(const char *text)
{
	return g_utf8_validate(text, -1, NULL) && text_check(text, NULL) != TEXT_CONTROL;
}

static int
refuse(char *why, size_t why_size, const char *field, const char *what)
{
	snprintf(why, why_size, "%s: %s", field, what);
	return MINT_FIELD;
}

static int
check_text(const char *field, const char *text, bool needed, char *why, size_t why_size)
{
	if (needed && *text == '\0')
		return refuse(why, why_size, field, "is missing");
	if (strlen(text) > LABEL_TEXT_MAX)
		return refuse(why, why_size, field, "is longer than 1024 bytes");
	if (!is_plain_text(text))
		return refuse(why, why_size, field, "is not plain UTF-8 text of one line");
	return 0;
}

static int
check_serials(const struct label *label, char *why, size_t why_size)
{
	if (label->serial_count == 0 || label->serial_count > LABEL_SERIALS_MAX)
		return refuse(why, why_size, "tokens", "1 to 1000 serials are expected");
	for (size_t i = 0; i < label->serial_count; i++) {
		const char *serial = label->serials[i];
		if (*serial == '\0' || strlen(serial) > LABEL_SERIAL_MAX || !is_plain_text(serial))
			return refuse(why, why_size, "tokens", "a serial is empty, longer than 64 bytes or no plain text");
	}
	return 0;
}

int
label_check(const struct label *label, char *why, size_t why_size)
{
	bool shipping = label->kind == LABEL_SHIPPING;
	const struct {
		const char *field, *text;
		bool needed;
	} texts[] = {
		{ "organisation", label->organisation, false },
		{ "name", label->name, true },
		{ "phone", label->phone, shipping },
		{ "address", label->address, shipping },
		{ "collection_point", label->collection_point, false },
		{ "waybill", label->waybill, false },
		{ "routing", label->routing, false },
		{ "hub", label->hub, false },
		{ "product", label->product, false },
		{ "sender_name", label->sender_name, false },
		{ "sender_phone", label->sender_phone, false },
		{ "sender_address", label->sender_address, false },
	};
	size_t length = strlen(label->application);

	/* It becomes a barcode and the name of a file. */
	if (length == 0 || length > LABEL_APPLICATION_MAX || strspn(label->application, application_characters) != length ||
	    label->application[0] == '.')
		return refuse(why, why_size, "application", "1 to 48 letters, digits, '.', '_' or '-' are expected, '.' not first");
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		int result = check_text(texts[i].field, texts[i].text, texts[i].needed, why, why_size);
		if (result < 0)
			return result;
	}
	return check_serials(label, why, why_size);
}
