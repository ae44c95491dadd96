# mintctl; everything but main.c is an archive for the unit tests.
LIBS += ctl
ctl_SRC := \
	tools/mintctl/ca.c \
	tools/mintctl/certs.c \
	tools/mintctl/client.c \
	tools/mintctl/command.c \
	tools/mintctl/doctor.c \
	tools/mintctl/doctor_record.c \
	tools/mintctl/events.c \
	tools/mintctl/import.c \
	tools/mintctl/list.c \
	tools/mintctl/look.c \
	tools/mintctl/order.c \
	tools/mintctl/screen.c \
	tools/mintctl/show.c \
	tools/mintctl/watch.c
ctl_PKGS := jansson libcrypto libcurl sqlite3

PROGRAMS += mintctl
mintctl_SRC := \
	tools/mintctl/main.c
mintctl_USES := ctl base schemas
