LIBS += pkcs11
pkcs11_PKGS := p11-kit-1 libcrypto
pkcs11_LDLIBS := -ldl
pkcs11_SRC := \
	pkcs11/attributes.c \
	pkcs11/certificate.c \
	pkcs11/generate.c \
	pkcs11/key.c \
	pkcs11/mechanism.c \
	pkcs11/module.c \
	pkcs11/object.c \
	pkcs11/public_key.c \
	pkcs11/request.c \
	pkcs11/rv.c \
	pkcs11/session.c \
	pkcs11/sign.c \
	pkcs11/slot.c \
	pkcs11/token.c

UNIT_TESTS += test-pkcs11
test-pkcs11_USES := pkcs11 schemas
test-pkcs11_PKGS := cmocka
test-pkcs11_SRC := \
	tests/unit/test_pkcs11.c

UNIT_TESTS += test-pkcs11-stranger
test-pkcs11-stranger_USES := pkcs11 schemas
test-pkcs11-stranger_PKGS := cmocka
test-pkcs11-stranger_SRC := \
	tests/unit/stranger.c \
	tests/unit/test_pkcs11_stranger.c
