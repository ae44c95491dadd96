# mint-ca: the one program that holds, or reaches, the CA key.
LIBS += ca
ca_SRC := \
	hostd/ca/attribute.c \
	hostd/ca/authority.c \
	hostd/ca/authority_make.c \
	hostd/ca/ca.c \
	hostd/ca/certificate.c \
	hostd/ca/command.c \
	hostd/ca/command_run.c \
	hostd/ca/command_signed.c \
	hostd/ca/content.c \
	hostd/ca/crl.c \
	hostd/ca/embedded.c \
	hostd/ca/encode.c \
	hostd/ca/extension.c \
	hostd/ca/file.c \
	hostd/ca/issuelog.c \
	hostd/ca/ledger.c \
	hostd/ca/name.c \
	hostd/ca/passphrase.c \
	hostd/ca/profile.c \
	hostd/ca/profile_check.c \
	hostd/ca/reason.c \
	hostd/ca/record.c \
	hostd/ca/request.c \
	hostd/ca/service.c \
	hostd/ca/text.c
ca_PKGS := libcrypto libconfuse jansson libevent_core

PROGRAMS += mint-ca
mint-ca_SRC := \
	hostd/ca/main.c
mint-ca_USES := ca base schemas

UNIT_TESTS += test-csr
test-csr_SRC := \
	tests/unit/ca_fixture.c \
	tests/unit/test_csr.c
test-csr_USES := ca base schemas
test-csr_PKGS := cmocka

UNIT_TESTS += test-issuelog
test-issuelog_SRC := \
	tests/unit/ca_fixture.c \
	tests/unit/test_issuelog.c \
	tests/unit/unsynced.c
test-issuelog_USES := ca base schemas
test-issuelog_PKGS := cmocka

UNIT_TESTS += test-certificate-profile
test-certificate-profile_SRC := \
	tests/unit/test_certificate_profile.c
test-certificate-profile_USES := ca base schemas
test-certificate-profile_PKGS := cmocka

UNIT_TESTS += test-ca
test-ca_SRC := \
	tests/unit/ca_fixture.c \
	tests/unit/test_ca.c \
	tests/unit/unsynced.c
test-ca_USES := ca base schemas
test-ca_PKGS := cmocka

FUZZERS += fuzz-csr
fuzz-csr_SRC := \
	tests/fuzz/fuzz_csr.c
fuzz-csr_USES := ca base schemas

FUZZERS += fuzz-certificate_profile
fuzz-certificate_profile_SRC := \
	tests/fuzz/fuzz_certificate_profile.c
fuzz-certificate_profile_USES := ca base schemas

UNIT_TESTS += test-mint-ca
test-mint-ca_SRC := \
	tests/unit/ca_fixture.c \
	tests/unit/test_mint_ca.c
test-mint-ca_USES := base schemas
test-mint-ca_PKGS := cmocka libcrypto
$(B)/test-mint-ca: | $(B)/mint-ca
