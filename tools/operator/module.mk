PROGRAMS += mint-operator
mint-operator_SRC := \
	tools/operator/bench_api.c \
	tools/operator/main.c \
	tools/operator/pile.c
mint-operator_PKGS := jansson libcurl
