# mint-label: what stands on a parcel, as dots; and the printers that take it.
LIBS += label
label_SRC := \
	hostd/label/mask.c
label_PKGS := glib-2.0
label_LDLIBS := -lzint

UNIT_TESTS += test-mask
test-mask_SRC := tests/unit/test_mask.c
test-mask_USES := label
test-mask_PKGS := cmocka
