# mint-label: what stands on a parcel, as dots; and the printers that take it.
LIBS += label
label_SRC := \
	hostd/label/fields.c \
	hostd/label/label.c \
	hostd/label/label_json.c \
	hostd/label/layout.c \
	hostd/label/layout_item.c \
	hostd/label/mask.c \
	hostd/label/png.c \
	hostd/label/preview.c \
	hostd/label/printer.c \
	hostd/label/printer_file.c \
	hostd/label/raster.c \
	hostd/label/render.c \
	hostd/label/station.c \
	hostd/label/symbol.c \
	hostd/label/tokenlist.c \
	hostd/label/typeset.c \
	hostd/label/zpl.c
label_PKGS := jansson libconfuse libcrypto pangocairo zlib
label_LDLIBS := -lzint -lm

PROGRAMS += mint-label
mint-label_SRC := \
	hostd/label/main.c
mint-label_USES := label base schemas

UNIT_TESTS += test-mask
test-mask_SRC := tests/unit/test_mask.c
test-mask_USES := label base schemas
test-mask_PKGS := cmocka

UNIT_TESTS += test-label
test-label_SRC := \
	tests/unit/label_fixture.c \
	tests/unit/test_label.c
test-label_USES := label base schemas
test-label_PKGS := cmocka

UNIT_TESTS += test-label-station
test-label-station_SRC := \
	tests/unit/label_fixture.c \
	tests/unit/test_label_station.c
test-label-station_USES := label base schemas
test-label-station_PKGS := cmocka

UNIT_TESTS += test-layout
test-layout_SRC := tests/unit/test_layout.c
test-layout_USES := label base schemas
test-layout_PKGS := cmocka

UNIT_TESTS += test-printer
test-printer_SRC := \
	tests/unit/label_fixture.c \
	tests/unit/test_printer.c \
	tests/unit/unsynced.c
test-printer_USES := label base schemas
test-printer_PKGS := cmocka

FUZZERS += fuzz-label
fuzz-label_SRC := tests/fuzz/fuzz_label.c
fuzz-label_USES := label base schemas

FUZZERS += fuzz-layout
fuzz-layout_SRC := tests/fuzz/fuzz_layout.c
fuzz-layout_USES := label base schemas
