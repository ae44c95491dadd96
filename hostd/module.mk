PROGRAMS += mintd
mintd_SRC := \
	hostd/mintd.c
mintd_USES := base schemas
mintd_PKGS := libsystemd
