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
