PROGRAMS += mintd
mintd_SRC := \
	hostd/family.c \
	hostd/mintd.c
mintd_USES := base schemas
mintd_PKGS := libsystemd
