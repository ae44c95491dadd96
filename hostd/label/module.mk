# mint-label: what stands on a parcel, as dots; and the printers that take it.
LIBS += label
label_SRC := \
	hostd/label/fields.c \
	hostd/label/label.c \
	hostd/label/label_json.c \
	hostd/label/layout.c \
	hostd/label/mask.c \
	hostd/label/png.c \
	hostd/label/printer.c \
	hostd/label/printer_file.c \
	hostd/label/raster.c \
	hostd/label/render.c \
	hostd/label/symbol.c \
	hostd/label/tokenlist.c \
	hostd/label/typeset.c \
	hostd/label/zpl.c
label_PKGS := jansson libconfuse libcrypto pangocairo zlib
label_LDLIBS := -lzint -lm

PROGRAMS += mint-label
mint-label_SRC := \
	hostd/label/main.c \
	hostd/label/preview.c \
	hostd/label/station.c
mint-label_USES := label base schemas

UNIT_TESTS += test-mask
test-mask_SRC := tests/unit/test_mask.c
test-mask_USES := label
test-mask_PKGS := cmocka
