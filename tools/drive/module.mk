# Conversations with a mint-worker in mint-queue's place: mintctl and the tests of the worker use them.
LIBS += drive
drive_PKGS := libcrypto
drive_SRC := \
	tools/drive/drive.c \
	tools/drive/office.c
