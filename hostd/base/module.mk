# What every program of the host stands on.
base_SRC += \
	hostd/base/clock.c \
	hostd/base/config.c \
	hostd/base/ipc.c \
	hostd/base/program.c

base_PKGS += libevent_core libconfuse
