/* Barcodes: zint says which modules are dark, the dots are set here, so that no bar is ever wider or narrower than another. */
#include "hostd/label/symbol.h"

#include <string.h>
#include <zint.h>

#include "hostd/label/layout.h"
#include "hostd/label/raster.h"
#include "schemas/errors.h"

/* Clear modules on each side: ISO/IEC 15417, 4.4.2 e and ISO/IEC 18004, 5.3.8. */
enum { QUIET_CODE128 = 10, QUIET_QR = 4, QR_LEVEL_M = 2 };

static struct zint_symbol *
encode(const struct item *item, const char *payload)
{
	struct zint_symbol *symbol = ZBarcode_Create();

	if (!symbol)
		return NULL;
	symbol->symbology = item->kind == ITEM_QR ? BARCODE_QRCODE : BARCODE_CODE128;
	symbol->input_mode = UNICODE_MODE;
	symbol->option_1 = item->kind == ITEM_QR ? QR_LEVEL_M : -1;
	symbol->show_hrt = 0;
	if (ZBarcode_Encode(symbol, (const unsigned char *)payload, (int)strlen(payload)) >= ZINT_ERROR)
		symbol->rows = 0;
	return symbol;
}

static bool
is_dark(const struct zint_symbol *symbol, int row, int column)
{
	return symbol->encoded_data[row][column >> 3] >> (column & 7) & 1;
}

/* Dots a module, 0 when it does not fit. */
static int
module_size(const struct item *item, const struct zint_symbol *symbol)
{
	int quiet = item->kind == ITEM_QR ? QUIET_QR : QUIET_CODE128;
	int across = symbol->width + 2 * quiet, down = item->kind == ITEM_QR ? symbol->rows + 2 * quiet : 0;

	for (int module = item->module_max; module >= item->module_min; module--)
		if (across * module <= item->box.width && down * module <= item->box.height)
			return module;
	return 0;
}

static void
draw_modules(struct raster *page, const struct item *item, const struct zint_symbol *symbol, int module)
{
	int quiet = item->kind == ITEM_QR ? QUIET_QR : QUIET_CODE128;
	int width = (symbol->width + 2 * quiet) * module, height = item->box.height, top = item->box.y;
	int left = item->box.x + quiet * module;

	if (item->align != ALIGN_START)
		left += (item->box.width - width) / (item->align == ALIGN_MIDDLE ? 2 : 1);
	if (item->kind == ITEM_QR) {
		height = module;
		top += quiet * module;
	}
	for (int row = 0; row < symbol->rows; row++)
		for (int column = 0; column < symbol->width; column++)
			if (is_dark(symbol, row, column))
				raster_fill(page, (struct box){ left + column * module, top + row * height, module, height }, true);
}

int
symbol_draw(struct raster *page, const struct item *item, const char *payload)
{
	struct zint_symbol *symbol = encode(item, payload);
	int module, result = MINT_LABEL_TOO_LONG;

	if (!symbol)
		return MINT_MEMORY;
	module = symbol->rows > 0 ? module_size(item, symbol) : 0;
	if (module > 0) {
		draw_modules(page, item, symbol, module);
		result = 0;
	}
	ZBarcode_Delete(symbol);
	return result;
}
